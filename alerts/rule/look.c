/*
 * One window: what is usual in it, and how often chance alone would make it as
 * high.
 *
 * Why a rate and not a p-value: the user's budget is in alarms per time, and a
 * short window has more chances a day to be high than a long one.  A window that
 * slides over a stream of stories crosses a line at `count` in clumps; in
 * independent stories with `mean` expected there begin
 *
 *     (count - mean) / window * P(window holds exactly count)
 *
 * of them a day (Alm, On the distributions of scan statistics of Poisson
 * processes, 1983; Aldous, Probability Approximations via the Poisson Clumping
 * Heuristic, 1989).  For clustered streams P is the negative binomial's.
 */
#include "alerts/rule/private.h"

#include "alerts/rule/tail.h"

#include <math.h>

enum { CELLS_A_WEEK = 7 * CELLS_A_DAY };

const int32_t rule_windows[RULE_WINDOWS] = {15, 60, 3 * 60, 6 * 60, CELLS_A_DAY, RULE_LONGEST_CELLS};

double look_rate(double count, double mean, double variance, int32_t cells)
{
	double above = count - mean;

	if (above * above < variance || above <= 0)
		return INFINITY;
	return above * CELLS_A_DAY / cells * negative_binomial_mass(count, mean, variance);
}

/* How unsure the level is, as variance over its square: few stories, and hours of the week not seen yet or seen rarely. */
double look_unsure(const struct rule_baseline *baseline)
{
	double days = baseline->days, unseen = days < 28 ? (1 - days / 28) / (1 + 2 * days + days * days / 4) : 0;

	return 1 / baseline->support + unseen;
}

size_t look_window(int32_t cells)
{
	size_t i = 0;

	while (i + 1 < RULE_WINDOWS && rule_windows[i] < cells)
		i++;
	return i;
}

double look_variance(const struct rule_baseline *baseline, double mean, int32_t cells)
{
	return mean * baseline->scatter[look_window(cells)] + mean * mean * baseline->unsure;
}

/*
 * Were both kinds independent, P(negative) * sqrt(P(others)) would fall below t
 * with a chance of 2 t, nearly (both are uniform; the integral is 2 t - t^2): so
 * the rate of a window with as many others as usual doubles at most, and with
 * many more of them it falls.  Where they are not independent, the topic's own
 * past tells (rule/calibrate.c).  On the crises at hand this found as many at
 * two thirds of the false alarms, with any power from 0.3 to 0.7.
 */
double look_witness(const struct rule_baseline *baseline, double others, double exposure, double dispersion)
{
	double level = fmax(baseline->stories - baseline->level, 0.05 * baseline->stories);
	double mean = level * exposure + LEAST_EXPECTED;
	double part = fmin((dispersion - 1) / fmax(baseline->dispersion - 1, 0.1), 1); /* as clustered as negative ones */
	double variance = mean * (1 + (baseline->stories_dispersion - 1) * fmax(part, 0));

	return 2 * sqrt(mean > 20 ? gamma_tail(others, mean, variance) : negative_binomial_tail(others, mean, variance));
}

static double hour_rate(const struct rule_baseline *baseline, int hour)
{
	hour = hour < 0 ? hour + RULE_WEEK_HOURS : hour >= RULE_WEEK_HOURS ? hour - RULE_WEEK_HOURS : hour;
	return baseline->week[hour + 1] - baseline->week[hour];
}

/* The rate at the beginning of an hour, if it changes smoothly from hour to hour: no curve may overshoot (Fritsch and Carlson 1980). */
static double edge_rate(const struct rule_baseline *baseline, int hour)
{
	double before = hour_rate(baseline, hour - 1), after = hour_rate(baseline, hour);

	return fmin((before + after) / 2, 3 * fmin(before, after));
}

/* By even hours, and by a smooth curve through them (Hermite's cubic). */
struct week_point look_point(const struct rule_baseline *baseline, int64_t cell)
{
	int64_t minute = (cell + 3 * CELLS_A_DAY) % CELLS_A_WEEK; /* since Monday; 1970 began on a Thursday */
	struct week_point point;
	double t, rise;
	int hour;

	if (minute < 0)
		minute += CELLS_A_WEEK;
	hour = (int)(minute / 60);
	t = (double)(minute % 60) / 60;
	rise = hour_rate(baseline, hour);
	point.even = point.smooth = baseline->week[hour] + t * rise;
	if (t > 0)
		point.smooth = baseline->week[hour] + t * t * (3 - 2 * t) * rise +
			       t * (1 - t) * ((1 - t) * edge_rate(baseline, hour) - t * edge_rate(baseline, hour + 1));
	return point;
}

static double forward(double part)
{
	return part < 0 ? part + 7 : part;
}

/* The level in the middle of a window, over that at the baseline's hour. */
static double grown(const struct rule_baseline *baseline, int32_t cell, int32_t cells)
{
	double days = (cell + 1 - cells / 2.0) / CELLS_A_DAY - (double)baseline->hour / DAY_HOURS;

	return baseline->growth != 0 ? exp(baseline->growth * days) : 1;
}

/* History has whole hours: within one, rates may step or flow.  A window gets the higher of the two; whole days are the same. */
double look_exposure(const struct rule_baseline *baseline, const struct week_point *end, int32_t cell, int32_t cells)
{
	struct week_point begin = look_point(baseline, (int64_t)cell + 1 - cells);
	double even = forward(end->even - begin.even), smooth = forward(end->smooth - begin.smooth);

	return grown(baseline, cell, cells) * (cells % CELLS_A_DAY == 0 ? even : fmax(even, smooth));
}
