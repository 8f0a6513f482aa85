#ifndef DAEMON_REPLAY_H
#define DAEMON_REPLAY_H

#include "alerts/watch.h"
#include "daemon/base/err.h"
#include "daemon/config.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * The rules over a stream of scored documents with a virtual clock: the core
 * that the daemon runs, its effects shown and thrown away.
 */
struct replay_options {
	const struct config *config; /* outlives the replay */
	FILE *out;
	bool changes;                /* one line of JSON for each change of an alert */
	bool summary;                /* gather what replay_print_summary says */
	int64_t since_us;            /* show nothing of before (documents of before still make the history) */
};

struct replay;

struct replay *replay_create(const struct replay_options *options);
void replay_free(struct replay *replay);

/* Documents in order of `applied`; ticks between them are made here.  -1 where `out` cannot be written. */
int replay_document(struct replay *replay, const struct watch_document *document, struct err *e);

void replay_print_summary(struct replay *replay);

/* ---- the input of a file ---- */

/* Read JSON lines from `fd` to its end, match, score where a rule needs it and no polarity is given, and feed them.  What
 * is no document is counted in `*rejected`, the first reason is printed to standard error.  -1 with `e`. */
int replay_read(struct replay *replay, const struct config *config, int fd, uint64_t *rejected, struct err *e);

#endif
