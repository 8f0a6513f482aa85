#include "model/cpu/gemm.h"
#include "model/half.h"

#include <string.h>

/*
 * The reference, for every machine: vectors are four words in plain C, which
 * compilers turn into what the architecture has.
 */
struct words {
	uint32_t word[4];
};

static inline struct words words_load(const gemm_word *from)
{
	struct words words;
	memcpy(words.word, from, sizeof words.word);
	return words;
}

static inline void words_store(gemm_word *to, struct words words)
{
	memcpy(to, words.word, sizeof words.word);
}

static inline uint32_t dot_fp32(uint32_t sum, uint32_t x, uint32_t w)
{
	return float_to_bits(float_from_bits(sum) + float_from_bits(x) * float_from_bits(w));
}

static inline uint32_t dot_bf16(uint32_t sum, uint32_t x, uint32_t w)
{
	float low = float_from_bits(x << 16) * float_from_bits(w << 16);
	float high = float_from_bits(x & 0xFFFF0000u) * float_from_bits(w & 0xFFFF0000u);
	return float_to_bits(float_from_bits(sum) + low + high);
}

static inline uint32_t dot_int8(uint32_t sum, uint32_t x, uint32_t w)
{
	for (int shift = 0; shift < 32; shift += 8)
		sum += (uint32_t)((int32_t)(x >> shift & 0xFF) * (int8_t)(w >> shift & 0xFF));
	return sum;
}

#define DOT_FUNCTION(name)                                                                   \
	static inline struct words words_##name(struct words sum, struct words x, struct words w) \
	{                                                                                    \
		for (int i = 0; i < 4; i++)                                                  \
			sum.word[i] = name(sum.word[i], x.word[i], w.word[i]);               \
		return sum;                                                                  \
	}
DOT_FUNCTION(dot_fp32)
DOT_FUNCTION(dot_bf16)
DOT_FUNCTION(dot_int8)

#define TILE_TARGET
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define TILE_LANES 4
#define TILE_VECTOR struct words
#define TILE_ZERO() ((struct words){{0}})
#define TILE_PARTS 1
#define TILE_LOAD(words, part) words_load(words)
#define TILE_BROADCAST(word) ((struct words){{word, word, word, word}})
#define TILE_STORE(words, vector) words_store(words, vector)

#define TILE(name) plain_fp32_##name
#define TILE_DOT(sum, x, w) words_dot_fp32(sum, x, w)
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

#define TILE(name) plain_bf16_##name
#define TILE_DOT(sum, x, w) words_dot_bf16(sum, x, w)
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

#define TILE(name) plain_int8_##name
#define TILE_DOT(sum, x, w) words_dot_int8(sum, x, w)
#define TILE_INTEGER 1
#include "model/cpu/gemm_tile.h"

static bool available(void)
{
	return true;
}

const struct gemm gemm_plain_fp32 = {
	.name = "plain",
	.precision = "fp32",
	.form = GEMM_FP32,
	.panel = plain_fp32_columns,
	.available = available,
	.multiply = plain_fp32_multiply,
};

const struct gemm gemm_plain_bf16 = {
	.name = "plain",
	.precision = "bf16",
	.form = GEMM_BF16,
	.panel = plain_bf16_columns,
	.available = available,
	.multiply = plain_bf16_multiply,
};

const struct gemm gemm_plain_int8 = {
	.name = "plain",
	.precision = "int8",
	.form = GEMM_INT8,
	.panel = plain_int8_columns,
	.available = available,
	.multiply = plain_int8_multiply,
};
