#include "model/cpu/rows.h"

#include "model/cpu/level.h"
#include "model/cpu/row_moments.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <math.h>

CPU_INLINE void row_norm(float *row, size_t width, float mean, float variance, const struct norm *norm)
{
	float scale = 1.0f / sqrtf(variance + norm->epsilon);
	const float *gamma = norm->gamma, *beta = norm->beta;
#pragma omp simd
	for (size_t i = 0; i < width; i++)
		row[i] = (row[i] - mean) * scale * gamma[i] + beta[i];
}

CPU_INLINE void rows_norm_any_body(float *rows, size_t count, size_t width, const struct norm *norm)
{
	for (size_t row = 0; row < count; row++, rows += width) {
		float mean = row_mean(rows, width);
		row_norm(rows, width, mean, row_variance(rows, width, mean), norm);
	}
}
CPU_LEVELS(rows_norm_any, (float *rows, size_t count, size_t width, const struct norm *norm), (rows, count, width, norm))

#if defined(__x86_64__)
/* The mean of x - offset, or of its squares.  A sum waits four cycles for the one before it, so four run side by side:
 * a quarter less time for the norm. */
CPU_TARGET_AVX512 CPU_INLINE float row_mean_wide(const float *x, size_t width, float offset, bool squared)
{
	enum { CHAINS = 4, LANES = 16 };
	__m512 sum[CHAINS] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
	__m512 offsets = _mm512_set1_ps(offset);
	size_t at = 0;
	for (; at + CHAINS * LANES <= width; at += CHAINS * LANES) {
		for (size_t i = 0; i < CHAINS; i++) {
			__m512 value = _mm512_sub_ps(_mm512_loadu_ps(x + at + i * LANES), offsets);
			sum[i] = squared ? _mm512_fmadd_ps(value, value, sum[i]) : _mm512_add_ps(value, sum[i]);
		}
	}
	for (; at < width; at += LANES) {
		__mmask16 mask = width - at < LANES ? (__mmask16)((1u << (width - at)) - 1) : (__mmask16)-1;
		__m512 value = _mm512_maskz_sub_ps(mask, _mm512_maskz_loadu_ps(mask, x + at), offsets);
		sum[0] = squared ? _mm512_fmadd_ps(value, value, sum[0]) : _mm512_add_ps(value, sum[0]);
	}
	__m512 all = _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3]));
	return _mm512_reduce_add_ps(all) / (float)width;
}

CPU_TARGET_AVX512 static void rows_norm_wide(float *rows, size_t count, size_t width, const struct norm *norm)
{
	for (size_t row = 0; row < count; row++, rows += width) {
		float mean = row_mean_wide(rows, width, 0, false);
		row_norm(rows, width, mean, row_mean_wide(rows, width, mean, true), norm);
	}
}
#else
static void rows_norm_wide(float *rows, size_t count, size_t width, const struct norm *norm)
{
	rows_norm_any(rows, count, width, norm);
}
#endif

void rows_norm(float *rows, size_t count, size_t width, const struct norm *norm)
{
	if (cpu_level() >= CPU_AVX512)
		rows_norm_wide(rows, count, width, norm);
	else
		rows_norm_any(rows, count, width, norm);
}

CPU_INLINE void rows_mean_body(const float *rows, size_t count, size_t width, float *out)
{
	for (size_t i = 0; i < width; i++)
		out[i] = 0;
	for (size_t row = 0; row < count; row++, rows += width) {
#pragma omp simd
		for (size_t i = 0; i < width; i++)
			out[i] += rows[i];
	}
	for (size_t i = 0; i < width; i++)
		out[i] /= (float)count;
}
CPU_LEVELS(rows_mean, (const float *rows, size_t count, size_t width, float *out), (rows, count, width, out))
