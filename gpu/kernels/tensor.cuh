#ifndef GPU_KERNELS_TENSOR_CUH
#define GPU_KERNELS_TENSOR_CUH

#include "gpu/kernels/device.cuh"

/*
 * The instructions of the tensor cores, a warp's 32 lanes together: PTX ISA,
 * "Warp Level Matrix Multiply-Accumulate".  The emulation of the tests has
 * functions of the same names.
 */
#if defined(__CUDACC__)

DEVICE uint32_t shared_address(const void *p)
{
	return (uint32_t)__cvta_generic_to_shared(p);
}

/* d[16, 8] += a[16, 16] b[16, 8], bfloat16 with sums in float32; each lane has its part of the matrices. */
DEVICE void tensor_multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
		     "{%0, %1, %2, %3};"
		     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
		     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Four matrices of 8 by 8 from shared memory: lane l gives the address of row l % 8 of matrix l / 8. */
DEVICE void tensor_load(uint32_t (&r)[4], const void *row)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
		     : "r"(shared_address(row))
		     : "memory");
}

/* The same, each of them transposed. */
DEVICE void tensor_load_transposed(uint32_t (&r)[4], const void *row)
{
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
		     : "r"(shared_address(row))
		     : "memory");
}

/* 16 bytes from global to shared memory, done when copy_wait returns. */
DEVICE void copy_start(void *to, const void *from)
{
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}

DEVICE void copy_wait()
{
	asm volatile("cp.async.wait_all;" ::: "memory");
}

#else
#include <emulated_tensor.h>
#endif

/* Two floats as the bfloat16s of one register, the first in its lower half. */
DEVICE uint32_t tensor_pack(float low, float high)
{
	bf16_pair pair = __floats2bfloat162_rn(low, high);
	uint32_t bits;
	memcpy(&bits, &pair, sizeof bits);
	return bits;
}

#endif
