#include "alerts/rule.h"
#include "alerts/rule/tail.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { HOUR_CELLS = 60, DAY_CELLS = 1440 };

static const struct rule_spec negative = {.name = "n", .metric = RULE_NEGATIVE_COUNT};

static void add(struct window *window, int32_t slot, uint32_t stories, uint32_t negative_stories)
{
	struct tally tally = {.documents = stories, .stories = stories, .judged = stories, .negative = negative_stories,
			      .score = ((int64_t)stories - 2 * negative_stories) * 1000000};

	window_add(window, slot, &tally);
}

/* A history of `days` up to day `until` with this many negative stories a day, at noon. */
static void make_history(struct window *hours, int until, int days, uint32_t a_day)
{
	window_init(hours, RULE_HISTORY_HOURS);
	for (int day = until - days; day < until; day++)
		add(hours, day * 24 + 12, 2 * a_day, a_day);
}

static struct rule_verdict judge(const struct rule_spec *spec, const struct window *hours, const struct window *recent,
				 int32_t cell)
{
	struct rule_baseline baseline;

	rule_learn(&baseline, spec->metric, hours, rule_baseline_hour(hours, cell));
	return rule_judge(spec, &baseline, recent, (struct rule_span){RULE_EVER, cell});
}

START_TEST(tails_are_those_of_the_tables)
{
	/* Sums of the series, by an arbitrary-precision calculator. */
	ck_assert_double_eq_tol(negative_binomial_mass(0, 3, 6), 0.125, 1e-12);       /* size 3, p 1/2: 2^-3 */
	ck_assert_double_eq_tol(negative_binomial_tail(1, 3, 6), 0.875, 1e-12);
	ck_assert_double_eq_tol(negative_binomial_tail(2, 3, 6), 0.6875, 1e-12);
	ck_assert_double_eq_tol(negative_binomial_tail(10, 1, 2), pow(0.5, 10), 1e-15); /* geometric */
	ck_assert_double_eq(negative_binomial_tail(0, 1, 2), 1);
	ck_assert_double_eq_tol(beta_binomial_mass(1, 2, 0.5, 1.0 / 12), 1.0 / 3, 1e-12); /* uniform */
	ck_assert_double_eq_tol(beta_binomial_tail(1, 2, 0.5, 1.0 / 12), 2.0 / 3, 1e-12);
	ck_assert_double_eq_tol(normal_tail(1.959963984540054), 0.025, 1e-12);
}
END_TEST

START_TEST(a_tail_is_the_sum_of_its_masses)
{
	static const double means[] = {0.001, 0.3, 7, 400}, dispersions[] = {1.05, 2, 40};

	for (int m = 0; m < 4; m++) {
		for (int d = 0; d < 3; d++) {
			double mean = means[m], variance = mean * dispersions[d], sum = 0;
			int from = (int)(2 * mean) + 2;

			for (int k = from + 20000; k >= from; k--)
				sum += negative_binomial_mass(k, mean, variance);
			ck_assert_double_eq_tol(negative_binomial_tail(from, mean, variance) / sum, 1, 1e-6);
		}
	}
}
END_TEST

START_TEST(quick_tails_are_near_the_true_ones)
{
	for (double mean = 25; mean < 1e5; mean *= 4)
		for (double deviations = -1; deviations < 4; deviations += 0.5) {
			double variance = 3 * mean, count = floor(mean + deviations * sqrt(variance));
			double exact = negative_binomial_tail(count, mean, variance), quick = gamma_tail(count - 0.5, mean, variance);

			ck_assert_double_eq_tol(log(quick) / log(exact), 1, 0.1);
		}
}
END_TEST

START_TEST(a_tail_far_out_is_finite_and_small)
{
	double p = negative_binomial_tail(240000, 100000, 1e6);

	ck_assert(isfinite(p) && p >= 0 && p < 1e-100);
	ck_assert(isfinite(negative_binomial_mass(1e6, 1e-4, 1.5e-4)));
}
END_TEST

