#include "gpu/cuda.h"
#include "tests/cuda/emulation.h"
#include "tests/cuda/fibres.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_NOT_FOUND */
enum { INVALID_VALUE = 1, NOT_FOUND = 500 };

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

__attribute__((noreturn)) static void wrong(const char *what)
{
	fprintf(stderr, "emulation: %s\n", what);
	abort();
}

/* Faults */

static long fail_after = -1, calls;
static int fail_error;
static bool fail_lost, has_failed;
static size_t live;

void emulation_fail(long after, int error, bool lost)
{
	pthread_mutex_lock(&lock);
	fail_after = after;
	fail_error = error;
	fail_lost = lost;
	has_failed = false;
	calls = 0;
	pthread_mutex_unlock(&lock);
}

long emulation_calls(void)
{
	return calls;
}

bool emulation_failed(void)
{
	return has_failed;
}

size_t emulation_live(void)
{
	return live;
}

void emulation_count(int step)
{
	pthread_mutex_lock(&lock);
	live += (size_t)step;
	pthread_mutex_unlock(&lock);
}

int emulation_fault(void)
{
	pthread_mutex_lock(&lock);
	bool due = fail_after >= 0 && (calls == fail_after || (fail_lost && calls > fail_after));
	calls++;
	has_failed |= due;
	int error = due ? fail_error : 0;
	pthread_mutex_unlock(&lock);
	return error;
}

#define FAULT()                                                                                                       \
	do {                                                                                                          \
		int due = emulation_fault();                                                                          \
		if (due != 0)                                                                                         \
			return due;                                                                                   \
	} while (0)

/* Memory */

struct memory {
	struct memory *next;
	unsigned char *place;
	size_t size;
	bool pinned; /* the host's */
};

static struct memory *memories;

static void *memory_make(size_t size, bool pinned)
{
	struct memory *memory = calloc(1, sizeof *memory);
	void *place = NULL;
	if (memory == NULL || posix_memalign(&place, 256, size) != 0)
		wrong("out of memory");
	memset(place, 0xff, size);
	pthread_mutex_lock(&lock);
	*memory = (struct memory){.next = memories, .place = place, .size = size, .pinned = pinned};
	memories = memory;
	live++;
	pthread_mutex_unlock(&lock);
	return place;
}

static void memory_end(const void *place, bool pinned)
{
	pthread_mutex_lock(&lock);
	struct memory **at = &memories;
	while (*at != NULL && ((*at)->place != place || (*at)->pinned != pinned))
		at = &(*at)->next;
	struct memory *memory = *at;
	if (memory == NULL)
		wrong("memory is given back that was not given");
	*at = memory->next;
	live--;
	pthread_mutex_unlock(&lock);
	free(memory->place);
	free(memory);
}

static bool memory_holds(const void *address, size_t size, bool pinned)
{
	const unsigned char *first = address;
	bool found = false;
	pthread_mutex_lock(&lock);
	for (const struct memory *memory = memories; memory != NULL && !found; memory = memory->next)
		found = memory->pinned == pinned && first >= memory->place &&
			(size_t)(first - memory->place) <= memory->size &&
			size <= memory->size - (size_t)(first - memory->place);
	pthread_mutex_unlock(&lock);
	return found;
}

void emulation_check_memory(const void *address, size_t size, const char *what)
{
	if (!memory_holds(address, size, false))
		wrong(what);
}

/* Streams */

struct job {
	struct job *next;
	void (*run)(void *data);
	void *data;
};

struct CUstream_st {
	struct CUstream_st *next;
	struct job *first, **end;
};

static struct CUstream_st *streams;

void emulation_enqueue(struct CUstream_st *stream, void (*run)(void *data), void *data)
{
	struct job *job = malloc(sizeof *job);
	if (job == NULL)
		wrong("out of memory");
	*job = (struct job){.run = run, .data = data};
	pthread_mutex_lock(&lock);
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
		wrong("out of memory");
	stream->end = &stream->first;
	pthread_mutex_lock(&lock);
	stream->next = streams;
	streams = stream;
	live++;
	pthread_mutex_unlock(&lock);
	*out = stream;
	return 0;
}

static int stream_wait(struct CUstream_st *stream)
{
	FAULT();
	stream_drain(stream);
	return 0;
}

/* What is given back is gone, whatever the answer: there is nothing else that the caller could do. */
static int stream_destroy(struct CUstream_st *stream)
{
	stream_drain(stream);
	pthread_mutex_lock(&lock);
	struct CUstream_st **at = &streams;
	while (*at != NULL && *at != stream)
		at = &(*at)->next;
	if (*at == NULL)
		wrong("a stream is destroyed that is none");
	*at = stream->next;
	live--;
	pthread_mutex_unlock(&lock);
	free(stream);
	return emulation_fault();
}

