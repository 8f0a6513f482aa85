/*
 * Opening a GPU: the one of that number, or the first whose architecture has
 * what the kernels need (bfloat16 on tensor cores: compute capability 8.0).  The
 * primary context is the one that cuBLASLt uses.
 */
#include "gpu/device.h"

#include "gpu/stream.h"

#include <stdio.h>
#include <stdlib.h>

int gpu_error(const struct cuda *cuda, int error, const char *what, struct err *e)
{
	const char *text = NULL;
	if (cuda->error_string(error, &text) != 0 || text == NULL)
		text = "an error that the driver does not know";
	return err_set(e, "%s: %s (CUDA error %d)", what, text, error);
}

enum { LEAST_MAJOR = 8 };

static int devices_count(const struct cuda *cuda, int *count, struct err *e)
{
	int error;
	if ((error = cuda->init(0)) != 0)
		return gpu_error(cuda, error, "the NVIDIA driver does not start", e);
	if ((error = cuda->device_count(count)) != 0)
		return gpu_error(cuda, error, "the driver does not tell its devices", e);
	return *count > 0 ? 0 : err_set(e, "the driver knows no GPU");
}

/* Takes device `index`, with its name, where it is new enough; -1 with the reason. */
static int device_take(struct device *device, int index, struct err *e)
{
	const struct cuda *cuda = device->cuda;
	int major = 0, minor = 0, error;
	char name[80] = "";
	if ((error = cuda->device_get(&device->number, index)) != 0 ||
	    (error = cuda->device_name(name, sizeof name, device->number)) != 0 ||
	    (error = cuda->device_attribute(&major, CUDA_COMPUTE_MAJOR, device->number)) != 0 ||
	    (error = cuda->device_attribute(&minor, CUDA_COMPUTE_MINOR, device->number)) != 0)
		return gpu_error(cuda, error, "the driver does not tell what its device is", e);
	if (major < LEAST_MAJOR)
		return err_set(e, "%s has compute capability %d.%d; 8.0 is needed", name, major, minor);
	snprintf(device->name, sizeof device->name, "cuda-sm%d%d (%s)", major, minor, name);
	return 0;
}

static int device_find(struct device *device, int number, struct err *e)
{
	int count = 0;
	if (devices_count(device->cuda, &count, e) < 0)
		return -1;
	if (number >= count)
		return err_set(e, "the driver knows %d GPU%s, and their numbers begin at 0", count, count == 1 ? "" : "s");
	if (number >= 0)
		return device_take(device, number, e);
	for (int i = 0; i < count; i++)
		if (device_take(device, i, e) == 0)
			return 0;
	return -1;
}

static int kernels_load(struct device *device, const void *image, struct err *e)
{
#define KERNEL_NAME(name, arguments) #name,
	static const char *const names[] = {KERNELS(KERNEL_NAME)};
	const struct cuda *cuda = device->cuda;
	int error = cuda->module_load(&device->module, image);
	if (error != 0)
		return gpu_error(cuda, error, "the driver does not take the kernels (is it older than they are?)", e);
	for (size_t i = 0; i < KERNEL_COUNT; i++) {
		error = cuda->module_function(&device->kernels[i], device->module, names[i]);
		if (error != 0)
			return gpu_error(cuda, error, names[i], e);
	}
	return 0;
}

/* A worker that waits for the GPU sleeps: as a rule it would spin, on a CPU that others tokenise on. */
static int device_start(struct device *device, const void *image, struct err *e)
{
	const struct cuda *cuda = device->cuda;
	int error = cuda->context_flags(device->number, CUDA_WAIT_ASLEEP);
	if (error != 0)
		return gpu_error(cuda, error, "the GPU takes no flags", e);
	error = cuda->context_retain(&device->context, device->number);
	if (error != 0) {
		device->context = NULL;
		return gpu_error(cuda, error, "the GPU gives no context", e);
	}
	if ((error = cuda->context_use(device->context)) != 0)
		return gpu_error(cuda, error, "the GPU's context cannot be used", e);
	if (kernels_load(device, image, e) < 0)
		return -1;
	if ((error = device->cublas->create(&device->handle)) != 0) {
		device->handle = NULL;
		return err_set(e, "cuBLASLt does not start (status %d)", error);
	}
	device->loader = gpu_stream_open(device, &(struct stream_limits){.heads = 1}, e);
	return device->loader != NULL ? 0 : -1;
}

struct device *gpu_device_open(const struct ops *ops, int number, struct err *e)
{
	const struct cuda_libraries *libraries = cuda_load(e);
	if (libraries == NULL)
		return NULL;
	struct device *device = calloc(1, sizeof *device);
	if (device == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	device->table = (const struct gpu_ops *)ops;
	device->cuda = &libraries->cuda;
	device->cublas = &libraries->cublas;
	if (device_find(device, number, e) < 0 || device_start(device, libraries->kernels, e) < 0) {
		gpu_device_close(device);
		return NULL;
	}
	return device;
}

/* What a device that was lost answers here changes nothing. */
void gpu_device_close(struct device *device)
{
	if (device == NULL)
		return;
	if (device->context != NULL) {
		device->cuda->context_use(device->context);
		gpu_stream_close(device->loader);
		gpu_weights_free(device);
		if (device->handle != NULL)
			device->cublas->destroy(device->handle);
		if (device->module != NULL)
			device->cuda->module_unload(device->module);
		device->cuda->context_release(device->number);
	}
	free(device);
}
