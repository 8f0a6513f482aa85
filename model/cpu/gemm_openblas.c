#include "model/cpu/gemm.h"
#include "model/openblas.h"

#include <stdio.h>
#include <string.h>

static int openblas_gemm_open(char *name, size_t size, struct err *e)
{
	const struct openblas *library = openblas_load(e);
	if (library == NULL)
		return -1;
	snprintf(name, size, "openblas-%s", library->core);
	return 0;
}

/* The library packs for itself on every call. */
static size_t packed_count(size_t outputs, size_t inputs)
{
	return outputs * inputs;
}

static void pack(const float *weight, size_t outputs, size_t inputs, float *packed)
{
	memcpy(packed, weight, outputs * inputs * sizeof *packed);
}

static void multiply(const float *x, size_t rows, const float *packed, size_t outputs, size_t inputs, bool add,
		     float *y)
{
	openblas_load(NULL)->sgemm(OPENBLAS_ROW_MAJOR, OPENBLAS_NO_TRANSPOSE, OPENBLAS_TRANSPOSE, (int)rows,
				   (int)outputs, (int)inputs, 1.0f, x, (int)inputs, packed, (int)inputs,
				   add ? 1.0f : 0.0f, y, (int)outputs);
}

const struct gemm gemm_openblas = {
	.open = openblas_gemm_open,
	.packed_count = packed_count,
	.pack = pack,
	.multiply = multiply,
};
