#ifndef ALERTS_TOPICS_REQUIRED_H
#define ALERTS_TOPICS_REQUIRED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Literals that a regular expression cannot match without: every text it
 * matches holds at least one of them, ASCII letters compared without case.
 */
#define REQUIRED_MAX 32        /* alternatives: more would filter nothing */
#define REQUIRED_LENGTH_MAX 16 /* bytes of one: its beginning is as required as the whole */

struct required {
	struct required_literal {
		size_t length;
		char bytes[REQUIRED_LENGTH_MAX]; /* ASCII letters in lower case */
	} literals[REQUIRED_MAX];
	size_t count; /* 0 = none is known: the expression has to be tried on every text */
};

/* Finds them for a pattern that PCRE2 has compiled, folded as FOLD_PATTERN. */
void required_find(const char *pattern, size_t length, struct required *out);

#endif
