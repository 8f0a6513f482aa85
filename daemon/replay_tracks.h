#ifndef DAEMON_REPLAY_TRACKS_H
#define DAEMON_REPLAY_TRACKS_H

#include "alerts/watch.h"
#include "daemon/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What charts are drawn from: for each topic what was counted in each hour, and
 * for each rule on it what was expected and where it would have fired, as the
 * rule saw it when the hour was over (nothing learnt later is in it).
 */
struct replay_tracks;

struct replay_tracks *replay_tracks_create(const struct config *config, int64_t since_us);
void replay_tracks_free(struct replay_tracks *tracks);

/* Take the counts out of effects; each effect once. */
void replay_tracks_add(struct replay_tracks *tracks, const struct watch_effects *effects);

/* Has an hour passed, so that replay_tracks_close has something to do? */
bool replay_tracks_due(const struct replay_tracks *tracks, int64_t applied_us);

/* Ask the watch what it expected of all that ended before `applied_us`; at the end of all, also of what has begun. */
void replay_tracks_close(struct replay_tracks *tracks, struct watch *watch, int64_t applied_us);
void replay_tracks_end(struct replay_tracks *tracks, struct watch *watch, int64_t applied_us);

/* One picture's data: points of hours, quarters of a day or days, whichever shows a topic of that rate best. */
struct replay_track {
	int64_t start_s, step_s;
	size_t count;
	float *counts, *expected, *limit; /* [count]; NaN = not known */
	const char *label;                /* "negative stories an hour" */
};

/* False where the topic has no document.  `until_us` > `from_us`.  To be emptied by replay_track_clear. */
bool replay_tracks_get(const struct replay_tracks *tracks, uint32_t topic, uint32_t rule, int64_t from_us, int64_t until_us,
		       struct replay_track *track);
void replay_track_clear(struct replay_track *track);

#endif
