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
}

/* Stories that a silent hour of the week should have had: by the profile, and no more than was seen at that hour. */
static double missed(const struct week *week, const double profile[RULE_WEEK_HOURS], int hour)
{
	return fmin(week->mean * profile[hour], week->seen[hour] > 0 ? week->counts[hour] / week->seen[hour] : 0);
}

static bool mark_outages(struct history *history, const struct week *week, const double profile[RULE_WEEK_HOURS])
{
	bool any = false;

	for (int32_t i = 0, end; i < history->hours; i = end) {
		double expected = 0;

		for (end = i; end < history->hours && history->counts[end] <= 0; end++)
			expected += missed(week, profile, rule_hour_of_week(history->begin + end));
		if (expected > outage_stories) {
			forget(history, i > 0 ? i - 1 : 0, end < history->hours ? end + 1 : end);
			any = true;
		}
		if (end == i)
			end++;
	}
	return any;
}

struct level {
	int32_t begin, end;
	double count, expected;
};

/* Calendar days in UTC that are whole and had no outage. */
static size_t whole_days(const struct history *history, const struct week *week, const double profile[RULE_WEEK_HOURS],
			 struct level days[DAYS_MOST])
{
	int32_t begin = (DAY_HOURS - rule_hour_of_week(history->begin) % DAY_HOURS) % DAY_HOURS;
	size_t count = 0;

	for (; begin + DAY_HOURS <= history->hours && count < DAYS_MOST; begin += DAY_HOURS) {
		struct level day = {begin, begin + DAY_HOURS, 0, 0};
		bool whole = true;

		for (int32_t i = begin; i < day.end; i++) {
			whole = whole && history->exposure[i] > 0;
			day.count += history->counts[i];
			day.expected += missed(week, profile, rule_hour_of_week(history->begin + i));
		}
		if (whole && day.expected > 0)
			days[count++] = day;
	}
	return count;
}

/* The middle of count over expected of the nine days around this one. */
static double level_around(const struct level *days, size_t count, size_t d)
{
	double levels[9];
	size_t n = 0;

	for (size_t i = d < 4 ? 0 : d - 4; i < count && i <= d + 4; i++)
		levels[n++] = days[i].count / days[i].expected;
	return rule_middle(levels, n);
}

static bool mark_holidays(struct history *history, const struct week *week, const double profile[RULE_WEEK_HOURS])
{
	struct level days[DAYS_MOST];
	size_t count = whole_days(history, week, profile, days);
	bool any = false;

	for (size_t d = 0; d < count; d++) {
		double usual = level_around(days, count, d) * days[d].expected;

		if (days[d].count >= holiday_part * usual || usual - days[d].count < holiday_stories)
			continue;
		forget(history, days[d].begin, days[d].end);
		any = true;
	}
	return any;
}

bool gaps_mark(struct history *history, const struct week *week, const double profile[RULE_WEEK_HOURS])
{
	bool outages = mark_outages(history, week, profile);

	return mark_holidays(history, week, profile) || outages;
}
