#ifndef MODEL_CPU_ROWS_H
#define MODEL_CPU_ROWS_H

#include <stddef.h>

/* Element-wise work on float32 rows[count, width], in place; the bias is [width]. */
void rows_add_bias(float *rows, size_t count, size_t width, const float *bias);
void rows_add_bias_gelu(float *rows, size_t count, size_t width, const float *bias);
void rows_add_bias_gelu_tanh(float *rows, size_t count, size_t width, const float *bias);
void rows_add_bias_relu(float *rows, size_t count, size_t width, const float *bias);
void rows_add_bias_tanh(float *rows, size_t count, size_t width, const float *bias);

/* LayerNorm of (row + bias). */
struct norm {
	const float *gamma, *beta; /* [width] */
	float epsilon;
};
void rows_add_bias_norm(float *rows, size_t count, size_t width, const float *bias, const struct norm *norm);

/* out[width] = mean of rows[count, width] */
void rows_mean(const float *rows, size_t count, size_t width, float *out);

#endif
