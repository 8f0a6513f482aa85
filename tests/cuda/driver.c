#include "gpu/cuda.h"
#include "tests/cuda/emulation.h"
#include "tests/cuda/fibres.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The driver.  A call that needs a current context fails without one; what
 * belongs to one device (streams, kernels, memory) and is used under another's context
 * is refused as the driver would, or ends the process where the driver might let it pass.
 */
enum { INVALID_VALUE = 1, INVALID_DEVICE = 101, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500 };

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

struct CUfunc_st {
	const struct emulated_kernel *kernel;
	int device;
};

enum { MOST_KERNELS = 64 };

struct CUctx_st {
	int retained;
	bool asleep;
	long launches;
	struct CUfunc_st functions[MOST_KERNELS];
};

static struct CUctx_st contexts[EMULATED_MOST];
static _Thread_local struct CUctx_st *current;

int emulation_current(void)
{
	return current != NULL ? (int)(current - contexts) : NO_DEVICE;
}

/* Of a call under the current context. */
#define FAULT()                                                                                                       \
	do {                                                                                                          \
		FAULT_OF(emulation_current());                                                                        \
		if (current == NULL)                                                                                  \
			return INVALID_CONTEXT;                                                                       \
	} while (0)

/* Streams */

struct job {
	struct job *next;
	void (*run)(void *data);
	void *data;
};

struct CUstream_st {
	struct CUstream_st *next;
	int device;
	struct job *first, **end;
};

static struct CUstream_st *streams;

void emulation_enqueue(struct CUstream_st *stream, void (*run)(void *data), void *data)
{
	struct job *job = malloc(sizeof *job);
	if (job == NULL)
		emulation_wrong("out of memory");
	*job = (struct job){.run = run, .data = data};
	pthread_mutex_lock(&lock);
	if (stream->device != emulation_current())
		emulation_wrong("a stream is used under another device's context");
	*stream->end = job;
	stream->end = &job->next;
	pthread_mutex_unlock(&lock);
}

/* The lock is held all the while: one launch at a time. */
static void stream_drain(struct CUstream_st *stream)
{
	pthread_mutex_lock(&lock);
	for (struct job *job = stream->first, *next; job != NULL; job = next) {
		next = job->next;
		job->run(job->data);
		free(job->data);
		free(job);
	}
	stream->first = NULL;
	stream->end = &stream->first;
	pthread_mutex_unlock(&lock);
}

static int stream_create(struct CUstream_st **out, unsigned flags)
{
	FAULT();
	if (flags != CUDA_STREAM_NON_BLOCKING)
		return INVALID_VALUE;
	struct CUstream_st *stream = calloc(1, sizeof *stream);
	if (stream == NULL)
		emulation_wrong("out of memory");
	stream->end = &stream->first;
	stream->device = emulation_current();
	pthread_mutex_lock(&lock);
	stream->next = streams;
	streams = stream;
	pthread_mutex_unlock(&lock);
	emulation_count(1);
	*out = stream;
	return 0;
}

static int stream_wait(struct CUstream_st *stream)
{
	FAULT_OF(stream->device);
	if (stream->device != emulation_current())
		return INVALID_CONTEXT;
	stream_drain(stream);
	return 0;
}

/* What is given back is gone, whatever the answer: there is nothing else that the caller could do. */
static int stream_destroy(struct CUstream_st *stream)
{
	int device = stream->device;
	stream_drain(stream);
	pthread_mutex_lock(&lock);
	struct CUstream_st **at = &streams;
	while (*at != NULL && *at != stream)
		at = &(*at)->next;
	if (*at == NULL)
		emulation_wrong("a stream is destroyed that is none");
	*at = stream->next;
	pthread_mutex_unlock(&lock);
	emulation_count(-1);
	free(stream);
	return emulation_fault(device);
}

/* Memory and copies */

static int allocate(uint64_t *address, size_t size)
{
	FAULT();
	if (size == 0)
		return INVALID_VALUE;
	*address = (uint64_t)(uintptr_t)emulation_memory_make(size, emulation_current());
	return 0;
}

/* As the driver's own, it waits for all streams first, and takes an address under any context. */
static int free_memory(uint64_t address)
{
	pthread_mutex_lock(&lock);
	for (struct CUstream_st *stream = streams; stream != NULL; stream = stream->next)
		stream_drain(stream);
	pthread_mutex_unlock(&lock);
	return emulation_fault(emulation_memory_end((void *)(uintptr_t)address, false));
}

