#include "model/train/kernel_attention.h"

#include "model/cpu/level.h"
#include "model/cpu/math.h"

#include <math.h>
#include <string.h>

/*
 * Headlines have some 20 tokens by 32 values a head, so everything of a head
 * fits in the first cache level.  It is copied there once, rows filled up to
 * whole vectors, and then all is one small product: C = A B, where A's values
 * are taken one by one with any strides (so its transpose is A too) and B's and
 * C's by vectors.
 *
 * Backward after Dao et al., "FlashAttention", arXiv:2205.14135, appendix B.
 */
enum { LANES = 16 };

typedef float vector __attribute__((vector_size(LANES * 4)));
typedef float unaligned_vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

struct small_matrix {
	const float *values;
	size_t row, word; /* strides */
};

/* c[rows, 16 vectors] = a[rows, inner] b[inner, 16 vectors]; `rows` and `vectors` are constants. */
CPU_INLINE void tile_multiply(struct small_matrix a, const float *b, size_t b_row, size_t inner, float *c, size_t c_row,
			      size_t rows, size_t vectors)
{
	vector sum[8][2] = {{{0}}};
	for (size_t k = 0; k < inner; k++, b += b_row) {
		UNROLL
		for (size_t j = 0; j < vectors; j++) {
			vector value = *(const unaligned_vector *)(b + j * LANES);
			UNROLL
			for (size_t i = 0; i < rows; i++)
				sum[i][j] += a.values[i * a.row + k * a.word] * value;
		}
	}
	UNROLL
	for (size_t i = 0; i < rows; i++)
		UNROLL
		for (size_t j = 0; j < vectors; j++)
			*(unaligned_vector *)(c + i * c_row + j * LANES) = sum[i][j];
}

/* `vectors` columns, a constant, from b's and c's first on. */
CPU_INLINE void columns_multiply(struct small_matrix a, size_t rows, size_t inner, const float *b, size_t stride, float *c,
				 size_t vectors)
{
	size_t row = 0;
	for (; row + 8 <= rows; row += 8, a.values += 8 * a.row, c += 8 * stride)
		tile_multiply(a, b, stride, inner, c, stride, 8, vectors);
	for (; row + 4 <= rows; row += 4, a.values += 4 * a.row, c += 4 * stride)
		tile_multiply(a, b, stride, inner, c, stride, 4, vectors);
	for (; row < rows; row++, a.values += a.row, c += stride)
		tile_multiply(a, b, stride, inner, c, stride, 1, vectors);
}

/* c[rows, columns] = a[rows, inner] b[inner, columns] */
CPU_INLINE void attend_multiply_body(struct small_matrix a, size_t rows, size_t inner, const float *b, size_t columns,
				     float *c)
{
	size_t column = 0;
	for (; column + 2 * LANES <= columns; column += 2 * LANES)
		columns_multiply(a, rows, inner, b + column, columns, c + column, 2);
	if (column < columns)
		columns_multiply(a, rows, inner, b + column, columns, c + column, 1);
}
CPU_LEVELS(attend_multiply,
	   (struct small_matrix a, size_t rows, size_t inner, const float *b, size_t columns, float *c),
	   (a, rows, inner, b, columns, c))

/* Scores to weights, row by row; what fills a row up becomes zero. */
CPU_INLINE void attend_softmax_body(float *scores, size_t rows, size_t length, size_t columns)
{
	for (size_t row = 0; row < rows; row++, scores += columns) {
		float top = scores[0], sum = 0;
		for (size_t i = length; i < columns; i++)
			scores[i] = scores[0];
#pragma omp simd reduction(max : top)
		for (size_t i = 0; i < columns; i++)
			top = scores[i] > top ? scores[i] : top;
		for (size_t i = 0; i < columns; i += LANES)
#pragma omp simd
			for (size_t lane = 0; lane < LANES; lane++)
				scores[i + lane] = math_exp(scores[i + lane] - top);
		for (size_t i = length; i < columns; i++)
			scores[i] = 0;
#pragma omp simd reduction(+ : sum)
		for (size_t i = 0; i < columns; i++)
			sum += scores[i];
		float scale = 1.0f / sum;
#pragma omp simd
		for (size_t i = 0; i < columns; i++)
			scores[i] *= scale;
	}
}
CPU_LEVELS(attend_softmax, (float *scores, size_t rows, size_t length, size_t columns), (scores, rows, length, columns))