static int allocate(uint64_t *address, size_t size)
{
	FAULT();
	if (size == 0)
		return INVALID_VALUE;
	*address = (uint64_t)(uintptr_t)memory_make(size, false);
	return 0;
}

/* As the driver's own, it waits for all streams first. */
static int free_memory(uint64_t address)
{
	pthread_mutex_lock(&lock);
	for (struct CUstream_st *stream = streams; stream != NULL; stream = stream->next)
		stream_drain(stream);
	pthread_mutex_unlock(&lock);
	memory_end((void *)(uintptr_t)address, false);
	return emulation_fault();
}

static int allocate_pinned(void **memory, size_t size, unsigned flags)
{
	FAULT();
	if (size == 0 || flags != 0)
		return INVALID_VALUE;
	*memory = memory_make(size, true);
	return 0;
}

static int free_pinned(void *memory)
{
	memory_end(memory, true);
	return emulation_fault();
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
	if (!memory_holds(in ? to : from, size, false) || !memory_holds(in ? from : to, size, true))
		wrong("a copy does not lie inside the device's memory and pinned memory");
	struct copy *copy = malloc(sizeof *copy);
	if (copy == NULL)
		wrong("out of memory");
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

struct CUfunc_st {
	const struct emulated_kernel *kernel;
};

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
	const struct emulated_kernel *kernel = (const struct emulated_kernel *)(const void *)function;
	if (grid_x == 0 || grid_y == 0 || grid_z == 0 || grid_y > 65535 || grid_z > 65535 || block_x == 0 ||
	    block_x > MOST_THREADS || block_x % LANES != 0 || block_y != 1 || block_z != 1 || shared > 48 << 10 || extra != NULL)
		return INVALID_VALUE;
	struct pending *pending = calloc(1, sizeof *pending);
	if (pending == NULL || kernel->arguments_size > sizeof pending->arguments)
		wrong("a kernel's arguments are too large");
	memcpy(pending->arguments, arguments[0], kernel->arguments_size);
	pending->launch = (struct launch){.name = kernel->name, .grid = {grid_x, grid_y, grid_z}, .threads = block_x,
					  .shared = shared, .body = kernel->body};
	emulation_enqueue(stream, pending_run, pending);
	return 0;
}

/* The device */

static int capability[2] = {9, 0};
static char module, context;

void emulation_capability(int major, int minor)
{
	capability[0] = major;
	capability[1] = minor;
}

static int init(unsigned flags)
{
	FAULT();
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
	FAULT();
	*count = capability[0] > 0;
	return 0;
}

static int device_get(int *device, int index)
{
	FAULT();
	*device = index;
	return 0;
}

static int device_name(char *name, int size, int device)
{
	FAULT();
	(void)device;
	snprintf(name, (size_t)size, "emulated");
	return 0;
}

static int device_attribute(int *value, int attribute, int device)
{
	FAULT();
	(void)device;
	*value = capability[attribute == CUDA_COMPUTE_MINOR];
	return attribute == CUDA_COMPUTE_MAJOR || attribute == CUDA_COMPUTE_MINOR ? 0 : INVALID_VALUE;
}

static int context_retain(struct CUctx_st **out, int device)
{
	FAULT();
	(void)device;
	*out = (struct CUctx_st *)(void *)&context;
	emulation_count(1);
	return 0;
}

static int context_release(int device)
{
	(void)device;
	emulation_count(-1);
	return emulation_fault();
}

static int context_use(struct CUctx_st *wanted)
{
	FAULT();
	return (void *)wanted == (void *)&context ? 0 : INVALID_VALUE;
}

static int module_load(struct CUmod_st **out, const void *image)
{
	FAULT();
	if (image != emulated_kernels)
		return INVALID_VALUE;
	*out = (struct CUmod_st *)(void *)&module;
	emulation_count(1);
	return 0;
}

static int module_unload(struct CUmod_st *unloaded)
{
	(void)unloaded;
	emulation_count(-1);
	return emulation_fault();
}

static int module_function(struct CUfunc_st **function, struct CUmod_st *from, const char *name)
{
	FAULT();
	(void)from;
	for (const struct emulated_kernel *kernel = emulated_kernels; kernel->name != NULL; kernel++) {
		if (strcmp(kernel->name, name) == 0) {
			*function = (struct CUfunc_st *)(uintptr_t)kernel;
			return 0;
		}
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
		.device_name = device_name, .device_attribute = device_attribute, .context_retain = context_retain,
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
