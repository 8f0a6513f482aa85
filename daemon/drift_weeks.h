#ifndef DAEMON_DRIFT_WEEKS_H
#define DAEMON_DRIFT_WEEKS_H

#include "daemon/base/clock.h"

#include <stddef.h>
#include <stdint.h>

/* How many texts each week has.  Weeks begin on Mondays at midnight UTC and are counted from the first of 1970. */
#define DRIFT_MONDAY_US (4 * DAY_US)

struct drift_weeks {
	struct drift_week {
		int64_t number;
		uint64_t texts;
	} *each; /* ascending */
	size_t count, capacity;
};

void drift_weeks_add(struct drift_weeks *weeks, int64_t time_us);

/* Only the last `most` of them stay. */
void drift_weeks_keep(struct drift_weeks *weeks, size_t most);

/* The place of a time's week, or SIZE_MAX. */
size_t drift_weeks_find(const struct drift_weeks *weeks, int64_t time_us);
void drift_weeks_clear(struct drift_weeks *weeks);

#endif
