#ifndef TESTS_CUDA_VOCABULARY_H
#define TESTS_CUDA_VOCABULARY_H

#include "tests/cuda/fibres.h"

#include <cmath>
#include <cstdint>
#include <cstring>

/* CUDA's words, as far as the kernels use them, for a compiler that has none. */
#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(threads)

#define threadIdx launch_thread
#define blockIdx launch_block

struct alignas(8) float2 {
	float x, y;
};

struct alignas(16) uint4 {
	uint32_t x, y, z, w;
};

static inline float2 make_float2(float x, float y)
{
	return {x, y};
}

static inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w)
{
	return {x, y, z, w};
}

static inline int min(int a, int b)
{
	return a < b ? a : b;
}

static inline void *shared_memory()
{
	return launch_shared();
}

static inline void __syncthreads(int line = __builtin_LINE())
{
	launch_barrier(line);
}

static inline float exchanged_float(const uint64_t *values, int lane)
{
	uint32_t bits = (uint32_t)values[lane % LANES];
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline const uint64_t *exchange_float(unsigned mask, float value, int line)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	return launch_exchange(mask, EXCHANGE_SHUFFLE, bits, line);
}

static inline float __shfl_sync(unsigned mask, float value, int lane, int line = __builtin_LINE())
{
	return exchanged_float(exchange_float(mask, value, line), lane);
}

static inline float __shfl_xor_sync(unsigned mask, float value, int distance, int line = __builtin_LINE())
{
	int lane = (int)(launch_thread.x % LANES); /* before others run */
	return exchanged_float(exchange_float(mask, value, line), lane ^ distance);
}

struct __nv_bfloat16 {
	uint16_t bits;
};

struct alignas(4) __nv_bfloat162 {
	__nv_bfloat16 x, y;
};

static inline float __bfloat162float(__nv_bfloat16 value)
{
	uint32_t bits = (uint32_t)value.bits << 16;
	float out;
	memcpy(&out, &bits, sizeof out);
	return out;
}

/* To the nearest, ties to even; a NaN stays one. */
static inline __nv_bfloat16 __float2bfloat16(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	if ((bits & 0x7fffffff) > 0x7f800000)
		return {0x7fff};
	return {(uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

static inline float2 __bfloat1622float2(__nv_bfloat162 pair)
{
	return {__bfloat162float(pair.x), __bfloat162float(pair.y)};
}

static inline __nv_bfloat162 __floats2bfloat162_rn(float low, float high)
{
	return {__float2bfloat16(low), __float2bfloat16(high)};
}

struct __half {
	uint16_t bits;
};

struct alignas(4) __half2 {
	__half x, y;
};

/* IEEE 754 binary16, by its definition. */
static inline float half_value(__half value)
{
	int exponent = value.bits >> 10 & 31, fraction = value.bits & 1023;
	float magnitude = exponent == 0 ? ldexpf((float)fraction, -24) : ldexpf((float)(1024 + fraction), exponent - 25);
	if (exponent == 31)
		magnitude = fraction != 0 ? NAN : INFINITY;
	return value.bits & 0x8000 ? -magnitude : magnitude;
}

static inline float2 __half22float2(__half2 pair)
{
	return {half_value(pair.x), half_value(pair.y)};
}

#endif
