#ifndef MODEL_CPU_ROW_MOMENTS_H
#define MODEL_CPU_ROW_MOMENTS_H

#include "model/cpu/level.h"

#include <stddef.h>

/* Mean and variance of a row, for kernels.  The row stays in the first cache level, so they take a walk each: sums of squares
 * would cancel. */

CPU_INLINE float row_mean(const float *row, size_t width)
{
	float sum = 0;
#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < width; i++)
		sum += row[i];
	return sum / (float)width;
}

CPU_INLINE float row_variance(const float *row, size_t width, float mean)
{
	float squares = 0;
#pragma omp simd reduction(+ : squares)
	for (size_t i = 0; i < width; i++)
		squares += (row[i] - mean) * (row[i] - mean);
	return squares / (float)width;
}

#endif
