#ifndef GPU_STREAM_H
#define GPU_STREAM_H

#include "gpu/device.h"

/*
 * One worker's place on a GPU: a queue of the driver's, the caller's block, and
 * what operations need besides.  An operation that fails leaves its reason
 * here, the ones after it do nothing, and the next download tells.
 */
struct plan;

enum { PLAN_SLOTS = 256 };

struct stream {
	struct device *device;
	struct CUstream_st *queue;
	size_t hidden, heads;
	uint64_t block;   /* the caller's */
	uint64_t product; /* float32, before a residual */
	uint64_t workspace;
	unsigned char *staging; /* pinned: copies go through it, so that they need not wait */
	size_t staged;          /* bytes of it that copies under way may still read */
	struct plan *plans[PLAN_SLOTS];
	struct err failure;
	bool failed;
};

/* Bytes of a stream's pinned memory, and of what cuBLASLt may use (its documentation's advice for Hopper is 32 MiB; these
 * products are small). */
enum { STAGING_SIZE = 1 << 20, WORKSPACE_SIZE = 8 << 20 };

/* Rows of products are made a multiple of this, so that sizes that differ little share a plan: buffers of activations have
 * as many rows, and what is in the last of them does not matter. */
enum { ROWS_STEP = 64 };

static inline size_t rows_padded(size_t rows)
{
	return (rows + ROWS_STEP - 1) / ROWS_STEP * ROWS_STEP;
}

struct stream *gpu_stream_open(struct device *device, const struct stream_limits *limits, struct err *e);
void gpu_stream_close(struct stream *stream);

/* `error` is what the driver returned for `what`: 0, or the stream has failed. */
void stream_note(struct stream *stream, int error, const char *what);

/* Copy to and from the device in order with the stream's operations.  In returns when `from` may be reused, out when
 * the values are there (or -1, with the stream's first failure, which is then forgotten). */
void stream_copy_in(struct stream *stream, uint64_t to, const void *from, size_t size);
int stream_copy_out(struct stream *stream, void *to, uint64_t from, size_t size, struct err *e);

struct grid {
	size_t x, y, z;
	unsigned threads, shared;
};

void stream_launch(struct stream *stream, enum kernel kernel, struct grid grid, void *arguments);

#endif
