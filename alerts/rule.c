/*
 * Windows nest, so their crossings come together: the rarest one decides.  What
 * a window's count is worth stands in rule/look.c, what is usual in
 * rule/learn.c.  Measured against simulated streams by
 * tests/bench/bench_synthetic.c.
 */
#include "alerts/rule/private.h"

#include <math.h>

static const double default_budget = 1 / 30.4375;
static const double least_days = 0.125; /* learnt from: a topic that has only just begun is not judged */

double rule_budget(const struct rule_spec *spec)
{
	return spec->false_alarms_per_day > 0 ? spec->false_alarms_per_day : default_budget;
}

static int32_t single_window(const struct rule_spec *spec)
{
	int64_t cells = (spec->window_us + RULE_CELL_US - 1) / RULE_CELL_US;

	return cells < RULE_LONGEST_CELLS ? (int32_t)cells : RULE_LONGEST_CELLS;
}

bool rule_may_fire(const struct rule_spec *spec, const struct window *recent, int32_t cell)
{
	int32_t cells = spec->window_us > 0 ? single_window(spec) : RULE_LONGEST_CELLS;
	struct tally tally = window_sum(recent, cell - cells, cell);

	return look_count(spec->metric, &tally) >= look_least_count(spec);
}

/* A slow build up to now: the days before this baseline's hour, and what came since. */
static double build_at(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct window *recent,
		       const struct week_point *end, int32_t cell)
{
	int32_t cells = cell + 1 - baseline->hour * 60;
	struct tally tally;

	if (!(baseline->drift > 0) || cells <= 0 || cells > RULE_LONGEST_CELLS)
		return INFINITY;
	tally = window_sum(recent, cell - cells, cell);
	return drift_rate(baseline, look_count(spec->metric, &tally), look_exposure(baseline, end, cell, cells));
}

struct rule_verdict rule_judge(const struct rule_spec *spec, const struct rule_baseline *baseline,
			       const struct window *recent, int32_t cell)
{
	double budget = rule_budget(spec), best_exposure = 0;
	struct rule_verdict verdict = {.p_value = 1, .per_day = INFINITY};
	struct look best = {0};
	struct tally best_tally = {0};
	struct week_point end;

	if (baseline->days < least_days)
		return verdict;
	end = look_point(baseline, (int64_t)cell + 1);
	for (size_t i = 0; i < (spec->window_us > 0 ? 1 : RULE_WINDOWS); i++) {
		int32_t cells = spec->window_us > 0 ? single_window(spec) : rule_windows[i];
		double exposure = look_exposure(baseline, &end, cell, cells);
		struct tally tally = window_sum(recent, cell - cells, cell);
		struct look look = look_at(spec, baseline, &tally, exposure, cells);

		if (verdict.cells && look.per_day > best.per_day) /* none is rare: the longest */
			continue;
		best = look;
		best_tally = tally;
		best_exposure = exposure;
		verdict.cells = cells;
	}
	if (spec->window_us <= 0 && best.count >= look_least_count(spec) && best.ratio > fmax(spec->min_ratio, 1))
		best.per_day = fmin(best.per_day, build_at(spec, baseline, recent, &end, cell));
	verdict.count = best.count;
	verdict.expected = best.expected;
	verdict.ratio = best.ratio;
	verdict.per_day = best.per_day;
	verdict.fire = best.per_day <= budget;
	verdict.hold = best.per_day <= budget * RULE_HOLD_FACTOR;
	if (verdict.hold)
		verdict.p_value = look_p_value(spec, baseline, &best_tally, &best, verdict.cells);
	cause_tell(&verdict, spec, baseline, &best_tally, best_exposure);
	return verdict;
}
