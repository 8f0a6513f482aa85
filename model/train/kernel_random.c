#include "model/cpu/level.h"
#include "model/train/random.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <math.h>

enum { LANES = RANDOM_GROUP / 4, ROUNDS = 10 };

/* Blocks first ... first + 15; word w of block i goes to out[16 w + i]. */
CPU_INLINE void random_group_body(uint64_t seed, struct random_place place, uint32_t first, uint32_t *out)
{
	uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
	uint32_t *c0 = out, *c1 = out + LANES, *c2 = out + 2 * LANES, *c3 = out + 3 * LANES;
	for (uint32_t i = 0; i < LANES; i++) {
		c0[i] = first + i;
		c1[i] = place.row;
		c2[i] = place.site;
		c3[i] = place.step;
	}
	for (int round = 0; round < ROUNDS; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
#pragma omp simd
		for (size_t i = 0; i < LANES; i++) {
			uint64_t a = UINT64_C(0xD2511F53) * c0[i], b = UINT64_C(0xCD9E8D57) * c2[i];
			c0[i] = (uint32_t)(b >> 32) ^ c1[i] ^ k0;
			c1[i] = (uint32_t)b;
			c2[i] = (uint32_t)(a >> 32) ^ c3[i] ^ k1;
			c3[i] = (uint32_t)a;
		}
	}
}
CPU_LEVELS(random_group, (uint64_t seed, struct random_place place, uint32_t first, uint32_t *out),
	   (seed, place, first, out))

#if defined(__x86_64__)
/* Products of all lanes by `factor`: even ones and odd ones, whose halves are put together again by lanes. */
CPU_TARGET_AVX512 CPU_INLINE void multiply_wide(__m512i x, __m512i factor, __m512i *low, __m512i *high)
{
	const __mmask16 odd = 0xAAAA, even = 0x5555;
	__m512i a = _mm512_mul_epu32(x, factor);
	__m512i b = _mm512_mul_epu32(_mm512_shuffle_epi32(x, _MM_PERM_DDBB), factor);
	*low = _mm512_mask_shuffle_epi32(a, odd, b, _MM_PERM_CCAA);
	*high = _mm512_mask_shuffle_epi32(b, even, a, _MM_PERM_DDBB);
}

/* The same in the instructions that compilers do not find: a quarter of the time. */
CPU_TARGET_AVX512 static void random_fill_wide(uint64_t seed, struct random_place place, uint32_t *out, size_t count)
{
	const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i m0 = _mm512_set1_epi32((int)0xD2511F53u), m1 = _mm512_set1_epi32((int)0xCD9E8D57u);
	for (size_t at = 0; at < count; at += RANDOM_GROUP) {
		__m512i c0 = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)(at / 4)));
		__m512i c1 = _mm512_set1_epi32((int)place.row), c2 = _mm512_set1_epi32((int)place.site);
		__m512i c3 = _mm512_set1_epi32((int)place.step);
		uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
		for (int round = 0; round < ROUNDS; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
			__m512i a_low, a_high, b_low, b_high;
			multiply_wide(c0, m0, &a_low, &a_high);
			multiply_wide(c2, m1, &b_low, &b_high);
			c0 = _mm512_xor_si512(_mm512_xor_si512(b_high, c1), _mm512_set1_epi32((int)k0));
			c2 = _mm512_xor_si512(_mm512_xor_si512(a_high, c3), _mm512_set1_epi32((int)k1));
			c1 = b_low;
			c3 = a_low;
		}
		_mm512_storeu_si512(out + at, c0);
		_mm512_storeu_si512(out + at + LANES, c1);
		_mm512_storeu_si512(out + at + 2 * LANES, c2);
		_mm512_storeu_si512(out + at + 3 * LANES, c3);
	}
}
#endif

void random_fill(uint64_t seed, struct random_place place, uint32_t *out, size_t count)
{
#if defined(__x86_64__)
	if (cpu_level() >= CPU_AVX512) {
		random_fill_wide(seed, place, out, count);
		return;
	}
#endif
	for (size_t at = 0; at < count; at += RANDOM_GROUP)
		random_group(seed, place, (uint32_t)(at / 4), out + at);
}

void random_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t group[RANDOM_GROUP];
	random_group((uint64_t)key[1] << 32 | key[0], (struct random_place){counter[1], counter[2], counter[3]}, counter[0],
		     group);
	for (size_t i = 0; i < 4; i++)
		out[i] = group[i * LANES];
}

struct random_stream random_stream(uint64_t seed, uint32_t site, uint32_t step)
{
	return (struct random_stream){.seed = seed, .place = {.site = site, .step = step}, .used = RANDOM_GROUP};
}

uint32_t random_next(struct random_stream *stream)
{
	if (stream->used == RANDOM_GROUP) {
		random_fill(stream->seed, stream->place, stream->words, RANDOM_GROUP);
		stream->place.row++;
		stream->used = 0;
	}
	return stream->words[stream->used++];
}

/* Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29 (2019). */
size_t random_below(struct random_stream *stream, size_t limit)
{
	uint32_t most = (uint32_t)limit, floor = -most % most;
	uint64_t product;
	do
		product = (uint64_t)random_next(stream) * most;
	while ((uint32_t)product < floor);
	return product >> 32;
}

/* Box and Muller's transform; its other half is not worth the state. */
float random_normal(struct random_stream *stream)
{
	double radius = sqrt(-2.0 * log((random_next(stream) + 1.0) * 0x1p-32));
	return (float)(radius * cos(random_next(stream) * (0x1p-32 * 6.283185307179586)));
}

void random_shuffle(struct random_stream *stream, uint32_t *items, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = random_below(stream, i);
		uint32_t item = items[i - 1];
		items[i - 1] = items[other];
		items[other] = item;
	}
}
