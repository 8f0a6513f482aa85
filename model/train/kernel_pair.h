#ifndef MODEL_TRAIN_KERNEL_PAIR_H
#define MODEL_TRAIN_KERNEL_PAIR_H

#include <stddef.h>

/*
 * One head's relation of a text's tokens, a student's against a teacher's: the
 * softmax of each row of `a` by all rows of `b`, divided by the root of their
 * size, and Kullback and Leibler's divergence of the two.
 */
struct pair_rows {
	const float *rows;
	size_t stride; /* values from one row to the next */
};

struct pair {
	struct pair_rows teacher_a, teacher_b, a, b;
	size_t rows, length;         /* of a, of b */
	size_t teacher_size, size;
	double weight;               /* of a row's divergence */
	float *a_slope, *b_slope;    /* gradients of a and b are added; they may be one */
	size_t slope_stride;
	float *scratch;              /* [2, length] */
};

/* The weighted sum of the divergences. */
double pair_compare(const struct pair *pair);

#endif
