#include "model/openblas.h"

#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * OpenBLAS picks its kernels in a constructor, by a table of CPU models that
 * ends with those known at its release: Debian 12's 0.3.21 takes newer Xeons
 * for a Prescott and runs at a quarter of the speed.  So the library is not
 * linked but loaded, after CPUID has told us what the machine (and its kernel,
 * which must save the wide registers) can do and the choice is in the
 * environment.  A value that the user has set stands.
 *
 * One thread inside the library: the classifier has workers of its own, and
 * two pools on the same cores wait for each other.
 */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct openblas loaded;
static struct err failure;

static const char *core_type(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	/* GCC's and clang's answers include XCR0, the operating system's part. */
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return "SkylakeX";
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return "Haswell";
#endif
	return NULL;
}

static void load(void)
{
	const char *core = core_type();
	if (core != NULL)
		setenv("OPENBLAS_CORETYPE", core, 0);
	setenv("OPENBLAS_NUM_THREADS", "1", 0);

	void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		err_set(&failure, "%s", dlerror());
		return;
	}
	*(void **)&loaded.sgemm = dlsym(library, "cblas_sgemm");
	if (loaded.sgemm == NULL) {
		err_set(&failure, "%s", dlerror());
		dlclose(library);
		return;
	}
	char *(*corename)(void);
	*(void **)&corename = dlsym(library, "openblas_get_corename");
	snprintf(loaded.core, sizeof loaded.core, "%s", corename != NULL ? corename() : "unknown");
	for (char *c = loaded.core; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
}

const struct openblas *openblas_load(struct err *e)
{
	pthread_once(&once, load);
	if (loaded.sgemm == NULL) {
		err_set(e, "%s", failure.text);
		return NULL;
	}
	return &loaded;
}
