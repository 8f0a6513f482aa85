#ifndef ALERTS_TOPICS_PHRASES_H
#define ALERTS_TOPICS_PHRASES_H

#include <stddef.h>
#include <stdint.h>

/*
 * All watched phrases, found in one pass: an Aho-Corasick automaton whose
 * alphabet is not bytes but tokens.
 *
 * Build with phrases_add, then phrases_compile; from then on it is immutable.
 */
struct phrases;

struct phrases *phrases_create(void);
void phrases_free(struct phrases *phrases);

/* Adds a phrase (folded, with TOKEN_PADDING bytes after it).  Returns its number, from 0; equal phrases have the same. */
uint32_t phrases_add(struct phrases *phrases, const char *folded, size_t length);

void phrases_compile(struct phrases *phrases);

uint32_t phrases_count(const struct phrases *phrases);

/* `phrase` occurs in the text from its token `first` to before its token `end`. */
typedef void phrase_found(void *context, uint32_t phrase, uint32_t first, uint32_t end);

/* Calls `found` for every occurrence in folded text (TOKEN_PADDING as above), in the order of their ends, longer ones
 * first. */
void phrases_scan(const struct phrases *phrases, const char *folded, size_t length, phrase_found *found, void *context);

#endif
