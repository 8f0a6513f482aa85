/*
 * What becomes of a gemm's sums once they lie in memory, included once for
 * each (no guard) where TILE, TILE_TARGET and TILE_INTEGER are defined as
 * gemm_tile.h says, and TILE(columns), the outputs of a panel, as a constant.
 * It gives TILE(finish).
 */
#include "model/cpu/gemm.h"
#include "model/cpu/math.h"

#include <string.h>

/* A row of sums and what makes values of them, all from the panel's first column on. */
struct TILE(line) {
	const gemm_word *sums;
	const float *bias, *scale, *sum;
	struct gemm_range range;
};

/* Sum j as float32, with its bias. */
CPU_INLINE TILE_TARGET float TILE(value)(const struct TILE(line) *line, size_t j)
{
#if TILE_INTEGER
	float sum = (float)(int32_t)line->sums[j];
	return sum * (line->range.step * line->scale[j]) + (line->range.low * line->sum[j] + line->bias[j]);
#else
	float sum;
	memcpy(&sum, &line->sums[j], sizeof sum);
	return sum + line->bias[j];
#endif
}

#define TILE_FINISH(f)                                              \
	_Pragma("omp simd") for (size_t j = 0; j < count; j++)      \
	{                                                           \
		float value = TILE(value)(&line, j);                \
		y[j] = f;                                           \
	}

/* `count` is a constant but at the right edge, and so is `finish`. */
CPU_INLINE TILE_TARGET void TILE(finish_row)(struct TILE(line) line, enum gemm_finish finish, size_t count, float *y)
{
	switch (finish) {
	case GEMM_STORE:
		TILE_FINISH(value)
		break;
	case GEMM_ADD:
		TILE_FINISH(y[j] + value)
		break;
	case GEMM_GELU:
		TILE_FINISH(math_gelu(value))
		break;
	case GEMM_GELU_TANH:
		TILE_FINISH(math_gelu_tanh(value))
		break;
	case GEMM_RELU:
		TILE_FINISH(math_relu(value))
		break;
	case GEMM_TANH:
		TILE_FINISH(math_tanh(value))
		break;
	}
}
#undef TILE_FINISH

CPU_INLINE TILE_TARGET void TILE(finish_rows)(struct TILE(line) line, const struct gemm_range *ranges, size_t rows,
					      enum gemm_finish finish, size_t count, float *y, size_t stride)
{
	for (size_t i = 0; i < rows; i++, line.sums += TILE(columns), y += stride) {
		if (TILE_INTEGER)
			line.range = ranges[i];
		TILE(finish_row)(line, finish, count, y);
	}
}

#define TILE_CASE(finish)                                                                         \
	case finish:                                                                              \
		TILE(finish_rows)(line, ranges, rows, finish, TILE(columns), y, stride);          \
		break;

TILE_TARGET static void TILE(finish)(const gemm_word *sums, const struct gemm_weights *weights,
				     const struct gemm_rows *x, size_t first, size_t rows, size_t column,
				     enum gemm_finish finish, float *y, size_t stride)
{
	size_t count = weights->outputs - column;
	const struct gemm_range *ranges = TILE_INTEGER ? x->ranges + first : NULL;
	struct TILE(line) line = {.sums = sums, .bias = weights->bias + column};
	if (TILE_INTEGER) {
		line.scale = weights->scale + column;
		line.sum = weights->sum + column;
	}
	if (count < TILE(columns)) {
		TILE(finish_rows)(line, ranges, rows, finish, count, y, stride);
		return;
	}
	switch (finish) {
		TILE_CASE(GEMM_STORE) TILE_CASE(GEMM_ADD) TILE_CASE(GEMM_GELU)
		TILE_CASE(GEMM_GELU_TANH) TILE_CASE(GEMM_RELU) TILE_CASE(GEMM_TANH)
	}
}
#undef TILE_CASE
