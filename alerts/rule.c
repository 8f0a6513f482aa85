/*
 * Why a rate and not a p-value: the user's budget is in alarms per time, and a
 * short window has more chances a day to be high than a long one.  Documents
 * come at `count / window` while a window holds `count`, and each arrival is a
 * chance to cross the line; so the line at `count` is crossed upwards
 *
 *     count / window * P(window holds exactly count)
 *
 * times a day.  For a Poisson stream this is exact (the rate of arrivals times
 * the chance of count - 1 before it); for clustered streams, that the negative
 * binomial describes, it counts each crossing of a cluster.  Windows nest, so
 * their crossings come together: the rarest one decides.  Measured against
 * simulated streams by tests/bench/bench_budget.c.
 */
#include "alerts/rule.h"

#include "alerts/rule/tail.h"

#include <math.h>

enum { CELLS_A_DAY = 24 * 60, CELLS_A_WEEK = 7 * CELLS_A_DAY };

/*
 * Windows judged together.  `clustering`: how much of a day's excess dispersion
 * (variance over mean - 1) shows within the window: stories that belong together
 * come hours apart, not minutes.
 */
static const struct {
	int32_t cells;
	double clustering;
} windows[] = {
	{15, 0.1}, {60, 0.15}, {3 * 60, 0.325}, {6 * 60, 0.5}, {CELLS_A_DAY, 1}, {RULE_LONGEST_CELLS, 1.2},
};
enum { WINDOWS = sizeof windows / sizeof *windows };

static const double default_budget = 1 / 30.4375;
static const double default_ratio = 2;
static const uint32_t default_count = 2;
static const double hold_factor = 10;       /* as long as the rate is below so many budgets, the alert holds */
static const uint32_t least_judged = 5;     /* stories with a polarity, for a share or a mean to mean something */
static const double cause_chance = 0.05;    /* at most so likely alone: volume, or tone, is out of the ordinary */
static const double least_expected = 1e-4;
static const double least_days = 0.125;     /* learnt from: a topic that has only just begun is not judged */

/* What one window says. */
struct look {
	double expected, ratio, per_day;
	uint32_t count;
	bool guarded; /* below min_count or min_ratio: not to be judged */
};

static uint32_t least_count(const struct rule_spec *spec)
{
	return spec->min_count ? spec->min_count : default_count;
}

static double week_until(const struct rule_baseline *baseline, int64_t cell)
{
	int64_t minute = (cell + 3 * CELLS_A_DAY) % CELLS_A_WEEK; /* since Monday; 1970 began on a Thursday */
	int hour;
	double part;

	if (minute < 0)
		minute += CELLS_A_WEEK;
	hour = (int)(minute / 60);
	part = (double)(minute % 60) / 60;
	return baseline->week[hour] + part * (baseline->week[hour + 1] - baseline->week[hour]);
}

/* The window's length in average days of this topic, by the week's profile. */
static double exposure(const struct rule_baseline *baseline, int32_t cell, int32_t cells)
{
	double part = week_until(baseline, (int64_t)cell + 1) - week_until(baseline, (int64_t)cell + 1 - cells);

	return part < 0 ? part + 7 : part;
}

/* How unsure the level is, as variance over its square: few stories, and hours of the week not seen yet or seen rarely. */
static double unsure(const struct rule_baseline *baseline)
{
	double days = baseline->days;

	return 1 / baseline->support + 1 / (1 + 2 * days + days * days / 4);
}

static double clustering_of(int32_t cells)
{
	size_t i = 0;

	while (i + 1 < WINDOWS && windows[i].cells < cells)
		i++;
	return windows[i].clustering;
}

static double count_variance(const struct rule_baseline *baseline, double mean, int32_t cells)
{
	return mean * (1 + (baseline->dispersion - 1) * clustering_of(cells)) + mean * mean * unsure(baseline);
}

static void look_at_count(const struct rule_spec *spec, const struct rule_baseline *baseline, int32_t cell, int32_t cells,
			  struct look *look)
{
	double mean = baseline->level * exposure(baseline, cell, cells) + least_expected;

	look->expected = mean;
	look->ratio = look->count / mean;
	look->guarded = look->count < least_count(spec) ||
			look->ratio < (spec->min_ratio > 0 ? spec->min_ratio : default_ratio);
	if (!look->guarded)
		look->per_day = (double)look->count * CELLS_A_DAY / cells *
				negative_binomial_mass(look->count, mean, count_variance(baseline, mean, cells));
}

