#ifndef GPU_KERNELS_ARGUMENTS_H
#define GPU_KERNELS_ARGUMENTS_H

#include <stdint.h>

/*
 * What the host hands to the kernels: one struct each, by value, in plain C for
 * both sides.  Pointers are the device's.  Activations lie behind void pointers:
 * a kernel's name says what they are.  Widths and heads' sizes are even.
 */

/* Threads of a warp, and of every block but where a kernel's name says otherwise. */
enum { WARP = 32, BLOCK_WARPS = 4, BLOCK_THREADS = BLOCK_WARPS * WARP };

/* What follows a sum. */
enum finish { FINISH_NOTHING, FINISH_GELU, FINISH_GELU_TANH, FINISH_RELU, FINISH_TANH };

/* How the words' table is stored. */
enum word_type { WORD_F32, WORD_F16, WORD_BF16 };

/* gamma and beta [width] */
struct norm_args {
	const float *gamma, *beta;
	float epsilon;
};

/* out[tokens, width] = LayerNorm(words[id] + positions[place] + type) */
struct embed_args {
	const int32_t *ids, *starts;
	const void *words; /* [words, width] of `word_type` */
	const float *positions, *type;
	struct norm_args norm;
	enum word_type word_type;
	int32_t texts, tokens, width;
	void *out;
};

/* y[rows, width] = LayerNorm(y + product + bias) */
struct residual_norm_args {
	const float *product; /* [rows, width] */
	const float *bias;
	struct norm_args norm;
	int32_t rows, width;
	void *y;
};

/* y[rows, width] = finish(y + bias) */
struct activate_args {
	const float *bias;
	enum finish finish;
	int32_t rows, width;
	void *y;
};

/* y[rows, outputs] = finish(x weight^T + bias), all sums in float32 */
struct exact_args {
	const void *x; /* [rows, inputs] */
	const float *weight, *bias;
	enum finish finish;
	int32_t rows, inputs, outputs;
	int32_t widen; /* y is float32, whatever activations are */
	void *y;
};

/* Attention of each text's tokens to one another: queries, keys, values [tokens] and out[tokens] in rows of such widths. */
struct attention_args {
	const void *queries, *keys, *values;
	const int32_t *starts;
	int32_t first_only; /* one query a text, row `text` of the queries; else one a token */
	int32_t query_stride, key_stride, out_stride; /* values between one row and the next */
	int32_t size; /* of a head */
	float scale;  /* log2(e) / sqrt(size): what makes powers of two of scores */
	void *out;
};

/* x[tokens, width] to out[texts, width] */
struct pool_args {
	const int32_t *starts;
	const void *x;
	int32_t width;
	void *out;
};

/* out[count] in bfloat16 */
struct narrow_args {
	const float *values;
	int64_t count;
	void *out;
};

/*
 * Every kernel: its name and what it takes.
 *
 * A warp holds a row of at most 64 times the number at the end of embed's and
 * residual_norm's names.  The two numbers of attention_tensor are the head's size and the
 * warps of a block, each with 16 queries.
 */
#define KERNELS_OF_ROWS(K, type)                                                                                      \
	K(embed_##type##_6, embed_args)                                                                               \
	K(embed_##type##_12, embed_args)                                                                              \
	K(embed_##type##_16, embed_args)                                                                              \
	K(residual_norm_##type##_6, residual_norm_args)                                                               \
	K(residual_norm_##type##_12, residual_norm_args)                                                              \
	K(residual_norm_##type##_16, residual_norm_args)                                                              \
	K(activate_##type, activate_args)                                                                             \
	K(exact_##type, exact_args)                                                                                   \
	K(attention_##type, attention_args)                                                                           \
	K(gather_first_##type, pool_args)                                                                             \
	K(mean_pool_##type, pool_args)

#define KERNELS(K)                                                                                                    \
	KERNELS_OF_ROWS(K, f32)                                                                                       \
	KERNELS_OF_ROWS(K, bf16)                                                                                      \
	K(attention_tensor_32_1, attention_args)                                                                      \
	K(attention_tensor_32_2, attention_args)                                                                      \
	K(attention_tensor_32_4, attention_args)                                                                      \
	K(attention_tensor_64_1, attention_args)                                                                      \
	K(attention_tensor_64_2, attention_args)                                                                      \
	K(attention_tensor_64_4, attention_args)                                                                      \
	K(narrow, narrow_args)

/* Rows of the largest width. */
enum { MOST_WIDTH = 16 * 64 };

/* attention_*: a block's queries, the keys that it holds at a time, the widest head. */
enum { PLAIN_QUERIES = 4 * BLOCK_WARPS, PLAIN_KEYS = WARP, PLAIN_MOST_SIZE = 128 };

/* exact_*: a block's rows and outputs, and the threads for them. */
enum { EXACT_TILE = 32, EXACT_THREADS = 256 };

/* attention_tensor_*: a warp's queries, the keys that a block holds at a time, and what a row of them is longer for the
 * memory's banks. */
enum { TENSOR_QUERIES = 16, TENSOR_KEYS = 64, TENSOR_PAD = 8 };

/* Bytes of shared memory that a block of the three needs. */
static inline uint32_t attention_shared(int32_t size)
{
	return (uint32_t)(PLAIN_QUERIES * size + PLAIN_KEYS * (size + 1) + PLAIN_KEYS * size) * 4;
}

static inline uint32_t exact_shared(void)
{
	return 2 * EXACT_TILE * (EXACT_TILE + 1) * 4;
}

static inline uint32_t attention_tensor_shared(int32_t size)
{
	return (uint32_t)(2 * TENSOR_KEYS * (size + TENSOR_PAD)) * 2;
}

#endif