static int allocate_pinned(void **memory, size_t size, unsigned flags)
{
	FAULT();
	if (size == 0 || flags != 0)
		return INVALID_VALUE;
	*memory = emulation_memory_make(size, NO_DEVICE);
	return 0;
}

static int free_pinned(void *memory)
{
	emulation_memory_end(memory, true);
	return emulation_fault(emulation_current());
}

struct copy {
	void *to;
	const void *from;
	size_t size;
};

static void copy_run(void *data)
{
	const struct copy *copy = data;
	memcpy(copy->to, copy->from, copy->size);
}

/* Both ways through pinned memory alone: any other would make the host wait. */
static int copy_enqueue(void *to, const void *from, size_t size, bool in, struct CUstream_st *stream)
{
	FAULT();
	if (!emulation_memory_holds(in ? to : from, size, stream->device) ||
	    !emulation_memory_holds(in ? from : to, size, NO_DEVICE))
		emulation_wrong("a copy does not lie inside the device's memory and pinned memory");
	struct copy *copy = malloc(sizeof *copy);
	if (copy == NULL)
		emulation_wrong("out of memory");
	*copy = (struct copy){to, from, size};
	emulation_enqueue(stream, copy_run, copy);
	return 0;
}

static int copy_in(uint64_t to, const void *from, size_t size, struct CUstream_st *stream)
{
	return copy_enqueue((void *)(uintptr_t)to, from, size, true, stream);
}

static int copy_out(void *to, uint64_t from, size_t size, struct CUstream_st *stream)
{
	return copy_enqueue(to, (const void *)(uintptr_t)from, size, false, stream);
}

/* Kernels */

struct pending {
	struct launch launch;
	_Alignas(16) unsigned char arguments[256];
};

static void pending_run(void *data)
{
	struct pending *pending = data;
	pending->launch.arguments = pending->arguments;
	launch_run(&pending->launch);
}

static int launch(struct CUfunc_st *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
		  unsigned block_y, unsigned block_z, unsigned shared, struct CUstream_st *stream, void **arguments,
		  void **extra)
{
	FAULT();
	const struct emulated_kernel *kernel = function->kernel;
	if (function->device != emulation_current())
		return INVALID_HANDLE;
	if (grid_x == 0 || grid_y == 0 || grid_z == 0 || grid_y > 65535 || grid_z > 65535 || block_x == 0 ||
	    block_x > MOST_THREADS || block_x % LANES != 0 || block_y != 1 || block_z != 1 || shared > 48 << 10 || extra != NULL)
		return INVALID_VALUE;
	struct pending *pending = calloc(1, sizeof *pending);
	if (pending == NULL || kernel->arguments_size > sizeof pending->arguments)
		emulation_wrong("a kernel's arguments are too large");
	memcpy(pending->arguments, arguments[0], kernel->arguments_size);
	pending->launch = (struct launch){.name = kernel->name, .grid = {grid_x, grid_y, grid_z}, .threads = block_x,
					  .shared = shared, .body = kernel->body};
	emulation_enqueue(stream, pending_run, pending);
	pthread_mutex_lock(&lock);
	current->launches++;
	pthread_mutex_unlock(&lock);
	return 0;
}

long emulation_launches(int device)
{
	pthread_mutex_lock(&lock);
	long launches = contexts[device].launches;
	pthread_mutex_unlock(&lock);
	return launches;
}

/* Devices */

static int devices = 1, capabilities[EMULATED_MOST][2] = {[0 ... EMULATED_MOST - 1] = {9, 0}};

void emulation_devices(int count)
{
	devices = count;
}

void emulation_capability(int device, int major, int minor)
{
	capabilities[device][0] = major;
	capabilities[device][1] = minor;
}

static int init(unsigned flags)
{
	FAULT_OF(NO_DEVICE);
	return flags == 0 ? 0 : INVALID_VALUE;
}

static int error_string(int error, const char **text)
{
	static const char *const known[] = {[1] = "invalid argument", [2] = "out of memory"};
	*text = error == 1 || error == 2 ? known[error] : NULL;
	return *text != NULL ? 0 : INVALID_VALUE;
}

