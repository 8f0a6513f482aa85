/*
 * What becomes of a gemm's sums once they lie in memory, included once for
 * each (no guard) where TILE, TILE_TARGET and TILE_INTEGER are defined as
 * gemm_tile.h says, and TILE(columns), the outputs of a panel, as a constant.
 * It gives TILE(finish).
 */
#include "model/cpu/gemm.h"
#include "model/cpu/math.h"

#include <string.h>

/* One row of sums to float32, with its bias. */
CPU_INLINE TILE_TARGET void TILE(scale)(const gemm_word *sums, const struct gemm_weights *weights,
					const struct gemm_range *range, size_t column, float *out)
{
	const float *bias = weights->bias + column;
#if TILE_INTEGER
	const float *scale = weights->scale + column, *sum = weights->sum + column;
	float step = range->step, low = range->low;
#pragma omp simd
	for (size_t j = 0; j < TILE(columns); j++)
		out[j] = (float)(int32_t)sums[j] * (step * scale[j]) + (low * sum[j] + bias[j]);
#else
	(void)range;
	float values[TILE(columns)];
	memcpy(values, sums, sizeof values);
#pragma omp simd
	for (size_t j = 0; j < TILE(columns); j++)
		out[j] = values[j] + bias[j];
#endif
}

#define TILE_FINISH(f)                              \
	_Pragma("omp simd") for (size_t j = 0; j < count; j++) y[j] = f

/* `count` is a constant but at the right edge. */
CPU_INLINE TILE_TARGET void TILE(finish_row)(enum gemm_finish finish, const float *values, size_t count, float *y)
{
	switch (finish) {
	case GEMM_STORE:
		TILE_FINISH(values[j]);
		break;
	case GEMM_ADD:
		TILE_FINISH(y[j] + values[j]);
		break;
	case GEMM_GELU:
		TILE_FINISH(math_gelu(values[j]));
		break;
	case GEMM_GELU_TANH:
		TILE_FINISH(math_gelu_tanh(values[j]));
		break;
	case GEMM_RELU:
		TILE_FINISH(math_relu(values[j]));
		break;
	case GEMM_TANH:
		TILE_FINISH(math_tanh(values[j]));
		break;
	}
}
#undef TILE_FINISH

TILE_TARGET static void TILE(finish)(const gemm_word *sums, const struct gemm_weights *weights,
				     const struct gemm_rows *x, size_t first, size_t rows, size_t column,
				     enum gemm_finish finish, float *y, size_t stride)
{
	size_t count = weights->outputs - column;
	for (size_t i = 0; i < rows; i++) {
		float values[TILE(columns)];
		TILE(scale)(sums + i * TILE(columns), weights, TILE_INTEGER ? &x->ranges[first + i] : NULL, column,
			    values);
		if (count >= TILE(columns))
			TILE(finish_row)(finish, values, TILE(columns), y + i * stride);
		else
			TILE(finish_row)(finish, values, count, y + i * stride);
	}
}