START_TEST(a_quiet_topic_is_learnt_as_quiet)
{
	struct rule_baseline baseline;
	struct window hours;

	window_init(&hours, RULE_HISTORY_HOURS);
	add(&hours, 100 * 24, 1, 1);
	rule_learn(&baseline, RULE_NEGATIVE_COUNT, &hours, 160 * 24);
	ck_assert_double_lt(baseline.level, 0.1);
	rule_learn(&baseline, RULE_NEGATIVE_COUNT, &hours, 100 * 24 + 2);
	ck_assert_double_gt(baseline.level, 1); /* two hours old: nearly the prior */
	window_reset(&hours);
}
END_TEST

START_TEST(the_level_is_the_daily_mean)
{
	struct rule_baseline baseline;
	struct window hours;

	make_history(&hours, 200, 80, 5);
	rule_learn(&baseline, RULE_NEGATIVE_COUNT, &hours, 200 * 24);
	ck_assert_double_eq_tol(baseline.level, 5, 0.4);
	rule_learn(&baseline, RULE_VOLUME, &hours, 200 * 24);
	ck_assert_double_eq_tol(baseline.level, 10, 0.8);
	rule_learn(&baseline, RULE_NEGATIVE_SHARE, &hours, 200 * 24);
	ck_assert_double_eq_tol(baseline.level, 0.5, 0.02);
	rule_learn(&baseline, RULE_MEAN_SCORE, &hours, 200 * 24);
	ck_assert_double_eq_tol(baseline.level, 0, 0.02);
	window_reset(&hours);
}
END_TEST

/* Ten thousand stories an hour, twice as many after a year: what is expected of the next days is right to a thousandth. */
START_TEST(growth_by_parts_is_followed)
{
	const double growth = log(2) / 365;
	const struct rule_spec spec = {.name = "g", .metric = RULE_VOLUME, .false_alarms_per_day = 1 / 30.0};
	static const int32_t windows[] = {15, 60, 360, 1440, 2880};
	struct rule_baseline baseline;
	struct window hours;
	int32_t last = 2000 * 24;

	window_init(&hours, RULE_HISTORY_HOURS);
	for (int32_t hour = last - 100 * 24; hour < last; hour++)
		add(&hours, hour, (uint32_t)lround(10000 * exp(growth * (hour - last) / 24)), 0);
	rule_learn(&baseline, RULE_VOLUME, &hours, last);
	ck_assert_double_eq_tol(baseline.level / 240000, 1, 1e-3);
	ck_assert_double_eq_tol(baseline.growth / growth, 1, 1e-2);
	for (int32_t at = 1; at <= 24; at += 23) /* windows that end with the day's first hour and with its last */
		for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
			int32_t cell = (last + at) * HOUR_CELLS - 1;
			double middle = (double)at * HOUR_CELLS - windows[w] / 2.0;
			double stories = 10000 * windows[w] / 60.0 * exp(growth * middle / DAY_CELLS);

			ck_assert_double_eq_tol(rule_expect(&spec, &baseline, cell, windows[w]).expected / stories, 1, 1e-3);
		}
	window_reset(&hours);
}
END_TEST

START_TEST(a_past_spike_weighs_little)
{
	struct rule_baseline calm, spiked;
	struct window hours;

	make_history(&hours, 200, 80, 2);
	rule_learn(&calm, RULE_NEGATIVE_COUNT, &hours, 200 * 24);
	add(&hours, 180 * 24 + 9, 400, 400);
	rule_learn(&spiked, RULE_NEGATIVE_COUNT, &hours, 200 * 24);
	ck_assert_double_lt(spiked.level, 1.5 * calm.level); /* the plain mean would be three times as high */
	window_reset(&hours);
}
END_TEST

START_TEST(the_last_days_are_not_their_own_baseline)
{
	struct rule_baseline before, after;
	struct window hours;

	make_history(&hours, 200, 80, 2);
	rule_learn(&before, RULE_NEGATIVE_COUNT, &hours, 200 * 24);
	add(&hours, 198 * 24, 50, 50);
	rule_learn(&after, RULE_NEGATIVE_COUNT, &hours, 200 * 24);
	ck_assert_double_eq(before.level, after.level);
	window_reset(&hours);
}
END_TEST

