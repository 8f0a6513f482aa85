#ifndef DAEMON_CORRECTIONS_H
#define DAEMON_CORRECTIONS_H

#include "daemon/base/err.h"
#include "daemon/base/item.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The desk's corrections as cases: texts as the daemon scores them, each with
 * the polarity that the desk gave it last.  Of equal texts there is one case, the
 * one that was judged last, and so there is of a story's documents that were
 * judged alike.
 */
struct correction {
	int64_t document;
	enum polarity polarity;
	char *text; /* with a final NUL */
	size_t length;
	uint64_t hash; /* hash_bytes(0, text) */
};

struct corrections {
	struct correction *each; /* newest first */
	size_t count;
	size_t judged;           /* judgements that they stand for */
	uint64_t *hashes;        /* of the texts, ascending */
};

/* Reads a database; without any correction `count` is 0.  Fails where it cannot be read. */
int corrections_read(struct corrections *corrections, const char *database, struct err *e);
void corrections_clear(struct corrections *corrections);

/* Is this text among them? */
bool corrections_has(const struct corrections *corrections, uint64_t hash);

#endif
