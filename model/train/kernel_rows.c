#include "model/train/kernel_rows.h"

#include "model/cpu/level.h"
#include "model/cpu/math.h"
#include "model/cpu/row_moments.h"

#include <math.h>

/* A row stays in the first cache level, so that walking over it several times costs little. */

enum { WIDEST_FILL = 1024 };

struct dropout dropout_make(double probability, uint64_t seed, uint32_t step)
{
	uint32_t threshold = (uint32_t)lround(probability * 65536);
	threshold = threshold < 65535 ? threshold : 65535;
	return (struct dropout){.seed = seed, .step = step, .threshold = threshold,
				.scale = 65536.0f / (float)(65536 - threshold)};
}

/* Half a word of the generator decides on a value. */
CPU_INLINE void train_drop_body(float *x, const uint16_t *random, size_t count, uint32_t threshold, float scale)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		x[i] = random[i] >= threshold ? x[i] * scale : 0.0f;
}
CPU_LEVELS(train_drop, (float *x, const uint16_t *random, size_t count, uint32_t threshold, float scale),
	   (x, random, count, threshold, scale))

void dropout_rows(const struct dropout *dropout, uint32_t site, uint32_t first, float *x, size_t rows, size_t width)
{
	uint32_t words[WIDEST_FILL];
	struct random_place place = {.site = site, .step = dropout->step};
	if (dropout->threshold == 0)
		return;
	for (size_t row = 0; row < rows; row++, x += width) {
		/* A row that is wider takes its words in parts, each of a site of its own. */
		for (size_t at = 0; at < width; at += 2 * WIDEST_FILL) {
			size_t count = width - at < 2 * WIDEST_FILL ? width - at : 2 * WIDEST_FILL;
			place.row = first + (uint32_t)row;
			place.site = site + ((uint32_t)(at / (2 * WIDEST_FILL)) << 24);
			random_fill(dropout->seed, place, words, (count + 1) / 2);
			train_drop(x + at, (const uint16_t *)(const void *)words, count, dropout->threshold, dropout->scale);
		}
	}
}

CPU_INLINE void train_add_body(float *x, const float *y, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		x[i] += y[i];
}
CPU_LEVELS(train_add, (float *x, const float *y, size_t count), (x, y, count))

void rows_add(float *x, const float *y, size_t count)
{
	train_add(x, y, count);
}

CPU_INLINE void train_norm_body(float *x, size_t rows, size_t width, const float *gamma, const float *beta, float epsilon,
				float *rstd, float *y)
{
	for (size_t row = 0; row < rows; row++, x += width, y += width) {
		float mean = row_mean(x, width);
		float scale = 1.0f / sqrtf(row_variance(x, width, mean) + epsilon);
		rstd[row] = scale;
#pragma omp simd
		for (size_t i = 0; i < width; i++) {
			x[i] = (x[i] - mean) * scale;
			y[i] = x[i] * gamma[i] + beta[i];
		}
	}
}
CPU_LEVELS(train_norm,
	   (float *x, size_t rows, size_t width, const float *gamma, const float *beta, float epsilon, float *rstd, float *y),
	   (x, rows, width, gamma, beta, epsilon, rstd, y))

void rows_norm_forward(float *x, size_t rows, size_t width, const float *gamma, const float *beta, float epsilon,
		       float *rstd, float *y)
{
	train_norm(x, rows, width, gamma, beta, epsilon, rstd, y);
}

/* With g = gamma dy: dx = rstd (g - mean(g) - hat mean(g hat)), Ba et al., arXiv:1607.06450. */
CPU_INLINE void train_norm_back_body(float *dy, const float *hat, const float *rstd, size_t rows, size_t width,
				     const float *gamma, float *gamma_sum, float *beta_sum)
{
	for (size_t row = 0; row < rows; row++, dy += width, hat += width) {
		float sum = 0, along = 0;
#pragma omp simd reduction(+ : sum, along)
		for (size_t i = 0; i < width; i++) {
			float g = dy[i] * gamma[i];
			sum += g;
			along += g * hat[i];
		}
		sum /= (float)width;
		along /= (float)width;
		float scale = rstd[row];
#pragma omp simd
		for (size_t i = 0; i < width; i++) {
			gamma_sum[i] += dy[i] * hat[i];
			beta_sum[i] += dy[i];
			dy[i] = scale * (dy[i] * gamma[i] - sum - hat[i] * along);
		}
	}
}
CPU_LEVELS(train_norm_back,
	   (float *dy, const float *hat, const float *rstd, size_t rows, size_t width, const float *gamma, float *gamma_sum,
	    float *beta_sum),
	   (dy, hat, rstd, rows, width, gamma, gamma_sum, beta_sum))

