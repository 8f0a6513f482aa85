/*
 * "Sat 22:00-Sun 06:00" in Europe/Berlin: each week's two local times become
 * instants by the zone's rules, so that a window that begins at 22:00 does so
 * on both sides of a change of clocks.  A week in which clocks change has a
 * window that is an hour longer or shorter, as everybody's night is.
 */
#include "daemon/config_silences.h"

#include "daemon/base/clock.h"
#include "daemon/timezone.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_MONDAY = 10959, WEEKS = 2610, WEEK_MINUTES = 7 * 24 * 60 }; /* from 2000-01-03, for fifty years */

/* Minutes since Monday 0:00; until is later, maybe in the next week. */
struct weekly {
	int from, until;
};

/* ---- "Sat 22:00-Sun 06:00", "Sat 22:00-23:30" ---- */

static const char *skip_blanks(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

/* Three letters at least; -1 = no day. */
static int read_day(const char **text)
{
	static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
	size_t length = 0;
	while (isalpha((unsigned char)(*text)[length]))
		length++;
	for (int day = 0; length >= 3 && day < 7; day++) {
		if (strncasecmp(*text, days[day], length) != 0 || length > strlen(days[day]))
			continue;
		*text = skip_blanks(*text + length);
		return day;
	}
	return -1;
}

static bool read_number(const char **text, int digits, int *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++, ++*text) {
		if (!isdigit((unsigned char)**text))
			return false;
		*out = *out * 10 + (**text - '0');
	}
	return true;
}

static bool read_time(const char **text, int *minute)
{
	int hours, minutes;
	if (!read_number(text, 2, &hours) || *(*text)++ != ':' || !read_number(text, 2, &minutes))
		return false;
	*text = skip_blanks(*text);
	*minute = hours * 60 + minutes;
	return minutes < 60 && *minute <= 24 * 60;
}

static bool read_weekly(const char *text, struct weekly *out)
{
	int day, until_day, until;
	text = skip_blanks(text);
	day = read_day(&text);
	if (day < 0 || !read_time(&text, &out->from) || out->from == 24 * 60 || *text != '-')
		return false;
	text = skip_blanks(text + 1);
	until_day = read_day(&text);
	if (!read_time(&text, &until) || *text != '\0')
		return false;
	if (until_day < 0) /* the next such time of day */
		until_day = until > out->from ? day : (day + 1) % 7;
	until += until_day * 24 * 60;
	out->from += day * 24 * 60;
	out->until = until > out->from ? until : until + WEEK_MINUTES;
	return out->until - out->from < WEEK_MINUTES;
}

/* ---- spans ---- */

static int by_start(const void *a, const void *b)
{
	const struct watch_span *x = a, *y = b;
	return x->from_us < y->from_us ? -1 : x->from_us > y->from_us;
}

/* In order, and what touches is one. */
static size_t merge(struct watch_span *spans, size_t count)
{
	size_t kept = 0;
	qsort(spans, count, sizeof *spans, by_start);
	for (size_t i = 0; i < count; i++) {
		if (spans[i].until_us <= spans[i].from_us)
			continue; /* wholly in the hour that clocks skip */
		if (kept == 0 || spans[i].from_us > spans[kept - 1].until_us)
			spans[kept++] = spans[i];
		else if (spans[i].until_us > spans[kept - 1].until_us)
			spans[kept - 1].until_us = spans[i].until_us;
	}
	return kept;
}

static void expand_week(const struct weekly *weekly, struct watch_span *spans)
{
	for (int week = 0; week < WEEKS; week++) {
		int64_t monday = FIRST_MONDAY + 7 * (int64_t)week;
		spans[week] = (struct watch_span){zone_instant(monday, weekly->from, ZONE_EARLIER),
						  zone_instant(monday, weekly->until, ZONE_LATER)};
	}
}

static const char *join(struct pool *pool, const char *const *texts, size_t count)
{
	size_t size = 1;
	for (size_t i = 0; i < count; i++)
		size += strlen(texts[i]) + 2;
	char *joined = pool_alloc(pool, size);
	for (size_t i = 0; i < count; i++) {
		strcat(joined, i > 0 ? ", " : "");
		strcat(joined, texts[i]);
	}
	return joined;
}

static int expand_weekly(struct pool *pool, const struct config_silence *silence, struct watch_quiet *out, struct err *e)
{
	struct watch_span *spans = pool_alloc(pool, silence->weekly_count * WEEKS * sizeof *spans);
	if (silence->weekly_count > 100)
		return err_set(e, "weekly: more than 100 windows");
	if (zone_enter(silence->timezone, e) != 0)
		return err_prefix(e, "timezone");
	for (size_t i = 0; i < silence->weekly_count; i++) {
		struct weekly weekly;
		if (!read_weekly(silence->weekly[i], &weekly)) {
			zone_leave();
			return err_set(e, "weekly: \"%.100s\": expected a window such as Sat 22:00-Sun 06:00, shorter than a week",
				       silence->weekly[i]);
		}
		expand_week(&weekly, spans + i * WEEKS);
	}
	zone_leave();
	out->spans = spans;
	out->span_count = merge(spans, silence->weekly_count * WEEKS);
	out->weekly = join(pool, silence->weekly, silence->weekly_count);
	return 0;
}

/* ---- from one instant to another ---- */

/* Is there a Z or an offset behind the time of day? */
static bool has_offset(const char *text)
{
	const char *time = strpbrk(text, "Tt ");
	return time != NULL && strpbrk(time, "Zz+-") != NULL;
}

static int read_instant(const char *key, const char *text, enum zone_side side, int64_t *out, struct err *e)
{
	if (!time_parse_iso(text, out))
		return err_set(e, "%s: \"%.100s\": expected a time such as 2026-01-28T22:00 or 2026-01-28T22:00:00Z", key, text);
	if (!has_offset(text)) {
		int64_t day = *out / DAY_US - (*out % DAY_US < 0);
		*out = zone_instant(day, (int)((*out - day * DAY_US) / MINUTE_US), side);
	}
	return 0;
}

static int expand_once(struct pool *pool, const struct config_silence *silence, struct watch_quiet *out, struct err *e)
{
	struct watch_span *span = pool_alloc(pool, sizeof *span);
	if (zone_enter(silence->timezone, e) != 0)
		return err_prefix(e, "timezone");
	int rc = read_instant("from", silence->from, ZONE_EARLIER, &span->from_us, e);
	if (rc == 0)
		rc = read_instant("until", silence->until, ZONE_LATER, &span->until_us, e);
	zone_leave();
	if (rc == 0 && span->until_us <= span->from_us)
		rc = err_set(e, "until: \"%.100s\": expected a time later than from", silence->until);
	out->spans = span;
	out->span_count = 1;
	return rc;
}

int silence_expand(struct pool *pool, const struct config_silence *silence, struct watch_quiet *out, struct err *e)
{
	bool once = silence->from != NULL && silence->until != NULL, weekly = silence->weekly_count > 0;
	*out = (struct watch_quiet){.name = silence->name,
				    .topics = silence->topics,
				    .topic_count = silence->topic_count,
				    .timezone = silence->timezone,
				    .why = silence->why};
	if (once == weekly || (!once && (silence->from != NULL || silence->until != NULL)))
		return err_set(e, "expected either from and until, or weekly");
	return weekly ? expand_weekly(pool, silence, out, e) : expand_once(pool, silence, out, e);
}
