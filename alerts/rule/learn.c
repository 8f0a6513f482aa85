/*
 * What to expect of a topic, from its hourly counts.
 *
 * The last three days are left out, as the baseline of EARS C2 leaves out two
 * (Hutwagner et al., Emerging Infectious Diseases 2003): a crisis that is being
 * rumoured must not become its own baseline.  While a topic is younger than
 * six days, half its age is left out.
 *
 * The week's profile, outages and holidays are those of all stories, whatever
 * the metric: they are the feed's and the desk's, and there are more of them to
 * learn from.
 */
#include "alerts/rule/private.h"
#include "alerts/rule/run_length.h"

#include <math.h>

int32_t rule_baseline_hour(const struct window *hours, int32_t cell)
{
	int32_t hour = cell / 60, age = window_size(hours) ? hour - window_oldest(hours) : 0;
	int32_t every = age < 2 * DAY_HOURS ? 1 : age < 14 * DAY_HOURS ? 6 : DAY_HOURS;

	return hour / every * every;
}

bool rule_counts(enum rule_metric metric)
{
	return metric == RULE_VOLUME || metric == RULE_NEGATIVE_COUNT;
}

static double judged_a_day(const struct day *days, size_t count)
{
	double sum = 0, exposure = 0;

	for (size_t d = 0; d < count; d++) {
		sum += days[d].weight * days[d].tally.judged;
		exposure += days[d].weight * days[d].exposure;
	}
	return exposure > 0 ? sum / exposure : 0;
}

static struct usual learn_metric(enum rule_metric metric, struct day *days, size_t count)
{
	switch (metric) {
	case RULE_NEGATIVE_SHARE: return tone_learn(days, count, true);
	case RULE_MEAN_SCORE: return tone_learn(days, count, false);
	default: return level_forecast(days, count, level_learn(days, count, metric));
	}
}

void rule_learn(struct rule_baseline *baseline, enum rule_metric metric, const struct window *hours, int32_t hour)
{
	struct usual usual, stories, share;
	struct day days[DAYS_MOST];
	struct history history;
	size_t count;

	history_read(&history, hours, hour);
	*baseline = (struct rule_baseline){.hour = hour, .days = (double)history.hours / DAY_HOURS};
	week_learn(&history, baseline->week);
	history_sum(&history, hours, metric);
	count = history_cut_days(&history, hours, days);
	stories = metric == RULE_VOLUME ? (struct usual){0} : level_learn(days, count, RULE_VOLUME);
	share = tone_learn(days, count, true);
	usual = learn_metric(metric, days, count);
	if (metric == RULE_VOLUME)
		stories = usual;
	baseline->level = usual.level;
	baseline->support = usual.support;
	baseline->growth = usual.growth;
	baseline->unsure = look_unsure(baseline);
	baseline->dispersion = usual.dispersion;
	baseline->stories = stories.level;
	baseline->stories_dispersion = stories.dispersion;
	baseline->judged = judged_a_day(days, count);
	baseline->share = share.level;
	baseline->share_support = share.support;
	baseline->share_spread = share.dispersion;
	baseline->past_alarms = baseline->past_slope = baseline->usual_alarms = baseline->usual_slope = 1;
	if (rule_counts(metric)) {
		scatter_learn(baseline, &history, days, count);
		drift_learn(baseline, hours, &history, days, count, metric);
	} else {
		tone_scatter(baseline, &history, metric);
	}
	calibrate(baseline, &history, days, count, metric);
	run_length_learn(baseline, metric);
}
