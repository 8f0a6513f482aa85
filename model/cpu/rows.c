#include "model/cpu/rows.h"

#include "model/cpu/level.h"

#include <math.h>

/* The row stays in the first cache level, so mean and variance take a walk each: sums of squares would cancel. */
CPU_INLINE void rows_norm_body(float *rows, size_t count, size_t width, const struct norm *norm)
{
	for (size_t row = 0; row < count; row++, rows += width) {
		float sum = 0;
#pragma omp simd reduction(+ : sum)
		for (size_t i = 0; i < width; i++)
			sum += rows[i];
		float mean = sum / (float)width;
		float squares = 0;
#pragma omp simd reduction(+ : squares)
		for (size_t i = 0; i < width; i++)
			squares += (rows[i] - mean) * (rows[i] - mean);
		float scale = 1.0f / sqrtf(squares / (float)width + norm->epsilon);
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
