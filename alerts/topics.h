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
 * was found.  Both sides are folded alike (alerts/fold.h): case never counts, so
 * "$ba" is "$BA" and "ge" is "GE"; width and composition do not; accents do.
 * Topics match independently of each other.
 *
 * Words (`any` and `none`)
 *
 *   Whole words only.  A letter, a digit, an underscore or a combining mark beside
 *   a match forbids it where the match itself begins or ends with one: "Ford" is
 *   not in "affordable", "BA" is not in "BA2" or "#BA_news".  Signs are no letters:
 *   "Boeing" is in "Boeing's", "Boeing-made", "#Boeing", "boeing.com".
 *
 *   Han, Kana, Hangul, Thai, Lao, Khmer, Myanmar and Tibetan are written without
 *   spaces.  Their characters bound a word on both sides, and words in them
 *   match anywhere.
 *
 *   White space in a phrase is any white space in the text, line breaks and
 *   no-break spaces included, or one hyphen between letters or digits; and the
 *   other way round: "737 MAX" is "737-MAX", "Coca-Cola" is "Coca Cola", and
 *   neither is "CocaCola" or "Coca - Cola".  Other punctuation counts: "J.P. Morgan"
 *   is not "JP Morgan", "AT&T" is not "AT & T".
 *
 *   "$BA" is neither in "$BABA" nor in "US$BA" nor in "$BA.L", which is another
 *   ticker; "BA" is in "$BA".  "#tag" and "@name" follow the same rule on their left.
 *
 * Exclusions (`none`)
 *
 *   Where words and exclusions of a topic overlap, the leftmost counts, of those
 *   that begin together the longest; the others do not occur.
 *   An exclusion that holds one of the topic's own words hides only what it
 *   covers: beside "Boeing", "Boeing Field" is no match, and another "Boeing" in the
 *   text still is.  One that holds none of them takes the whole document out.
 *   A regular expression of the topic is taken out by either kind, wherever it
 *   occurs.
 *   Exclusions do not touch what the classifier's labels bring.
 *
 * Regular expressions
 *
 *   PCRE2, without case unless (?-i), with Unicode properties.  They look at the
 *   text folded except for its case: write half-width letters and plain
 *   apostrophes, hyphens and spaces.  One that needs too much work on a text
 *   (linear in its length) is given up, counts as no match, and is counted.
 *
 * A compiled watch list is immutable: any number of threads may match on it,
 * each with its own scratch.
 */
struct topic_spec {
	const char *name;
	const char *const *any;   /* words, phrases, "$BA", "#tag" */
	size_t any_count;
	const char *const *none;  /* exclusions from `any` and `regex` */
	size_t none_count;
	const char *regex;        /* NULL = none; besides `any` */
	const char *const *labels; /* the classifier's topics, by name */
	size_t label_count;
};

struct topics;
struct topics_scratch;

/* Everything is copied.  Refused, with the topic and the reason in `e`: a topic with nothing to find; a word without a letter,
 * a digit or a symbol; exclusions without words or regex; a phrase that is both word and exclusion; a regex that PCRE2 refuses
 * or that matches every text.  A word given twice is the same as once. */
struct topics *topics_create(const struct topic_spec *specs, size_t count, struct err *e);
void topics_free(struct topics *topics);

/* Grows with the longest text matched. */
struct topics_scratch *topics_scratch_create(const struct topics *topics);
void topics_scratch_free(struct topics_scratch *scratch);

/* Which topics do the words of this text match?  Any bytes will do; invalid UTF-8 is U+FFFD.  Writes their indices in
 * ascending order, `max` at most, and returns how many it wrote.  Topics that have only labels never match here. */
size_t topics_match(const struct topics *topics, struct topics_scratch *scratch, const char *text, size_t length,
		    uint32_t *out, size_t max);

/* Regexes given up so far, over all threads. */
uint64_t topics_match_limit_hits(const struct topics *topics);

#endif
