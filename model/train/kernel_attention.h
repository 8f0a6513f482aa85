#ifndef MODEL_TRAIN_KERNEL_ATTENTION_H
#define MODEL_TRAIN_KERNEL_ATTENTION_H

#include "model/train/kernel_rows.h"

#include <stddef.h>

/*
 * One head of one text in training: forward with dropout on the weights, and
 * backward, which computes the weights again instead of keeping them.
 */
struct attention_pass {
	const float *queries, *keys, *values; /* the first token's */
	size_t query_stride, key_stride;      /* floats from one token's to the next one's */
	size_t query_count, length, size;     /* query_count is `length`, or 1: the first token's alone */
	const struct dropout *dropout;
	struct random_place place;
	float *scratch; /* attention_pass_room floats, 64-byte aligned */
};

size_t attention_pass_room(size_t length, size_t size);

/* out[query_count] rows of `size` */
void attention_pass_forward(const struct attention_pass *pass, float *out, size_t out_stride);

/* weights[query_count, length]: softmax's, before dropout. */
void attention_pass_weights(const struct attention_pass *pass, float *weights);

/* From the gradient of `out` those of queries, keys and values, which may take their places (with their strides). */
void attention_pass_backward(const struct attention_pass *pass, const float *out_gradient, size_t out_stride,
			     float *queries, float *keys, float *values);

#endif
