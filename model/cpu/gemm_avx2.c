#include "model/cpu/gemm.h"

#if defined(__x86_64__)
#include "model/cpu/level.h"

#include <immintrin.h>

/*
 * A tile of 6 rows by two vectors takes 12 of the 16 registers.  AVX2 has a
 * product of bytes (vpmaddubsw), but it adds two of them to 16 bits and
 * saturates, and the result must be that of every other table: so bytes are
 * widened once, when weights are packed and rows prepared.
 */
#define TILE_TARGET CPU_TARGET_AVX2
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define TILE_LANES 8
#define TILE_VECTOR __m256i
#define TILE_ZERO() _mm256_setzero_si256()
#define TILE_BROADCAST(word) _mm256_set1_epi32((int)(word))
#define TILE_STORE(words, vector) _mm256_store_si256((__m256i *)(void *)(words), vector)

CPU_INLINE TILE_TARGET __m256i load(const gemm_word *words)
{
	return _mm256_load_si256((const __m256i *)(const void *)words);
}

CPU_INLINE TILE_TARGET __m256i multiply_add(__m256i sum, __m256i x, __m256i w)
{
	return _mm256_castps_si256(
		_mm256_fmadd_ps(_mm256_castsi256_ps(x), _mm256_castsi256_ps(w), _mm256_castsi256_ps(sum)));
}

/* The low or the high bfloat16 of each word, as float32. */
CPU_INLINE TILE_TARGET __m256i load_wide(const gemm_word *words, size_t part)
{
	__m256i both = load(words);
	return part == 0 ? _mm256_slli_epi32(both, 16) : _mm256_and_si256(both, _mm256_set1_epi32(-0x10000));
}

#define TILE_PARTS 1
#define TILE_LOAD(words, part) load(words)

#define TILE(name) avx2_fp32_##name
#define TILE_DOT(sum, x, w) multiply_add(sum, x, w)
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

#define TILE(name) avx2_int8_##name
#define TILE_DOT(sum, x, w) _mm256_add_epi32(sum, _mm256_madd_epi16(x, w))
#define TILE_INTEGER 1
#include "model/cpu/gemm_tile.h"

#undef TILE_TARGET
#define TILE_TARGET __attribute__((target("avx2,fma,avxvnni")))
#define TILE(name) avx_vnni_##name
#define TILE_DOT(sum, x, w) _mm256_dpbusd_avx_epi32(sum, x, w)
#define TILE_INTEGER 1
#include "model/cpu/gemm_tile.h"

#undef TILE_TARGET
#undef TILE_ROWS
#undef TILE_PARTS
#undef TILE_LOAD
#define TILE_TARGET CPU_TARGET_AVX2
#define TILE_ROWS 5 /* widening needs registers too */
#define TILE_PARTS 2
#define TILE_LOAD(words, part) load_wide(words, part)
#define TILE(name) avx2_bf16_##name
#define TILE_DOT(sum, x, w) multiply_add(sum, x, w)
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

static bool available(void)
{
	return cpu_level() >= CPU_AVX2;
}

static bool vnni_available(void)
{
	return cpu_has(CPU_AVX_VNNI);
}

const struct gemm gemm_avx2_fp32 = {
	.name = "avx2",
	.precision = "fp32",
	.form = GEMM_FP32,
	.panel = avx2_fp32_columns,
	.available = available,
	.multiply = avx2_fp32_multiply,
};

const struct gemm gemm_avx2_bf16 = {
	.name = "avx2",
	.precision = "bf16",
	.form = GEMM_BF16_WIDE,
	.panel = avx2_bf16_columns,
	.available = available,
	.multiply = avx2_bf16_multiply,
};

const struct gemm gemm_avx2_int8 = {
	.name = "avx2",
	.precision = "int8",
	.form = GEMM_INT16,
	.panel = avx2_int8_columns,
	.available = available,
	.multiply = avx2_int8_multiply,
};

/* Four products of bytes in one instruction, on client CPUs without AVX-512. */
const struct gemm gemm_avx_vnni_int8 = {
	.name = "avx-vnni",
	.precision = "int8",
	.form = GEMM_INT8,
	.panel = avx_vnni_columns,
	.available = vnni_available,
	.multiply = avx_vnni_multiply,
};
#endif
