/* What a window says of each metric. */
#include "alerts/rule/private.h"

#include "alerts/rule/tail.h"

#include <math.h>

static const uint32_t default_count = 2;
static const double default_ratio = 1; /* of share and counts: higher than usual is all that is asked */

uint32_t look_least_count(const struct rule_spec *spec)
{
	return spec->min_count ? spec->min_count : default_count;
}

uint32_t look_count(enum rule_metric metric, const struct tally *tally)
{
	switch (metric) {
	case RULE_VOLUME: return tally->stories;
	case RULE_MEAN_SCORE: return tally->judged;
	default: return tally->negative;
	}
}

static bool below_guards(const struct rule_spec *spec, const struct look *look)
{
	return look->count < look_least_count(spec) ||
	       look->ratio < (spec->min_ratio > 0 ? spec->min_ratio : default_ratio);
}

static void look_at_count(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			  double exposure, int32_t cells, struct look *look)
{
	double mean = baseline->level * exposure + LEAST_EXPECTED, variance, rate;

	look->expected = mean;
	look->ratio = look->count / mean;
	if (below_guards(spec, look))
		return;
	variance = look_variance(baseline, mean, cells);
	rate = look_rate(look->count, mean, variance, cells);
	if (!isfinite(rate))
		return;
	if (spec->metric == RULE_NEGATIVE_COUNT)
		rate *= look_witness(baseline, tally->stories - (double)tally->negative, exposure, variance / mean);
	look->per_day = rule_alarms(baseline, rate);
}

static struct tone_trial trial_of(const struct rule_baseline *baseline, enum rule_metric metric, const struct tally *tally,
				  int32_t cells)
{
	double sum = metric == RULE_NEGATIVE_SHARE ? tally->negative : (double)tally->score / 1e6;

	return tone_trial(baseline, metric, tally->judged, sum, cells);
}

static void look_at_tone(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			 int32_t cells, struct look *look)
{
	struct tone_trial trial = trial_of(baseline, spec->metric, tally, cells);
	bool low;
	double rate;

	if (spec->metric == RULE_MEAN_SCORE) {
		look->expected = baseline->level;
		look->ratio = tally->judged ? (double)tally->score / 1e6 / tally->judged : 0;
		low = tally->judged < spec->min_count || look->ratio >= look->expected;
	} else {
		look->expected = tally->judged * baseline->level;
		look->ratio = look->count / fmax(look->expected, LEAST_EXPECTED);
		low = below_guards(spec, look);
	}
	rate = low ? INFINITY : tone_rate(&trial, cells);
	if (isfinite(rate))
		look->per_day = rule_alarms(baseline, rate);
}

struct look look_at(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			   double exposure, int32_t cells)
{
	struct look look = {.per_day = INFINITY, .count = look_count(spec->metric, tally)};

	if (rule_counts(spec->metric))
		look_at_count(spec, baseline, tally, exposure, cells, &look);
	else
		look_at_tone(spec, baseline, tally, cells, &look);
	return look;
}

double look_p_value(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			 const struct look *look, int32_t cells)
{
	struct tone_trial trial;

	if (rule_counts(spec->metric))
		return negative_binomial_tail(look->count, look->expected, look_variance(baseline, look->expected, cells));
	trial = trial_of(baseline, spec->metric, tally, cells);
	return beta_binomial_tail(trial.bad, trial.judged, trial.share, trial.spread);
}
