/* What must hold of the rule for any topic, and for the troubles that a feed brings: checked on made-up, seeded histories. */
#include "alerts/rule.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { DAY_CELLS = 1440, TODAY = 200 };

static uint64_t random_state;

static double uniform(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (double)(random_state >> 11) * 0x1p-53;
}

/* Poisson, for small means; a normal's rounding for large ones. */
static uint32_t around(double mean)
{
	double product = uniform(), limit = exp(-mean);
	uint32_t count = 0;

	if (mean > 30)
		return (uint32_t)fmax(0, round(mean + sqrt(mean) * (uniform() + uniform() + uniform() + uniform() - 2) * sqrt(3)));
	for (; product > limit; product *= uniform())
		count++;
	return count;
}

static void add(struct window *window, int32_t slot, uint32_t stories, uint32_t negative)
{
	struct tally tally = {.documents = stories, .stories = stories, .judged = stories, .negative = negative,
			      .score = ((int64_t)stories - 2 * (int64_t)negative) * 1000000};

	if (stories > 0)
		window_add(window, slot, &tally);
}

/* Hours of [from, until) days before today with this many stories an hour, three in ten of them negative. */
static void write_days(struct window *hours, int from, int until, double an_hour)
{
	for (int32_t hour = (TODAY - from) * 24; hour < (TODAY - until) * 24; hour++) {
		uint32_t stories = around(an_hour);

		add(hours, hour, stories, (uint32_t)(0.3 * stories + uniform()));
	}
}

static struct rule_span whole(int32_t cell)
{
	return (struct rule_span){RULE_EVER, cell};
}

static void begin(struct window *hours, uint64_t seed)
{
	random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	window_init(hours, RULE_HISTORY_HOURS);
}

static struct rule_baseline learn(enum rule_metric metric, const struct window *hours)
{
	struct rule_baseline baseline;

	rule_learn(&baseline, metric, hours, TODAY * 24);
	return baseline;
}

static const double an_hour[] = {0.02, 0.3, 4, 60, 2000};
enum { RATES = sizeof an_hour / sizeof *an_hour };

START_TEST(more_stories_never_make_it_less_rare)
{
	struct rule_spec spec = {.name = "m", .metric = RULE_VOLUME};
	double rate = an_hour[_i % RATES], previous = INFINITY;
	struct window hours, recent;
	struct rule_baseline baseline;
	bool fired = false;

	begin(&hours, (uint64_t)_i);
	write_days(&hours, 5 + 90 * (_i % 2), 0, rate);
	baseline = learn(RULE_VOLUME, &hours);
	window_init(&recent, RULE_LONGEST_CELLS + 60);
	for (int step = 0; step < 300; step++) {
		struct rule_verdict verdict;

		add(&recent, TODAY * DAY_CELLS - (int32_t)(300 * uniform()), 1 + (uint32_t)(rate / 4), 0);
		verdict = rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS));
		ck_assert(!(verdict.per_day > previous * (1 + 1e-9)));
		ck_assert(!fired || verdict.fire);
		ck_assert(!verdict.fire || verdict.hold);
		fired = verdict.fire;
		previous = verdict.per_day;
	}
	ck_assert(fired);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

START_TEST(smaller_budgets_never_ask_for_less)
{
	static const int32_t windows[] = {15, 60, 360, 1440, 2880};
	struct window hours;
	struct rule_baseline baseline;

	begin(&hours, 7);
	write_days(&hours, 95, 0, an_hour[_i]);
	baseline = learn(RULE_VOLUME, &hours);
	for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
		double limit = 0;

		for (double days = 0.1; days < 4000; days *= 2) {
			struct rule_spec spec = {.metric = RULE_VOLUME, .false_alarms_per_day = 1 / days};
			struct rule_band band = rule_expect(&spec, &baseline, TODAY * DAY_CELLS, windows[w]);

			ck_assert(isfinite(band.limit) && band.limit >= 2 && band.limit >= limit);
			ck_assert_double_gt(band.limit, band.expected);
			limit = band.limit;
		}
	}
	window_reset(&hours);
}
END_TEST

