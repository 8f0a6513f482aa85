#ifndef INGEST_RSS_SCHEDULE_H
#define INGEST_RSS_SCHEDULE_H

#include "daemon/base/clock.h"

#include <stdint.h>

/*
 * When a feed is polled again.  Pure functions: `chance` is a random number
 * that spreads feeds which started together.
 */

/* Back-off never exceeds this (or the interval, where that is longer): a feed that returns is seen again. */
#define SCHEDULE_BACKOFF_MAX_US (30 * MINUTE_US)
/* A server may ask for more, up to this. */
#define SCHEDULE_RETRY_MAX_US DAY_US

/* After a poll that worked: the interval, or what the feed asks for (ttl, max-age; 0 = nothing) where that is longer, but
 * at most four intervals and at most an hour: such values are often boilerplate.  Plus up to a tenth. */
int64_t schedule_next(int64_t interval_us, int64_t hint_us, uint64_t chance);

/* After `failures` (>= 1) failed polls in a row: the interval doubled with each, capped, or `retry_after_us` (-1 = not
 * asked) where that is longer.  Plus up to a tenth. */
int64_t schedule_retry(int64_t interval_us, unsigned failures, int64_t retry_after_us, uint64_t chance);

#endif
