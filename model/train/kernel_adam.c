#include "model/train/kernel_adam.h"

#include "model/cpu/level.h"

#include <math.h>

struct adam_step adam_step_make(double rate, double decay, double beta1, double beta2, double epsilon, double clip,
				size_t step)
{
	return (struct adam_step){
		.clip = (float)clip,
		.keep = (float)(1 - rate * decay),
		.beta1 = (float)beta1,
		.beta2 = (float)beta2,
		.epsilon = (float)epsilon,
		.size = (float)(rate / (1 - pow(beta1, (double)step))),
		.inverse_root = (float)(1 / sqrt(1 - pow(beta2, (double)step))),
	};
}

CPU_INLINE void adam_values_body(const struct adam_step *with, float *value, const float *gradient, float *first,
				 float *second, size_t count)
{
	struct adam_step step = *with;
#pragma omp simd
	for (size_t i = 0; i < count; i++) {
		float g = gradient[i] * step.clip;
		float m = first[i] + (g - first[i]) * (1.0f - step.beta1);
		float v = second[i] * step.beta2 + g * g * (1.0f - step.beta2);
		m = fabsf(m) < 1e-30f ? 0.0f : m;
		v = v < 1e-37f ? 0.0f : v;
		first[i] = m;
		second[i] = v;
		value[i] = value[i] * step.keep - step.size * m / (sqrtf(v) * step.inverse_root + step.epsilon);
	}
}
CPU_LEVELS(adam_values,
	   (const struct adam_step *with, float *value, const float *gradient, float *first, float *second, size_t count),
	   (with, value, gradient, first, second, count))

void adam_update(const struct adam_step *step, float *value, const float *gradient, float *first, float *second,
		 size_t count)
{
	adam_values(step, value, gradient, first, second, count);
}

CPU_INLINE void adam_scale_body(float *value, float keep, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		value[i] *= keep;
}
CPU_LEVELS(adam_scale, (float *value, float keep, size_t count), (value, keep, count))

void adam_decay(const struct adam_step *step, float *value, size_t count)
{
	if (step->keep != 1.0f)
		adam_scale(value, step->keep, count);
}

CPU_INLINE void adam_mean_body(float *average, const float *value, float keep, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		average[i] = value[i] + (average[i] - value[i]) * keep;
}
CPU_LEVELS(adam_mean, (float *average, const float *value, float keep, size_t count), (average, value, keep, count))

void adam_average(float *average, const float *value, float keep, size_t count)
{
	adam_mean(average, value, keep, count);
}

/* Blocks are summed in float32, their sums in double. */
CPU_INLINE void adam_square_block_body(const float *x, size_t count, float *out)
{
	float sum = 0;
#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < count; i++)
		sum += x[i] * x[i];
	*out = sum;
}
CPU_LEVELS(adam_square_block, (const float *x, size_t count, float *out), (x, count, out))

double adam_squares(const float *x, size_t count)
{
	enum { BLOCK = 1024 };
	double sum = 0;
	for (size_t at = 0; at < count; at += BLOCK) {
		float part = 0;
		adam_square_block(x + at, count - at < BLOCK ? count - at : BLOCK, &part);
		sum += part;
	}
	return sum;
}