START_TEST(the_band_is_where_a_window_fires)
{
	struct rule_spec spec = {.metric = RULE_VOLUME, .window_us = 360 * RULE_CELL_US};
	struct window hours, recent;
	struct rule_baseline baseline;
	struct rule_band band;

	begin(&hours, 8);
	write_days(&hours, 95, 0, an_hour[_i]);
	baseline = learn(RULE_VOLUME, &hours);
	band = rule_expect(&spec, &baseline, TODAY * DAY_CELLS, 360);
	window_init(&recent, RULE_LONGEST_CELLS + 60);
	add(&recent, TODAY * DAY_CELLS - 100, (uint32_t)band.limit - 1, 0);
	ck_assert(!rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS)).fire);
	add(&recent, TODAY * DAY_CELLS - 50, 1, 0);
	ck_assert(rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS)).fire);
	ck_assert_double_eq_tol(rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS)).expected / band.expected, 1, 0.01);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

static const struct rule_spec monthly = {.metric = RULE_VOLUME};

static struct rule_band of_a_day(const struct rule_baseline *baseline)
{
	return rule_expect(&monthly, baseline, TODAY * DAY_CELLS, DAY_CELLS);
}

START_TEST(an_outage_in_the_past_changes_little)
{
	double rate = an_hour[_i];
	struct window whole, torn;
	struct rule_band expected, got;
	struct rule_baseline baseline;

	begin(&whole, 9);
	write_days(&whole, 95, 0, rate);
	baseline = learn(RULE_VOLUME, &whole);
	expected = of_a_day(&baseline);
	begin(&torn, 9);
	write_days(&torn, 95, 50, rate);
	write_days(&torn, 47, 21, rate); /* three days, then one */
	write_days(&torn, 20, 0, rate);
	baseline = learn(RULE_VOLUME, &torn);
	got = of_a_day(&baseline);
	ck_assert_double_eq_tol(got.expected / expected.expected, 1, 0.05);
	ck_assert_double_le(got.limit, 1.1 * expected.limit);
	ck_assert_double_ge(got.limit, 0.9 * expected.limit);
	window_reset(&whole);
	window_reset(&torn);
}
END_TEST

START_TEST(a_holiday_changes_little)
{
	double rate = an_hour[_i];
	struct window hours;
	struct rule_baseline baseline;

	begin(&hours, 10);
	write_days(&hours, 95, 30, rate);
	write_days(&hours, 30, 28, rate / 5);
	write_days(&hours, 28, 0, rate);
	baseline = learn(RULE_VOLUME, &hours);
	ck_assert_double_eq_tol(of_a_day(&baseline).expected / (24 * rate), 1, 0.05);
	window_reset(&hours);
}
END_TEST

START_TEST(a_feed_that_doubles_is_learnt)
{
	double rate = an_hour[_i];
	struct window hours;
	struct rule_baseline baseline;

	begin(&hours, 11);
	write_days(&hours, 95, 14, rate);
	write_days(&hours, 14, 0, 2 * rate);
	baseline = learn(RULE_VOLUME, &hours);
	ck_assert_double_eq_tol(of_a_day(&baseline).expected / (48 * rate), 1, 0.1);
	window_reset(&hours);
}
END_TEST

START_TEST(growth_is_followed)
{
	double rate = an_hour[_i];
	struct window hours;
	struct rule_baseline baseline;

	begin(&hours, 12);
	for (int day = 95; day > 0; day--)
		write_days(&hours, day, day - 1, rate * (1 - day / 190.0));
	baseline = learn(RULE_VOLUME, &hours);
	ck_assert_double_eq_tol(of_a_day(&baseline).expected / (24 * rate), 1, 0.03);
	window_reset(&hours);
}
END_TEST

START_TEST(a_spike_in_the_past_hides_none_later)
{
	double rate = an_hour[_i];
	struct window hours;
	struct rule_band calm, spiked;
	struct rule_baseline baseline;

	begin(&hours, 13);
	write_days(&hours, 95, 0, rate);
	baseline = learn(RULE_VOLUME, &hours);
	calm = of_a_day(&baseline);
	add(&hours, (TODAY - 30) * 24 + 3, (uint32_t)(240 * rate), 0); /* ten days' worth at once */
	baseline = learn(RULE_VOLUME, &hours);
	spiked = of_a_day(&baseline);
	ck_assert_double_le(spiked.expected, 1.1 * calm.expected);
	ck_assert_double_le(spiked.limit, 1.5 * calm.limit);
	window_reset(&hours);
}
END_TEST

