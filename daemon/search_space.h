#ifndef DAEMON_SEARCH_SPACE_H
#define DAEMON_SEARCH_SPACE_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a search may choose from: a YAML file of a recipe's keys, each with a
 * list of values or a range.
 *
 *     lr: {min: 2e-5, max: 3e-4, log: true}
 *     dropout: {min: 0, max: 0.3}
 *     pooling: [cls, mean]
 */
struct search_key {
	char *name;
	char **choices;     /* or, where there is none, a range: */
	size_t choice_count;
	double least, most;
	bool log, whole;    /* even in the logarithm; whole numbers alone */
};

struct search_space {
	struct search_key *keys;
	size_t count;
};

/* Every value that may be drawn is checked as a recipe's is.  Errors name line and column. */
int search_space_read(struct search_space *space, const char *path, struct err *e);
void search_space_clear(struct search_space *space);

/* The values of a trial, one a key, as text; the caller frees each.  A function of the seed and the trial's number. */
void search_space_draw(const struct search_space *space, uint64_t seed, uint32_t trial, char **values);

#endif
