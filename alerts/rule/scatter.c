/*
 * How clustered a topic is, for each of the rule's windows: the variance over
 * the mean of what windows of that length held, against what was forecast for
 * them by earlier days.  So it contains what the forecasts miss: a level that
 * wanders, a week that is not always the same.
 *
 * Stories that belong together come hours apart, not minutes: of a day's excess
 * a short window shows a part only.  What part that is on most topics is where
 * every topic begins; a busy one is soon known by itself.
 */
#include "alerts/rule/private.h"

#include <math.h>

/* The part of a day's excess dispersion (variance over mean - 1) that a window shows, before the topic says otherwise. */
static const double usual_part[RULE_WINDOWS] = {0.1, 0.15, 0.325, 0.5, 1, 1.2};
static const double prior_stories = 30; /* how firmly that is believed, in expected stories */
static const double cut_deviations = 4;

struct scatter {
	double squares, expected;
};

static void scatter_add(struct scatter *scatter, double count, double mean, double prior)
{
	double off = count - mean;

	if (off > 1) {
		double most = cut_deviations * sqrt(mean * prior) + 1;

		off = off < most ? off : most;
	}
	scatter->squares += off * off;
	scatter->expected += mean;
}

/* Windows of so many hours within each day; expected by forecasts from earlier days. */
static struct scatter within_days(const struct history *history, const struct day *days, size_t count, int32_t hours,
				  double prior)
{
	struct scatter scatter = {0};

	for (size_t d = 0; d < count; d++) {
		if (days[d].forecast < 0)
			continue;
		for (int32_t end = days[d].end; end - hours >= days[d].begin; end -= hours) {
			double mean = days[d].forecast * (history->exposed[end] - history->exposed[end - hours]);

			if (mean > 0)
				scatter_add(&scatter, history->counted[end] - history->counted[end - hours], mean, prior);
		}
	}
	return scatter;
}

static struct scatter over_two_days(const struct day *days, size_t count)
{
	struct scatter scatter = {0};

	for (size_t d = 0; d + 1 < count; d += 2) {
		double mean = days[d].forecast * days[d].exposure + days[d + 1].forecast * days[d + 1].exposure;
		double off = days[d].kept + days[d + 1].kept - mean;

		if (days[d].forecast < 0 || days[d + 1].forecast < 0)
			continue;
		scatter.squares += off * off;
		scatter.expected += mean;
	}
	return scatter;
}

void scatter_learn(struct rule_baseline *baseline, const struct history *history, const struct day *days, size_t count)
{
	for (size_t w = 0; w < RULE_WINDOWS; w++) {
		double prior = 1 + (baseline->dispersion - 1) * usual_part[w];
		int32_t hours = rule_windows[w] / 60;
		struct scatter scatter = {0};

		if (hours == 2 * DAY_HOURS)
			scatter = over_two_days(days, count);
		else if (hours > 0 && hours < DAY_HOURS)
			scatter = within_days(history, days, count, hours, prior);
		baseline->scatter[w] = fmax((prior_stories * prior + scatter.squares) / (prior_stories + scatter.expected), 1);
	}
	/* The history has no minutes.  A quarter of an hour is no more clustered than an hour. */
	if (baseline->scatter[1] > baseline->scatter[0]) {
		double known = baseline->support / (baseline->support + prior_stories);

		baseline->scatter[0] += known * (baseline->scatter[1] - baseline->scatter[0]) / 2;
	}
}