START_TEST(the_cause_is_told)
{
	struct rule_spec spec = {.name = "c", .metric = RULE_NEGATIVE_COUNT};
	enum { NOW = TODAY * DAY_CELLS };
	static const struct {
		uint32_t stories, negative;
		enum rule_cause cause;
	} cases[] = {{300, 90, RULE_CAUSE_VOLUME}, {48, 44, RULE_CAUSE_TONE}, {300, 280, RULE_CAUSE_BOTH}};
	struct window hours, recent;
	struct rule_baseline baseline;
	struct rule_verdict verdict;

	begin(&hours, 14);
	write_days(&hours, 95, 0, 2);
	baseline = learn(RULE_NEGATIVE_COUNT, &hours);
	window_init(&recent, RULE_LONGEST_CELLS + 60);
	for (uint32_t i = 0; i < cases[_i].stories; i++)
		add(&recent, NOW - (int32_t)(i * 1400 / cases[_i].stories), 1,
		    (i + 1) * cases[_i].negative / cases[_i].stories - i * cases[_i].negative / cases[_i].stories);
	verdict = rule_judge(&spec, &baseline, &recent, whole(NOW));
	ck_assert(verdict.fire);
	ck_assert_int_eq(verdict.cause, cases[_i].cause);
	ck_assert_double_eq_tol(verdict.share_expected, 0.3, 0.03);
	ck_assert_double_eq_tol(verdict.stories_expected / verdict.cells, 2 / 60.0, 0.005);
	ck_assert_uint_le(verdict.judged, verdict.stories);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

/* Four in ten of a day's stories are negative, instead of three. */
static bool fires_on_worse_tone(enum rule_metric metric, const struct window *hours)
{
	struct rule_spec spec = {.metric = metric};
	struct rule_baseline baseline = learn(metric, hours);
	struct window recent;
	bool fires;

	window_init(&recent, RULE_LONGEST_CELLS + 60);
	for (int i = 0; i < DAY_CELLS; i++)
		add(&recent, TODAY * DAY_CELLS - i, 1, i % 10 < 4);
	fires = rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS)).fire;
	window_reset(&recent);
	return fires;
}

/* What a topic's tone does of itself tells what is unusual of it: always the same, or each day another one. */
START_TEST(tone_is_judged_by_how_it_varies)
{
	enum rule_metric metric = _i ? RULE_MEAN_SCORE : RULE_NEGATIVE_SHARE;
	struct window hours;

	begin(&hours, 17);
	for (int32_t hour = (TODAY - 95) * 24; hour < TODAY * 24; hour++)
		add(&hours, hour, 60, 12 + around(6));
	ck_assert(fires_on_worse_tone(metric, &hours));
	window_reset(&hours);
	begin(&hours, 18);
	for (int32_t hour = (TODAY - 95) * 24; hour < TODAY * 24; hour++)
		add(&hours, hour, 60, 10 + 3 * (uint32_t)(hour / 24 % 5) + around(2));
	ck_assert(!fires_on_worse_tone(metric, &hours));
	window_reset(&hours);
}
END_TEST

/* A few bad stories of a topic whose stories are bad now and then are no event, whatever a normal curve says of so few. */
START_TEST(a_few_bad_stories_are_no_event)
{
	struct rule_spec spec = {.metric = _i ? RULE_MEAN_SCORE : RULE_NEGATIVE_SHARE};
	struct window hours, recent;
	struct rule_baseline baseline;

	begin(&hours, 19);
	for (int32_t i = 0; i < 95 * 24 * 4; i++)
		add(&hours, (TODAY - 95) * 24 + i / 4, 1, uniform() < 0.3);
	baseline = learn(spec.metric, &hours);
	window_init(&recent, RULE_LONGEST_CELLS + 60);
	for (int i = 20; i < RULE_LONGEST_CELLS; i += 15)
		add(&recent, TODAY * DAY_CELLS - i, 1, i / 15 % 10 < 3);
	for (int i = 0; i < 5; i++)
		add(&recent, TODAY * DAY_CELLS - 3 * i, 1, 1);
	ck_assert(!rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS)).fire);
	for (int i = 0; i < 20; i++)
		add(&recent, TODAY * DAY_CELLS - 2 * i, 1, 1);
	ck_assert(rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS)).fire);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

