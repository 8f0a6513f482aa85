#ifndef ALERTS_WEBHOOK_LANES_H
#define ALERTS_WEBHOOK_LANES_H

#include "alerts/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What waits for one receiver.  The deliveries of one alert form a lane, in
 * order of their event numbers; only a lane's first is ever under way, so an
 * event is not sent before the one ahead of it is sent or dead.
 */
struct job {
	struct job *next;
	struct delivery delivery;
};

struct lane {
	struct lane *next;
	struct job *first; /* never NULL */
	bool busy;         /* its first is under way */
};

struct lanes {
	struct lane *first;
	size_t busy; /* how many are */
};

/* Takes what `delivery` owns. */
void lanes_add(struct lanes *lanes, const struct delivery *delivery);

/* A lane whose first is due (or would wait for longer than any pause is) and not under way.  NULL where there is none; then
 * `*next_us` becomes the earliest time that one will be, if that is earlier than what it holds. */
struct lane *lanes_due(const struct lanes *lanes, int64_t now_us, int64_t *next_us);

void lanes_set_busy(struct lanes *lanes, struct lane *lane, bool busy);

/* Does the lane hold a "resolved"?  Then its alert fires no more. */
bool lane_is_over(const struct lane *lane);

/* Takes out the lane's first, which must not be under way; an empty lane is gone with it.  Free it by job_free. */
struct job *lanes_take_first(struct lanes *lanes, struct lane *lane);
void job_free(struct job *job);

/* Makes all that wait due. */
void lanes_hurry(struct lanes *lanes);

/* Any lane that is not under way, or NULL. */
struct lane *lanes_idle(const struct lanes *lanes);

#endif
