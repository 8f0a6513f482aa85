#ifndef ALERTS_SELF_H
#define ALERTS_SELF_H

#include "alerts/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Alerts on the daemon itself: (state, observation) -> (state, changes).
 *
 * As the core, it asks no clock, no file and no thread: whoever measures tells
 * what was seen of each subject ("source wire", "disk"), and whoever stores
 * takes the changes.  An alert is raised when a subject was bad without a break
 * for a while, told again where it became worse, and resolved when it was good
 * without a break for a while.  In between nothing happens: a subject that
 * hovers about its limit wakes nobody twice.
 *
 * Open alerts are loaded from the database at the start; what was bad for too
 * short a time to be told begins anew.
 */
#define SELF_RULE "bellwether" /* the rule that these alerts are stored under */

struct self;

struct self *self_create(void);
void self_free(struct self *self);

enum self_verdict {
	SELF_GOOD,
	SELF_BAD,
	SELF_UNSURE, /* between the limits, or nothing is known: all stays as it is */
};

/* All of it is copied. */
struct self_observation {
	const char *subject;
	enum self_verdict verdict;
	int64_t raise_after_us, clear_after_us; /* bad, good for this long without a break; 0 = at once */
	uint32_t level;      /* how bad: one that is above what was told is told, SELF_AGAIN_US after the last telling */
	const char *message; /* a sentence for people: what is wrong, or that it is right again */
};

/* A subject that becomes worse and worse is told of so often at most. */
#define SELF_AGAIN_US (3600 * INT64_C(1000000))

/* `now_us` is the wall clock's; where that is set back, times that lie ahead are read as now. */
void self_observe(struct self *self, const struct self_observation *observation, int64_t now_us);

/* A round of observations is over: subjects that were not observed in it are watched no more (a source that is gone from
 * the configuration), and their alerts end. */
void self_end_round(struct self *self, int64_t now_us);

/* One telling.  `alert.rule` and `alert.topic` are not set: the rule is SELF_RULE, the topic is the subject. */
struct self_change {
	struct watch_alert alert; /* count, peak_count: the level now, and the highest told */
	const char *subject, *message;
};

/* What happened since self_clear, in order; valid until then. */
const struct self_change *self_changes(const struct self *self, size_t *count);
void self_clear(struct self *self);

/* An alert that is open in the database: id, event, started_us, fired_us, peak_count are read. */
void self_load(struct self *self, const char *subject, const struct watch_alert *alert);

/* Subjects whose alert is open, in the order they were first seen in; `each` gets their subject. */
void self_each_open(const struct self *self, void (*each)(void *context, const char *subject), void *context);

/* The change as JSON, with the keys of payload_write_event (alerts/payload.h) and "change" and "message" behind them.  The
 * caller frees. */
char *self_write_payload(const struct self_change *change);

#endif
