/* Silences of the configuration: local times on both sides of a change of clocks, and what is no time. */
#include "daemon/base/clock.h"
#include "daemon/config.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_problem(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "%s\n", line);
}

static struct config *parse(const char *silence)
{
	char text[1024];
	snprintf(text, sizeof text, "topics: [{name: orbel, any: [a]}, {name: lurex, any: [b]}]\nsilences:\n  - {name: q, %s}\n", silence);
	struct config *config = config_parse(text, strlen(text), "t.yaml", print_problem, NULL);
	ck_assert_msg(config != NULL, "%s", silence);
	ck_assert_uint_eq(config->watch.quiet_count, 1);
	return config;
}

/* The span that covers this instant, as "from until"; "" = none. */
static const char *span_at(const struct watch_quiet *quiet, const char *iso)
{
	static char text[80];
	char from[32], until[32];
	int64_t at_us;
	ck_assert(time_parse_iso(iso, &at_us));
	text[0] = '\0';
	for (size_t i = 0; i < quiet->span_count; i++) {
		const struct watch_span *span = &quiet->spans[i];
		ck_assert_int_lt(span->from_us, span->until_us);
		ck_assert(i == 0 || quiet->spans[i - 1].until_us < span->from_us);
		if (span->from_us <= at_us && at_us < span->until_us)
			snprintf(text, sizeof text, "%s %s", time_format_iso(span->from_us, from, sizeof from),
				 time_format_iso(span->until_us, until, sizeof until));
	}
	return text;
}

static const struct {
	const char *silence, *at, *span;
} cases[] = {
	{"weekly: Sat 22:00-Sun 06:00", "2026-01-10T23:00:00Z", "2026-01-10T22:00:00Z 2026-01-11T06:00:00Z"},
	{"weekly: Sat 22:00-Sun 06:00", "2026-01-11T06:00:00Z", ""},
	{"weekly: Sat 22:00-Sun 06:00", "2000-01-08T23:00:00Z", "2000-01-08T22:00:00Z 2000-01-09T06:00:00Z"},
	/* Winter, the night that is an hour shorter, summer, the night that is an hour longer. */
	{"weekly: Sat 22:00-Sun 06:00, timezone: Europe/Berlin", "2026-03-22T00:00:00Z", "2026-03-21T21:00:00Z 2026-03-22T05:00:00Z"},
	{"weekly: Sat 22:00-Sun 06:00, timezone: Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-28T21:00:00Z 2026-03-29T04:00:00Z"},
	{"weekly: Sat 22:00-Sun 06:00, timezone: Europe/Berlin", "2026-07-05T00:00:00Z", "2026-07-04T20:00:00Z 2026-07-05T04:00:00Z"},
	{"weekly: Sat 22:00-Sun 06:00, timezone: Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-24T20:00:00Z 2026-10-25T05:00:00Z"},
	/* The hour that comes twice is silent both times; the one that never comes harms nobody. */
	{"weekly: Sun 02:30-02:45, timezone: Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25T00:30:00Z 2026-10-25T01:45:00Z"},
	{"weekly: Sun 02:00-04:00, timezone: Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z 2026-03-29T02:00:00Z"},
	/* Clocks change elsewhere on other days. */
	{"weekly: Fri 17:00-Mon 08:00, timezone: America/New_York", "2026-03-07T12:00:00Z", "2026-03-06T22:00:00Z 2026-03-09T12:00:00Z"},
	/* The other forms. */
	{"weekly: friday 23:00-01:00", "2026-01-10T00:30:00Z", "2026-01-09T23:00:00Z 2026-01-10T01:00:00Z"},
	{"weekly: Sun 20:00-Sun 24:00", "2026-01-11T21:00:00Z", "2026-01-11T20:00:00Z 2026-01-12T00:00:00Z"},
	{"weekly: Sun 12:00-Sun 06:00", "2026-01-14T00:00:00Z", "2026-01-11T12:00:00Z 2026-01-18T06:00:00Z"},
	{"weekly: [Mon 10:00-11:00, Mon 10:30-12:00, Tue 01:00-02:00]", "2026-01-12T11:30:00Z",
	 "2026-01-12T10:00:00Z 2026-01-12T12:00:00Z"},
	{"from: 2026-07-01T08:00, until: 2026-07-01T09:00, timezone: America/New_York", "2026-07-01T12:30:00Z",
	 "2026-07-01T12:00:00Z 2026-07-01T13:00:00Z"},
	{"from: 2026-07-01T08:00:00+02:00, until: 2026-07-01T09:00:00Z, timezone: America/New_York", "2026-07-01T08:00:00Z",
	 "2026-07-01T06:00:00Z 2026-07-01T09:00:00Z"},
	{"from: 2026-01-01, until: 2026-02-01", "2026-01-31T23:59:59Z", "2026-01-01T00:00:00Z 2026-02-01T00:00:00Z"},
};

START_TEST(local_times_become_instants)
{
	if (strstr(cases[_i].silence, "timezone") && access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) {
		fprintf(stderr, "skipped: no tzdata\n");
		return;
	}
	struct config *config = parse(cases[_i].silence);
	ck_assert_str_eq(span_at(&config->watch.quiets[0], cases[_i].at), cases[_i].span);
	config_free(config);
}
END_TEST

START_TEST(a_silence_keeps_what_it_says)
{
	struct config *config = parse("topics: [lurex], weekly: [Mon 10:00-11:00, Tue 10:00-11:00], why: drills");
	const struct watch_quiet *quiet = &config->watch.quiets[0];
	ck_assert_str_eq(quiet->name, "q");
	ck_assert_uint_eq(quiet->topic_count, 1);
	ck_assert_str_eq(quiet->topics[0], "lurex");
	ck_assert_str_eq(quiet->weekly, "Mon 10:00-11:00, Tue 10:00-11:00");
	ck_assert_str_eq(quiet->timezone, "UTC");
	ck_assert_str_eq(quiet->why, "drills");
	config_free(config);
	config = parse("topics: all, weekly: Mon 10:00-11:00");
	ck_assert_uint_eq(config->watch.quiets[0].topic_count, 0);
	config_free(config);
}
END_TEST

START_TEST(the_zone_of_the_process_stays)
{
	static const char *const zones[] = {"Asia/Tokyo", "UTC", ":/etc/localtime"};
	setenv("TZ", zones[_i], 1);
	config_free(parse("weekly: Sat 22:00-Sun 06:00, timezone: UTC"));
	ck_assert_str_eq(getenv("TZ"), zones[_i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("silences");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, local_times_become_instants, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tcase, a_silence_keeps_what_it_says);
	tcase_add_loop_test(tcase, the_zone_of_the_process_stays, 0, 3);
	return run_case("silences", tcase);
}