static void check_finite(const struct rule_verdict *verdict)
{
	ck_assert(isfinite(verdict->expected) && isfinite(verdict->ratio) && isfinite(verdict->stories_expected));
	ck_assert(verdict->p_value >= 0 && verdict->p_value <= 1);
	ck_assert(!isnan(verdict->per_day) && verdict->per_day >= 0);
	ck_assert(verdict->share >= 0 && verdict->share <= 1 && verdict->share_expected >= 0 && verdict->share_expected <= 1);
}

START_TEST(extremes_stay_finite)
{
	static const uint32_t counts[] = {1, 1000, 100000000};
	static const double budgets[] = {1e-12, 1e6, 1e300};
	enum rule_metric metric = _i % RULE_METRICS;
	struct window hours, recent;

	for (int c = 0; c < 9; c++) {
		struct rule_spec spec = {.metric = metric, .false_alarms_per_day = budgets[c / 3]};
		struct rule_baseline baseline;
		struct rule_verdict verdict;

		begin(&hours, 15);
		window_init(&recent, RULE_LONGEST_CELLS + 60);
		for (int day = 90; day > 0; day -= 7) /* one hour a week, some of it enormous */
			add(&hours, (TODAY - day) * 24, counts[(day + c) % 3], counts[(day + c) % 3] / 2);
		for (int i = 0; i < 3; i++)
			add(&recent, TODAY * DAY_CELLS - i, counts[c % 3], counts[(c + i) % 3] / 2 <= counts[c % 3] ? counts[(c + i) % 3] / 2 : 0);
		baseline = learn(metric, &hours);
		verdict = rule_judge(&spec, &baseline, &recent, whole(TODAY * DAY_CELLS));
		check_finite(&verdict);
		for (int32_t cells = 1; cells <= RULE_LONGEST_CELLS; cells *= 7) {
			struct rule_band band = rule_expect(&spec, &baseline, TODAY * DAY_CELLS, cells);

			ck_assert(isfinite(band.expected) && isfinite(band.limit));
		}
		window_reset(&hours);
		window_reset(&recent);
	}
}
END_TEST

START_TEST(times_before_1970_and_far_ahead_are_times)
{
	static const int32_t hours_of[] = {-500000, -1, 0, 1, 30000000};
	struct rule_spec spec = {.metric = RULE_VOLUME};
	struct window hours, recent;
	struct rule_baseline baseline;
	struct rule_verdict verdict;
	int32_t hour = hours_of[_i];

	begin(&hours, 16);
	window_init(&recent, RULE_LONGEST_CELLS + 60);
	for (int32_t h = hour - 600; h < hour; h++)
		add(&hours, h, 2, 1);
	add(&recent, hour * 60, 100, 50);
	rule_learn(&baseline, RULE_VOLUME, &hours, hour);
	verdict = rule_judge(&spec, &baseline, &recent, whole(hour * 60));
	check_finite(&verdict);
	ck_assert(verdict.fire);
	window_reset(&hours);
	window_reset(&recent);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rule_properties");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, more_stories_never_make_it_less_rare, 0, 2 * RATES);
	tcase_add_loop_test(tcase, smaller_budgets_never_ask_for_less, 0, RATES);
	tcase_add_loop_test(tcase, the_band_is_where_a_window_fires, 0, RATES);
	tcase_add_loop_test(tcase, an_outage_in_the_past_changes_little, 3, RATES);
	tcase_add_loop_test(tcase, a_holiday_changes_little, 2, RATES);
	tcase_add_loop_test(tcase, a_feed_that_doubles_is_learnt, 3, RATES);
	tcase_add_loop_test(tcase, growth_is_followed, 3, RATES);
	tcase_add_loop_test(tcase, a_spike_in_the_past_hides_none_later, 1, RATES);
	tcase_add_loop_test(tcase, the_cause_is_told, 0, 3);
	tcase_add_loop_test(tcase, tone_is_judged_by_how_it_varies, 0, 2);
	tcase_add_loop_test(tcase, a_few_bad_stories_are_no_event, 0, 2);
	tcase_add_loop_test(tcase, extremes_stay_finite, 0, RULE_METRICS);
	tcase_add_loop_test(tcase, times_before_1970_and_far_ahead_are_times, 0, 5);
	return run_case("rule_properties", tcase);
}
