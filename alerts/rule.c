/*
 * Windows nest, so their crossings come together: the rarest one decides.  What
 * a window's count is worth stands in rule/look.c, what is usual in
 * rule/learn.c.  Measured against simulated streams by
 * tests/bench/bench_synthetic.c.
 */
#include "alerts/rule/private.h"

#include <math.h>

static const double default_budget = 1 / 30.4375;
static const double hold_factor = 10;   /* as long as the rate is below so many budgets, the alert holds */
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

struct rule_verdict rule_judge(const struct rule_spec *spec, const struct rule_baseline *baseline,
			       const struct window *recent, int32_t cell)
{
	double budget = rule_budget(spec);
	struct rule_verdict verdict = {.p_value = 1};
	struct look best = {0};
	struct tally best_tally = {0};

	if (baseline->days < least_days)
		return verdict;
	for (size_t i = 0; i < (spec->window_us > 0 ? 1 : RULE_WINDOWS); i++) {
		int32_t cells = spec->window_us > 0 ? single_window(spec) : rule_windows[i];
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
		verdict.p_value = look_p_value(spec, baseline, &best_tally, &best, verdict.cells);
	cause_tell(&verdict, spec, baseline, &best_tally, cell);
	return verdict;
}
