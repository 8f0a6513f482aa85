#ifndef MODEL_TRAIN_SPANS_H
#define MODEL_TRAIN_SPANS_H

#include "model/tokenizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A text's tokens together with the words that they came from, as those stand
 * in the text.  Blanks part words; so do ideographs, dashes and the like, each
 * a word of its own; dots, commas, quotes and round brackets at a word's ends
 * are words of their own too ("fell," is "fell" and ",").
 *
 * The ids are those of tokenizer_encode, always.
 */
struct span_word {
	size_t start, length; /* bytes of the text */
	size_t first, count;  /* its tokens; count > 0 */
};

struct spans {
	int32_t *ids;            /* [max + 1], the caller's */
	struct span_word *words; /* [max], the caller's */
	size_t max;              /* tokens at most, at least 2 */
	size_t tokens, count;    /* that were found, with [CLS] and [SEP]; and words */
	bool cut;                /* the text is longer than that */
};

/* Allocates nothing; reads a long text no further than the word that does not fit. */
void spans_find(const struct tokenizer *tokenizer, const char *text, size_t length, struct spans *spans);

#endif
