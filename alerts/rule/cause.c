/*
 * Is more written, or has what is written turned worse?  Both are tested alone;
 * where neither is out of the ordinary by itself the one that raised the count
 * more is named: negative stories over their expectation are volume over its own
 * times share over its own.
 */
#include "alerts/rule/private.h"

#include "alerts/rule/tail.h"

#include <math.h>

static const double cause_chance = 0.05; /* at most so likely alone: out of the ordinary */

/* The chance of so many negative ones among those judged; by the normal where the sum would be long. */
static double tone_tail(const struct rule_baseline *baseline, uint32_t negative, uint32_t judged)
{
	enum { MANY = 200 };
	double share = baseline->share, scatter = share * (1 - share);
	double spread = baseline->share_spread + scatter / baseline->share_support, trials = judged;

	if (judged <= MANY)
		return beta_binomial_tail(negative, judged, share, spread);
	return normal_tail((negative - 0.5 - trials * share) / sqrt(trials * scatter + trials * trials * spread));
}

static enum rule_cause cause_of(const struct rule_spec *spec, const struct rule_baseline *baseline,
				const struct rule_verdict *verdict, uint32_t negatives)
{
	double mean = verdict->stories_expected, share = baseline->share;
	double variance = mean * baseline->stories_dispersion + mean * mean / baseline->support;
	bool volume = verdict->stories > mean && negative_binomial_tail(verdict->stories, mean, variance) <= cause_chance;
	bool tone = verdict->judged && verdict->share > share &&
		    tone_tail(baseline, negatives, verdict->judged) <= cause_chance;

	volume = volume || spec->metric == RULE_VOLUME;
	tone = tone || spec->metric == RULE_NEGATIVE_SHARE || spec->metric == RULE_MEAN_SCORE;
	if (volume && tone)
		return RULE_CAUSE_BOTH;
	if (volume || tone)
		return volume ? RULE_CAUSE_VOLUME : RULE_CAUSE_TONE;
	return verdict->stories * share >= verdict->share * mean ? RULE_CAUSE_VOLUME : RULE_CAUSE_TONE;
}

/* What was written in the window that decided, and how bad it was. */
void cause_tell(struct rule_verdict *verdict, const struct rule_spec *spec, const struct rule_baseline *baseline,
		       const struct tally *tally, double exposure)
{
	verdict->stories = tally->stories;
	verdict->judged = tally->judged;
	verdict->stories_expected = baseline->stories * exposure + LEAST_EXPECTED;
	verdict->share = tally->judged ? (double)tally->negative / tally->judged : 0;
	verdict->share_expected = baseline->share;
	if (verdict->hold)
		verdict->cause = cause_of(spec, baseline, verdict, tally->negative);
}
