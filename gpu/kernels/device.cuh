#ifndef GPU_KERNELS_DEVICE_CUH
#define GPU_KERNELS_DEVICE_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "gpu/kernels/arguments.h"

/*
 * What all kernels use: activations by pairs, sums over a warp, the functions
 * after a sum.  Arithmetic is in float32 everywhere; bfloat16 is how values lie
 * in memory.
 */
#define DEVICE static __device__ __forceinline__

typedef __nv_bfloat16 bf16;
typedef __nv_bfloat162 bf16_pair;

/* A kernel by its name; the host finds it by that. */
#define KERNEL(name, threads, args_type) extern "C" __global__ void __launch_bounds__(threads) name(const args_type a)

/* A block's shared memory, as many bytes as the launch says. */
#if defined(__CUDACC__)
extern __shared__ uint4 shared_words[];
DEVICE void *shared_memory()
{
	return shared_words;
}
#endif

DEVICE float load(const float *p)
{
	return *p;
}

DEVICE float load(const bf16 *p)
{
	return __bfloat162float(*p);
}

DEVICE void store(float *p, float value)
{
	*p = value;
}

DEVICE void store(bf16 *p, float value)
{
	*p = __float2bfloat16(value);
}

DEVICE float2 load_pair(const float *p)
{
	return *reinterpret_cast<const float2 *>(p);
}

DEVICE float2 load_pair(const bf16 *p)
{
	return __bfloat1622float2(*reinterpret_cast<const bf16_pair *>(p));
}

DEVICE void store_pair(float *p, float2 value)
{
	*reinterpret_cast<float2 *>(p) = value;
}

DEVICE void store_pair(bf16 *p, float2 value)
{
	*reinterpret_cast<bf16_pair *>(p) = __floats2bfloat162_rn(value.x, value.y);
}

/* All lanes of the warp take part and get the result. */
DEVICE float warp_sum(float value)
{
	for (int step = WARP / 2; step > 0; step /= 2)
		value += __shfl_xor_sync(0xffffffffu, value, step);
	return value;
}

DEVICE float warp_max(float value)
{
	for (int step = WARP / 2; step > 0; step /= 2)
		value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
	return value;
}

/* Hendrycks and Gimpel, arXiv:1606.08415: the exact form, and section 2's approximation. */
DEVICE float finish_one(float x, enum finish finish)
{
	switch (finish) {
	case FINISH_NOTHING:
		return x;
	case FINISH_GELU:
		return 0.5f * x * (1.0f + erff(x * 0.70710678f));
	case FINISH_GELU_TANH:
		return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
	case FINISH_RELU:
		return x > 0.0f ? x : 0.0f;
	case FINISH_TANH:
		return tanhf(x);
	}
	return x;
}

#endif
