/*
 * The week's profile of a topic.  The hours of the week are pulled towards hours
 * of the day and weekday / weekend, and these towards a flat week: most topics
 * are written about less than once a day.
 */
#include "alerts/rule/private.h"

#include <math.h>

static const double profile_stories = 30; /* how firmly a flat profile is believed */

/* Monday 0:00 UTC = 0; hour 0 of 1970 was a Thursday. */
int rule_hour_of_week(int32_t hour)
{
	int64_t position = ((int64_t)hour + 3 * DAY_HOURS) % RULE_WEEK_HOURS;

	return (int)(position < 0 ? position + RULE_WEEK_HOURS : position);
}

static bool is_weekend(int hour_of_week)
{
	return hour_of_week >= 5 * DAY_HOURS;
}

/* Observed over expected, believed as far as there are counts. */
static double shrunk(double observed, double expected)
{
	return (profile_stories + observed) / (profile_stories + expected);
}

static void scale_to_mean_one(double profile[RULE_WEEK_HOURS])
{
	double sum = 0;

	for (int i = 0; i < RULE_WEEK_HOURS; i++)
		sum += profile[i];
	for (int i = 0; i < RULE_WEEK_HOURS; i++)
		profile[i] *= RULE_WEEK_HOURS / sum;
}

/* Day of the week (weekday or weekend) times hour of the day, smoothed over its neighbours. */
static void coarse_profile(double profile[RULE_WEEK_HOURS], const struct week *week)
{
	double part[2] = {0}, part_expected[2] = {0}, hour[DAY_HOURS] = {0}, hour_expected[DAY_HOURS] = {0};
	double factor[DAY_HOURS];

	for (int i = 0; i < RULE_WEEK_HOURS; i++) {
		part[is_weekend(i)] += week->counts[i];
		part_expected[is_weekend(i)] += week->mean * week->seen[i];
		hour[i % DAY_HOURS] += week->counts[i];
		hour_expected[i % DAY_HOURS] += week->mean * week->seen[i];
	}
	for (int h = 0; h < DAY_HOURS; h++)
		factor[h] = shrunk(hour[h], hour_expected[h]);
	for (int i = 0; i < RULE_WEEK_HOURS; i++) {
		int h = i % DAY_HOURS;
		double smooth = (factor[(h + 23) % 24] + factor[h] + factor[(h + 1) % 24]) / 3;

		profile[i] = smooth * shrunk(part[is_weekend(i)], part_expected[is_weekend(i)]);
	}
	scale_to_mean_one(profile);
}

/* Sums of a part of the history: stories, and hours in which the feed was alive (their exposure is not 0). */
static double sum_alive(const struct history *history, int32_t begin, int32_t end, double *hours)
{
	double sum = 0;
	int32_t alive = 0;

	for (int32_t i = begin; i < end; i++) {
		sum += history->exposure[i] > 0 ? history->counts[i] : 0;
		alive += history->exposure[i] > 0;
	}
	*hours = alive;
	return sum;
}

/*
 * In a topic that grows, the hours of the week that were seen last would look
 * busier than those before them: so growth, from the history's first half to
 * its second, is taken out.
 */
static void sum_week(struct week *week, const struct history *history)
{
	int32_t middle = history->hours / 2;
	double hours[2], first = sum_alive(history, 0, middle, &hours[0]);
	double second = sum_alive(history, middle, history->hours, &hours[1]), all = hours[0] + hours[1];
	double mean = all > 0 ? (first + second) / all : 0, growth = 1, factor, shrink, most;
	int hour = rule_hour_of_week(history->begin);

	if (middle > 0)
		growth = pow(shrunk(second, mean * hours[1]) / shrunk(first, mean * hours[0]), 1.0 / middle);
	factor = pow(growth, middle);
	shrink = 1 / growth;
	*week = (struct week){.mean = mean};
	most = 2 + 5 * mean; /* a burst in one hour says nothing of the week */
	for (int32_t i = 0; i < history->hours; i++) {
		double count = history->counts[i] * factor;

		if (history->exposure[i] > 0) {
			week->counts[hour] += count < most ? count : most;
			week->seen[hour]++;
		}
		factor *= shrink;
		hour = hour + 1 < RULE_WEEK_HOURS ? hour + 1 : 0;
	}
}

static void learn_profile(double profile[RULE_WEEK_HOURS], const struct week *week)
{
	coarse_profile(profile, week);
	for (int i = 0; i < RULE_WEEK_HOURS; i++)
		profile[i] *= shrunk(week->counts[i], week->mean * profile[i] * week->seen[i]);
	scale_to_mean_one(profile);
}

static void spread_profile(struct history *history, const double profile[RULE_WEEK_HOURS])
{
	int hour = rule_hour_of_week(history->begin);

	for (int32_t i = 0; i < history->hours; i++) {
		if (history->exposure[i] > 0)
			history->exposure[i] = (float)(profile[hour] / DAY_HOURS);
		else
			history->counts[i] = 0;
		hour = hour + 1 < RULE_WEEK_HOURS ? hour + 1 : 0;
	}
}

void week_learn(struct history *history, float cumulative[RULE_WEEK_HOURS + 1])
{
	double profile[RULE_WEEK_HOURS], sum = 0;
	struct week week;

	for (int32_t i = 0; i < history->hours; i++)
		history->exposure[i] = 1;
	sum_week(&week, history);
	learn_profile(profile, &week);
	gaps_mark(history, &week, profile);
	if (history->gaps) {
		sum_week(&week, history);
		learn_profile(profile, &week);
	}
	spread_profile(history, profile);
	cumulative[0] = 0;
	for (int i = 0; i < RULE_WEEK_HOURS; i++) {
		sum += profile[i] / DAY_HOURS;
		cumulative[i + 1] = (float)sum;
	}
}

