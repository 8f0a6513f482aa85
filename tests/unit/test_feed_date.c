/* Dates as feeds write them; every line of the table is one form. */
#include "daemon/base/clock.h"
#include "ingest/feed/date.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct example {
	const char *text, *iso; /* NULL: no date */
};

static void check_examples(const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t expected = TIME_NONE, got = feed_date(examples[i].text);
		if (examples[i].iso != NULL)
			ck_assert(time_parse_iso(examples[i].iso, &expected));
		ck_assert_msg(got == expected, "\"%s\": expected %s (%lld), got %lld", examples[i].text,
			      examples[i].iso != NULL ? examples[i].iso : "none", (long long)expected, (long long)got);
	}
}

#define CHECK_EXAMPLES(examples) check_examples(examples, sizeof examples / sizeof *examples)

START_TEST(rfc_822_and_what_became_of_it)
{
	static const struct example examples[] = {
		{"Mon, 05 Jan 2026 09:30:00 GMT", "2026-01-05T09:30:00Z"},
		{"Mon, 05 Jan 26 09:30 EST", "2026-01-05T14:30:00Z"},
		{"5 Jan 1969 09:30 Z", "1969-01-05T09:30:00Z"},
		{"05 Jan 70", "1970-01-05T00:00:00Z"},
		{"Mon,05 Jan 2026 09:30:00 +0530", "2026-01-05T04:00:00Z"},
		{"Mon, 05 January 2026 09:30:00 -05:00", "2026-01-05T14:30:00Z"},
		{"Mon, Jan 5 2026 9:30:7 PM PDT", "2026-01-06T04:30:07Z"},
		{"Monday, 5th of January, 2026 - 9:30pm", "2026-01-05T21:30:00Z"},
		{"Jan. 5, 2026, 12:01 a.m.", "2026-01-05T00:01:00Z"},
		{"Mon, 05 Jan 2026 24:00:00 GMT", "2026-01-06T00:00:00Z"},
		{"Mon, 05 Jan 2026 23:59:60 GMT", "2026-01-06T00:00:00Z"},
		{"Mon, 05 Jan 2026 09:30:00 GMT+0100", "2026-01-05T08:30:00Z"},
		{"Mon Jan 05 2026 09:30:00 GMT-0700 (Mountain Standard Time)", "2026-01-05T16:30:00Z"},
		{"Mon, 05 Jan 2026 09:30:00 (CET)", "2026-01-05T08:30:00Z"},
		{"Mon, 05 Jan 2026 09:30:00 +0000 UTC", "2026-01-05T09:30:00Z"},
		{"Mon, 05 Jan 2026 09:30:00 XYZT", "2026-01-05T09:30:00Z"},
		{"Mon Jan  5 09:30:00 2026", "2026-01-05T09:30:00Z"},
		{"Mon Jan  5 09:30:00 CET 2026", "2026-01-05T08:30:00Z"},
		{"Mon Jan  5 09:30:00 -0500 2026", "2026-01-05T14:30:00Z"},
		{"05-Jan-2026 0930 GMT", "2026-01-05T09:30:00Z"},
		{"9:30 5-Jan-2026", "2026-01-05T09:30:00Z"},
		{"Jan 2026", "2026-01-01T00:00:00Z"},
	};
	CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(iso_8601)
{
	static const struct example examples[] = {
		{"2026", "2026-01-01T00:00:00Z"},
		{"2026-03", "2026-03-01T00:00:00Z"},
		{"2026-03-04", "2026-03-04T00:00:00Z"},
		{"20260304", "2026-03-04T00:00:00Z"},
		{"2026/3/4 5:06", "2026-03-04T05:06:00Z"},
		{"2026-063", "2026-03-04T00:00:00Z"},
		{"2024366", "2024-12-31T00:00:00Z"},
		{"2025366", NULL},
		{"2026-W10-3", "2026-03-04T00:00:00Z"},
		{"2026W103", "2026-03-04T00:00:00Z"},
		{"2026-W10", "2026-03-02T00:00:00Z"},
		{"2025-W01-1", "2024-12-30T00:00:00Z"},
		{"2020-W53-7", "2021-01-03T00:00:00Z"},
		{"2025-W53-1", NULL},
		{"2026-03-04T05:06:07.5Z", "2026-03-04T05:06:07.5Z"},
		{"2026-03-04T05:06:07,25+01", "2026-03-04T04:06:07.25Z"},
		{"2026-03-04t05:06:07z", "2026-03-04T05:06:07Z"},
		{"20260304T050607+0530", "2026-03-03T23:36:07Z"},
		{"20260304050607", "2026-03-04T05:06:07Z"},
		{"2026-03-04 05:06:07 -08:00", "2026-03-04T13:06:07Z"},
		{"2026-03-04T05:06:07-05:00Z", "2026-03-04T10:06:07Z"},
		{"2026-03-04T05:06:07+01:00[Europe/Berlin]", "2026-03-04T04:06:07Z"},
		{"2026-03-04T05:06:07 EST", "2026-03-04T10:06:07Z"},
		{"2026-03-04 11:06 PM", "2026-03-04T23:06:00Z"},
		{"2026-03-04T05:06:07:00", "2026-03-04T05:06:07Z"},
		{"2026-03-04T00:00:00.0 05:06:07.0 +0000", "2026-03-04T05:06:07Z"},
		{"2026-03-04+02:00", "2026-03-03T22:00:00Z"},
		{"0099-03-04", "0099-03-04T00:00:00Z"},
	};
	CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(numbers_only)
{
	static const struct example examples[] = {
		{"03/14/2026", "2026-03-14T00:00:00Z"},
		{"14/03/2026 10:00", "2026-03-14T10:00:00Z"},
		{"3/4/2026", "2026-03-04T00:00:00Z"},	   /* the American order where both would do ... */
		{"Fri, 3/4/2026", "2026-04-03T00:00:00Z"}, /* ... and the weekday does not object */
		{"14.3.26", "2026-03-14T00:00:00Z"},
		{"04.03.2026 14.30", "2026-03-04T14:30:00Z"},
		{"04-03-2026", "2026-03-04T00:00:00Z"},
		{"99-03-04", "1999-03-04T00:00:00Z"},
		{"1767605400", "2026-01-05T09:30:00Z"},
		{"1767605400.25", "2026-01-05T09:30:00.25Z"},
		{"1767605400000", "2026-01-05T09:30:00Z"},
	};
	CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(zones)
{
	static const struct example examples[] = {
		{"5 Jan 2026 09:30 ET", "2026-01-05T14:30:00Z"},
		{"5 Jul 2026 09:30 ET", "2026-07-05T13:30:00Z"},
		{"5 Jan 2026 at 09:30 AT", "2026-01-05T13:30:00Z"},
		{"5 Jul 2026 09:30 Europe/Paris", "2026-07-05T07:30:00Z"},
		{"29 Mar 2026 01:59 Europe/Paris", "2026-03-29T00:59:00Z"},
		{"29 Mar 2026 03:00 Europe/Paris", "2026-03-29T01:00:00Z"},
		{"25 Oct 2026 12:00 Europe/London", "2026-10-25T12:00:00Z"},
		{"5 Jan 2026 09:30 Australia/Sydney", "2026-01-04T22:30:00Z"},
		{"5 Jul 2026 09:30 Australia/Sydney", "2026-07-04T23:30:00Z"},
		{"5 Jul 2026 09:30 Pacific/Auckland", "2026-07-04T21:30:00Z"},
		{"5 Jan 2026 09:30 Asia/Kolkata", "2026-01-05T04:00:00Z"},
		{"8 Mar 2026 03:00 America/New_York", "2026-03-08T07:00:00Z"},
		{"31 Dec 2026 10:00 PM (GMT+5)", "2026-12-31T17:00:00Z"},
		{"5 Jan 2026 09:30 +1600", NULL},
		{"5 Jan 2026 09:30 +0160", NULL},
	};
	CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(languages)
{
	static const struct example examples[] = {
		{"Di, 5 Mai 2026 10:00 Uhr", "2026-05-05T10:00:00Z"},
		{"5. März 2026", "2026-03-05T00:00:00Z"},
		{"mar., 03 mars 2026 10:00:00 +0100", "2026-03-03T09:00:00Z"},
		{"mar., 03 mar. 2026", "2026-03-03T00:00:00Z"},
		{"mercredi 5 AOÛT 2026 à 14h30", "2026-08-05T14:30:00Z"},
		{"1er déc. 2026", "2026-12-01T00:00:00Z"},
		{"5 de agosto de 2026, 9:05 p. m.", "2026-08-05T21:05:00Z"},
		{"Domenica 3 Gennaio 2027", "2027-01-03T00:00:00Z"},
		{"1º de fevereiro de 2026", "2026-02-01T00:00:00Z"},
		{"Пт, 20 ноя 2026 10:00:00 +0300", "2026-11-20T07:00:00Z"},
		{"20 января 2026", "2026-01-20T00:00:00Z"},
		{"pt., 20 listopada 2026 10:00", "2026-11-20T10:00:00Z"},
		{"Πέμ, 05 Μαρ 2026 12:00:00 EET", "2026-03-05T10:00:00Z"},
		{"Τρί, 05 Μάϊος 2026 9:00 μ.μ.", "2026-05-05T21:00:00Z"},
		{"2026-augusztus-5T9:15-05:00", "2026-08-05T14:15:00Z"},
		{"5 Ağustos 2026", "2026-08-05T00:00:00Z"},
		{"2026년 03월 04일 10:15:30", "2026-03-04T01:15:30Z"},
		{"2026-03-04 오후 1:15:30", "2026-03-04T04:15:30Z"},
		{"2026年3月4日 10:15", "2026-03-04T10:15:00Z"},
		{"2026年3月4日（水） 午後1時15分", "2026-03-04T04:15:00Z"},
		{"２０２６年３月４日", "2026-03-04T00:00:00Z"},
		{"2026年3月4日 下午1:15", "2026-03-04T05:15:00Z"},
	};
	CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(nonsense_is_no_date)
{
	static const struct example examples[] = {
		{"", NULL}, {" ", NULL}, {"yesterday", NULL}, {"Monday", NULL}, {"12:00", NULL}, {"5", NULL}, {"12345", NULL},
		{"5 May", NULL}, {"May", NULL}, {"2026-13-01", NULL}, {"2026-02-29", NULL}, {"2026-00-10", NULL},
		{"30 Feb 2026", NULL}, {"5 Jan 2026 25:00", NULL}, {"5 Jan 2026 10:60", NULL}, {"5 Jan 2026 10:00:61", NULL},
		{"5 Jan 2026 1:2:3:4", NULL}, {"5 Foo 2026 10:00", NULL}, {"x Jan 2026 10:00", NULL},
		{"5 Jan yy 10:00", NULL}, {"5 Jan 2026 10:00 +zz:00", NULL}, {"5 Jan 2026 10:00 +00:zz", NULL},
		{"5 Jan Feb 2026", NULL}, {"Mon Tue 5 Jan 2026", NULL}, {"5 6 7 Jan 2026", NULL}, {"1.2.3", NULL},
		{"03-12-11", NULL}, {"10:00 11:00 5 Jan 2026", NULL}, {"5 Jan 2026 garbage in here", NULL},
		{"0001-01-01T00:00:00Z", NULL}, {"0000-00-00 00:00:00", NULL}, {"2026-03-04T05:06:07Z?", NULL},
		{"99999999999999999999999", NULL}, {"-5", NULL}, {"5 Jan 99999", NULL}, {"T", NULL}, {":", NULL}, {"(", NULL},
		{"2026-W", NULL}, {"2026-W1", NULL}, {"2026-W60", NULL}, {"2026-W10-9", NULL}, {"20261301", NULL},
		{"202601051060", NULL}, {"1h2m", NULL}, {"5 Jan 2026 10h99", NULL}, {"5年", NULL},
	};
	CHECK_EXAMPLES(examples);
	/* Too long, too many parts. */
	char text[1000];
	memset(text, ' ', sizeof text);
	memcpy(text, "5 Jan 2026", 10);
	text[sizeof text - 1] = '\0';
	ck_assert(feed_date(text) == TIME_NONE);
	for (size_t i = 0; i < 150; i++)
		text[i] = i % 2 == 0 ? '1' : ',';
	text[150] = '\0';
	ck_assert(feed_date(text) == TIME_NONE);
}
END_TEST

/* Every instant written in the two standard forms comes back. */
START_TEST(round_trip)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	for (int64_t second = 1000000000; second < 4000000000; second += 86400 * 3 + 12345) {
		char iso[32], mail[64];
		int64_t expected = second * SECOND_US;
		time_format_iso(expected, iso, sizeof iso);
		ck_assert_msg(feed_date(iso) == expected, "%s", iso);
		const char *month = months[atoi(iso + 5) - 1];
		snprintf(mail, sizeof mail, "%.2s %s %.4s %.8s GMT", iso + 8, month, iso, iso + 11);
		ck_assert_msg(feed_date(mail) == expected, "%s", mail);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("feed_date");

	tcase_add_test(tests, rfc_822_and_what_became_of_it);
	tcase_add_test(tests, iso_8601);
	tcase_add_test(tests, numbers_only);
	tcase_add_test(tests, zones);
	tcase_add_test(tests, languages);
	tcase_add_test(tests, nonsense_is_no_date);
	tcase_add_test(tests, round_trip);
	return run_case("feed_date", tests);
}
