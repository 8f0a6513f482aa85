#include "model/cpu/rows.h"

#include "model/cpu/level.h"

#include <math.h>
#include <string.h>

enum { LANES = 16, CHAINS = 4 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

CPU_INLINE float lanes_sum(const lanes *sum)
{
	lanes v = *sum;
	v += __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
	v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
	v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
	return v[0] + v[1];
}

/*
 * The sum of (x - offset), or of its squares.  An addition waits four cycles
 * for the one before it, so four of them run side by side.
 */
CPU_INLINE float row_sum(const float *x, size_t width, float offset, int squared)
{
	lanes sum[CHAINS] = {{0}};
	size_t i = 0;
	for (; i + CHAINS * LANES <= width; i += CHAINS * LANES) {
		for (size_t j = 0; j < CHAINS; j++) {
			lanes value;
			memcpy(&value, x + i + j * LANES, sizeof value);
			value -= offset;
			sum[j] += squared ? value * value : value;
		}
	}
	float rest = 0;
	for (; i < width; i++)
		rest += squared ? (x[i] - offset) * (x[i] - offset) : x[i] - offset;
	lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
	return lanes_sum(&all) + rest;
}

/* The row stays in the first cache level, so mean and variance take a walk each: sums of squares would cancel. */
CPU_INLINE void rows_norm_body(float *rows, size_t count, size_t width, const struct norm *norm)
{
	for (size_t row = 0; row < count; row++, rows += width) {
		float mean = row_sum(rows, width, 0, 0) / (float)width;
		float scale = 1.0f / sqrtf(row_sum(rows, width, mean, 1) / (float)width + norm->epsilon);
		const float *gamma = norm->gamma, *beta = norm->beta;
#pragma omp simd
		for (size_t i = 0; i < width; i++)
			rows[i] = (rows[i] - mean) * scale * gamma[i] + beta[i];
	}
}
CPU_LEVELS(rows_norm, (float *rows, size_t count, size_t width, const struct norm *norm), (rows, count, width, norm))

CPU_INLINE void rows_mean_body(const float *rows, size_t count, size_t width, float *out)
{
	for (size_t i = 0; i < width; i++)
		out[i] = 0;
	for (size_t row = 0; row < count; row++, rows += width) {
#pragma omp simd
		for (size_t i = 0; i < width; i++)
			out[i] += rows[i];
	}
	for (size_t i = 0; i < width; i++)
		out[i] /= (float)count;
}
CPU_LEVELS(rows_mean, (const float *rows, size_t count, size_t width, float *out), (rows, count, width, out))