static int device_count(int *count)
{
	FAULT_OF(NO_DEVICE);
	*count = devices;
	return 0;
}

static int device_get(int *device, int index)
{
	FAULT_OF(index);
	*device = index;
	return index >= 0 && index < devices ? 0 : INVALID_DEVICE;
}

static int device_name(char *name, int size, int device)
{
	FAULT_OF(device);
	snprintf(name, (size_t)size, "emulated");
	return 0;
}

static int device_attribute(int *value, int attribute, int device)
{
	FAULT_OF(device);
	*value = capabilities[device][attribute == CUDA_COMPUTE_MINOR];
	return attribute == CUDA_COMPUTE_MAJOR || attribute == CUDA_COMPUTE_MINOR ? 0 : INVALID_VALUE;
}

static int context_flags(int device, unsigned flags)
{
	FAULT_OF(device);
	contexts[device].asleep = flags == CUDA_WAIT_ASLEEP;
	return flags == CUDA_WAIT_ASLEEP ? 0 : INVALID_VALUE;
}

/* Opened as often as it is asked for, as the driver's own is. */
static int context_retain(struct CUctx_st **out, int device)
{
	FAULT_OF(device);
	pthread_mutex_lock(&lock);
	if (!contexts[device].asleep)
		emulation_wrong("a context whose waits would spin");
	contexts[device].retained++;
	pthread_mutex_unlock(&lock);
	emulation_count(1);
	*out = &contexts[device];
	return 0;
}

static int context_release(int device)
{
	pthread_mutex_lock(&lock);
	if (contexts[device].retained-- == 0)
		emulation_wrong("a context is released that nobody has");
	pthread_mutex_unlock(&lock);
	emulation_count(-1);
	return emulation_fault(device);
}

static int context_use(struct CUctx_st *wanted)
{
	int device = (int)(wanted - contexts);
	FAULT_OF(device);
	current = wanted;
	return 0;
}

static int module_load(struct CUmod_st **out, const void *image)
{
	FAULT();
	if (image != emulated_kernels)
		return INVALID_VALUE;
	*out = (struct CUmod_st *)(void *)current;
	emulation_count(1);
	return 0;
}

static int module_unload(struct CUmod_st *unloaded)
{
	struct CUctx_st *context = (struct CUctx_st *)(void *)unloaded;
	emulation_count(-1);
	return emulation_fault((int)(context - contexts));
}

static int module_function(struct CUfunc_st **function, struct CUmod_st *from, const char *name)
{
	FAULT();
	struct CUctx_st *context = (struct CUctx_st *)(void *)from;
	for (size_t i = 0; emulated_kernels[i].name != NULL && i < MOST_KERNELS; i++) {
		if (strcmp(emulated_kernels[i].name, name) != 0)
			continue;
		pthread_mutex_lock(&lock);
		context->functions[i] = (struct CUfunc_st){&emulated_kernels[i], (int)(context - contexts)};
		pthread_mutex_unlock(&lock);
		*function = &context->functions[i];
		return 0;
	}
	return NOT_FOUND;
}

static const char *hidden;

void emulation_hide(const char *reason)
{
	hidden = reason;
}

const struct cuda_libraries *cuda_load(struct err *e)
{
	static struct cuda_libraries libraries;
	static const struct cuda cuda = {
		.init = init, .error_string = error_string, .device_count = device_count, .device_get = device_get,
		.device_name = device_name, .device_attribute = device_attribute,
		.context_flags = context_flags, .context_retain = context_retain,
		.context_release = context_release, .context_use = context_use, .module_load = module_load,
		.module_unload = module_unload, .module_function = module_function, .allocate = allocate,
		.free = free_memory, .allocate_pinned = allocate_pinned, .free_pinned = free_pinned,
		.copy_in = copy_in, .copy_out = copy_out, .stream_create = stream_create,
		.stream_destroy = stream_destroy, .stream_wait = stream_wait, .launch = launch,
	};
	if (hidden != NULL) {
		err_set(e, "%s", hidden);
		return NULL;
	}
	pthread_mutex_lock(&lock);
	libraries = (struct cuda_libraries){.cuda = cuda, .cublas = emulated_cublas, .kernels = emulated_kernels};
	pthread_mutex_unlock(&lock);
	return &libraries;
}