CPU_INLINE void attend_drop_body(const float *x, const uint16_t *random, size_t count, uint32_t threshold, float scale,
				 float *out)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		out[i] = random[i] >= threshold ? x[i] * scale : 0.0f;
}
CPU_LEVELS(attend_drop,
	   (const float *x, const uint16_t *random, size_t count, uint32_t threshold, float scale, float *out),
	   (x, random, count, threshold, scale, out))

/* The softmax's way back: slope = weights (slope - sum(slope weights)), by rows */
CPU_INLINE void attend_slope_body(float *slope, const float *weights, size_t rows, size_t columns)
{
	for (size_t row = 0; row < rows; row++, slope += columns, weights += columns) {
		float sum = 0;
#pragma omp simd reduction(+ : sum)
		for (size_t i = 0; i < columns; i++)
			sum += slope[i] * weights[i];
#pragma omp simd
		for (size_t i = 0; i < columns; i++)
			slope[i] = weights[i] * (slope[i] - sum);
	}
}
CPU_LEVELS(attend_slope, (float *slope, const float *weights, size_t rows, size_t columns), (slope, weights, rows, columns))

static size_t filled(size_t count)
{
	return (count + LANES - 1) / LANES * LANES;
}

/* Carved out of a pass's scratch.  D and L are size and length filled up, M queries. */
struct room {
	float *queries;    /* [M, D], scaled */
	float *keys;       /* [length, D] */
	float *values;     /* [length, D] */
	float *turned;     /* [size, L] */
	float *weights;    /* [M, L]: after softmax */
	float *slopes;     /* [M, L]: after dropout, or their gradients */
	float *gradient;   /* [M, D]: of the output */
	float *result;     /* [length, D] */
	uint32_t *random;  /* half a word for each weight */
};

size_t attention_pass_room(size_t length, size_t size)
{
	size_t wide = filled(size), long_ = filled(length);
	return 5 * length * wide + size * long_ + 2 * length * long_ + random_room(length * long_ / 2 + 1);
}

static struct room room_carve(const struct attention_pass *pass)
{
	size_t rows = pass->query_count, wide = filled(pass->size), long_ = filled(pass->length);
	struct room room;
	float *at = pass->scratch;
	room.queries = at;
	room.keys = at += rows * wide;
	room.values = at += pass->length * wide;
	room.turned = at += pass->length * wide;
	room.weights = at += pass->size * long_;
	room.slopes = at += rows * long_;
	room.gradient = at += rows * long_;
	room.result = at += rows * wide;
	room.random = (uint32_t *)(void *)(at += pass->length * wide);
	return room;
}

/* `rows` of `size` values times `scale`, then `more` zeros. */
CPU_INLINE void attend_copy_body(const float *x, size_t stride, size_t rows, size_t size, float scale, size_t more, float *out,
				 size_t out_stride)
{
	for (size_t row = 0; row < rows; row++, x += stride, out += out_stride) {
#pragma omp simd
		for (size_t i = 0; i < size; i++)
			out[i] = x[i] * scale;
		for (size_t i = size; i < size + more; i++)
			out[i] = 0;
	}
}
CPU_LEVELS(attend_copy,
	   (const float *x, size_t stride, size_t rows, size_t size, float scale, size_t more, float *out, size_t out_stride),
	   (x, stride, rows, size, scale, more, out, out_stride))

/* To rows of whole vectors, and from them. */
static void rows_copy(const float *x, size_t stride, size_t rows, size_t size, float scale, float *out)
{
	attend_copy(x, stride, rows, size, scale, filled(size) - size, out, filled(size));
}

