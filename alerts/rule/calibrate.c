/*
 * The line is checked against the topic's own past.
 *
 * The rate that a window's count is given assumes a negative binomial, a forecast
 * that errs as it did, and windows that each cross the line alone.  So the past
 * is replayed hour by hour, with the forecasts of that time, and the episodes
 * that cross a line which should be crossed twice a week are held against
 * those that independent stories of the same level make.  Twice as many: the
 * topic alarms twice as often as reckoned.  How fast they thin out towards rarer
 * lines gives the slope: the logarithms of the rates of exceedances over a line
 * are exponential (Hill 1975; Davison and Smith 1990), with slope 1 where the
 * reckoning is right.  Both are pulled towards 1, and no single crisis
 * of the past weighs more than an episode.
 */
#include "alerts/rule/private.h"

#include <math.h>

static const double line_a_day = 1.0 / 3;  /* of the line that is counted */
static const double prior_episodes = 12;   /* how firmly the reckoning is believed */
static const double most_excess = 6;       /* of an episode, in logarithms of the rate */
enum {
	KEEP_HOURS = 6,
	FIRST_HOURS = 14 * DAY_HOURS, /* of tone: a past this short tells nothing */
};

struct replay {
	const struct rule_baseline *baseline;
	const struct history *history;
	double means[RULE_HISTORY_HOURS + 1]; /* forecast, cumulative; of counts */
	enum rule_metric metric;
};

struct episodes {
	double count, cut, excess; /* cut: those at most_excess */
};

/* The rarest of the whole-hour windows that end with hour i; INFINITY where none is high. */
static double rate_at(const struct replay *replay, int32_t i)
{
	const struct history *history = replay->history;
	double rarest = INFINITY;

	for (size_t w = 1; w < RULE_WINDOWS; w++) {
		int32_t from = i + 1 - rule_windows[w] / 60;
		double count, mean, above, variance, rate;

		if (from < 0)
			break;
		count = history->counted[i + 1] - history->counted[from];
		mean = replay->means[i + 1] - replay->means[from];
		above = count - mean;
		if (above * above < mean || above <= 0 || count < 2 || mean <= 0)
			continue; /* not high, however little it varies */
		variance = look_variance(replay->baseline, mean, rule_windows[w]);
		rate = look_rate(count, mean, variance, rule_windows[w]);
		if (replay->metric == RULE_NEGATIVE_COUNT && isfinite(rate))
			rate *= look_witness(replay->baseline, history->others[i + 1] - history->others[from],
					     mean / replay->baseline->level, variance / mean);
		rarest = rate < rarest ? rate : rarest;
	}
	return rarest;
}

/* The same of a share or a mean, by what is usual now. */
static double tone_rate_at(const struct replay *replay, int32_t i)
{
	const struct history *history = replay->history;
	double rarest = INFINITY;

	for (size_t w = 1; w < RULE_WINDOWS; w++) {
		int32_t from = i + 1 - rule_windows[w] / 60;
		struct tone_trial trial;
		double rate;

		if (from < 0)
			break;
		trial = tone_trial(replay->baseline, replay->metric, history->counted[i + 1] - history->counted[from],
				   history->summed[i + 1] - history->summed[from], rule_windows[w]);
		rate = tone_rate(&trial, rule_windows[w]);
		rarest = rate < rarest ? rate : rarest;
	}
	return rarest;
}

static void end_episode(struct episodes *episodes, double rarest)
{
	double excess = log(line_a_day / rarest);

	episodes->count++;
	episodes->cut += excess >= most_excess;
	episodes->excess += fmin(excess, most_excess);
}

static struct episodes count_episodes(const struct replay *replay, int32_t begin)
{
	struct episodes episodes = {0};
	double rarest = INFINITY;
	int32_t hot = -1;

	for (int32_t i = begin; i < replay->history->hours; i++) {
		double rate;

		if (replay->history->counted[i + 1] <= replay->history->counted[i])
			continue;
		if (hot >= 0 && i - hot > KEEP_HOURS) {
			end_episode(&episodes, rarest);
			hot = -1;
		}
		rate = rule_counts(replay->metric) ? rate_at(replay, i) : tone_rate_at(replay, i);
		if (hot < 0 && rate > line_a_day)
			continue;
		rarest = hot < 0 ? rate : fmin(rarest, rate);
		if (hot < 0 || rate <= RULE_HOLD_FACTOR * line_a_day)
			hot = i;
	}
	if (hot >= 0)
		end_episode(&episodes, rarest);
	return episodes;
}

/* The forecasts; returns the first hour that has one. */
static int32_t fill(struct replay *replay, const struct day *days, size_t count)
{
	int32_t begin = replay->history->hours;

	replay->means[0] = 0;
	for (size_t d = count; d-- > 0;) {
		double level = days[d].forecast >= 0 ? days[d].forecast : replay->baseline->level;

		for (int32_t i = days[d].begin; i < days[d].end; i++)
			replay->means[i + 1] = replay->means[i] + level * replay->history->exposure[i];
		if (days[d].forecast >= 0 && days[d].begin < begin)
			begin = days[d].begin;
	}
	return begin;
}

void calibrate(struct rule_baseline *baseline, const struct history *history, const struct day *days, size_t count,
	       enum rule_metric metric)
{
	struct replay replay; /* too large to be cleared for nothing */
	struct episodes episodes;
	double expected;
	int32_t begin;

	replay.baseline = baseline;
	replay.history = history;
	replay.metric = metric;
	baseline->past_alarms = baseline->past_slope = 1;
	begin = rule_counts(metric) ? fill(&replay, days, count) : history->hours < FIRST_HOURS ? history->hours : 0;
	if (begin >= history->hours)
		return;
	episodes = count_episodes(&replay, begin);
	expected = (history->hours - begin) / (double)DAY_HOURS * line_a_day;
	baseline->past_alarms = (prior_episodes + episodes.count) / (prior_episodes + expected);
	baseline->past_slope = (prior_episodes + episodes.count - episodes.cut) / (prior_episodes + episodes.excess);
}

double rule_alarms(const struct rule_baseline *baseline, double rate)
{
	static const double month = 30.4375;
	double by_past = log(baseline->past_alarms * line_a_day) + baseline->past_slope * log(rate / line_a_day);

	return baseline->usual_alarms / month * exp(baseline->usual_slope * (by_past + log(month)));
}
