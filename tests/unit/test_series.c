#include "alerts/rule/tail.h"
#include "alerts/series.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static const struct series_options usual = {.hour_rows = 12, .day_rows = 288, .false_alarms_per_day = 1.0 / 7};

static unsigned long seed;

static unsigned pick(unsigned range)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % range;
}

/* Five-minute counts with a daily rhythm. */
static double count_at(size_t row)
{
	double rhythm = 20 + 15 * sin(2 * M_PI * (double)(row % 288) / 288);

	return floor(rhythm * (0.7 + 0.006 * pick(100)));
}

START_TEST(students_tail_is_that_of_the_tables)
{
	ck_assert_double_eq_tol(student_tail(0, 5), 0.5, 1e-12);
	ck_assert_double_eq_tol(student_tail(2.015048373, 5), 0.05, 1e-9);
	ck_assert_double_eq_tol(student_tail(-2.015048373, 5), 0.95, 1e-9);
	ck_assert_double_eq_tol(student_tail(1, 1), 0.25, 1e-12); /* Cauchy */
}
END_TEST

START_TEST(a_spike_is_told_once_and_a_rhythm_is_not)
{
	struct series *series = series_create(&usual);
	size_t alerts = 0;

	seed = (unsigned)_i;
	for (size_t row = 0; row < 30 * 288; row++)
		alerts += series_add(series, count_at(row)).alert;
	ck_assert_uint_le(alerts, 8); /* budget: four */
	alerts = 0;
	for (size_t row = 30 * 288; row < 30 * 288 + 24; row++) {
		struct series_verdict verdict = series_add(series, 8 * count_at(row));

		ck_assert(verdict.score >= 0 && verdict.score <= 1);
		if (verdict.alert) {
			ck_assert_double_gt(verdict.score, 0.85);
			ck_assert_uint_lt(row, 30 * 288 + 13); /* within the hour */
		} else if (alerts) {
			ck_assert_double_le(verdict.score, 0.5);
		}
		alerts += verdict.alert;
	}
	ck_assert_uint_eq(alerts, 1);
	series_free(series);
}
END_TEST

START_TEST(only_earlier_rows_count)
{
	struct series *a = series_create(&usual), *b = series_create(&usual);

	for (size_t row = 0; row < 5 * 288; row++) {
		struct series_verdict x, y;

		seed = row;
		x = series_add(a, count_at(row));
		seed = row;
		y = series_add(b, row < 4 * 288 ? count_at(row) : 1e6);
		if (row < 4 * 288) {
			ck_assert_double_eq(x.score, y.score);
			ck_assert_double_eq(x.expected, y.expected);
		}
	}
	series_free(a);
	series_free(b);
}
END_TEST

START_TEST(odd_values_do_no_harm)
{
	static const double odd[] = {0, -5, 1e300, -1e300, NAN, INFINITY, 1e-300};
	static const struct series_options options[] = {{1, 1, 1}, {1, 12, 0.1}, {12, 288, 1e-9}, {3, 4, 1}};

	for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
		struct series *series = series_create(&options[o]);

		for (size_t i = 0; i < 7000; i++) {
			struct series_verdict verdict = series_add(series, odd[(i * i + i / 300) % 7]);

			ck_assert(verdict.score >= 0 && verdict.score <= 1);
			ck_assert(isfinite(verdict.expected));
		}
		series_free(series);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("series");

	tcase_add_test(tcase, students_tail_is_that_of_the_tables);
	tcase_add_loop_test(tcase, a_spike_is_told_once_and_a_rhythm_is_not, 1, 6);
	tcase_add_test(tcase, only_earlier_rows_count);
	tcase_add_test(tcase, odd_values_do_no_harm);
	return run_case("series", tcase);
}
