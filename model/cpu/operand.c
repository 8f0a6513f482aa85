#include "model/cpu/operand.h"

#include "model/cpu/level.h"

#include <math.h>
#include <string.h>

/*
 * Every step is one that all instruction sets round alike (no sum that could be
 * fused with a product), so that integers are equal on all of them.
 */

size_t operand_words(enum gemm_form form, size_t inputs)
{
	switch (form) {
	case GEMM_FP32:
		return inputs;
	case GEMM_BF16:
	case GEMM_BF16_WIDE:
	case GEMM_INT16:
		return (inputs + 1) / 2;
	case GEMM_INT8:
		return (inputs + 3) / 4;
	}
	return 0;
}

/* To the nearest, ties to even; a NaN stays one. */
CPU_INLINE uint16_t bf16_round(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
	return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC0 : rounded);
}

CPU_INLINE void row_to_bf16_body(const float *x, size_t inputs, uint16_t *out)
{
#pragma omp simd
	for (size_t i = 0; i < inputs; i++)
		out[i] = bf16_round(x[i]);
}
CPU_LEVELS(row_to_bf16, (const float *x, size_t inputs, uint16_t *out), (x, inputs, out))

CPU_INLINE void row_to_bf16_wide_body(const float *x, size_t inputs, gemm_word *out)
{
#pragma omp simd
	for (size_t i = 0; i < inputs; i++)
		out[i] = (gemm_word)bf16_round(x[i]) << 16;
}
CPU_LEVELS(row_to_bf16_wide, (const float *x, size_t inputs, gemm_word *out), (x, inputs, out))

struct quantizer {
	float low, inverse;
};

CPU_INLINE struct quantizer row_range(const float *x, size_t inputs, struct gemm_range *range)
{
	float low = x[0], high = x[0];
#pragma omp simd reduction(min : low) reduction(max : high)
	for (size_t i = 0; i < inputs; i++) {
		low = x[i] < low ? x[i] : low;
		high = x[i] > high ? x[i] : high;
	}
	float span = high - low;
	*range = (struct gemm_range){.low = low, .step = span / 255};
	return (struct quantizer){.low = low, .inverse = span > 0 ? 255 / span : 0};
}

CPU_INLINE uint32_t quantize(struct quantizer quantizer, float x)
{
	float value = (x - quantizer.low) * quantizer.inverse;
	value = value > 0 ? value : 0; /* a NaN too */
	value = value < 255 ? value : 255;
	value += 0x1.8p23f; /* rounds to an integer, in the low bits */
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

CPU_INLINE void row_to_int8_body(const float *x, size_t inputs, uint8_t *out, struct gemm_range *range)
{
	struct quantizer quantizer = row_range(x, inputs, range);
#pragma omp simd
	for (size_t i = 0; i < inputs; i++)
		out[i] = (uint8_t)quantize(quantizer, x[i]);
}
CPU_LEVELS(row_to_int8, (const float *x, size_t inputs, uint8_t *out, struct gemm_range *range),
	   (x, inputs, out, range))

CPU_INLINE void row_to_int16_body(const float *x, size_t inputs, uint16_t *out, struct gemm_range *range)
{
	struct quantizer quantizer = row_range(x, inputs, range);
#pragma omp simd
	for (size_t i = 0; i < inputs; i++)
		out[i] = (uint16_t)(quantize(quantizer, x[i]) & 0xFF);
}
CPU_LEVELS(row_to_int16, (const float *x, size_t inputs, uint16_t *out, struct gemm_range *range),
	   (x, inputs, out, range))

struct gemm_rows operand_prepare_rows(enum gemm_form form, const float *x, size_t count, size_t inputs, gemm_word *words,
				      struct gemm_range *ranges)
{
	size_t stride = operand_words(form, inputs) * (form == GEMM_BF16_WIDE ? 2 : 1);
	struct gemm_rows rows = {.words = words, .stride = stride, .count = count, .ranges = ranges};
	for (size_t i = 0; i < count && form != GEMM_FP32; i++, x += inputs) {
		gemm_word *row = words + i * stride;
		row[stride - 1] = 0; /* what the values do not fill */
		if (form == GEMM_INT8)
			row_to_int8(x, inputs, (uint8_t *)row, &ranges[i]);
		else if (form == GEMM_INT16)
			row_to_int16(x, inputs, (uint16_t *)(void *)row, &ranges[i]);
		else if (form == GEMM_BF16_WIDE)
			row_to_bf16_wide(x, inputs, row);
		else
			row_to_bf16(x, inputs, (uint16_t *)(void *)row);
	}
	if (form == GEMM_FP32)
		rows.words = (const gemm_word *)(const void *)x;
	return rows;
}
