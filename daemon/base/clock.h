#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Time.  Instants are microseconds since 1970-01-01 UTC (`_us`), durations are
 * microseconds too.  Code below the edge takes times as values; the few places
 * that must ask hold a `struct clock *`, so that tests and replays put their
 * own there.
 */
#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* "No time": an instant that no document has. */
#define TIME_NONE INT64_MIN

struct clock {
	int64_t (*now_us)(const struct clock *clock);
};

/* The wall clock (CLOCK_REALTIME). */
extern const struct clock wall_clock;

static inline int64_t clock_now_us(const struct clock *clock)
{
	return clock->now_us(clock);
}

/* Monotonic microseconds, for timeouts and latencies; the origin is arbitrary. */
int64_t monotonic_us(void);

/*
 * ISO 8601 / RFC 3339: "2026-01-05T09:30:00Z", with optional fraction, offset
 * ("+01:00"), seconds left out, or a blank for the T; a bare date is midnight.
 * Without an offset the text is UTC.  Returns false where the text is none of
 * these or names no instant (month 13).
 */
bool time_parse_iso(const char *text, int64_t *out_us);

/* Format as "2026-01-05T09:30:00Z" (seconds, fraction cut).  `size` >= 32. */
char *time_format_iso(int64_t time_us, char *out, size_t size);

/* Days since 1970-01-01 of a proleptic Gregorian date (month 1..12). */
int64_t days_from_civil(int64_t year, int month, int day);

/* "90s", "15m", "1h30m", "7d", "5y" (365 days); "0".  Returns false on anything else. */
bool duration_parse(const char *text, int64_t *out_us);

#endif
