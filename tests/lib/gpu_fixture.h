#ifndef TESTS_GPU_FIXTURE_H
#define TESTS_GPU_FIXTURE_H

#include "gpu/gpu.h"
#include "model/half.h"
#include "tests/cuda/emulation.h"
#include "tests/cuda/fibres.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A table of CUDA over the emulation, with four buffers, and the way in and out
 * for activations, which are float32 in one table and bfloat16 in the other.
 */
enum { GPU_TABLES = 2, GPU_ORDERS = 5 };

struct gpu_fixture {
	const struct ops *ops;
	struct device *device;
	struct stream *stream;
	struct buffer *a, *b, *c, *starts;
	bool narrow;
};

/* Buffers for `rows` rows of `width` values, heads of `size` values in rows of `hidden`. */
static inline void gpu_fixture_open(struct gpu_fixture *f, size_t table, size_t order, size_t rows, size_t width,
				    size_t hidden, size_t size)
{
	struct err e = {0};
	launch_order(order);
	*f = (struct gpu_fixture){.ops = gpu_table(table)};
	f->narrow = strcmp(f->ops->precision, "bf16") == 0;
	f->device = f->ops->device_open(f->ops, DEVICE_ANY, &e);
	ck_assert_msg(f->device != NULL, "%s", e.text);
	size_t part = f->ops->activation_size(rows, width);
	part = (part + 63) / 64 * 64;
	struct stream_limits limits = {.tokens = rows, .longest = rows, .hidden = hidden, .widest = width,
				       .heads = hidden / size, .block_size = 4 * part};
	f->stream = f->ops->stream_open(f->device, &limits, &e);
	ck_assert_msg(f->stream != NULL, "%s", e.text);
	struct buffer **buffers[] = {&f->a, &f->b, &f->c, &f->starts};
	for (size_t i = 0; i < 4; i++)
		*buffers[i] = f->ops->buffer_at(f->stream, i * part);
}

/* Nothing of the driver's or of cuBLASLt's is left over. */
static inline void gpu_fixture_close(struct gpu_fixture *f)
{
	f->ops->stream_close(f->stream);
	f->ops->device_close(f->device);
	ck_assert_uint_eq(emulation_live(), 0);
}

/* An even number of values; what bfloat16 makes of them is left in `values`. */
static inline void gpu_put(struct gpu_fixture *f, struct buffer *buffer, float *values, size_t count)
{
	int32_t *bits = malloc(count * sizeof *bits);
	uint16_t *halves = (uint16_t *)(void *)bits;
	for (size_t i = 0; f->narrow && i < count; i++) {
		halves[i] = bfloat_narrow(values[i]);
		values[i] = bfloat_widen(halves[i]);
	}
	if (!f->narrow)
		memcpy(bits, values, count * sizeof *bits);
	f->ops->upload(f->stream, bits, f->narrow ? count / 2 : count, buffer);
	free(bits);
}

static inline float *gpu_get(struct gpu_fixture *f, const struct buffer *buffer, size_t count)
{
	struct err e = {0};
	float *got = malloc((count + 1) * sizeof *got);
	int result = f->ops->download(f->stream, buffer, f->narrow ? count / 2 : count, got, &e);
	ck_assert_msg(result == 0, "%s", e.text);
	if (f->narrow) {
		uint16_t *halves = malloc((count + 1) * sizeof *halves);
		memcpy(halves, got, count * sizeof *halves);
		for (size_t i = 0; i < count; i++)
			got[i] = bfloat_widen(halves[i]);
		free(halves);
	}
	return got;
}

/* `narrow` is the share of a value that bfloat16 may take off, and that much at least. */
static inline void gpu_near(const struct gpu_fixture *f, float got, double wanted, double exact, double narrow,
			    const char *what, size_t index)
{
	double most = f->narrow ? narrow * (1 + fabs(wanted)) : exact * (1 + fabs(wanted));
	ck_assert_msg(fabs((double)got - wanted) <= most, "%s, %s: value %zu is %.9g, not %.9g", f->ops->precision, what,
		      index, (double)got, wanted);
}

static inline void gpu_expect(struct gpu_fixture *f, const struct buffer *buffer, const double *wanted, size_t count,
			      double exact, double narrow, const char *what)
{
	float *got = gpu_get(f, buffer, count);
	for (size_t i = 0; i < count; i++)
		gpu_near(f, got[i], wanted[i], exact, narrow, what, i);
	free(got);
}

/* In (-scale, scale), the same in every run. */
static inline float *gpu_values(size_t count, float scale, uint64_t seed)
{
	float *out = malloc(count * sizeof *out);
	uint64_t state = seed;
	for (size_t i = 0; i < count; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i] = (float)((double)(state >> 33) / (1u << 30) - 1.0) * scale;
	}
	return out;
}

#endif