void rows_norm_backward(float *dy, const float *hat, const float *rstd, size_t rows, size_t width, const float *gamma,
			float *gamma_sum, float *beta_sum)
{
	train_norm_back(dy, hat, rstd, rows, width, gamma, gamma_sum, beta_sum);
}

/* x Phi(x) with Phi after Abramowitz and Stegun 26.2.17 (absolute error 7.5e-8), which has the density that the slope needs. */
CPU_INLINE void train_gelu_body(float *x, float *y, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++) {
		float value = x[i], density = 0.39894228f * math_exp(-0.5f * value * value);
		float t = 1.0f / (1.0f + 0.2316419f * fabsf(value));
		float tail = 1.330274429f;
		tail = tail * t - 1.821255978f;
		tail = tail * t + 1.781477937f;
		tail = tail * t - 0.356563782f;
		tail = tail * t + 0.319381530f;
		tail = tail * t * density;
		float below = value >= 0.0f ? 1.0f - tail : tail;
		y[i] = value * below;
		x[i] = below + value * density;
	}
}
CPU_LEVELS(train_gelu, (float *x, float *y, size_t count), (x, y, count))

CPU_INLINE void train_gelu_tanh_body(float *x, float *y, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++) {
		float value = x[i], square = value * value;
		float bend = math_tanh(0.79788456f * value * (1.0f + 0.044715f * square));
		float inner = 0.79788456f * (1.0f + 0.134145f * square);
		y[i] = 0.5f * value * (1.0f + bend);
		x[i] = 0.5f * (1.0f + bend) + 0.5f * value * (1.0f - bend * bend) * inner;
	}
}
CPU_LEVELS(train_gelu_tanh, (float *x, float *y, size_t count), (x, y, count))

CPU_INLINE void train_relu_body(float *x, float *y, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++) {
		y[i] = math_relu(x[i]);
		x[i] = x[i] > 0.0f ? 1.0f : 0.0f;
	}
}
CPU_LEVELS(train_relu, (float *x, float *y, size_t count), (x, y, count))

void rows_activate(enum activation activation, float *x, float *y, size_t count)
{
	switch (activation) {
	case ACTIVATION_GELU:
		train_gelu(x, y, count);
		return;
	case ACTIVATION_GELU_TANH:
		train_gelu_tanh(x, y, count);
		return;
	case ACTIVATION_RELU:
		train_relu(x, y, count);
		return;
	}
}

CPU_INLINE void train_multiply_body(float *x, const float *y, size_t count)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		x[i] *= y[i];
}
CPU_LEVELS(train_multiply, (float *x, const float *y, size_t count), (x, y, count))

void rows_multiply(float *slope, const float *dy, size_t count)
{
	train_multiply(slope, dy, count);
}

void rows_sum(const float *x, size_t rows, size_t width, float *sum)
{
	for (size_t row = 0; row < rows; row++)
		train_add(sum, x + row * width, width);
}

void rows_tanh_backward(const float *pooled, float *dy, size_t count)
{
	for (size_t i = 0; i < count; i++)
		dy[i] *= 1.0f - pooled[i] * pooled[i];
}

enum { BLOCK = 8 };
typedef float block_row __attribute__((vector_size(BLOCK * 4)));
typedef float unaligned_row __attribute__((vector_size(BLOCK * 4), aligned(4), may_alias));

/* Rows i and i + step, of which each gives the other half of its values by runs of `step`. */
#define BLOCK_SWAP(rows, i, step, low, high)                                               \
	do {                                                                               \
		block_row a = (rows)[i], b = (rows)[(i) + (step)];                         \
		(rows)[i] = __builtin_shufflevector(a, b, BLOCK_LANES low);                \
		(rows)[(i) + (step)] = __builtin_shufflevector(a, b, BLOCK_LANES high);    \
	} while (0)
