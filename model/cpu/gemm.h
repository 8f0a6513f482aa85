#ifndef MODEL_CPU_GEMM_H
#define MODEL_CPU_GEMM_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The product at the heart of every linear layer: y[rows, outputs] = x[rows,
 * inputs] weight^T, with weight[outputs, inputs] brought once into the form
 * that an implementation likes.
 */
struct gemm {
	/* Is it there?  The first call may load a library. */
	int (*open)(char *name, size_t size, struct err *e);
	size_t (*packed_count)(size_t outputs, size_t inputs); /* floats that `pack` writes */
	void (*pack)(const float *weight, size_t outputs, size_t inputs, float *packed);
	/* Adds to y where `add`, else overwrites it. */
	void (*multiply)(const float *x, size_t rows, const float *packed, size_t outputs, size_t inputs, bool add,
			 float *y);
};

extern const struct gemm gemm_plain;
extern const struct gemm gemm_openblas;

#endif
