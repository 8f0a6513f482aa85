/* The band of a chart: the rule asked backwards, by halving. */
#include "alerts/rule/private.h"

#include <math.h>

/*
 * A window in which `steps` stories count, and else as many as usual; of the
 * mean: so many hundredths below the usual one.
 */
static struct tally trial(const struct rule_spec *spec, const struct rule_baseline *baseline, double days, uint32_t steps)
{
	double others = spec->metric == RULE_NEGATIVE_COUNT ? fmax(baseline->stories - baseline->level, 0) * days : 0;
	struct tally tally = {.stories = steps + (uint32_t)fmin(others + 0.5, 1e9), .negative = steps};

	tally.judged = (uint32_t)ceil(fmin(baseline->judged * days, 1e9));
	if (tally.judged < LEAST_JUDGED)
		tally.judged = LEAST_JUDGED;
	if (spec->metric == RULE_NEGATIVE_SHARE && tally.judged < steps)
		tally.judged = steps;
	if (spec->metric == RULE_MEAN_SCORE)
		tally.score = (int64_t)((baseline->level - steps / 100.0) * 1e6 * tally.judged);
	return tally;
}

struct rule_band rule_expect(const struct rule_spec *spec, const struct rule_baseline *baseline, int32_t cell, int32_t cells)
{
	struct week_point end = look_point(baseline, (int64_t)cell + 1);
	double budget = rule_budget(spec), days = look_exposure(baseline, &end, cell, cells);
	bool mean = spec->metric == RULE_MEAN_SCORE;
	uint32_t low = 0, high = 1;

	while (high < 1u << 30) { /* the limit is in (low, high]: first outwards, then by halves */
		struct tally tally = trial(spec, baseline, days, high);

		if (look_at(spec, baseline, &tally, days, cells).per_day <= budget)
			break;
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		struct tally tally = trial(spec, baseline, days, middle);

		if (look_at(spec, baseline, &tally, days, cells).per_day <= budget)
			high = middle;
		else
			low = middle;
	}
	if (mean)
		return (struct rule_band){.expected = baseline->level, .limit = fmax(baseline->level - high / 100.0, -1)};
	if (spec->metric == RULE_NEGATIVE_SHARE)
		return (struct rule_band){.expected = baseline->judged * days * baseline->level, .limit = high};
	return (struct rule_band){.expected = baseline->level * days, .limit = high};
}
