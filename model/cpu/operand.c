#include "model/cpu/operand.h"

#include "model/cpu/hadamard.h"
#include "model/cpu/level.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
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

struct quantizer {
	float low, inverse;
};

static inline struct quantizer quantizer_over(float low, float high, struct gemm_range *range)
{
	float span = high - low;
	*range = (struct gemm_range){.low = low, .step = span / 255};
	return (struct quantizer){.low = low, .inverse = span > 0 ? 255 / span : 0};
}

CPU_INLINE struct quantizer row_range(const float *x, size_t inputs, struct gemm_range *range)
{
	float low = x[0], high = x[0];
#pragma omp simd reduction(min : low) reduction(max : high)
	for (size_t i = 0; i < inputs; i++) {
		low = x[i] < low ? x[i] : low;
		high = x[i] > high ? x[i] : high;
	}
	return quantizer_over(low, high, range);
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

CPU_INLINE void row_to_bytes_body(const float *x, size_t inputs, uint8_t *out, struct gemm_range *range)
{
	struct quantizer quantizer = row_range(x, inputs, range);
#pragma omp simd
	for (size_t i = 0; i < inputs; i++)
		out[i] = (uint8_t)quantize(quantizer, x[i]);
}
CPU_LEVELS(row_to_bytes, (const float *x, size_t inputs, uint8_t *out, struct gemm_range *range),
	   (x, inputs, out, range))

#if defined(__x86_64__)
/* The same in the instructions that compilers do not find: a third of the time, and a seventeenth of clang's. */
enum { CHAINS = 4, LANES = 16 };

/* Which of a row's next sixteen values there are. */
CPU_INLINE __mmask16 lanes_left(size_t left)
{
	return left < LANES ? (__mmask16)((1u << left) - 1) : (__mmask16)-1;
}

CPU_TARGET_AVX512 CPU_INLINE struct quantizer row_range_wide(const float *x, size_t inputs, struct gemm_range *range)
{
	__m512 low[CHAINS], high[CHAINS];
	for (int i = 0; i < CHAINS; i++)
		low[i] = high[i] = _mm512_set1_ps(x[0]);
	size_t at = 0;
	for (; at + CHAINS * LANES <= inputs; at += CHAINS * LANES) {
		for (int i = 0; i < CHAINS; i++) {
			__m512 value = _mm512_loadu_ps(x + at + i * LANES);
			low[i] = _mm512_min_ps(value, low[i]);
			high[i] = _mm512_max_ps(value, high[i]);
		}
	}
	for (; at < inputs; at += LANES) {
		__mmask16 mask = lanes_left(inputs - at);
		__m512 value = _mm512_mask_loadu_ps(low[0], mask, x + at);
		low[0] = _mm512_min_ps(value, low[0]);
		high[0] = _mm512_mask_max_ps(high[0], mask, value, high[0]);
	}
	float least = _mm512_reduce_min_ps(_mm512_min_ps(_mm512_min_ps(low[0], low[1]), _mm512_min_ps(low[2], low[3])));
	float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(high[0], high[1]), _mm512_max_ps(high[2], high[3])));
	return quantizer_over(least, most, range);
}

/* Integers that packing will saturate to 0 ... 255; a NaN is the least of all. */
CPU_TARGET_AVX512 CPU_INLINE __m512i quantize_wide(struct quantizer quantizer, __m512 x)
{
	__m512 value = _mm512_sub_ps(x, _mm512_set1_ps(quantizer.low));
	return _mm512_cvtps_epi32(_mm512_mul_ps(value, _mm512_set1_ps(quantizer.inverse)));
}

CPU_TARGET_AVX512 static void row_to_bytes_wide(const float *x, size_t inputs, uint8_t *out, struct gemm_range *range)
{
	/* Packing goes by quarters of vectors: this brings back the order. */
	const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
	struct quantizer quantizer = row_range_wide(x, inputs, range);
	size_t at = 0;
	for (; at + 4 * LANES <= inputs; at += 4 * LANES) {
		__m512i q[4];
		for (int i = 0; i < 4; i++)
			q[i] = quantize_wide(quantizer, _mm512_loadu_ps(x + at + i * LANES));
		__m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(q[0], q[1]), _mm512_packs_epi32(q[2], q[3]));
		_mm512_storeu_si512(out + at, _mm512_permutexvar_epi32(order, bytes));
	}
	for (; at < inputs; at += LANES) {
		__mmask16 mask = lanes_left(inputs - at);
		__m512i q = _mm512_max_epi32(quantize_wide(quantizer, _mm512_maskz_loadu_ps(mask, x + at)), _mm512_setzero_si512());
		_mm512_mask_cvtusepi32_storeu_epi8(out + at, mask, q);
	}
}
#else
static void row_to_bytes_wide(const float *x, size_t inputs, uint8_t *out, struct gemm_range *range)
{
	row_to_bytes(x, inputs, out, range);
}
#endif

static void row_to_int8(const float *x, size_t inputs, uint8_t *out, struct gemm_range *range)
{
	if (cpu_level() >= CPU_AVX512)
		row_to_bytes_wide(x, inputs, out, range);
	else
		row_to_bytes(x, inputs, out, range);
}

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
	float *rotated = (float *)(void *)(words + count * stride);
	struct gemm_rows rows = {.words = words, .stride = stride, .count = count, .ranges = ranges};
	if (form == GEMM_FP32 || (form == GEMM_BF16_WIDE && inputs % 2 == 0)) {
		rows.words = (const gemm_word *)(const void *)x;
		return rows;
	}
	for (size_t i = 0; i < count; i++, x += inputs) {
		gemm_word *row = words + i * stride;
		row[stride - 1] = 0; /* what the values do not fill */
		if (gemm_is_integer(form))
			hadamard_row(x, inputs, rotated);
		if (form == GEMM_INT8)
			row_to_int8(rotated, inputs, (uint8_t *)row, &ranges[i]);
		else if (form == GEMM_INT16)
			row_to_int16(rotated, inputs, (uint16_t *)(void *)row, &ranges[i]);
		else if (form == GEMM_BF16_WIDE)
			memcpy(row, x, inputs * sizeof *x);
		else
			row_to_bf16(x, inputs, (uint16_t *)(void *)row);
	}
	return rows;
}
