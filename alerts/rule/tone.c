/*
 * How bad stories are, however many: the share of negative ones, and the mean
 * score.
 *
 * A window with so many judged stories is held against the beta-binomial: it
 * has a share of its own, drawn around the topic's.  How far such shares lie
 * apart is learnt for each of the rule's windows from the topic's own past, as
 * the scatter of counts is (rule/scatter.c).
 *
 * A mean is read as a share.  Of all ways in which scores from -1 on can have
 * this mean and this variance, the one with the heaviest lower tail has two
 * values, -1 and a good one (Chebyshev and Markov; Karlin and Studden,
 * Tchebycheff Systems, 1966): so many stories are counted as bad as would make
 * the sum.
 *
 * A window that slides crosses a line in clumps, as it does with counts
 * (rule/look.c): what is above the mean leaves it again within its length.
 */
#include "alerts/rule/private.h"

#include "alerts/rule/tail.h"

#include <math.h>

static const double prior_variance = 0.4, prior_hours = 10;      /* of a single story's score; on the evidence of */
static const double prior_spread = 0.02, prior_spread_mass = 50; /* of a window's own share or mean; in pairs of stories */
static const double cut_deviations = 4;
static const double least_spread = 1e-6, least_variance = 1e-3;

struct tone_trial tone_trial(const struct rule_baseline *baseline, enum rule_metric metric, double judged, double sum,
			     int32_t cells)
{
	double level = baseline->level, spread = baseline->scatter[look_window(cells)], depth, good;

	if (metric == RULE_NEGATIVE_SHARE)
		return (struct tone_trial){judged, sum, level, spread + level * (1 - level) / baseline->support};
	depth = 1 + level;
	good = level + baseline->score_variance / depth;
	return (struct tone_trial){
		.judged = judged,
		.bad = fmin(fmax((good * judged - sum) / (1 + good), 0), judged),
		.share = baseline->score_variance / (baseline->score_variance + depth * depth),
		.spread = (spread + baseline->score_variance / baseline->support) / ((1 + good) * (1 + good)),
	};
}

double tone_rate(const struct tone_trial *trial, int32_t cells)
{
	double n = trial->judged, p = trial->share, above = trial->bad - n * p;
	double variance = n * p * (1 - p) + n * (n - 1) * trial->spread;

	if (n < LEAST_JUDGED || above <= 0 || above * above < variance)
		return INFINITY;
	return above * CELLS_A_DAY / cells * beta_binomial_mass(trial->bad, n, p, trial->spread);
}

/* ---- what the past says ---- */

/* Sums of a window of the past: judged stories, and how far their sum is from the usual. */
struct part {
	double judged, off;
};

static struct part part_of(const struct history *history, double level, int32_t begin, int32_t end)
{
	double judged = history->counted[end] - history->counted[begin];

	return (struct part){judged, history->summed[end] - history->summed[begin] - judged * level};
}

/*
 * The variance of a single story's score.  The square of an hour's deviation is,
 * for each of its n stories, that variance and n - 1 times the variance of the
 * hour's own mean: a line through the hours gives both.
 */
static double learn_variance(const struct history *history, double level)
{
	double w = prior_hours, wx = 0, wxx = prior_spread_mass;
	double wy = prior_hours * prior_variance, wxy = prior_spread_mass * prior_spread, slope, most = 1 - level * level;

	for (int32_t i = 0; i < history->hours; i++) {
		struct part part = part_of(history, level, i, i + 1);
		double x = part.judged - 1, y = part.off * part.off / part.judged;

		if (part.judged < 1)
			continue;
		w++;
		wx += x;
		wxx += x * x;
		wy += y;
		wxy += x * y;
	}
	slope = fmax((w * wxy - wx * wy) / (w * wxx - wx * wx), 0);
	return fmin(fmax((wy - slope * wx) / w, least_variance), fmax(most, least_variance));
}

static double learn_spread(const struct history *history, const struct rule_baseline *baseline, double variance, int32_t hours)
{
	double between = prior_spread * prior_spread_mass, pairs = prior_spread_mass;

	for (int32_t end = history->hours; end >= hours; end -= hours) {
		struct part part = part_of(history, baseline->level, end - hours, end);
		double n = part.judged, most = cut_deviations * sqrt(n * variance + n * n * prior_spread);
		double off = fmin(fabs(part.off), most);

		if (n < 1)
			continue;
		between += off * off - n * variance;
		pairs += n * (n - 1);
	}
	return fmax(between / pairs, least_spread);
}

void tone_scatter(struct rule_baseline *baseline, const struct history *history, enum rule_metric metric)
{
	double variance = baseline->level * (1 - baseline->level);

	if (metric == RULE_MEAN_SCORE)
		variance = baseline->score_variance = learn_variance(history, baseline->level);
	for (size_t w = 1; w < RULE_WINDOWS; w++)
		baseline->scatter[w] = learn_spread(history, baseline, variance, rule_windows[w] / 60);
	baseline->scatter[0] = baseline->scatter[1]; /* the history has no minutes */
}
