#ifndef ALERTS_TOPICS_H
#define ALERTS_TOPICS_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The watch list: which document is about what.
 *
 * Words, phrases, cashtags and hashtags of all topics are found in one pass by
 * one automaton; regular expressions run only where a literal that they need
 * was found.  Both sides are folded alike: NFKC, case, width.  Whole words:
 * a letter or digit beside a match of letters or digits forbids it, but a Han,
 * Kana or Hangul neighbour is a boundary.  Overlapping words are matched
 * leftmost-longest.
 *
 * A compiled watch list is immutable: any number of threads may match on it,
 * each with its own scratch.
 */
struct topic_spec {
	const char *name;
	const char *const *any;   /* words, phrases, "$BA", "#tag" */
	size_t any_count;
	const char *const *none;  /* a match of any of these, covering or beside, takes the document out: "Boeing Field" */
	size_t none_count;
	const char *regex;        /* NULL = none; PCRE2, case-insensitive unless (?-i) */
	const char *const *labels; /* the classifier's topics, by name */
	size_t label_count;
};

struct topics;
struct topics_scratch;

/* Everything is copied.  `e` names the topic and what is wrong. */
struct topics *topics_create(const struct topic_spec *specs, size_t count, struct err *e);
void topics_free(struct topics *topics);

struct topics_scratch *topics_scratch_create(const struct topics *topics);
void topics_scratch_free(struct topics_scratch *scratch);

/* Which topics do the words of this text match?  Writes their indices in ascending order, `max` at most, and returns how
 * many.  Topics that have only labels never match here. */
size_t topics_match(const struct topics *topics, struct topics_scratch *scratch, const char *text, size_t length,
		    uint32_t *out, size_t max);

/* Regexes given up at PCRE2's match limit so far, over all threads. */
uint64_t topics_match_limit_hits(const struct topics *topics);

#endif
