#ifndef MODEL_TRAIN_RANDOM_H
#define MODEL_TRAIN_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Random numbers as a function of the place that they are used at, so that
 * they depend on no thread and there is no state to save: Philox 4x32-10
 * (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
 * The seed is its key; the place and a count are its counter.
 */
struct random_place {
	uint32_t row, site, step;
};

enum { RANDOM_GROUP = 64 };

/* Words that random_fill writes for `count` of them. */
static inline size_t random_room(size_t count)
{
	return (count + RANDOM_GROUP - 1) / RANDOM_GROUP * RANDOM_GROUP;
}

/* out[random_room(count)] */
void random_fill(uint64_t seed, struct random_place place, uint32_t *out, size_t count);

/* The function itself: a counter of four words and a key of two. */
void random_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* One after another. */
struct random_stream {
	uint64_t seed;
	struct random_place place; /* `row` is counted up */
	size_t used;               /* of words; those of a fresh stream are none */
	uint32_t words[RANDOM_GROUP];
};

struct random_stream random_stream(uint64_t seed, uint32_t site, uint32_t step);
uint32_t random_next(struct random_stream *stream);
/* From 0 to limit - 1, each as likely; 0 < limit < 2^32. */
size_t random_below(struct random_stream *stream, size_t limit);
/* Normally distributed, mean 0, variance 1. */
float random_normal(struct random_stream *stream);
/* Some order of items[count]. */
void random_shuffle(struct random_stream *stream, uint32_t *items, size_t count);

#endif
