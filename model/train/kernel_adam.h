#ifndef MODEL_TRAIN_KERNEL_ADAM_H
#define MODEL_TRAIN_KERNEL_ADAM_H

#include <stddef.h>

/*
 * AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization",
 * arXiv:1711.05101, with the corrections of Kingma and Ba, arXiv:1412.6980,
 * as PyTorch computes it.
 */
struct adam_step {
	float clip;               /* what gradients are multiplied by */
	float keep;               /* 1 - rate decay: what is left of the value */
	float beta1, beta2, epsilon;
	float size;               /* rate / (1 - beta1^t) */
	float inverse_root;       /* 1 / sqrt(1 - beta2^t) */
};

struct adam_step adam_step_make(double rate, double decay, double beta1, double beta2, double epsilon, double clip,
				size_t step);

/* `step` counts from 1.  The first moment becomes zero where it is too small to matter: subnormal numbers are slow. */
void adam_update(const struct adam_step *step, float *value, const float *gradient, float *first, float *second,
		 size_t count);

/* Values that never had a gradient, so that their moments are zero: the same bits with less memory to walk. */
void adam_decay(const struct adam_step *step, float *value, size_t count);

/* average = keep average + (1 - keep) value */
void adam_average(float *average, const float *value, float keep, size_t count);

/* The sum of squares, in double. */
double adam_squares(const float *x, size_t count);

#endif