#define BLOCK_LANES(...) __VA_ARGS__

/* 8 by 8 values in registers: blocks of four change places, then of two, then single ones. */
CPU_INLINE void block_transpose(const float *x, size_t stride, float *out, size_t out_stride)
{
	block_row rows[BLOCK];
	for (size_t i = 0; i < BLOCK; i++)
		rows[i] = *(const unaligned_row *)(x + i * stride);
	for (size_t i = 0; i < 4; i++)
		BLOCK_SWAP(rows, i, 4, (0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15));
	for (size_t i = 0; i < BLOCK; i += i % 4 == 1 ? 3 : 1)
		BLOCK_SWAP(rows, i, 2, (0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15));
	for (size_t i = 0; i < BLOCK; i += 2)
		BLOCK_SWAP(rows, i, 1, (0, 8, 2, 10, 4, 12, 6, 14), (1, 9, 3, 11, 5, 13, 7, 15));
	for (size_t i = 0; i < BLOCK; i++)
		*(unaligned_row *)(out + i * out_stride) = rows[i];
}

/* Two blocks side by side write whole lines of the cache. */
CPU_INLINE void train_transpose_body(const float *x, size_t stride, size_t count, size_t columns, float *out, size_t out_stride)
{
	size_t row = 0, whole = columns / BLOCK * BLOCK;
	for (; row + 2 * BLOCK <= count; row += 2 * BLOCK) {
		const float *from = x + row * stride;
		for (size_t column = 0; column < whole; column += BLOCK) {
			float *to = out + column * out_stride + row;
			block_transpose(from + column, stride, to, out_stride);
			block_transpose(from + column + BLOCK * stride, stride, to + BLOCK, out_stride);
		}
		for (size_t column = whole; column < columns; column++)
			for (size_t i = 0; i < 2 * BLOCK; i++)
				out[column * out_stride + row + i] = from[i * stride + column];
	}
	for (size_t column = 0; column < columns; column++)
		for (size_t i = row; i < count; i++)
			out[column * out_stride + i] = x[i * stride + column];
}
CPU_LEVELS(train_transpose,
	   (const float *x, size_t stride, size_t count, size_t columns, float *out, size_t out_stride),
	   (x, stride, count, columns, out, out_stride))

void rows_transpose(const float *x, size_t stride, size_t count, size_t columns, float *out, size_t out_stride)
{
	train_transpose(x, stride, count, columns, out, out_stride);
}

/* `columns` and `width` are constants where rows are whole. */
CPU_INLINE void gather(const float *x, size_t stride, size_t count, size_t columns, float *out, size_t width)
{
	for (size_t row = 0; row < count; row++, x += stride, out += width) {
#pragma omp simd
		for (size_t i = 0; i < columns; i++)
			out[i] = x[i];
		for (size_t i = columns; i < width; i++)
			out[i] = 0;
	}
}

CPU_INLINE void train_gather_body(const float *x, size_t stride, size_t count, size_t columns, float *out, size_t width)
{
	if (columns == 32 && width == 32)
		gather(x, stride, count, 32, out, 32);
	else
		gather(x, stride, count, columns, out, width);
}
CPU_LEVELS(train_gather, (const float *x, size_t stride, size_t count, size_t columns, float *out, size_t width),
	   (x, stride, count, columns, out, width))

void rows_gather(const float *x, size_t stride, size_t count, size_t columns, float *out, size_t width)
{
	train_gather(x, stride, count, columns, out, width);
}

CPU_INLINE void train_softmax_body(float *x, size_t count, float *log_sum)
{
	float top = x[0], sum = 0;
#pragma omp simd reduction(max : top)
	for (size_t i = 0; i < count; i++)
		top = x[i] > top ? x[i] : top;
#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < count; i++) {
		x[i] = math_exp(x[i] - top);
		sum += x[i];
	}
	float scale = 1.0f / sum;
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		x[i] *= scale;
	*log_sum = top + logf(sum);
}
CPU_LEVELS(train_softmax, (float *x, size_t count, float *log_sum), (x, count, log_sum))

double row_softmax(float *x, size_t count)
{
	float log_sum;
	train_softmax(x, count, &log_sum);
	return (double)log_sum;
}
