#ifndef MODEL_TRAIN_MASK_H
#define MODEL_TRAIN_MASK_H

#include "daemon/base/err.h"
#include "model/train/random.h"
#include "model/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which words of a text are to be guessed: whole words by chance until about
 * `share` of the tokens are chosen, one word at least.  Of the chosen tokens
 * 80 in 100 become [MASK], 10 another word, and 10 stay (Devlin et al.,
 * arXiv:1810.04805; whole words as in the authors' later models).
 */
struct mask {
	bool *continues;  /* [words]: "##ing" */
	size_t words;
	int32_t token;    /* [MASK] */
	double share;
	uint32_t *starts; /* scratch: of a text's words */
};

/* Fails where the vocabulary has no [MASK].  Texts have `longest` tokens at most. */
int mask_open(struct mask *mask, const struct vocab *vocab, double share, size_t longest, struct err *e);
void mask_close(struct mask *mask);

/* From ids[length], [CLS] and [SEP] at the ends and a word at least between them, to what is read, in[length], and what is
 * asked for, out[length]: the word, or -1. */
void mask_text(const struct mask *mask, struct random_stream *stream, const int32_t *ids, size_t length, int32_t *in,
	       int32_t *out);

#endif
