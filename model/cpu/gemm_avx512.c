#include "model/cpu/gemm.h"

#if defined(__x86_64__)
#include "model/cpu/level.h"

#include <immintrin.h>

/*
 * A tile of 14 rows by two vectors takes 28 of the 32 registers; each value
 * that is broadcast serves two products and each vector of weights fourteen,
 * so that both units multiply in nearly every cycle.
 */
#define TILE_TARGET                                                            \
	__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni" CPU_WIDE)))
#define TILE_ROWS 14
#define TILE_VECTORS 2
#define TILE_LANES 16
#define TILE_VECTOR __m512i
#define TILE_ZERO() _mm512_setzero_si512()
#define TILE_LOAD(words) _mm512_load_si512(words)
#define TILE_BROADCAST(word) _mm512_set1_epi32((int)(word))
#define TILE_STORE(words, vector) _mm512_store_si512(words, vector)

#define TILE(name) avx512_fp32_##name
#define TILE_DOT(sum, x, w)                                                                           \
	_mm512_castps_si512(_mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(w),           \
					    _mm512_castsi512_ps(sum)))
#define TILE_INTEGER 0
#include "model/cpu/gemm_tile.h"

#define TILE(name) avx512_int8_##name
#define TILE_DOT(sum, x, w) _mm512_dpbusd_epi32(sum, x, w)
#define TILE_INTEGER 1
#include "model/cpu/gemm_tile.h"

static bool fp32_available(void)
{
	return cpu_level() >= CPU_AVX512;
}

static bool int8_available(void)
{
	return cpu_has(CPU_AVX512_VNNI);
}

const struct gemm gemm_avx512_fp32 = {
	.name = "avx512",
	.precision = "fp32",
	.form = GEMM_FP32,
	.panel = avx512_fp32_columns,
	.available = fp32_available,
	.multiply = avx512_fp32_multiply,
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
