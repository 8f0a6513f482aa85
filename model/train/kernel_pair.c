#include "model/train/kernel_pair.h"

#include "model/cpu/level.h"
#include "model/cpu/math.h"

#include <math.h>

/* out[length] = log softmax of a row by all rows of `other` */
CPU_INLINE void pair_relate_body(const float *row, const float *other, size_t stride, size_t length, size_t size, float *out)
{
	float top = -INFINITY, sum = 0, scale = 1.0f / sqrtf((float)size);
	for (size_t i = 0; i < length; i++, other += stride) {
		float product = 0;
#pragma omp simd reduction(+ : product)
		for (size_t k = 0; k < size; k++)
			product += row[k] * other[k];
		out[i] = product * scale;
		top = out[i] > top ? out[i] : top;
	}
#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < length; i++)
		sum += math_exp(out[i] - top);
	float log_sum = top + logf(sum);
	for (size_t i = 0; i < length; i++)
		out[i] -= log_sum;
}
CPU_LEVELS(pair_relate, (const float *row, const float *other, size_t stride, size_t length, size_t size, float *out),
	   (row, other, stride, length, size, out))

CPU_INLINE void pair_add_body(float *x, const float *y, float scale, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		x[i] += scale * y[i];
}
CPU_LEVELS(pair_add, (float *x, const float *y, float scale, size_t count), (x, y, scale, count))

double pair_compare(const struct pair *pair)
{
	float *wanted = pair->scratch, *got = wanted + pair->length, scale = 1.0f / sqrtf((float)pair->size);
	double loss = 0;
	for (size_t row = 0; row < pair->rows; row++) {
		const float *a = pair->a.rows + row * pair->a.stride;
		pair_relate(pair->teacher_a.rows + row * pair->teacher_a.stride, pair->teacher_b.rows, pair->teacher_b.stride,
			    pair->length, pair->teacher_size, wanted);
		pair_relate(a, pair->b.rows, pair->b.stride, pair->length, pair->size, got);
		for (size_t i = 0; i < pair->length; i++) {
			float share = expf(wanted[i]), slope = (float)pair->weight * scale * (expf(got[i]) - share);
			loss += (double)(share * (wanted[i] - got[i]));
			pair_add(pair->a_slope + row * pair->slope_stride, pair->b.rows + i * pair->b.stride, slope, pair->size);
			pair_add(pair->b_slope + i * pair->slope_stride, a, slope, pair->size);
		}
	}
	return loss * pair->weight;
}
