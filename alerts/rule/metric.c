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

static void look_at_share(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			  int32_t cells, struct look *look)
{
	double share = baseline->level, spread = baseline->dispersion + share * (1 - share) / baseline->support;

	look->expected = tally->judged * share;
	look->ratio = look->count / fmax(look->expected, LEAST_EXPECTED);
	if (tally->judged >= LEAST_JUDGED && !below_guards(spec, look))
		look->per_day = (double)look->count * CELLS_A_DAY / cells *
				beta_binomial_mass(look->count, tally->judged, share, spread);
}

/* How far below the usual mean, in standard deviations. */
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
	if (tally->judged >= LEAST_JUDGED && tally->judged >= spec->min_count && look->ratio < look->expected)
		look->per_day = sqrt((double)tally->judged) * CELLS_A_DAY / cells *
				normal_tail(mean_deviation(baseline, tally));
}

struct look look_at(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
			   double exposure, int32_t cells)
{
	struct look look = {.per_day = INFINITY, .count = look_count(spec->metric, tally)};

	switch (spec->metric) {
	case RULE_NEGATIVE_SHARE: look_at_share(spec, baseline, tally, cells, &look); break;
	case RULE_MEAN_SCORE: look_at_mean(spec, baseline, tally, cells, &look); break;
	default: look_at_count(spec, baseline, tally, exposure, cells, &look); break;
	}
	return look;
}

double look_p_value(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
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
					      look_variance(baseline, look->expected, cells));
	}
}
