#ifndef TESTS_CUDA_EMULATED_TENSOR_H
#define TESTS_CUDA_EMULATED_TENSOR_H

#include "tests/cuda/fragments.h"
#include "tests/cuda/include/vocabulary.h"

/*
 * The tensor cores' instructions of gpu/kernels/tensor.cuh.  Which element of a
 * matrix each lane has is in fragments.h, and tested against tables of another
 * origin.
 */
#define UNWATCHED __attribute__((no_sanitize("thread"))) /* what lanes hand to one another is no race */

struct tensor_sides {
	const uint32_t *a;
	uint32_t b[2];
};

static inline float tensor_half(uint32_t bits, int high)
{
	return __bfloat162float({(uint16_t)(high ? bits >> 16 : bits)});
}

/* Element (row, column) of a register's pair: `value` of which lane, register and half. */
UNWATCHED static inline float tensor_a(const uint64_t *lanes, int row, int k)
{
	struct fragment_place place = fragment_a(row, k);
	return tensor_half(((const tensor_sides *)(uintptr_t)lanes[place.lane])->a[place.value / 2], place.value % 2);
}

UNWATCHED static inline float tensor_b(const uint64_t *lanes, int k, int column)
{
	struct fragment_place place = fragment_b(k, column);
	return tensor_half(((const tensor_sides *)(uintptr_t)lanes[place.lane])->b[place.value / 2], place.value % 2);
}

/* What other lanes hand over lies on their stacks: nobody goes on before all have read it. */
UNWATCHED static inline void tensor_multiply(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
					     int line = __builtin_LINE())
{
	tensor_sides own = {a, {b0, b1}};
	int lane = (int)(launch_thread.x % LANES);
	const uint64_t *lanes = launch_exchange(~0u, EXCHANGE_MULTIPLY, (uint64_t)(uintptr_t)&own, line);
	float sum[4];
	for (int i = 0; i < 4; i++) {
		struct fragment_element at = fragment_c(lane, i);
		sum[i] = d[i];
		for (int k = 0; k < 16; k++)
			sum[i] += tensor_a(lanes, at.row, k) * tensor_b(lanes, k, at.column);
	}
	launch_exchange(~0u, EXCHANGE_MULTIPLY, 0, line);
	for (int i = 0; i < 4; i++)
		d[i] = sum[i];
}

/* PTX ISA, ldmatrix: register m of lane l holds elements 2 (l % 4) and the next of row l / 4 of matrix m. */
static inline void tensor_load_any(uint32_t (&r)[4], const void *row, bool transposed, int line)
{
	enum exchange kind = transposed ? EXCHANGE_LOAD_TRANSPOSED : EXCHANGE_LOAD;
	if ((uintptr_t)row % 16 != 0)
		launch_fail("a row of a matrix that does not lie on 16 bytes", line);
	int lane = (int)(launch_thread.x % LANES);
	const uint64_t *rows = launch_exchange(~0u, kind, (uint64_t)(uintptr_t)row, line);
	for (int m = 0; m < 4; m++) {
		uint16_t half[2];
		for (int i = 0; i < 2; i++) {
			int y = lane / 4, x = 2 * (lane % 4) + i;
			const uint16_t *from = (const uint16_t *)(uintptr_t)rows[8 * m + (transposed ? x : y)];
			half[i] = from[transposed ? y : x];
		}
		r[m] = half[0] | (uint32_t)half[1] << 16;
	}
}

static inline void tensor_load(uint32_t (&r)[4], const void *row, int line = __builtin_LINE())
{
	tensor_load_any(r, row, false, line);
}

static inline void tensor_load_transposed(uint32_t (&r)[4], const void *row, int line = __builtin_LINE())
{
	tensor_load_any(r, row, true, line);
}

/* A copy happens when it is waited for, and not before. */
static inline void copy_start(void *to, const void *from, int line = __builtin_LINE())
{
	struct copies *copies = launch_copies();
	if (copies->count == MOST_COPIES || ((uintptr_t)to | (uintptr_t)from) % 16 != 0)
		launch_fail("too many copies at once, or not on 16 bytes", line);
	copies->list[copies->count].to = to;
	copies->list[copies->count++].from = from;
}

static inline void copy_wait()
{
	struct copies *copies = launch_copies();
	for (size_t i = 0; i < copies->count; i++)
		memcpy(copies->list[i].to, copies->list[i].from, 16);
	copies->count = 0;
}

#endif
