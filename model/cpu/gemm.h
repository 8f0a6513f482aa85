#ifndef MODEL_CPU_GEMM_H
#define MODEL_CPU_GEMM_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The product at the heart of every linear layer, y = finish(x weight^T +
 * bias), for one precision and one level of the instruction set.
 *
 * Inside, everything is a word of 32 bits: one float32, two bfloat16, two
 * int16 or four bytes, which is what one lane of the CPU's dot products takes.
 * So one loop (gemm_tile.h) serves all precisions, and one layout of the
 * weights serves vectors and AMX tiles alike.
 *
 * To add a kernel: a file gemm_X.c that defines its vectors and includes
 * gemm_tile.h, or only gemm_finish.h where the sums come about otherwise
 * (gemm_amx.c); its declaration below; its line in ops_cpu.c, placed by its
 * speed; its line in tests/unit/test_gemm.c, which then holds it against exact
 * sums on every shape.  What it asks of the CPU goes into level.h, its form of
 * weights and rows, if it is a new one, into operand.h.
 */
typedef uint32_t gemm_word __attribute__((__may_alias__));

enum gemm_form {
	GEMM_FP32,
	GEMM_BF16,
	GEMM_BF16_WIDE, /* the same for weights, but x stays float32, each value in a word of its own: for products by FMA */
	GEMM_INT16, /* bytes widened, for CPUs whose products of bytes would saturate */
	GEMM_INT8,  /* x unsigned, weights signed; sums fit in int32 (OPERAND_MOST_INPUTS), parts of them need not in 16 bits */
};

static inline bool gemm_is_integer(enum gemm_form form)
{
	return form == GEMM_INT16 || form == GEMM_INT8;
}

/*
 * Weights in panels of so many outputs as the kernel computes side by side; in
 * a panel come its outputs' first words, then their second words, and so on.
 * The last panel is filled up with zeros, and so are the arrays beside it.
 */
struct gemm_weights {
	enum gemm_form form;
	size_t outputs, inputs, words, panel;
	const gemm_word *panels; /* 64-byte aligned */
	const float *bias;
	const float *scale; /* integers only: weight = scale[output] q, |q| <= 127 */
	const float *sum;   /* integers only: an output's scale times the sum of its q */
};

/* x[rows, inputs] in the form of the weights; for integers x, rotated as the weights are, = low + step q, 0 <= q <= 255,
 * with a range for each row. */
struct gemm_range {
	float low, step;
};
struct gemm_rows {
	const gemm_word *words; /* row i starts at words + i stride: aligned to a word, no more */
	size_t stride, count;
	const struct gemm_range *ranges;
};

/* What becomes of a sum that the bias was added to; see math.h. */
enum gemm_finish {
	GEMM_STORE,
	GEMM_ADD, /* to what y holds */
	GEMM_GELU,
	GEMM_GELU_TANH,
	GEMM_RELU,
	GEMM_TANH,
};

struct gemm {
	const char *name;      /* "avx512-vnni" */
	const char *precision; /* "int8" */
	enum gemm_form form;
	size_t panel;            /* outputs of a panel */
	bool (*available)(void); /* to this CPU and operating system */
	/* y[rows, outputs] float32, row i at y + i stride.  Runs on several threads at once; writes nothing else. */
	void (*multiply)(const struct gemm_weights *weights, const struct gemm_rows *x, enum gemm_finish finish,
			 float *y, size_t stride);
};

/* In each precision the fastest first, and plain C, which runs everywhere and is the reference, last. */
extern const struct gemm gemm_avx512_fp32, gemm_avx2_fp32, gemm_plain_fp32;
extern const struct gemm gemm_amx_bf16, gemm_avx512_dot_bf16, gemm_avx512_bf16, gemm_avx2_bf16, gemm_plain_bf16;
extern const struct gemm gemm_amx_int8, gemm_avx512_int8, gemm_avx_vnni_int8, gemm_avx2_int8, gemm_plain_int8;

#endif
