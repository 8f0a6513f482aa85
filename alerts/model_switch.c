#include "alerts/model_switch.h"

#include <math.h>
#include <stdbool.h>

/* Pairs that stand against what one topic, or all of them, have shown: a handful of texts moves little. */
static const double topic_prior_pairs = 20, overall_prior_pairs = 5;

void switch_pairs_add(struct switch_pairs *pairs, enum judgement old, enum judgement new, double score_shift)
{
	pairs->counts[old][new]++;
	if (old != NOT_JUDGED && new != NOT_JUDGED)
		pairs->score_shift += score_shift;
}

void switch_pairs_add_reverse(struct switch_pairs *pairs, const struct switch_pairs *there)
{
	for (int old = 0; old < JUDGEMENTS; old++)
		for (int new = 0; new < JUDGEMENTS; new++)
			pairs->counts[new][old] += there->counts[old][new];
	pairs->score_shift -= there->score_shift;
}

/* ---- chances ---- */

static struct switch_chances shrink(const struct switch_pairs *pairs, const struct switch_chances *towards, double prior)
{
	struct switch_chances chances;
	double judged = 0;
	for (int old = 0; old < JUDGEMENTS; old++) {
		double all = prior;
		for (int new = 0; new < JUDGEMENTS; new++) {
			all += pairs->counts[old][new];
			if (old != NOT_JUDGED && new != NOT_JUDGED)
				judged += pairs->counts[old][new];
		}
		for (int new = 0; new < JUDGEMENTS; new++)
			chances.become[old][new] = (pairs->counts[old][new] + prior * towards->become[old][new]) / all;
	}
	chances.score_shift = (pairs->score_shift + prior * towards->score_shift) / (judged + prior);
	return chances;
}

struct switch_chances switch_chances_overall(const struct switch_pairs *all)
{
	static const struct switch_chances as_it_was = {.become = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
	return shrink(all, &as_it_was, overall_prior_pairs);
}

struct switch_chances switch_chances_topic(const struct switch_pairs *topic, const struct switch_chances *overall)
{
	return shrink(topic, overall, topic_prior_pairs);
}

/* ---- drawing ---- */

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: its output function is a good hash. */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* In [0, 1). */
static double uniform(uint64_t *state)
{
	return (double)(next(state) >> 11) * 0x1p-53;
}

bool switch_draw(uint64_t seed, double chance)
{
	return uniform(&seed) < chance;
}

/* Binomial; of large counts by its normal limit, a sum of twelve uniform numbers standing for the normal one. */
static uint32_t draw(uint64_t *state, uint32_t count, double chance)
{
	if (count == 0 || chance <= 0)
		return 0;
	if (count <= 64) {
		uint32_t drawn = 0;
		for (uint32_t i = 0; i < count; i++)
			drawn += uniform(state) < chance;
		return drawn;
	}
	double normal = -6;
	for (int i = 0; i < 12; i++)
		normal += uniform(state);
	double drawn = round(count * chance + normal * sqrt(count * chance * fmax(1 - chance, 0)));
	return drawn <= 0 ? 0 : drawn >= count ? count : (uint32_t)drawn;
}

/* Of `count` stories that the old model judged `old`, how many the new one judges, and how many of them negative. */
static void redraw(uint64_t *state, const double become[JUDGEMENTS], uint32_t count, uint32_t *judged, uint32_t *negative)
{
	uint32_t drawn = draw(state, count, become[JUDGED_NEGATIVE]);
	double rest = 1 - become[JUDGED_NEGATIVE];
	*negative += drawn;
	*judged += drawn;
	if (rest > 0)
		*judged += draw(state, count - drawn, become[JUDGED_OTHER] / rest);
}

void switch_redraw(const struct switch_chances *chances, uint64_t seed, struct tally *tally)
{
	const struct tally was = *tally;
	uint32_t judged = 0, negative = 0, ignored = 0;
	/* Counts from outside may contradict each other. */
	uint32_t was_judged = was.judged < was.stories ? was.judged : was.stories;
	uint32_t was_negative = was.negative < was_judged ? was.negative : was_judged;
	uint32_t negative_documents = was.negative_documents < was.documents ? was.negative_documents : was.documents;

	redraw(&seed, chances->become[JUDGED_NEGATIVE], was_negative, &judged, &negative);
	redraw(&seed, chances->become[JUDGED_OTHER], was_judged - was_negative, &judged, &negative);
	redraw(&seed, chances->become[NOT_JUDGED], was.stories - was_judged, &judged, &negative);
	tally->judged = judged;
	tally->negative = negative;

	double mean = was.judged > 0 ? (double)was.score / was.judged : 0;
	mean = fmax(-1e6, fmin(1e6, mean + chances->score_shift * 1e6));
	tally->score = llround(mean * judged);

	tally->negative_documents = 0;
	redraw(&seed, chances->become[JUDGED_NEGATIVE], negative_documents, &ignored, &tally->negative_documents);
	redraw(&seed, chances->become[JUDGED_OTHER], was.documents - negative_documents, &ignored, &tally->negative_documents);
}
