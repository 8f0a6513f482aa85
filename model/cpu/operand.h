#ifndef MODEL_CPU_OPERAND_H
#define MODEL_CPU_OPERAND_H

#include "model/cpu/gemm.h"

/* What a gemm multiplies: weights brought into panels once, rows of activations brought into words for each product. */

/* Words that hold `inputs` values. */
size_t operand_words(enum gemm_form form, size_t inputs);

/*
 * weight[outputs, inputs] as integers need it: rotated (hadamard.h), and
 * divided by the transform's size, so that rotated rows need no more.
 * operand_unrotate_weights takes it back, to the rounding of float32.  In place.
 */
void operand_rotate_weights(float *weight, size_t outputs, size_t inputs);
void operand_unrotate_weights(float *weight, size_t outputs, size_t inputs);

/*
 * Fills the arrays that `out` points to from weight[outputs, inputs], rotated for
 * integers; its sizes are set.  Symmetric for integers, with a scale for each output; the sum of
 * 255 x 127 over `inputs` values must stay below 2^31.
 */
enum { OPERAND_MOST_INPUTS = 65536 };
void operand_pack_weights(const struct gemm_weights *out, const float *weight, gemm_word *panels, float *scale,
			  float *sum);

/* One output's rotated weights as those integers, |out| <= 127, and their scale: weight = scale out. */
void operand_quantize_weights(const float *weight, size_t inputs, int8_t *out, float *scale);

/*
 * The rows x[count, inputs] in `form`: x itself for fp32 and, where its rows fill words, for GEMM_BF16_WIDE, else written
 * to words[count, operand_words] (twice as many for GEMM_BF16_WIDE) and, for integers,
 * rotated, with ranges[count]: the row's smallest value and the 255th part of
 * what it spans.  Integers take another `inputs` words after those, to work in.
 */
struct gemm_rows operand_prepare_rows(enum gemm_form form, const float *x, size_t count, size_t inputs, gemm_word *words,
				      struct gemm_range *ranges);

#endif
