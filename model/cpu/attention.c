#include "model/cpu/attention.h"

#include "model/cpu/level.h"
#include "model/cpu/math.h"

#include <math.h>

/*
 * Headlines are short: some 30 tokens by 32 values a head.  That is too small
 * for a library's matrix product and just right for registers.  A query's
 * output is a sum of value rows weighted by its scores; with the keys
 * transposed, its scores are a sum of key columns weighted by the query.  So
 * one weighted sum does both, over tiles of a few queries that stay in
 * registers.
 */
enum { BLOCK = 32, LANES = 16, QUERIES = 4 };

/* Scratch: transposed keys [size, padded length], scores [QUERIES, padded length]. */
static inline size_t padded(size_t length)
{
	return (length + LANES - 1) / LANES * LANES;
}

size_t attention_scratch_count(size_t longest, size_t size)
{
	return padded(longest) * (size + QUERIES);
}

/* A matrix whose row i starts `stride` floats after row i - 1. */
struct matrix {
	const float *values;
	size_t stride;
};

/* out[rows, width] = weights[rows, count] values[count, width]; `rows` and `width` are constants where this is inlined. */
CPU_INLINE void tile_sum(struct matrix weights, size_t rows, size_t count, struct matrix values, size_t width,
			 float *out, size_t out_stride)
{
	float sum[QUERIES][BLOCK] = {{0}};
	for (size_t i = 0; i < count; i++) {
		for (size_t row = 0; row < rows; row++) {
			float weight = weights.values[row * weights.stride + i];
#pragma omp simd
			for (size_t c = 0; c < width; c++)
				sum[row][c] += weight * values.values[i * values.stride + c];
		}
	}
	for (size_t row = 0; row < rows; row++)
		for (size_t c = 0; c < width; c++)
			out[row * out_stride + c] = sum[row][c];
}

CPU_INLINE void weighted_sum(struct matrix weights, size_t rows, size_t count, struct matrix values, size_t width,
			     float *out, size_t out_stride)
{
	size_t c = 0;
	for (; c + BLOCK <= width; c += BLOCK, values.values += BLOCK)
		tile_sum(weights, rows, count, values, BLOCK, out + c, out_stride);
	for (; c + LANES <= width; c += LANES, values.values += LANES)
		tile_sum(weights, rows, count, values, LANES, out + c, out_stride);
	for (; c < width; c++, values.values++)
		tile_sum(weights, rows, count, values, 1, out + c, out_stride);
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

/* `rows` queries from query `row` on */
CPU_INLINE void queries_run(const struct attention_head *head, size_t row, size_t rows)
{
	size_t length = head->length, size = head->size, stride = padded(length);
	float *keys = head->scratch, *scores = keys + stride * size;
	weighted_sum((struct matrix){head->queries + row * head->query_stride, head->query_stride}, rows, size,
		     (struct matrix){keys, stride}, stride, scores, stride);
	for (size_t i = 0; i < rows; i++)
		scores_softmax(scores + i * stride, length);
	weighted_sum((struct matrix){scores, stride}, rows, length, (struct matrix){head->values, head->key_stride},
		     size, head->out + row * head->out_stride, head->out_stride);
}

CPU_INLINE void attention_head_run_body(const struct attention_head *head)
{
	keys_transpose(head, head->scratch);
	size_t row = 0;
	for (; row + QUERIES <= head->query_count; row += QUERIES)
		queries_run(head, row, QUERIES);
	for (; row < head->query_count; row++)
		queries_run(head, row, 1);
}
CPU_LEVELS(attention_head_run, (const struct attention_head *head), (head))
