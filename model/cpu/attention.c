#include "model/cpu/attention.h"

#include "model/cpu/level.h"
#include "model/cpu/math.h"

#include <math.h>

/*
 * Headlines are short: some 15 tokens by 32 values a head.  That is too small
 * for a library's matrix product and just right for registers.
 *
 * A lane of a vector is a query.  So softmax goes along the keys from vector to
 * vector, without a sum across one; any number of keys will do; and only the
 * queries have to be transposed.  Values are not: their rows are added up,
 * weighted by one lane of the scores at a time.
 */
enum { MOST_LANES = 16 };

/* Keys whose sums are in registers at once: a product takes four cycles, and two units start one in each. */
enum { KEYS = 8 };

#if defined(__clang__)
#define ATTENTION_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ATTENTION_UNROLL _Pragma("GCC unroll 16")
#endif

/* Scratch: transposed queries [size, lanes], scores [longest, lanes]. */
size_t attention_scratch_count(size_t longest, size_t size)
{
	return (size + longest) * MOST_LANES;
}

#define ATTENTION(name) plain_##name
#define ATTENTION_TARGET
#define ATTENTION_LANES 4
#define ATTENTION_QUERIES 4
typedef float four __attribute__((vector_size(16)));

static inline four four_max(four a, four b)
{
	for (int i = 0; i < 4; i++)
		a[i] = a[i] > b[i] ? a[i] : b[i];
	return a;
}

static inline void four_columns(const float **rows, size_t column, four *out)
{
	for (size_t i = 0; i < 4; i++, column++)
		out[i] = (four){rows[0][column], rows[1][column], rows[2][column], rows[3][column]};
}
#define ATTENTION_MAX(a, b) four_max(a, b)
#define ATTENTION_COLUMNS(rows, column, out) four_columns(rows, column, out)
#include "model/cpu/attention_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Four vectors, each with four columns of a row in every 128 bits, to a vector for each column. */
#define TRANSPOSE(bits, r, out)                                                                          \
	do {                                                                                             \
		__m##bits##d a = _mm##bits##_castps_pd(_mm##bits##_unpacklo_ps(r[0], r[1]));             \
		__m##bits##d b = _mm##bits##_castps_pd(_mm##bits##_unpacklo_ps(r[2], r[3]));             \
		__m##bits##d c = _mm##bits##_castps_pd(_mm##bits##_unpackhi_ps(r[0], r[1]));             \
		__m##bits##d d = _mm##bits##_castps_pd(_mm##bits##_unpackhi_ps(r[2], r[3]));             \
		out[0] = _mm##bits##_castpd_ps(_mm##bits##_unpacklo_pd(a, b));                           \
		out[1] = _mm##bits##_castpd_ps(_mm##bits##_unpackhi_pd(a, b));                           \
		out[2] = _mm##bits##_castpd_ps(_mm##bits##_unpacklo_pd(c, d));                           \
		out[3] = _mm##bits##_castpd_ps(_mm##bits##_unpackhi_pd(c, d));                           \
	} while (0)

#define ATTENTION(name) avx2_##name
#define ATTENTION_TARGET CPU_TARGET_AVX2
#define ATTENTION_LANES 8
#define ATTENTION_QUERIES 4

CPU_INLINE CPU_TARGET_AVX2 void avx2_columns(const float **rows, size_t column, __m256 *out)
{
	__m256 r[4];
	ATTENTION_UNROLL
	for (size_t i = 0; i < 4; i++)
		r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[i] + column)),
					    _mm_loadu_ps(rows[4 + i] + column), 1);
	TRANSPOSE(256, r, out);
}
#define ATTENTION_MAX(a, b) _mm256_max_ps(a, b)
#define ATTENTION_COLUMNS(rows, column, out) avx2_columns(rows, column, out)
#include "model/cpu/attention_tile.h"

#define ATTENTION(name) avx512_##name
#define ATTENTION_TARGET CPU_TARGET_AVX512
#define ATTENTION_LANES 16
#define ATTENTION_QUERIES 8

CPU_INLINE CPU_TARGET_AVX512 void avx512_columns(const float **rows, size_t column, __m512 *out)
{
	__m512 r[4];
	ATTENTION_UNROLL
	for (size_t i = 0; i < 4; i++) {
		r[i] = _mm512_castps128_ps512(_mm_loadu_ps(rows[i] + column));
		r[i] = _mm512_insertf32x4(r[i], _mm_loadu_ps(rows[4 + i] + column), 1);
		r[i] = _mm512_insertf32x4(r[i], _mm_loadu_ps(rows[8 + i] + column), 2);
		r[i] = _mm512_insertf32x4(r[i], _mm_loadu_ps(rows[12 + i] + column), 3);
	}
	TRANSPOSE(512, r, out);
}
#define ATTENTION_MAX(a, b) _mm512_max_ps(a, b)
#define ATTENTION_COLUMNS(rows, column, out) avx512_columns(rows, column, out)
#include "model/cpu/attention_tile.h"
#endif

void attention_head_run(const struct attention_head *head)
{
	switch (cpu_level()) {
#if defined(__x86_64__)
	case CPU_AMX:
	case CPU_AVX512:
		avx512_head(head);
		break;
	case CPU_AVX2:
		avx2_head(head);
		break;
#endif
	default:
		plain_head(head);
		break;
	}
}
