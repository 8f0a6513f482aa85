#ifndef MODEL_TRAIN_NOISE_H
#define MODEL_TRAIN_NOISE_H

#include "model/train/random.h"

#include <stddef.h>

/*
 * Texts as the world writes them: with slips of the keyboard, in capitals, with
 * cashtags and emoji, cut short, about companies that the training rows never
 * named, in other words.  None of it is to change what a text says of its
 * subject, so a label stays what it was.  Evaluation measures what it costs,
 * and training learns from it.
 *
 * What is made is a function of the text and the stream, valid UTF-8 whatever
 * the text holds, and never empty where the text is not; where a kind finds
 * nothing to do (a name to swap) it is the text.
 */
/* A new kind: its name and its case in noise.c, its share of training's in vary.c. */
enum noise {
	NOISE_TYPO,       /* in some words a neighbour's key, two letters swapped, or one left out */
	NOISE_CASE,       /* upper, lower or title case */
	NOISE_TICKER,     /* a cashtag before or after the text, or in a name's place */
	NOISE_EMOJI,      /* one or two at the end, of no mood */
	NOISE_TRUNCATION, /* the last third of the words is gone */
	NOISE_NAME,       /* names and cashtags become those of companies that do not exist */
	NOISE_SYNONYM,    /* a word gives way to one that says the same */
	NOISE_KINDS,
};

/* "typo", ... in the order of the enum. */
extern const char *const noise_names[NOISE_KINDS];

/* Of a text more bytes than this are left away first: no model reads as many. */
enum { NOISE_LONGEST = 1 << 16 };

/* Bytes that a text of `length` needs as `out`. */
size_t noise_room(size_t length);

/* Writes out[noise_room(length)] and returns the length.  Allocates nothing. */
size_t noise_make(enum noise kind, const char *text, size_t length, struct random_stream *stream, char *out);

#endif
