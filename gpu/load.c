#include "gpu/cuda.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/*
 * The driver's library is wherever a GPU works.  cuBLASLt comes with the
 * toolkit or its packages; its functions used here are the same in 12 and 13.
 * Neither is ever unloaded: threads of theirs may be running.
 */
static const char *const driver_names[] = {"libcuda.so.1", NULL};
static const char *const cublas_names[] = {"libcublasLt.so.13", "libcublasLt.so.12", NULL};

/* The image that nvcc made of kernels/kernels.cu (image.c). */
extern const unsigned char gpu_kernels_image[];

static struct cuda_libraries libraries;
static struct err failure;
static int loaded;

static void *library_open(const char *const *names, const char *remedy)
{
	for (size_t i = 0; names[i] != NULL; i++) {
		void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (library != NULL)
			return library;
	}
	err_set(&failure, "%s is not found: %s", names[0], remedy);
	return NULL;
}

/* ISO C has no cast from an object's pointer to a function's; POSIX says that the bits are the same. */
static int symbol_find(void *library, const char *name, void *function)
{
	void *address = dlsym(library, name);
	if (address == NULL)
		return err_set(&failure, "the NVIDIA library that was found lacks %s: a newer one is needed", name);
	memcpy(function, &address, sizeof address);
	return 0;
}

#define FIND(name, symbol, arguments)                                                                                 \
	if (symbol_find(library, #symbol, &out->name) < 0)                                                            \
		return -1;

static int cuda_find(void *library, struct cuda *out)
{
	CUDA_FUNCTIONS(FIND)
	return 0;
}

static int cublas_find(void *library, struct cublas *out)
{
	CUBLAS_FUNCTIONS(FIND)
	return 0;
}

static void load_once(void)
{
	void *driver = library_open(driver_names, "no NVIDIA driver is installed");
	if (driver == NULL || cuda_find(driver, &libraries.cuda) < 0)
		return;
	void *cublas = library_open(cublas_names, "install cuBLAS 12 or 13");
	if (cublas == NULL || cublas_find(cublas, &libraries.cublas) < 0)
		return;
	libraries.kernels = gpu_kernels_image;
	loaded = 1;
}

const struct cuda_libraries *cuda_load(struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load_once);
	if (loaded)
		return &libraries;
	err_set(e, "%s", failure.text);
	return NULL;
}
