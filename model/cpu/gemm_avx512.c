#include "model/cpu/gemm.h"

#if defined(__x86_64__)
#include "model/cpu/level.h"

#include <immintrin.h>

/*
 * A tile of 14 rows by two vectors takes 28 of the 32 registers; each value
 * that is broadcast serves two products and each vector of weights fourteen,
 * so that both units multiply in nearly every cycle.
 */
#define TILE_TARGET CPU_TARGET_AVX512
#define TILE_ROWS 14
#define TILE_VECTORS 2
#define TILE_LANES 16
#define TILE_VECTOR __m512i
#define TILE_ZERO() _mm512_setzero_si512()
#define TILE_BROADCAST(word) _mm512_set1_epi32((int)(word))
#define TILE_STORE(words, vector) _mm512_store_si512(words, vector)

CPU_INLINE TILE_TARGET __m512i multiply_add(__m512i sum, __m512i x, __m512i w)
{
	return _mm512_castps_si512(
		_mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(w), _mm512_castsi512_ps(sum)));
}

/* The low or the high bfloat16 of each word, as float32. */
CPU_INLINE TILE_TARGET __m512i load_wide(const gemm_word *words, size_t part)
{
	__m512i both = _mm512_load_si512(words);
	return part == 0 ? _mm512_slli_epi32(both, 16) : _mm512_and_si512(both, _mm512_set1_epi32(-0x10000));
}

#define TILE_PARTS 1
#define TILE_LOAD(words, part) _mm512_load_si512(words)

#define TILE(name) avx512_fp32_##name
#define TILE_DOT(sum, x, w) multiply_add(sum, x, w)
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

#undef TILE_TARGET
#define TILE_TARGET CPU_TARGET_AVX512_WITH(",avx512vnni")
#define TILE(name) avx512_int8_##name
#define TILE_DOT(sum, x, w) _mm512_dpbusd_epi32(sum, x, w)
#define TILE_INTEGER 1
#include "model/cpu/gemm_tile.h"

#undef TILE_TARGET
#define TILE_TARGET CPU_TARGET_AVX512_WITH(",avx512bf16")
#define TILE(name) avx512_dot_##name
#define TILE_DOT(sum, x, w)                                                                                   \
	_mm512_castps_si512(_mm512_dpbf16_ps(_mm512_castsi512_ps(sum), (__m512bh)(x), (__m512bh)(w)))
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

#undef TILE_TARGET
#undef TILE_ROWS
#undef TILE_PARTS
#undef TILE_LOAD
#define TILE_TARGET CPU_TARGET_AVX512
#define TILE_ROWS 12 /* widening needs registers too */
#define TILE_PARTS 2
#define TILE_LOAD(words, part) load_wide(words, part)
#define TILE(name) avx512_bf16_##name
#define TILE_DOT(sum, x, w) multiply_add(sum, x, w)
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

static bool available(void)
{
	return cpu_level() >= CPU_AVX512;
}

static bool int8_available(void)
{
	return cpu_has(CPU_AVX512_VNNI);
}

/*
 * Intel's vdpbf16ps adds its two products one after the other and is slower
 * than two FMAs over the same words (on Sapphire Rapids 89 against 170 GFLOP/s
 * at most); AMD's has, from Zen 4 on, twice the throughput of FMA.
 */
static bool dot_available(void)
{
	return cpu_has(CPU_AVX512_BF16) && __builtin_cpu_is("amd");
}

const struct gemm gemm_avx512_fp32 = {
	.name = "avx512",
	.precision = "fp32",
	.form = GEMM_FP32,
	.panel = avx512_fp32_columns,
	.available = available,
	.multiply = avx512_fp32_multiply,
};

const struct gemm gemm_avx512_bf16 = {
	.name = "avx512",
	.precision = "bf16",
	.form = GEMM_BF16_WIDE,
	.panel = avx512_bf16_columns,
	.available = available,
	.multiply = avx512_bf16_multiply,
};

const struct gemm gemm_avx512_dot_bf16 = {
	.name = "avx512-bf16",
	.precision = "bf16",
	.form = GEMM_BF16,
	.panel = avx512_dot_columns,
	.available = dot_available,
	.multiply = avx512_dot_multiply,
};

const struct gemm gemm_avx512_int8 = {
	.name = "avx512-vnni",
	.precision = "int8",
	.form = GEMM_INT8,
	.panel = avx512_int8_columns,
	.available = int8_available,
	.multiply = avx512_int8_multiply,
};
#endif
