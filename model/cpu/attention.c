#include "model/cpu/attention.h"

#include "model/cpu/level.h"
#include "model/cpu/math.h"

#include <math.h>

/*
 * Headlines are short: some 30 tokens by 32 values a head.  That is too small
 * for a library's matrix product and just right for registers.  A query's
 * output is a sum of value rows weighted by its scores; with the keys
 * transposed, its scores are a sum of key columns weighted by the query.  So
 * one weighted sum, blocked to stay in registers, does both.
 */
enum { BLOCK = 32, LANES = 16 };

/* Transposed keys [size, padded length], scores [padded length]. */
static inline size_t padded(size_t length)
{
	return (length + LANES - 1) / LANES * LANES;
}

size_t attention_scratch_count(size_t longest, size_t size)
{
	return padded(longest) * (size + 1);
}

/* out[width] = sum of weights[i] * rows[i], for one block; `width` is a constant where this is inlined. */
CPU_INLINE void block_sum(const float *weights, size_t count, const float *rows, size_t stride, size_t width,
			  float *out)
{
	float sum[BLOCK] = {0};
	for (size_t i = 0; i < count; i++) {
#pragma omp simd
		for (size_t c = 0; c < width; c++)
			sum[c] += weights[i] * rows[i * stride + c];
	}
	for (size_t c = 0; c < width; c++)
		out[c] = sum[c];
}

CPU_INLINE void weighted_sum(const float *weights, size_t count, const float *rows, size_t stride, size_t width,
			     float *out)
{
	size_t c = 0;
	for (; c + BLOCK <= width; c += BLOCK)
		block_sum(weights, count, rows + c, stride, BLOCK, out + c);
	for (; c + LANES <= width; c += LANES)
		block_sum(weights, count, rows + c, stride, LANES, out + c);
	for (; c < width; c++)
		block_sum(weights, count, rows + c, stride, 1, out + c);
}

CPU_INLINE void scores_softmax(float *scores, size_t length)
{
	float top = scores[0];
#pragma omp simd reduction(max : top)
	for (size_t i = 0; i < length; i++)
		top = scores[i] > top ? scores[i] : top;
	float sum = 0;
#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < length; i++) {
		scores[i] = math_exp(scores[i] - top);
		sum += scores[i];
	}
	float scale = 1.0f / sum;
#pragma omp simd
	for (size_t i = 0; i < length; i++)
		scores[i] *= scale;
}

/* keys[length, size] to out[size, padded length], scaled */
CPU_INLINE void keys_transpose(const struct attention_head *head, float *out)
{
	size_t stride = padded(head->length);
	float scale = 1.0f / sqrtf((float)head->size);
	for (size_t i = 0; i < head->length; i++)
		for (size_t c = 0; c < head->size; c++)
			out[c * stride + i] = head->keys[i * head->key_stride + c] * scale;
	for (size_t c = 0; c < head->size; c++)
		for (size_t i = head->length; i < stride; i++)
			out[c * stride + i] = 0;
}

CPU_INLINE void attention_head_run_body(const struct attention_head *head)
{
	size_t stride = padded(head->length);
	float *keys = head->scratch, *scores = keys + stride * head->size;
	keys_transpose(head, keys);
	for (size_t row = 0; row < head->query_count; row++) {
		weighted_sum(head->queries + row * head->query_stride, head->size, keys, stride, stride, scores);
		scores_softmax(scores, head->length);
		weighted_sum(scores, head->length, head->values, head->key_stride, head->size,
			     head->out + row * head->out_stride);
	}
}
CPU_LEVELS(attention_head_run, (const struct attention_head *head), (head))
