#ifndef ALERTS_WEBHOOK_RETRY_H
#define ALERTS_WEBHOOK_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When to try again.  Pure functions; attempts count from 1 and survive
 * restarts, so giving up needs no memory of when the first attempt was.
 */

/* The longest that a receiver's Retry-After is obeyed. */
#define RETRY_AFTER_MAX_US (INT64_C(3600) * 1000000)

/* The pause after the `attempts`-th failure: 5 s, doubling, at most 5 minutes, less up to a quarter by `random`. */
int64_t retry_pause_us(uint32_t attempts, uint32_t random);

/* Have the pauses so far come to 24 hours? */
bool retry_is_exhausted(uint32_t attempts);

#endif
