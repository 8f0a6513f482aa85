#ifndef MODEL_TRAIN_KERNEL_ROWS_H
#define MODEL_TRAIN_KERNEL_ROWS_H

#include "model/config.h"
#include "model/train/random.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What training does to rows of activations beside products.  All arrays are
 * row-major float32 without gaps but where a stride is given; sums into an array add to what it holds.
 */

/* Values are set to zero with probability threshold / 65536, the others scaled so that the mean stays. */
struct dropout {
	uint64_t seed;
	uint32_t step;
	uint32_t threshold; /* 0: none */
	float scale;
};
struct dropout dropout_make(double probability, uint64_t seed, uint32_t step);

/* In place; row i is `first` + i for the generator.  The same call on gradients is the way back. */
void dropout_rows(const struct dropout *dropout, uint32_t site, uint32_t first, float *x, size_t rows, size_t width);

/* x += y */
void rows_add(float *x, const float *y, size_t count);

/* LayerNorm: x becomes (x - mean) / deviation, 1 / deviation goes to rstd[rows], y = gamma x + beta. */
void rows_norm_forward(float *x, size_t rows, size_t width, const float *gamma, const float *beta, float epsilon,
		       float *rstd, float *y);

/* The way back: dy becomes the gradient of what was normalised; `hat` is what x had become. */
void rows_norm_backward(float *dy, const float *hat, const float *rstd, size_t rows, size_t width, const float *gamma,
			float *gamma_sum, float *beta_sum);

/* y = f(x), and x becomes f'(x). */
void rows_activate(enum activation activation, float *x, float *y, size_t count);

/* slope *= dy */
void rows_multiply(float *slope, const float *dy, size_t count);

/* sum[width] += each row */
void rows_sum(const float *x, size_t rows, size_t width, float *sum);

/* dy *= 1 - pooled^2, the slope of tanh where its value is pooled */
void rows_tanh_backward(const float *pooled, float *dy, size_t count);

/* out[columns, count], rows `out_stride` apart: x[count, columns], rows `stride` apart, transposed */
void rows_transpose(const float *x, size_t stride, size_t count, size_t columns, float *out, size_t out_stride);

/* out[count, width]: the first `columns` values of rows that are `stride` apart, filled up with zeros */
void rows_gather(const float *x, size_t stride, size_t count, size_t columns, float *out, size_t width);

/* The softmax of a long row's cross-entropy: returns log(sum e^x); x becomes probabilities. */
double row_softmax(float *x, size_t count);

#endif
