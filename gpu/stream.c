#include "gpu/stream.h"

#include "gpu/product.h"

#include <stdlib.h>
#include <string.h>

/*
 * The driver keeps one current context a thread, and any thread may use a
 * stream: so every call that reaches the driver begins by saying which.  That
 * costs some ten nanoseconds where it is the current one already.
 */
void stream_note(struct stream *stream, int error, const char *what)
{
	if (error == 0 || stream->failed)
		return;
	stream->failed = true;
	gpu_error(stream->device->cuda, error, what, &stream->failure);
}

static void stream_use(struct stream *stream)
{
	stream_note(stream, stream->device->cuda->context_use(stream->device->context), "the GPU's context");
}

/* Everything that was asked of the stream is done: staging is free again. */
static void stream_settle(struct stream *stream)
{
	stream_note(stream, stream->device->cuda->stream_wait(stream->queue), "the GPU");
	stream->staged = 0;
}

void stream_copy_in(struct stream *stream, uint64_t to, const void *from, size_t size)
{
	const struct cuda *cuda = stream->device->cuda;
	stream_use(stream);
	for (size_t done = 0, step; done < size && !stream->failed; done += step) {
		if (stream->staged == STAGING_SIZE)
			stream_settle(stream);
		size_t room = STAGING_SIZE - stream->staged;
		step = size - done < room ? size - done : room;
		unsigned char *place = stream->staging + stream->staged;
		memcpy(place, (const unsigned char *)from + done, step);
		stream_note(stream, cuda->copy_in(to + done, place, step, stream->queue), "a copy to the GPU");
		stream->staged += step;
	}
}

int stream_copy_out(struct stream *stream, void *to, uint64_t from, size_t size, struct err *e)
{
	const struct cuda *cuda = stream->device->cuda;
	stream_use(stream);
	/* Where it has room behind what was copied in, the result waits for nothing but itself. */
	if (size == 0 || stream->staged == STAGING_SIZE)
		stream_settle(stream);
	for (size_t done = 0, step; done < size && !stream->failed; done += step) {
		size_t room = STAGING_SIZE - stream->staged;
		unsigned char *place = stream->staging + stream->staged;
		step = size - done < room ? size - done : room;
		stream_note(stream, cuda->copy_out(place, from + done, step, stream->queue), "a copy from the GPU");
		stream_settle(stream);
		memcpy((unsigned char *)to + done, place, step);
	}
	if (!stream->failed)
		return 0;
	stream->failed = false;
	return err_set(e, "%s", stream->failure.text);
}

void stream_launch(struct stream *stream, enum kernel kernel, struct grid grid, void *arguments)
{
	const struct device *device = stream->device;
	stream_use(stream);
	if (stream->failed)
		return;
	stream_note(stream,
		    device->cuda->launch(device->kernels[kernel], (unsigned)grid.x, (unsigned)grid.y, (unsigned)grid.z,
					 grid.threads, 1, 1, grid.shared, stream->queue, &arguments, NULL),
		    "the start of a kernel");
}

static int stream_allocate(struct stream *stream, uint64_t *address, size_t size, struct err *e)
{
	const struct cuda *cuda = stream->device->cuda;
	if (size == 0)
		return 0;
	int error = cuda->allocate(address, size);
	if (error == 0)
		return 0;
	*address = 0;
	return gpu_error(cuda, error, "memory of the GPU for a batch", e);
}

static int limits_check(const struct device *device, const struct stream_limits *limits, struct err *e)
{
	size_t size = limits->hidden / limits->heads;
	if (size % 2 != 0 || size > PLAIN_MOST_SIZE)
		return err_set(e, "heads of %zu values: %s takes even sizes up to %d", size, device->name,
			       PLAIN_MOST_SIZE);
	return 0;
}

struct stream *gpu_stream_open(struct device *device, const struct stream_limits *limits, struct err *e)
{
	const struct cuda *cuda = device->cuda;
	int error;
	if (limits_check(device, limits, e) < 0)
		return NULL;
	struct stream *stream = calloc(1, sizeof *stream);
	if (stream == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	stream->device = device;
	stream->hidden = limits->hidden;
	stream->heads = limits->heads;
	if ((error = cuda->context_use(device->context)) != 0 ||
	    (error = cuda->stream_create(&stream->queue, CUDA_STREAM_NON_BLOCKING)) != 0 ||
	    (error = cuda->allocate_pinned((void **)&stream->staging, STAGING_SIZE, 0)) != 0) {
		gpu_error(cuda, error, "a stream of the GPU", e);
		goto fail;
	}
	if (stream_allocate(stream, &stream->block, limits->block_size, e) < 0)
		goto fail;
	if (limits->block_size > 0 && (stream_allocate(stream, &stream->product,
						       rows_padded(limits->tokens) * limits->hidden * sizeof(float), e) < 0 ||
				       stream_allocate(stream, &stream->workspace, WORKSPACE_SIZE, e) < 0))
		goto fail;
	return stream;

fail:
	gpu_stream_close(stream);
	return NULL;
}

void gpu_stream_close(struct stream *stream)
{
	if (stream == NULL)
		return;
	const struct cuda *cuda = stream->device->cuda;
	cuda->context_use(stream->device->context);
	if (stream->queue != NULL)
		cuda->stream_wait(stream->queue);
	product_plans_free(stream);
	/* The queue goes first: where it could not be waited for, it may hold copies of what is freed here. */
	if (stream->queue != NULL)
		cuda->stream_destroy(stream->queue);
	const uint64_t memory[] = {stream->block, stream->product, stream->workspace};
	for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
		if (memory[i] != 0)
			cuda->free(memory[i]);
	if (stream->staging != NULL)
		cuda->free_pinned(stream->staging);
	free(stream);
}
