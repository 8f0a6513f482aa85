#include "alerts/rule/tail.h"
#include "alerts/series.h"
#include "alerts/series/sliding.h"
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

START_TEST(a_spike_is_told_and_a_rhythm_is_not)
{
	struct series *series = series_create(&usual);
	size_t alerts = 0, first = 0;

	seed = (unsigned)_i;
	for (size_t row = 0; row < 30 * 288; row++)
		alerts += series_add(series, count_at(row)).alert;
	ck_assert_uint_le(alerts, 4); /* the budget */
	alerts = 0;
	for (size_t row = 30 * 288; row < 30 * 288 + 24; row++) {
		struct series_verdict verdict = series_add(series, 8 * count_at(row));

		ck_assert(verdict.score >= 0 && verdict.score <= 1);
		if (verdict.alert)
			ck_assert_double_gt(verdict.score, 0.85);
		if (verdict.alert && !first)
			first = row;
		alerts += verdict.alert;
	}
	ck_assert_uint_gt(first, 0);
	ck_assert_uint_lt(first, 30 * 288 + 16); /* an hour and a quarter */
	ck_assert_uint_le(alerts, 3); /* as it grows, not with every row */
	series_free(series);
}
END_TEST

/* A plateau for a day: told when it comes, not again while it lasts. */
START_TEST(what_goes_on_is_no_news)
{
	struct series *series = series_create(&usual);
	size_t alerts = 0;

	seed = 3;
	for (size_t row = 0; row < 30 * 288; row++)
		series_add(series, count_at(row));
	for (size_t row = 30 * 288; row < 31 * 288; row++) {
		struct series_verdict verdict = series_add(series, 300);

		alerts += verdict.alert;
		if (row > 30 * 288 + 144)
			ck_assert_double_le(verdict.score, 0.5);
	}
	ck_assert_uint_ge(alerts, 1);
	ck_assert_uint_le(alerts, 5);
	series_free(series);
}
END_TEST

/* Alarms of a series of bursts, as people make them, beside the budget. */
START_TEST(false_alarms_stay_within_the_budget)
{
	static const double budgets[] = {1.0 / 7, 1.0 / 30};
	double budget = budgets[_i], alerts = 0, days = 0;

	for (size_t s = 0; s < 12; s++) {
		struct series_options options = usual;
		struct series *series;
		double burst = 0;

		options.false_alarms_per_day = budget;
		series = series_create(&options);
		seed = s * 977 + 5;
		for (size_t row = 0; row < 100 * 288; row++) {
			bool alert;

			burst *= 0.9;
			if (pick(288) < 4)
				burst += exp2((pick(100) + pick(100) + pick(100)) / 50.0 - 2);
			alert = series_add(series, floor(count_at(row) * (1 + burst))).alert;
			alerts += alert && row > 20 * 288;
		}
		days += 80;
		series_free(series);
	}
	ck_assert_double_le(alerts / days, 1.5 * budget);
	ck_assert_double_ge(alerts / days, 0.1 * budget);
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

/* A week without rows leaves the days before it as they were: no alarm when the feed is back, and a spike is still seen. */
START_TEST(an_outage_is_left_out)
{
	struct series *series = series_create(&usual);
	size_t alerts = 0;

	seed = 11;
	for (size_t row = 0; row < 20 * 288; row++)
		series_add(series, count_at(row));
	for (size_t row = 20 * 288; row < 27 * 288 + 100; row++) {
		struct series_verdict verdict = series_add(series, NAN);

		ck_assert_double_eq(verdict.score, 0);
		ck_assert(!verdict.alert);
		ck_assert_double_gt(verdict.expected, 1);
	}
	for (size_t row = 27 * 288 + 100; row < 30 * 288; row++)
		alerts += series_add(series, count_at(row)).alert;
	ck_assert_uint_le(alerts, 1);
	for (size_t row = 30 * 288; row < 30 * 288 + 12; row++)
		alerts += series_add(series, 10 * count_at(row)).alert;
	ck_assert_uint_ge(alerts, 1);
	series_free(series);
}
END_TEST

/* A value beyond all sense is forgotten with its window: no sum is left with what it took away. */
START_TEST(a_huge_value_leaves_nothing_behind)
{
	struct series *plain = series_create(&usual), *hit = series_create(&usual);

	for (size_t row = 0; row < 40 * 288; row++) {
		struct series_verdict a, b;

		seed = row * 77;
		a = series_add(plain, count_at(row));
		seed = row * 77;
		b = series_add(hit, row == 5 * 288 + 17 ? 1e300 : count_at(row));
		if (row > 36 * 288) { /* the days that it was in are forgotten */
			ck_assert_double_eq(a.expected, b.expected);
			if (fabs(a.score - b.score) > 1e-9) /* one is news, and the other is not */
				ck_assert_double_eq_tol(fmax(a.score, b.score), 2 * fmin(a.score, b.score), 1e-9);
		}
	}
	series_free(plain);
	series_free(hit);
}
END_TEST

START_TEST(odd_values_do_no_harm)
{
	static const double odd[] = {0, -5, 1e300, -1e300, NAN, INFINITY, 1e-300, -INFINITY};
	static const struct {
		size_t hour_rows, day_rows;
	} shapes[] = {{1, 1}, {1, 12}, {12, 288}, {3, 4}, {60, 1440}};

	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
		struct series_options options = {.hour_rows = shapes[s].hour_rows, .day_rows = shapes[s].day_rows,
						 .false_alarms_per_day = 0.1};
		struct series *series = series_create(&options);

		for (size_t i = 0; i < 12000; i++) {
			struct series_verdict verdict = series_add(series, odd[(i * i + i / 300) % 8]);

			ck_assert(verdict.score >= 0 && verdict.score <= 1);
			ck_assert(isfinite(verdict.expected));
		}
		series_free(series);
	}
}
END_TEST

START_TEST(sliding_sums_and_maxima_are_those_of_a_plain_loop)
{
	static const size_t lengths[] = {1, 2, 3, 12, 100};

	for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++) {
		struct sliding sum, most;
		double values[700];

		sliding_init(&sum, SLIDING_SUM, lengths[n]);
		sliding_init(&most, SLIDING_MOST, lengths[n]);
		seed = n;
		for (size_t i = 0; i < 700; i++) {
			double plain_sum = 0, plain_most = 0;

			values[i] = pick(1000);
			for (size_t k = i + 1 > lengths[n] ? i + 1 - lengths[n] : 0; k <= i; k++) {
				plain_sum += values[k];
				plain_most = fmax(plain_most, values[k]);
			}
			ck_assert_double_eq(sliding_add(&sum, values[i]), plain_sum);
			ck_assert_double_eq(sliding_add(&most, values[i]), plain_most);
		}
		sliding_reset(&sum);
		sliding_reset(&most);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("series");

	tcase_add_test(tcase, students_tail_is_that_of_the_tables);
	tcase_add_loop_test(tcase, a_spike_is_told_and_a_rhythm_is_not, 1, 6);
	tcase_add_test(tcase, what_goes_on_is_no_news);
	tcase_add_loop_test(tcase, false_alarms_stay_within_the_budget, 0, 2);
	tcase_add_test(tcase, an_outage_is_left_out);
	tcase_add_test(tcase, a_huge_value_leaves_nothing_behind);
	tcase_add_test(tcase, sliding_sums_and_maxima_are_those_of_a_plain_loop);
	tcase_add_test(tcase, only_earlier_rows_count);
	tcase_add_test(tcase, odd_values_do_no_harm);
	return run_case("series", tcase);
}
