/*
 * A slow build: a cumulative sum (Page 1954) over days.  Each story more than
 * forecast adds, each one less takes away, in units of the logarithmic likelihood
 * that the level is half as high again; below zero it starts anew.  How often
 * chance carries it to a height is Siegmund's approximation for a Brownian
 * motion (Sequential Analysis, 1985).
 *
 * A day adds no more than two standard deviations would: what comes in a burst
 * is the windows' to tell, and a crisis of last week must not alarm anew with
 * every story of its aftermath.
 */
#include "alerts/rule/private.h"

#include <math.h>

static const double build = 1.5; /* the factor that it is tuned to find */

static const double most_deviations = 2;

static double step(double sum, double count, double mean, double dispersion)
{
	count = fmin(count, mean + most_deviations * sqrt(mean * dispersion));
	return fmax(sum + (count * log(build) - mean * (build - 1)) / dispersion, 0);
}

void drift_learn(struct rule_baseline *baseline, const struct window *hours, const struct history *history,
		 const struct day *days, size_t count, enum rule_metric metric)
{
	double sum = 0;

	for (size_t d = count < DRIFT_DAYS ? count : DRIFT_DAYS; d-- > 0;)
		if (days[d].forecast >= 0)
			sum = step(sum, days[d].count, days[d].forecast * days[d].exposure, baseline->scatter[5]);
	for (int32_t begin = history->begin + history->hours; begin < baseline->hour; begin += DAY_HOURS) {
		int32_t end = begin + DAY_HOURS < baseline->hour ? begin + DAY_HOURS : baseline->hour;
		struct tally tally = window_sum(hours, begin - 1, end - 1);
		int from = rule_hour_of_week(begin), to = rule_hour_of_week(end);
		double exposure = baseline->week[to] - baseline->week[from];

		sum = step(sum, look_count(metric, &tally), baseline->level * (exposure <= 0 ? exposure + 7 : exposure),
			   baseline->scatter[5]);
	}
	baseline->drift = sum;
}

/* Alarms a day that chance makes at this height. */
double drift_rate(const struct rule_baseline *baseline, double count, double exposure)
{
	double mean = baseline->level * exposure, sum = step(baseline->drift, count, mean, baseline->scatter[5]);
	double speed = baseline->level * (build - 1 - log(build)) / baseline->scatter[5];

	return sum < 1 ? INFINITY : rule_alarms(baseline, speed / (expm1(sum) - sum));
}
