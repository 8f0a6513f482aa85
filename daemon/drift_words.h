#ifndef DAEMON_DRIFT_WORDS_H
#define DAEMON_DRIFT_WORDS_H

#include "model/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Words as the tokeniser leaves them: a piece and the "##" pieces behind it.
 * Those that have a letter and three bytes at least are looked at.
 */
#define DRIFT_WORD_MAX 64

struct drift_word {
	uint64_t hash; /* of the ids */
	char text[DRIFT_WORD_MAX]; /* cut to whole pieces */
};

typedef void drift_word_each(void *context, const struct drift_word *word);

/* The words of one text's ids, which stand between [CLS] and [SEP]; none with the piece `unknown` in it. */
void drift_words_each(const struct vocab *vocab, const int32_t *ids, size_t length, int32_t unknown, drift_word_each *each,
		      void *context);

/*
 * Which words there were, in ten bits a word: a Bloom filter (Bloom, 1970).
 * What it has not seen was not there; of a hundred that were not there it takes
 * one for seen.
 */
struct drift_filter {
	uint8_t *bits;
	size_t size; /* bytes, a power of two */
	uint64_t *hashes; /* until it is sealed */
	size_t count, capacity;
};

void drift_filter_add(struct drift_filter *filter, uint64_t hash);
void drift_filter_seal(struct drift_filter *filter);
bool drift_filter_has(const struct drift_filter *filter, uint64_t hash);
void drift_filter_clear(struct drift_filter *filter);

/* How many texts have each of some words. */
struct drift_tally {
	struct drift_tallied {
		struct drift_word word;
		uint32_t texts;
		uint32_t last; /* text that was counted, from 1 */
	} *slots;
	size_t capacity, count;
	uint32_t text; /* that is being counted */
};

/* Begins a text. */
void drift_tally_next(struct drift_tally *tally);
void drift_tally_add(struct drift_tally *tally, const struct drift_word *word);

/* The words of the most texts first; `most` at most, of two texts at least.  The caller frees; borrows nothing. */
struct drift_tallied *drift_tally_top(const struct drift_tally *tally, size_t most, size_t *count);
void drift_tally_clear(struct drift_tally *tally);

#endif
