/* The past as an array of hours, and cut into days. */
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
	size_t first = window_after(hours, hour - USED - 1);
	int32_t age = 0, gap, begin, end;

	if (first < window_size(hours) && window_slot(hours, first) < hour)
		age = hour - window_slot(hours, first);
	gap = age / 2 < GAP_HOURS ? age / 2 : GAP_HOURS;
	end = hour - gap;
	begin = hour - age;
	history->begin = begin;
	history->hours = end - begin;
	memset(history->counts, 0, (size_t)history->hours * sizeof *history->counts);
	memset(history->others, 0, (size_t)history->hours * sizeof *history->others);
	for (size_t i = window_after(hours, begin - 1); i < window_size(hours) && window_slot(hours, i) < end; i++) {
		struct tally tally = window_at(hours, i);

		history->counts[window_slot(hours, i) - begin] = (float)tally.stories;
	}
}

void history_count_negative(struct history *history, const struct window *hours)
{
	int32_t end = history->begin + history->hours;

	for (size_t i = window_after(hours, history->begin - 1); i < window_size(hours) && window_slot(hours, i) < end; i++) {
		int32_t place = window_slot(hours, i) - history->begin;
		float negative = (float)window_at(hours, i).negative;

		if (history->exposure[place] <= 0)
			continue;
		history->others[place] = history->counts[place] - negative;
		history->counts[place] = negative;
	}
}

/* What the hours had in which the feed was alive. */
static struct tally sum_tallies(const struct history *history, const struct window *hours, int32_t begin, int32_t end)
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
	double weight = 1;
	size_t count = 0;

	for (int32_t end = history->hours; end > 0 && count < DAYS_MOST; end -= DAY_HOURS) {
		int32_t begin = end > DAY_HOURS ? end - DAY_HOURS : 0;
		struct day *day = &days[count++];

		*day = (struct day){
			.begin = begin,
			.end = end,
			.tally = sum_tallies(history, hours, begin, end),
			.weight = weight,
			.forecast = -1,
		};
		for (int32_t i = begin; i < end; i++)
			day->exposure += history->exposure[i];
		weight *= fade;
	}
	return count;
}
