#include "model/cpu/hadamard.h"

#include "model/cpu/level.h"

#include <string.h>

/*
 * Fast Walsh-Hadamard transform: log2(n) stages of sums and differences, all in
 * registers: first those between vectors, then those inside them.
 */
enum { LANES = 16, MOST_VECTORS = 8 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

size_t hadamard_size(size_t inputs)
{
	size_t size = inputs & -inputs; /* the largest power of two that divides it */
	if (size > LANES * MOST_VECTORS)
		size = LANES * MOST_VECTORS;
	return size < LANES ? 1 : size;
}

/* One stage inside a vector: lane i becomes its sum with lane i ^ distance, or the difference where it is the later one. */
#define STAGE(distance, ...)                                                                                 \
	CPU_INLINE void stage_##distance(lanes *vector)                                                      \
	{                                                                                                    \
		lanes sign;                                                                                  \
		for (int i = 0; i < LANES; i++)                                                              \
			sign[i] = i & distance ? -1.0f : 1.0f;                                               \
		*vector = __builtin_shufflevector(*vector, *vector, __VA_ARGS__) + *vector * sign;           \
	}
STAGE(1, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
STAGE(2, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
STAGE(4, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
STAGE(8, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)

/* `vectors` is a constant where this is inlined. */
CPU_INLINE void block_transform(const float *x, size_t vectors, float *out)
{
	lanes vector[MOST_VECTORS];
	memcpy(vector, x, vectors * sizeof *vector);
	for (size_t distance = 1; distance < vectors; distance *= 2) {
		for (size_t i = 0; i < vectors; i++) {
			if (i & distance)
				continue;
			lanes a = vector[i], b = vector[i + distance];
			vector[i] = a + b;
			vector[i + distance] = a - b;
		}
	}
	for (size_t i = 0; i < vectors; i++) {
		stage_1(&vector[i]);
		stage_2(&vector[i]);
		stage_4(&vector[i]);
		stage_8(&vector[i]);
	}
	memcpy(out, vector, vectors * sizeof *vector);
}

CPU_INLINE void hadamard_row_body(const float *x, size_t inputs, float *out)
{
	size_t size = hadamard_size(inputs);
	for (size_t at = 0; at < inputs; at += size) {
		switch (size) {
		case 128:
			block_transform(x + at, 8, out + at);
			break;
		case 64:
			block_transform(x + at, 4, out + at);
			break;
		case 32:
			block_transform(x + at, 2, out + at);
			break;
		case 16:
			block_transform(x + at, 1, out + at);
			break;
		default:
			out[at] = x[at];
		}
	}
}
CPU_LEVELS(hadamard_row, (const float *x, size_t inputs, float *out), (x, inputs, out))
