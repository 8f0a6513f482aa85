/*
 * The past as an array of hours, and cut into days.
 *
 * A topic's past is learnt from anew every day, and most of its hours are
 * empty: they are read once, and what is asked of many hours is the difference
 * of two sums.
 */
#include "alerts/rule/private.h"

#include <math.h>
#include <string.h>

/*
 * Windows forget by their newest hour, and a baseline may be learnt early or
 * late on its day: what only some of these moments still know is not used, so
 * that all learn the same.
 */
void history_read(struct history *history, const struct window *hours, int32_t hour)
{
	enum { USED = RULE_HISTORY_HOURS - DAY_HOURS };
	size_t first = window_after(hours, hour - USED - 1), size = window_size(hours);
	int32_t age = 0, gap, begin, slot;

	if (first < size && window_slot(hours, first) < hour)
		age = hour - window_slot(hours, first);
	gap = age / 2 < GAP_HOURS ? age / 2 : GAP_HOURS;
	begin = hour - age;
	history->begin = begin;
	history->hours = age - gap;
	history->gaps = false;
	memset(history->counts, 0, (size_t)history->hours * sizeof *history->counts);
	memset(history->negative, 0, (size_t)history->hours * sizeof *history->negative);
	for (size_t i = first; i < size && (slot = window_slot(hours, i)) < hour - gap; i++) {
		struct tally tally = window_at(hours, i);

		history->counts[slot - begin] = (float)tally.stories;
		history->negative[slot - begin] = (float)tally.negative;
	}
}

static void sum_counts(struct history *history, bool negative)
{
	double counted = 0, others = 0;

	for (int32_t i = 0; i < history->hours; i++) {
		history->counted[i] = counted;
		history->others[i] = others;
		if (history->exposure[i] <= 0)
			continue;
		counted += negative ? history->negative[i] : history->counts[i];
		others += negative ? history->counts[i] - history->negative[i] : 0;
	}
	history->counted[history->hours] = counted;
	history->others[history->hours] = others;
}

static void sum_tone(struct history *history, const struct window *hours, bool share)
{
	size_t next = window_after(hours, history->begin - 1), size = window_size(hours);
	double judged = 0, sum = 0;

	for (int32_t i = 0; i < history->hours; i++) {
		history->counted[i] = judged;
		history->summed[i] = sum;
		if (next == size || window_slot(hours, next) != history->begin + i)
			continue;
		if (history->exposure[i] > 0) {
			struct tally tally = window_at(hours, next);

			judged += tally.judged > tally.negative ? tally.judged : tally.negative; /* old ones that turned */
			sum += share ? tally.negative : (double)tally.score / 1e6;
		}
		next++;
	}
	history->counted[history->hours] = judged;
	history->summed[history->hours] = sum;
}

void history_sum(struct history *history, const struct window *hours, enum rule_metric metric)
{
	double exposed = 0;

	for (int32_t i = 0; i < history->hours; i++) {
		history->exposed[i] = exposed;
		exposed += history->exposure[i];
	}
	history->exposed[history->hours] = exposed;
	if (rule_counts(metric))
		sum_counts(history, metric == RULE_NEGATIVE_COUNT);
	else
		sum_tone(history, hours, metric == RULE_NEGATIVE_SHARE);
}

/* What the hours had in which the feed was alive. */
static struct tally sum_alive(const struct history *history, const struct window *hours, int32_t begin, int32_t end)
{
	struct tally sum = {0};

	for (int32_t i = begin, j; i < end; i = j) {
		bool alive = history->exposure[i] > 0;
		struct tally part;

		for (j = i + 1; j < end && (history->exposure[j] > 0) == alive; j++)
			;
		if (!alive)
			continue;
		part = window_sum(hours, history->begin + i - 1, history->begin + j - 1);
		sum.stories += part.stories;
		sum.judged += part.judged;
		sum.negative += part.negative;
		sum.score += part.score;
	}
	return sum;
}

size_t history_cut_days(const struct history *history, const struct window *hours, struct day days[DAYS_MOST])
{
	static const double half_life_days = 45;
	const double fade = exp2(-1 / half_life_days);
	size_t count = 0, upto = window_after(hours, history->begin + history->hours - 1);
	double weight = 1;

	for (int32_t end = history->hours; end > 0 && count < DAYS_MOST; end -= DAY_HOURS) {
		int32_t begin = end > DAY_HOURS ? end - DAY_HOURS : 0;
		struct day *day = &days[count++];
		size_t from = upto;

		while (from > 0 && window_slot(hours, from - 1) >= history->begin + begin)
			from--;
		*day = (struct day){
			.begin = begin,
			.end = end,
			.tally = history->gaps ? sum_alive(history, hours, begin, end) : window_range(hours, from, upto),
			.exposure = history->exposed[end] - history->exposed[begin],
			.weight = weight,
			.root = sqrt(weight),
			.forecast = -1,
		};
		upto = from;
		weight *= fade;
	}
	return count;
}
