#ifndef DAEMON_REPLAY_H
#define DAEMON_REPLAY_H

#include "alerts/watch.h"
#include "daemon/base/err.h"
#include "daemon/config.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One configuration's rules over a stream of scored documents with a virtual
 * clock: the core that the daemon runs, its alerts gathered or handed on and
 * everything else that it does thrown away.
 *
 * Replays are fed side by side (daemon/replay_feed.h), and looked at afterwards
 * (daemon/replay_report.h).
 */
struct replay_options {
	const struct config *config; /* outlives the replay */
	bool ticks;       /* the grid of `applied` ticks, as the daemon does over its stored history; a recorded stream's own
			   * documents close its cells */
	bool tracks;      /* gather what charts are drawn from */
	int64_t since_us; /* gather and tell nothing of before (documents of before still make the history); INT64_MIN = all */
	/* Each change of an alert, as it happens; may be NULL.  -1 with `e` ends the replay. */
	int (*changed)(void *context, const struct watch_alert *alert, struct err *e);
	void *context;
};

struct replay;

struct replay *replay_create(const struct replay_options *options);
void replay_free(struct replay *replay);

/* ---- events, in order of `applied` ---- */

/* A document; its topics are indices of the configuration's.  Returns its story, or -1 where `changed` failed. */
int64_t replay_document(struct replay *replay, const struct watch_document *document, struct err *e);

/* A hint of a document to come: as watch_fetch. */
void replay_fetch(const struct replay *replay, const struct watch_document *document, bool near);

/* What the desk said at `applied_us`: as watch_silence. */
int replay_silence(struct replay *replay, const char *topic, int64_t until_us, int64_t applied_us, struct err *e);

/* What comes now was judged by another model. */
int replay_switch(struct replay *replay, const struct watch_switch *model_switch, struct err *e);

/* The stream is over: everything was read up to `applied_us` (TIME_NONE = the last document is all there is). */
int replay_finish(struct replay *replay, int64_t applied_us, struct err *e);

/* ---- what was gathered ---- */

/* A firing, from when it began to be counted to its end. */
struct replay_alert {
	char id[32];
	uint32_t rule, topic;
	int64_t started_us, fired_us;
	int64_t resolved_us;      /* TIME_NONE = it fires still */
	uint32_t peak;
	double expected, ratio;   /* as it fired */
	bool told;                /* a silence did not keep all of it back */
	char *headline;           /* of the first story behind it; NULL = none */
};

/* In order of firing. */
const struct replay_alert *replay_alerts(const struct replay *replay, size_t *count);

const struct config *replay_config(const struct replay *replay);

/* From the first document told of to the last event; TIME_NONE = there was none. */
struct replay_span {
	int64_t first_us, last_us;
	uint64_t documents;
};
struct replay_span replay_span(const struct replay *replay);

/* How many documents of the span are about a topic. */
uint64_t replay_topic_documents(const struct replay *replay, uint32_t topic);

/* What charts are drawn from; NULL without `tracks`. */
struct replay_tracks;
const struct replay_tracks *replay_get_tracks(const struct replay *replay);

#endif
