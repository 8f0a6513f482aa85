#include "daemon/base/clock.h"
#include "daemon/detect_rows.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct detect_row row;
static struct err e;

static int parse(const char *line)
{
	e = (struct err){0};
	return detect_row_parse(&row, line, strlen(line), 7, &e);
}

static void teardown(void)
{
	detect_row_free(&row);
}

START_TEST(rows_as_programs_write_them)
{
	static const char *const lines[] = {
		"2026-01-05 09:30:00,12.5",       "2026-01-05T09:30:00Z,12.5\r", "\"2026-01-05 09:30:00\",\"12.5\"",
		" 2026-01-05 09:30:00 , 12.5 ",   "2026-01-05T10:30:00+01:00,1.25e1,more,columns",
		"\357\273\2772026-01-05 09:30:00,12.5", /* a byte order mark */
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		ck_assert_msg(parse(lines[i]) == 0, "%s: %s", lines[i], e.text);
		ck_assert_int_eq(row.time_us, INT64_C(1767605400) * SECOND_US);
		ck_assert_double_eq(row.value, 12.5);
		ck_assert(!row.missing);
	}
}
END_TEST

START_TEST(rows_without_a_value_are_missing)
{
	static const char *const lines[] = {"2026-01-05,", "2026-01-05,nan", "2026-01-05,NaN,7", "2026-01-05,null",
						  "2026-01-05,\"\""};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		ck_assert_int_eq(parse(lines[i]), 0);
		ck_assert(row.missing);
	}
}
END_TEST

START_TEST(bad_rows_say_where_and_what)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{"2026-01-05", "line 7: expected timestamp,value"}, {"", "line 7: expected"},
		{"2026-13-05,1", "\"2026-13-05\" is no time"},      {",1", "\"\" is no time"},
		{"2026-01-05,twelve", "\"twelve\" is no number"},   {"2026-01-05,12 apples", "is no number"},
		{"2026-01-05,inf", "\"inf\" is no number"},         {"2026-01-05,1e999", "is no number"},
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_int_eq(parse(bad[i].line), -1);
		ck_assert_msg(strstr(e.text, bad[i].says), "%s: %s", bad[i].line, e.text);
	}
}
END_TEST

START_TEST(a_header_is_one_and_a_bad_row_is_none)
{
	static const struct {
		const char *line;
		bool header;
	} lines[] = {
		{"timestamp,value", true}, {"\"time\",\"count\"", true}, {"\xef\xbb\xbftimestamp,value", true}, {"t,v,more", true},
		{"2026-01-05,12", false},  {"2026-13-05,12", false},     {"2026-01-05,apples", false},          {"2026-01-05,", false},
		{"words", false},          {"", false},
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		ck_assert_msg(detect_row_is_header(lines[i].line, strlen(lines[i].line)) == lines[i].header, "%s", lines[i].line);
}
END_TEST

/* Any bytes: an answer, never more than that. */
START_TEST(bytes_of_any_kind)
{
	char line[40];

	srand(1);
	for (size_t i = 0; i < 20000; i++) {
		size_t length = (size_t)rand() % sizeof line;

		for (size_t k = 0; k < length; k++)
			line[k] = i % 2 ? (char)rand() : "2026-01:5,\"\r nabT"[rand() % 17];
		detect_row_is_header(line, length);
		detect_row_parse(&row, line, length, 1, &e);
	}
}
END_TEST

START_TEST(steps_are_counted_from_row_to_row)
{
	static const struct {
		int64_t passed_s, steps;
	} cases[] = {{300, 1}, {299, 1}, {301, 1}, {160, 1}, {449, 1}, {450, 2}, {600, 2}, {3600, 12}, {86400 * 365, 105120}};
	int64_t steps;

	parse("2026-01-05,1");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_int_eq(detect_row_steps(&row, row.time_us - cases[i].passed_s * SECOND_US, 5 * MINUTE_US, 3, &steps, &e), 0);
		ck_assert_int_eq(steps, cases[i].steps);
	}
	ck_assert_int_eq(detect_row_steps(&row, row.time_us, 5 * MINUTE_US, 3, &steps, &e), -1);
	ck_assert_msg(strstr(e.text, "line 3: 2026-01-05 is the same time as the row before"), "%s", e.text);
	ck_assert_int_eq(detect_row_steps(&row, row.time_us + 1, 5 * MINUTE_US, 3, &steps, &e), -1);
	ck_assert_msg(strstr(e.text, "earlier than"), "%s", e.text);
	ck_assert_int_eq(detect_row_steps(&row, row.time_us - MINUTE_US, 5 * MINUTE_US, 3, &steps, &e), -1);
	ck_assert_msg(strstr(e.text, "60 s after the row before, but rows are 300 s apart"), "%s", e.text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("detect_rows");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, rows_as_programs_write_them);
	tcase_add_test(tcase, rows_without_a_value_are_missing);
	tcase_add_test(tcase, bad_rows_say_where_and_what);
	tcase_add_test(tcase, a_header_is_one_and_a_bad_row_is_none);
	tcase_add_test(tcase, bytes_of_any_kind);
	tcase_add_test(tcase, steps_are_counted_from_row_to_row);
	return run_case("detect_rows", tcase);
}
