#ifndef MODEL_VOCAB_H
#define MODEL_VOCAB_H

#include "daemon/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The words of a vocab.txt, read as Hugging Face reads it: one a line, blanks
 * at a line's end dropped, the id is the line's number from 0; of a word that
 * stands twice the later id counts.  Immutable.
 */
struct vocab;

struct vocab_word {
	const char *text; /* UTF-8, without a final NUL */
	size_t length;
};

/* Fails where the file cannot be read, is not UTF-8, is empty, or is larger than 16 MiB. */
struct vocab *vocab_open(const char *path, struct err *e);
void vocab_free(struct vocab *vocab);

/* Number of ids. */
size_t vocab_size(const struct vocab *vocab);

/* The word of an id below vocab_size. */
struct vocab_word vocab_word(const struct vocab *vocab, size_t id);

/* The ids in byte order of their words (equal words: the lower id first), `rank` below vocab_size. */
uint32_t vocab_ranked(const struct vocab *vocab, size_t rank);

/* The id of a word, or -1. */
int32_t vocab_find(const struct vocab *vocab, const char *text, size_t length);

#endif