START_TEST(weekends_are_learnt)
{
	struct rule_baseline baseline;
	struct window hours;
	double weekday, weekend;

	window_init(&hours, RULE_HISTORY_HOURS);
	for (int day = 100; day < 200; day++)
		for (int hour = 8; hour < 18; hour++)
			if ((day + 3) % 7 < 5) /* day 0 was a Thursday */
				add(&hours, day * 24 + hour, 3, 3);
	rule_learn(&baseline, RULE_NEGATIVE_COUNT, &hours, 200 * 24);
	weekday = baseline.week[24] - baseline.week[0];
	weekend = baseline.week[6 * 24] - baseline.week[5 * 24];
	ck_assert_double_eq_tol(baseline.week[RULE_WEEK_HOURS], 7, 1e-3);
	ck_assert_double_gt(weekday, 1.2);
	ck_assert_double_lt(weekend, 0.3);
	window_reset(&hours);
}
END_TEST

START_TEST(a_spike_fires_and_a_usual_day_does_not)
{
	int32_t now = 200 * DAY_CELLS + 15 * HOUR_CELLS;
	struct window hours, recent;
	struct rule_verdict verdict;

	make_history(&hours, 200, 80, 2);
	window_init(&recent, 50 * HOUR_CELLS);
	add(&recent, now - 300, 1, 1);
	add(&recent, now, 1, 1);
	verdict = judge(&negative, &hours, &recent, now);
	ck_assert(!verdict.fire);
	for (int i = 1; i < 8; i++)
		add(&recent, now - 5 * i, 1, 1);
	verdict = judge(&negative, &hours, &recent, now);
	ck_assert(verdict.fire && verdict.hold);
	ck_assert_uint_ge(verdict.count, 7);
	ck_assert_double_lt(verdict.p_value, 1e-3);
	ck_assert_double_eq_tol(verdict.ratio, verdict.count / verdict.expected, 1e-9);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

/* A story that was neutral when it came counts again when a copy of it is negative: then as one that is judged. */
START_TEST(a_share_is_of_all_that_is_negative)
{
	static const struct rule_spec share = {.name = "s", .metric = RULE_NEGATIVE_SHARE};
	int32_t now = 200 * DAY_CELLS + 15 * HOUR_CELLS;
	struct tally turned = {.documents = 3, .negative_documents = 3, .negative = 3};
	struct window hours, recent;
	struct rule_verdict verdict;

	make_history(&hours, 200, 80, 4); /* half of them negative */
	window_init(&recent, 50 * HOUR_CELLS);
	window_add(&recent, now - 10, &turned);
	add(&recent, now - 5, 2, 0);
	verdict = judge(&share, &hours, &recent, now);
	ck_assert(!verdict.fire);
	ck_assert_double_le(verdict.share, 1);
	ck_assert_uint_le(verdict.count, verdict.judged);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

START_TEST(windows_begin_after_the_alert_before)
{
	int32_t now = 200 * DAY_CELLS + 15 * HOUR_CELLS;
	struct rule_baseline baseline;
	struct window hours, recent;
	struct rule_verdict verdict;

	make_history(&hours, 200, 80, 2);
	rule_learn(&baseline, negative.metric, &hours, rule_baseline_hour(&hours, now));
	window_init(&recent, 50 * HOUR_CELLS);
	for (int i = 0; i < 40; i++)
		add(&recent, now - 600 - i, 1, 1);
	add(&recent, now - 400, 1, 1);
	ck_assert(rule_judge(&negative, &baseline, &recent, (struct rule_span){RULE_EVER, now}).fire);
	ck_assert(rule_judge(&negative, &baseline, &recent, (struct rule_span){now - 5000, now}).fire);
	verdict = rule_judge(&negative, &baseline, &recent, (struct rule_span){now - 600, now});
	ck_assert(!verdict.fire && !verdict.hold);
	ck_assert_uint_eq(verdict.count, 1);
	ck_assert_int_eq(verdict.cells, 600);
	ck_assert(!rule_may_fire(&negative, &recent, (struct rule_span){now - 600, now}));
	for (int i = 0; i < 10; i++)
		add(&recent, now - 300 - i, 1, 1);
	verdict = rule_judge(&negative, &baseline, &recent, (struct rule_span){now - 600, now});
	ck_assert(verdict.fire);
	ck_assert(!rule_judge(&negative, &baseline, &recent, (struct rule_span){now - 300, now}).fire);
	verdict = rule_judge(&negative, &baseline, &recent, (struct rule_span){now, now});
	ck_assert(!verdict.fire && !verdict.hold && verdict.cells == 0);
	ck_assert(!rule_may_fire(&negative, &recent, (struct rule_span){now + 5, now}));
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

/* What came behind an alert need not be as rare as that by itself, but rare it must be. */
START_TEST(a_crisis_that_goes_on_alarms_again)
{
	int32_t now = 200 * DAY_CELLS + 15 * HOUR_CELLS;
	struct rule_span behind = {now - 600, now}, whole = {RULE_EVER, now};
	struct rule_verdict alone, with;
	struct rule_baseline baseline;
	struct window hours, recent, before;
	int again = 0, afresh = 0;

	make_history(&hours, 200, 80, 2);
	rule_learn(&baseline, negative.metric, &hours, rule_baseline_hour(&hours, now));
	window_init(&recent, 50 * HOUR_CELLS);
	window_init(&before, 50 * HOUR_CELLS);
	for (int i = 0; i < 40; i++)
		add(&before, now - 600 - i, 1, 1);
	for (int i = 1; !afresh; i++) {
		add(&recent, now - 10 * i, 1, 1);
		add(&before, now - 10 * i, 1, 1);
		alone = rule_judge(&negative, &baseline, &recent, behind);
		with = rule_judge(&negative, &baseline, &before, behind);
		ck_assert(rule_judge(&negative, &baseline, &before, whole).fire);
		ck_assert(with.fire || !alone.fire);
		ck_assert_double_ge(with.per_day * RULE_AGAIN_FACTOR * (1 + 1e-9), alone.per_day);
		again = with.fire && !again ? i : again;
		afresh = alone.fire ? i : 0;
		ck_assert_int_lt(i, 20);
	}
	ck_assert_int_ge(again, 2);
	ck_assert_int_lt(again, afresh);
	window_reset(&hours);
	window_reset(&recent);
	window_reset(&before);
}
END_TEST

START_TEST(a_smaller_budget_asks_for_more)
{
	int32_t now = 200 * DAY_CELLS + 15 * HOUR_CELLS;
	struct window hours, recent;
	int needed[3];

	make_history(&hours, 200, 80, 2);
	for (int b = 0; b < 3; b++) {
		struct rule_spec spec = negative;

		spec.false_alarms_per_day = (double[]){1, 1 / 30.4, 1 / 36500.0}[b];
		window_init(&recent, 50 * HOUR_CELLS);
		for (needed[b] = 0; needed[b] < 100; needed[b]++) {
			if (judge(&spec, &hours, &recent, now).fire)
				break;
			add(&recent, now - needed[b], 1, 1);
		}
		window_reset(&recent);
	}
	ck_assert_int_le(needed[0], needed[1]);
	ck_assert_int_lt(needed[1], needed[2]);
	ck_assert_int_lt(needed[2], 100);
	window_reset(&hours);
}
END_TEST

START_TEST(guards_hold)
{
	int32_t now = 200 * DAY_CELLS;
	struct rule_spec spec = negative;
	struct window hours, recent;

	make_history(&hours, 200, 80, 1);
	window_init(&recent, 50 * HOUR_CELLS);
	add(&recent, now, 9, 9);
	ck_assert(judge(&spec, &hours, &recent, now).fire);
	spec.min_count = 10;
	ck_assert(!judge(&spec, &hours, &recent, now).fire);
	spec.min_count = 9;
	ck_assert(judge(&spec, &hours, &recent, now).fire);
	spec.min_ratio = 1e6;
	ck_assert(!judge(&spec, &hours, &recent, now).fire);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

START_TEST(one_window_is_the_users)
{
	int32_t now = 200 * DAY_CELLS;
	struct rule_spec spec = negative;
	struct window hours, recent;

	make_history(&hours, 200, 80, 1);
	window_init(&recent, 50 * HOUR_CELLS);
	add(&recent, now - 90, 9, 9);
	spec.window_us = 60 * RULE_CELL_US;
	ck_assert(!judge(&spec, &hours, &recent, now).fire);
	spec.window_us = 120 * RULE_CELL_US;
	ck_assert(judge(&spec, &hours, &recent, now).fire);
	ck_assert_int_eq(judge(&spec, &hours, &recent, now).cells, 120);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

START_TEST(tone_is_not_volume)
{
	static const struct rule_spec volume = {.name = "v", .metric = RULE_VOLUME};
	static const struct rule_spec share = {.name = "s", .metric = RULE_NEGATIVE_SHARE};
	static const struct rule_spec score = {.name = "m", .metric = RULE_MEAN_SCORE};
	int32_t now = 200 * DAY_CELLS + 15 * HOUR_CELLS;
	struct window hours, recent;

	/* Ten a day, half of them negative.  First: four times as many, the same tone. */
	make_history(&hours, 200, 80, 10);
	window_init(&recent, 50 * HOUR_CELLS);
	for (int i = 0; i < 80; i++)
		add(&recent, now - 3 * i, 1, i % 2);
	ck_assert(judge(&volume, &hours, &recent, now).fire);
	ck_assert(!judge(&share, &hours, &recent, now).fire);
	ck_assert(!judge(&score, &hours, &recent, now).fire);
	window_reset(&recent);

	/* Then: as many as ever, and all of them negative. */
	for (int i = 0; i < 40; i++)
		add(&recent, now - 60 * i, 1, 1);
	ck_assert(!judge(&volume, &hours, &recent, now).fire);
	ck_assert(judge(&share, &hours, &recent, now).fire);
	ck_assert(judge(&score, &hours, &recent, now).fire);
	window_reset(&recent);
	window_reset(&hours);
}
END_TEST

START_TEST(no_history_is_no_reason)
{
	struct window hours, recent;

	window_init(&hours, RULE_HISTORY_HOURS);
	window_init(&recent, 50 * HOUR_CELLS);
	for (int metric = 0; metric < RULE_METRICS; metric++) {
		struct rule_spec spec = {.metric = metric};
		struct rule_verdict verdict = judge(&spec, &hours, &recent, 1000);

		ck_assert(!verdict.fire && !verdict.hold);
		verdict = judge(&spec, &hours, &recent, 0); /* the beginning of time */
		ck_assert(!verdict.fire);
	}
	for (int i = 0; i < 60; i++) { /* a busy topic is watched from now on */
		add(&hours, 200 * 24, 3, 3);
		add(&recent, 200 * DAY_CELLS + i, 3, 3);
		ck_assert(!judge(&negative, &hours, &recent, 200 * DAY_CELLS + i).fire);
	}
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rule");

	tcase_add_test(tcase, tails_are_those_of_the_tables);
	tcase_add_test(tcase, a_tail_is_the_sum_of_its_masses);
	tcase_add_test(tcase, quick_tails_are_near_the_true_ones);
	tcase_add_test(tcase, a_tail_far_out_is_finite_and_small);
	tcase_add_test(tcase, a_quiet_topic_is_learnt_as_quiet);
	tcase_add_test(tcase, the_level_is_the_daily_mean);
	tcase_add_test(tcase, growth_by_parts_is_followed);
	tcase_add_test(tcase, a_past_spike_weighs_little);
	tcase_add_test(tcase, the_last_days_are_not_their_own_baseline);
	tcase_add_test(tcase, weekends_are_learnt);
	tcase_add_test(tcase, a_spike_fires_and_a_usual_day_does_not);
	tcase_add_test(tcase, a_share_is_of_all_that_is_negative);
	tcase_add_test(tcase, windows_begin_after_the_alert_before);
	tcase_add_test(tcase, a_crisis_that_goes_on_alarms_again);
	tcase_add_test(tcase, a_smaller_budget_asks_for_more);
	tcase_add_test(tcase, guards_hold);
	tcase_add_test(tcase, one_window_is_the_users);
	tcase_add_test(tcase, tone_is_not_volume);
	tcase_add_test(tcase, no_history_is_no_reason);
	return run_case("rule", tcase);
}