static void look_at_share(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			  int32_t cells, struct look *look)
{
	double share = baseline->level, spread = baseline->dispersion + share * (1 - share) / baseline->support;

	look->expected = tally->judged * share;
	look->ratio = look->count / fmax(look->expected, least_expected);
	look->guarded = tally->judged < least_judged || look->count < least_count(spec) ||
			look->ratio < (spec->min_ratio > 0 ? spec->min_ratio : 1);
	if (!look->guarded)
		look->per_day = (double)look->count * CELLS_A_DAY / cells *
				beta_binomial_mass(look->count, tally->judged, share, spread);
}

static double mean_deviation(const struct rule_baseline *baseline, const struct tally *tally)
{
	static const double score_variance = 0.4;
	double variance = score_variance * (1.0 / tally->judged + 1 / baseline->support) + baseline->dispersion;

	return (baseline->level - (double)tally->score / 1e6 / tally->judged) / sqrt(variance);
}

/* A mean of n stories crosses a line at most as often as one of n new ones would: n arrivals, nearly the same mean. */
static void look_at_mean(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			 int32_t cells, struct look *look)
{
	look->expected = baseline->level;
	look->ratio = tally->judged ? (double)tally->score / 1e6 / tally->judged : 0;
	look->guarded = tally->judged < least_judged || tally->judged < spec->min_count || look->ratio >= look->expected;
	if (!look->guarded)
		look->per_day = sqrt((double)tally->judged) * CELLS_A_DAY / cells *
				normal_tail(mean_deviation(baseline, tally));
}

static uint32_t count_of(enum rule_metric metric, const struct tally *tally)
{
	switch (metric) {
	case RULE_VOLUME: return tally->stories;
	case RULE_MEAN_SCORE: return tally->judged;
	default: return tally->negative;
	}
}

static struct look look_at(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			   int32_t cell, int32_t cells)
{
	struct look look = {.per_day = INFINITY, .count = count_of(spec->metric, tally)};

	switch (spec->metric) {
	case RULE_NEGATIVE_SHARE: look_at_share(spec, baseline, tally, cells, &look); break;
	case RULE_MEAN_SCORE: look_at_mean(spec, baseline, tally, cells, &look); break;
	default: look_at_count(spec, baseline, cell, cells, &look); break;
	}
	return look;
}

static double p_value_of(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			 const struct look *look, int32_t cells)
{
	double share = baseline->level;

	switch (spec->metric) {
	case RULE_NEGATIVE_SHARE:
		return beta_binomial_tail(look->count, tally->judged, share,
					  baseline->dispersion + share * (1 - share) / baseline->support);
	case RULE_MEAN_SCORE:
		return normal_tail(mean_deviation(baseline, tally));
	default:
		return negative_binomial_tail(look->count, look->expected,
					      count_variance(baseline, look->expected, cells));
	}
}

static int32_t single_window(const struct rule_spec *spec)
{
	int64_t cells = (spec->window_us + RULE_CELL_US - 1) / RULE_CELL_US;

	return cells < RULE_LONGEST_CELLS ? (int32_t)cells : RULE_LONGEST_CELLS;
}

static bool is_cause(double tail)
{
	return tail <= cause_chance;
}

/*
 * Both parts are tested alone; where neither is out of the ordinary by itself
 * the one that raised the count more is named: negative stories over their
 * expectation are volume over its own times share over its own.
 */
static enum rule_cause cause_of(const struct rule_spec *spec, const struct rule_baseline *baseline,
				const struct rule_verdict *verdict, uint32_t negatives)
{
	double mean = verdict->stories_expected, share = baseline->share;
	double spread = baseline->share_spread + share * (1 - share) / baseline->share_support;
	double variance = mean * (1 + (baseline->stories_dispersion - 1) * clustering_of(verdict->cells)) +
			  mean * mean * unsure(baseline);
	bool volume = verdict->stories > mean && is_cause(negative_binomial_tail(verdict->stories, mean, variance));
	bool tone = verdict->judged && verdict->share > share &&
		    is_cause(beta_binomial_tail(negatives, verdict->judged, share, spread));

	volume = volume || spec->metric == RULE_VOLUME;
	tone = tone || spec->metric == RULE_NEGATIVE_SHARE || spec->metric == RULE_MEAN_SCORE;
	if (volume && tone)
		return RULE_CAUSE_BOTH;
	if (volume || tone)
		return volume ? RULE_CAUSE_VOLUME : RULE_CAUSE_TONE;
	return verdict->stories * share >= verdict->share * mean ? RULE_CAUSE_VOLUME : RULE_CAUSE_TONE;
}

