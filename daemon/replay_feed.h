#ifndef DAEMON_REPLAY_FEED_H
#define DAEMON_REPLAY_FEED_H

#include "daemon/base/err.h"
#include "daemon/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Documents on their way into replays: matched against each configuration, and
 * where a rule needs a polarity that nobody has given yet, scored by the model,
 * once for all.  The model is opened when the first document needs it.
 */
enum { REPLAY_SIDES = 2 };

struct replay_feed;

/* The replays are the caller's, `count` of them, at most REPLAY_SIDES. */
struct replay_feed *replay_feed_create(struct replay *const *replays, size_t count);
void replay_feed_free(struct replay_feed *feed);

struct replay_entry {
	struct watch_document document; /* but its topics and signature, which are made here, as is the story where it is 0;
					 * texts are the caller's again after the call */
	const char *body;
	bool scored;                    /* the model has read it before: no polarity = it could not judge */
	const char *label;              /* what the model called it then; NULL = it was not asked */
};

/* -1 where the model cannot be opened or fails, or where a replay does. */
int replay_feed_add(struct replay_feed *feed, const struct replay_entry *entry, struct err *e);

/* What gathered goes on now: before any other event, and where the input pauses. */
int replay_feed_flush(struct replay_feed *feed, struct err *e);

/* ---- where documents come from ---- */

enum { REPLAY_PROGRESS = 1 << 15 };
struct replay_source {
	struct replay *replays[REPLAY_SIDES];
	size_t count;
	int64_t until_us;    /* documents of then and later are not read; INT64_MAX = all */
	void (*pause)(void); /* the input pauses: what was printed should be seen; may be NULL */
	void (*progress)(uint64_t documents, int64_t applied_us); /* every REPLAY_PROGRESS documents; may be NULL */
	uint64_t rejected;   /* set: values that were no documents; the first is printed to standard error with its reason */
};

/* JSON lines from `fd` to its end.  `applied` is the latest `published` so far: the clock of a file is its documents'. */
int replay_read_lines(struct replay_source *source, int fd, struct err *e);

/* The stored documents of a database in order of `applied`, with the desk's silences and changes of the model in their places. */
int replay_read_history(struct replay_source *source, const char *database, struct err *e);

#endif
