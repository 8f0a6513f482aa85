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

/* The longest window that is in the span; 0 where the span is empty. */
static int32_t longest_within(struct rule_span span, const struct rule_spec *spec)
{
	int32_t cells = spec->window_us > 0 ? single_window(spec) : RULE_LONGEST_CELLS;
	int64_t most = (int64_t)span.cell - span.since;

	return most < cells ? (int32_t)(most > 0 ? most : 0) : cells;
}

bool rule_may_fire(const struct rule_spec *spec, const struct window *recent, struct rule_span span)
{
	struct tally tally = window_sum(recent, span.cell - longest_within(span, spec), span.cell);

	return look_count(spec->metric, &tally) >= look_least_count(spec);
}

/* A slow build up to now: the days before this baseline's hour, and what came since.  Not one that has been told. */
static double build_at(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct window *recent,
		       const struct week_point *end, struct rule_span span)
{
	int32_t cell = span.cell, cells = cell + 1 - baseline->hour * 60;
	struct tally tally;

	if (!(baseline->drift > 0) || cells <= 0 || cells > RULE_LONGEST_CELLS ||
	    (int64_t)cell - span.since < DRIFT_DAYS * CELLS_A_DAY)
		return INFINITY;
	tally = window_sum(recent, cell - cells, cell);
	return drift_rate(baseline, look_count(spec->metric, &tally), look_exposure(baseline, end, cell, cells));
}

/* A window, and what it says. */
struct sight {
	struct look look;
	struct tally tally;
	double exposure;
	int32_t cells; /* 0 = the span is empty */
};

static struct sight rarest(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct window *recent,
			   const struct week_point *end, struct rule_span span)
{
	int32_t longest = longest_within(span, spec);
	struct sight best = {.look.per_day = INFINITY};

	for (int32_t i = 0, cells = 0; cells < longest; i++) { /* the last of rule_windows is as long as any */
		struct sight sight;

		cells = spec->window_us > 0 || rule_windows[i] > longest ? longest : rule_windows[i];
		sight.cells = cells;
		sight.tally = window_sum(recent, span.cell - cells, span.cell);
		if (sight.tally.judged < sight.tally.negative) /* old stories that turned negative are judged too */
			sight.tally.judged = sight.tally.negative;
		if (cells < longest && look_count(spec->metric, &sight.tally) < look_least_count(spec))
			continue; /* it cannot be rare: as most short windows of most topics */
		sight.exposure = look_exposure(baseline, end, span.cell, cells);
		sight.look = look_at(spec, baseline, &sight.tally, sight.exposure, cells);
		if (!best.cells || sight.look.per_day <= best.look.per_day) /* none is rare: the longest */
			best = sight;
	}
	return best;
}

/* Behind an alert: by what came since, or by all of it where at least some of that came since. */
static struct sight behind_alert(const struct rule_spec *spec, const struct rule_baseline *baseline,
				 const struct window *recent, const struct week_point *end, struct rule_span span)
{
	struct sight since = rarest(spec, baseline, recent, end, span), whole;

	if (!isfinite(since.look.per_day) || (int64_t)span.cell - span.since >= RULE_LONGEST_CELLS)
		return since;
	whole = rarest(spec, baseline, recent, end, (struct rule_span){RULE_EVER, span.cell});
	whole.look.per_day = fmax(whole.look.per_day, since.look.per_day / RULE_AGAIN_FACTOR);
	return whole.look.per_day < since.look.per_day ? whole : since;
}

struct rule_verdict rule_judge(const struct rule_spec *spec, const struct rule_baseline *baseline,
			       const struct window *recent, struct rule_span span)
{
	double budget = rule_budget(spec);
	struct rule_verdict verdict = {.p_value = 1, .per_day = INFINITY};
	struct week_point end;
	struct sight best;

	if (baseline->days < least_days || span.since >= span.cell)
		return verdict;
	end = look_point(baseline, (int64_t)span.cell + 1);
	best = behind_alert(spec, baseline, recent, &end, span);
	if (spec->window_us <= 0 && best.look.count >= look_least_count(spec) && best.look.ratio > fmax(spec->min_ratio, 1))
		best.look.per_day = fmin(best.look.per_day, build_at(spec, baseline, recent, &end, span));
	verdict.cells = best.cells;
	verdict.count = best.look.count;
	verdict.expected = best.look.expected;
	verdict.ratio = best.look.ratio;
	verdict.per_day = best.look.per_day;
	verdict.fire = best.look.per_day <= budget;
	verdict.hold = best.look.per_day <= budget * RULE_HOLD_FACTOR;
	if (verdict.hold)
		verdict.p_value = look_p_value(spec, baseline, &best.tally, &best.look, best.cells);
	cause_tell(&verdict, spec, baseline, &best.tally, best.exposure);
	return verdict;
}