static void rows_place(const float *x, size_t rows, size_t size, float scale, float *out, size_t stride)
{
	attend_copy(x, filled(size), rows, size, scale, 0, out, stride);
}

/* x[length, D] to out[size, L] */
static void rows_turn(const float *x, size_t length, size_t size, float *out)
{
	size_t long_ = filled(length);
	memset(out, 0, size * long_ * sizeof *out);
	rows_transpose(x, filled(size), length, size, out, long_);
}

/* Softmax's weights to room.weights, and after dropout to room.slopes. */
static void weights_compute(const struct attention_pass *pass, const struct room *room)
{
	size_t rows = pass->query_count, size = pass->size, wide = filled(size), long_ = filled(pass->length);
	rows_copy(pass->queries, pass->query_stride, rows, size, 1.0f / sqrtf((float)size), room->queries);
	rows_copy(pass->keys, pass->key_stride, pass->length, size, 1, room->keys);
	rows_copy(pass->values, pass->key_stride, pass->length, size, 1, room->values);
	rows_turn(room->keys, pass->length, size, room->turned);
	attend_multiply((struct small_matrix){room->queries, wide, 1}, rows, size, room->turned, long_, room->weights);
	attend_softmax(room->weights, rows, pass->length, long_);
	const struct dropout *dropout = pass->dropout;
	if (dropout->threshold == 0) {
		memcpy(room->slopes, room->weights, rows * long_ * sizeof(float));
		return;
	}
	random_fill(dropout->seed, pass->place, room->random, rows * long_ / 2);
	attend_drop(room->weights, (const uint16_t *)(const void *)room->random, rows * long_, dropout->threshold,
		    dropout->scale, room->slopes);
}

void attention_pass_weights(const struct attention_pass *pass, float *weights)
{
	struct room room = room_carve(pass);
	weights_compute(pass, &room);
	for (size_t row = 0; row < pass->query_count; row++)
		memcpy(weights + row * pass->length, room.weights + row * filled(pass->length), pass->length * sizeof *weights);
}

void attention_pass_forward(const struct attention_pass *pass, float *out, size_t out_stride)
{
	struct room room = room_carve(pass);
	size_t rows = pass->query_count, wide = filled(pass->size), long_ = filled(pass->length);
	weights_compute(pass, &room);
	attend_multiply((struct small_matrix){room.slopes, long_, 1}, rows, pass->length, room.values, wide, room.result);
	rows_place(room.result, rows, pass->size, 1, out, out_stride);
}

void attention_pass_backward(const struct attention_pass *pass, const float *out_gradient, size_t out_stride,
			     float *queries, float *keys, float *values)
{
	struct room room = room_carve(pass);
	const struct dropout *dropout = pass->dropout;
	size_t rows = pass->query_count, length = pass->length, size = pass->size;
	size_t wide = filled(size), long_ = filled(length);
	weights_compute(pass, &room);
	rows_copy(out_gradient, out_stride, rows, size, 1, room.gradient);

	attend_multiply((struct small_matrix){room.slopes, 1, long_}, length, rows, room.gradient, wide, room.result);
	rows_place(room.result, length, size, 1, values, pass->key_stride);

	rows_turn(room.values, length, size, room.turned);
	attend_multiply((struct small_matrix){room.gradient, wide, 1}, rows, size, room.turned, long_, room.slopes);
	if (dropout->threshold != 0)
		attend_drop(room.slopes, (const uint16_t *)(const void *)room.random, rows * long_, dropout->threshold,
			    dropout->scale, room.slopes);
	attend_slope(room.slopes, room.weights, rows, long_);

	attend_multiply((struct small_matrix){room.slopes, long_, 1}, rows, length, room.keys, wide, room.result);
	rows_place(room.result, rows, size, 1.0f / sqrtf((float)size), queries, pass->query_stride);
	attend_multiply((struct small_matrix){room.slopes, 1, long_}, length, rows, room.queries, wide, room.result);
	rows_place(room.result, length, size, 1, keys, pass->key_stride);
}
