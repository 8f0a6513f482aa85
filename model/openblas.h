#ifndef MODEL_OPENBLAS_H
#define MODEL_OPENBLAS_H

#include "daemon/base/err.h"

#include <stddef.h>

/*
 * OpenBLAS, loaded when first asked for, run at the CPU's real speed and in the
 * caller's thread.
 */
struct openblas {
	char core[32]; /* the kernels it chose, lower case: "skylakex" */

	/* cblas_sgemm */
	void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a,
		      int lda, const float *b, int ldb, float beta, float *c, int ldc);
};

enum { OPENBLAS_ROW_MAJOR = 101, OPENBLAS_NO_TRANSPOSE = 111, OPENBLAS_TRANSPOSE = 112 };

/* NULL where the library cannot be loaded.  The first call sets OPENBLAS_CORETYPE and OPENBLAS_NUM_THREADS where the
 * user has not.  Any thread; never unloaded. */
const struct openblas *openblas_load(struct err *e);

#endif
