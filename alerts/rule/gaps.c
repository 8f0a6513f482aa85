/*
 * What the past did not have: the hours in which the feed was dead, and
 * holidays.  They count as never having been.
 *
 * An outage is a silence that this topic's own hours of the week make all but
 * impossible; an hour on either side goes with it.  A holiday is a day with less
 * than half of what the days around it had; where that lasts for more than
 * four days of nine, it is the new level.
 */
#include "alerts/rule/private.h"

#include <math.h>
#include <string.h>

static const double outage_stories = 18; /* missed in a silence: e^-9.9 where the variance is three times the mean */
static const double holiday_stories = 18, holiday_part = 0.5;

static void forget(struct history *history, int32_t begin, int32_t end)
{
	memset(history->exposure + begin, 0, (size_t)(end - begin) * sizeof *history->exposure);
	history->gaps = true;
}

/*
 * Stories that a silent hour of the week should have had, by the profile and no
 * more than was seen at that hour: cumulative, from Monday on.
 */
static void sum_missed(const struct week *week, const double profile[RULE_WEEK_HOURS], double missed[RULE_WEEK_HOURS + 1])
{
	missed[0] = 0;
	for (int i = 0; i < RULE_WEEK_HOURS; i++) {
		double usual = week->mean * profile[i], seen = week->seen[i] > 0 ? week->counts[i] / week->seen[i] : 0;

		missed[i + 1] = missed[i] + (seen < usual ? seen : usual);
	}
}

/* In so many hours from an hour of the week on. */
static double missed_in(const double missed[RULE_WEEK_HOURS + 1], int hour_of_week, int32_t hours)
{
	int32_t end = hour_of_week + hours;

	return missed[RULE_WEEK_HOURS] * (end / RULE_WEEK_HOURS) + missed[end % RULE_WEEK_HOURS] - missed[hour_of_week];
}

static void mark_outages(struct history *history, const double missed[RULE_WEEK_HOURS + 1])
{
	int first = rule_hour_of_week(history->begin);

	for (int32_t i = 0, end; i < history->hours; i = end + 1) {
		for (end = i; end < history->hours && history->counts[end] <= 0; end++)
			;
		if (end > i && missed_in(missed, (first + i) % RULE_WEEK_HOURS, end - i) > outage_stories)
			forget(history, i > 0 ? i - 1 : 0, end < history->hours ? end + 1 : end);
	}
}

struct level {
	int32_t begin, end;
	double count, expected, level; /* the one over the other */
};

/* Calendar days in UTC that are whole and had no outage. */
static size_t whole_days(const struct history *history, const double missed[RULE_WEEK_HOURS + 1], struct level days[DAYS_MOST])
{
	int first = rule_hour_of_week(history->begin);
	int32_t begin = (DAY_HOURS - first % DAY_HOURS) % DAY_HOURS;
	size_t count = 0;

	for (; begin + DAY_HOURS <= history->hours && count < DAYS_MOST; begin += DAY_HOURS) {
		struct level day = {.begin = begin, .end = begin + DAY_HOURS,
				    .expected = missed_in(missed, (first + begin) % RULE_WEEK_HOURS, DAY_HOURS)};
		bool whole = day.expected > 0;

		for (int32_t i = begin; whole && i < day.end; i++) {
			whole = history->exposure[i] > 0;
			day.count += history->counts[i];
		}
		if (!whole)
			continue;
		day.level = day.count / day.expected;
		days[count++] = day;
	}
	return count;
}

/* The middle of the levels of the nine days around this one. */
static double level_around(const struct level *days, size_t count, size_t d)
{
	double levels[9];
	size_t n = 0;

	for (size_t i = d < 4 ? 0 : d - 4; i < count && i <= d + 4; i++)
		levels[n++] = days[i].level;
	return rule_middle(levels, n);
}

static void mark_holidays(struct history *history, const double missed[RULE_WEEK_HOURS + 1])
{
	struct level days[DAYS_MOST];
	size_t count = whole_days(history, missed, days);
	double highest = 0;

	for (size_t d = 0; d < count; d++)
		highest = days[d].level > highest ? days[d].level : highest;
	for (size_t d = 0; d < count; d++) {
		double usual;

		if (highest * days[d].expected - days[d].count < holiday_stories)
			continue; /* as most days of most topics: no need to ask the days around it */
		usual = level_around(days, count, d) * days[d].expected;
		if (days[d].count < holiday_part * usual && usual - days[d].count >= holiday_stories)
			forget(history, days[d].begin, days[d].end);
	}
}

void gaps_mark(struct history *history, const struct week *week, const double profile[RULE_WEEK_HOURS])
{
	double missed[RULE_WEEK_HOURS + 1];

	sum_missed(week, profile, missed);
	mark_outages(history, missed);
	mark_holidays(history, missed);
}