/* What was written in the window that decided, and how bad it was. */
static void tell_parts(struct rule_verdict *verdict, const struct rule_spec *spec, const struct rule_baseline *baseline,
		       const struct tally *tally, int32_t cell)
{
	verdict->stories = tally->stories;
	verdict->judged = tally->judged;
	verdict->stories_expected = baseline->stories * exposure(baseline, cell, verdict->cells) + least_expected;
	verdict->share = tally->judged ? (double)tally->negative / tally->judged : 0;
	verdict->share_expected = baseline->share;
	if (verdict->hold)
		verdict->cause = cause_of(spec, baseline, verdict, tally->negative);
}

bool rule_may_fire(const struct rule_spec *spec, const struct window *recent, int32_t cell)
{
	int32_t cells = spec->window_us > 0 ? single_window(spec) : RULE_LONGEST_CELLS;
	struct tally tally = window_sum(recent, cell - cells, cell);

	return count_of(spec->metric, &tally) >= least_count(spec);
}

struct rule_verdict rule_judge(const struct rule_spec *spec, const struct rule_baseline *baseline,
			       const struct window *recent, int32_t cell)
{
	double budget = spec->false_alarms_per_day > 0 ? spec->false_alarms_per_day : default_budget;
	struct rule_verdict verdict = {.p_value = 1};
	struct look best = {0};
	struct tally best_tally = {0};

	if (baseline->days < least_days)
		return verdict;
	for (size_t i = 0; i < (spec->window_us > 0 ? 1 : WINDOWS); i++) {
		int32_t cells = spec->window_us > 0 ? single_window(spec) : windows[i].cells;
		struct tally tally = window_sum(recent, cell - cells, cell);
		struct look look = look_at(spec, baseline, &tally, cell, cells);

		if (verdict.cells && look.per_day > best.per_day) /* none is rare: the longest */
			continue;
		best = look;
		best_tally = tally;
		verdict.cells = cells;
	}
	verdict.count = best.count;
	verdict.expected = best.expected;
	verdict.ratio = best.ratio;
	verdict.per_day = best.per_day;
	verdict.fire = best.per_day <= budget;
	verdict.hold = best.per_day <= budget * hold_factor;
	if (verdict.hold)
		verdict.p_value = p_value_of(spec, baseline, &best_tally, &best, verdict.cells);
	tell_parts(&verdict, spec, baseline, &best_tally, cell);
	return verdict;
}

/* A window in which `steps` more stories count than none, or whose mean is so many hundredths below the usual one. */
static struct tally trial(const struct rule_spec *spec, const struct rule_baseline *baseline, double judged, uint32_t steps)
{
	struct tally tally = {.stories = steps, .negative = steps, .judged = (uint32_t)ceil(fmin(judged, 1e9))};

	if (tally.judged < least_judged)
		tally.judged = least_judged;
	if (spec->metric == RULE_NEGATIVE_SHARE && tally.judged < steps)
		tally.judged = steps;
	if (spec->metric == RULE_MEAN_SCORE)
		tally.score = (int64_t)((baseline->level - steps / 100.0) * 1e6 * tally.judged);
	return tally;
}

struct rule_band rule_expect(const struct rule_spec *spec, const struct rule_baseline *baseline, int32_t cell, int32_t cells)
{
	double budget = spec->false_alarms_per_day > 0 ? spec->false_alarms_per_day : default_budget;
	double days = exposure(baseline, cell, cells);
	bool mean = spec->metric == RULE_MEAN_SCORE;
	uint32_t low = 0, high = 1;

	while (high < 1u << 30) { /* the limit is in (low, high]: first outwards, then by halves */
		struct tally tally = trial(spec, baseline, baseline->judged * days, high);

		if (look_at(spec, baseline, &tally, cell, cells).per_day <= budget)
			break;
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		struct tally tally = trial(spec, baseline, baseline->judged * days, middle);

		if (look_at(spec, baseline, &tally, cell, cells).per_day <= budget)
			high = middle;
		else
			low = middle;
	}
	if (mean)
		return (struct rule_band){.expected = baseline->level, .limit = baseline->level - high / 100.0};
	if (spec->metric == RULE_NEGATIVE_SHARE)
		return (struct rule_band){.expected = baseline->judged * days * baseline->level, .limit = high};
	return (struct rule_band){.expected = baseline->level * days, .limit = high};
}
