/*
 * Polite without being late: a risk desk asked for its interval, so the feed's
 * own wish stretches it only within bounds, and a failing feed is asked less
 * often but never given up.
 */
#include "ingest/rss/schedule.h"

#define HINT_MAX_US HOUR_US
#define HINT_INTERVALS 4

static int64_t with_jitter(int64_t delay_us, uint64_t chance)
{
	return delay_us + (int64_t)(chance % (uint64_t)(delay_us / 10 + 1));
}

int64_t schedule_next(int64_t interval_us, int64_t hint_us, uint64_t chance)
{
	if (hint_us > HINT_MAX_US)
		hint_us = HINT_MAX_US;
	if (hint_us > HINT_INTERVALS * interval_us)
		hint_us = HINT_INTERVALS * interval_us;
	return with_jitter(hint_us > interval_us ? hint_us : interval_us, chance);
}

int64_t schedule_retry(int64_t interval_us, unsigned failures, int64_t retry_after_us, uint64_t chance)
{
	int64_t cap_us = interval_us > SCHEDULE_BACKOFF_MAX_US ? interval_us : SCHEDULE_BACKOFF_MAX_US;
	int64_t delay_us = interval_us;

	for (unsigned i = 1; i < failures && delay_us < cap_us; i++)
		delay_us *= 2;
	if (delay_us > cap_us)
		delay_us = cap_us;
	if (retry_after_us > SCHEDULE_RETRY_MAX_US)
		retry_after_us = SCHEDULE_RETRY_MAX_US;
	return with_jitter(retry_after_us > delay_us ? retry_after_us : delay_us, chance);
}
