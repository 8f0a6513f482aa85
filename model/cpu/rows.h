#ifndef MODEL_CPU_ROWS_H
#define MODEL_CPU_ROWS_H

#include <stddef.h>

/* LayerNorm of each of rows[count, width], in place. */
struct norm {
	const float *gamma, *beta; /* [width] */
	float epsilon;
};
void rows_norm(float *rows, size_t count, size_t width, const struct norm *norm);

/* out[width] = mean of rows[count, width] */
void rows_mean(const float *rows, size_t count, size_t width, float *out);

#endif
