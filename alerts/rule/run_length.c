/*
 * A window alone is reckoned to alarm so often; the windows together, with a
 * baseline that is itself an estimate and counts that come in whole stories, do
 * more often or less.  How much was simulated once: the table below is what
 * tests/bench/bench_run_lengths.c prints.
 */
#include "alerts/rule/private.h"
#include "alerts/rule/run_length.h"

#include <math.h>
#include <stddef.h>

/* Alarms over a budget of one a month, and the power of the budget that they go by. */
struct run {
	double alarms, slope;
};

static const struct run runs[RUN_LEVELS][RUN_PARTS] = {
	{{1.37, 0.90}, {1.37, 0.90}, {1.37, 0.90}, {1.37, 0.90}, {1.26, 0.94}, {1.60, 0.99}},
	{{0.91, 1.36}, {0.91, 1.36}, {0.91, 1.36}, {1.37, 1.18}, {1.39, 1.17}, {1.29, 1.29}},
	{{1.24, 1.18}, {1.24, 1.18}, {1.24, 1.18}, {1.44, 1.12}, {1.35, 1.17}, {1.59, 1.10}},
	{{1.43, 0.92}, {1.43, 0.92}, {1.43, 0.92}, {1.55, 0.97}, {1.68, 0.97}, {1.74, 0.98}},
	{{0.74, 0.90}, {1.27, 0.83}, {1.54, 0.88}, {1.81, 0.89}, {1.82, 0.98}, {1.90, 0.99}},
	{{0.75, 0.91}, {1.23, 0.83}, {1.83, 0.82}, {2.19, 0.81}, {2.05, 0.90}, {2.42, 0.87}},
};

/* The same of shares and means, whose windows know how they scatter.  With less than eight judged stories a day alarms come in
 * steps, and hardly ever: as with eight. */
static const struct run tone_runs[2][RUN_LEVELS] = {
	{{0.55, 1.48}, {0.55, 1.48}, {0.55, 1.48}, {0.90, 1.25}, {1.09, 1.19}, {1.31, 1.04}},
	{{0.33, 1.84}, {0.33, 1.84}, {0.33, 1.84}, {0.71, 1.41}, {0.87, 1.33}, {1.10, 1.15}},
};

static const double parts[RUN_PARTS] = {0.07, 0.15, 0.3, 0.5, 0.75, 1};

static double within(double value, double most)
{
	return fmin(fmax(value, 0), most);
}

double run_level(const struct rule_baseline *baseline, enum rule_metric metric)
{
	return within(log2((rule_counts(metric) ? baseline->level : baseline->judged) / 0.5) / 2, RUN_LEVELS - 1);
}

double run_part(const struct rule_baseline *baseline)
{
	double part = baseline->scatter[1] / baseline->scatter[4];
	size_t i = 0;

	while (i + 2 < RUN_PARTS && part > parts[i + 1])
		i++;
	return within((double)i + (part - parts[i]) / (parts[i + 1] - parts[i]), RUN_PARTS - 1);
}

/* Adds a part of a cell of the table. */
static void add(struct rule_baseline *baseline, const struct run *run, double weight)
{
	baseline->usual_alarms *= pow(run->alarms, weight);
	baseline->usual_slope += weight * run->slope;
}

void run_length_learn(struct rule_baseline *baseline, enum rule_metric metric)
{
	double level = run_level(baseline, metric), part = run_part(baseline);
	size_t l = (size_t)fmin(level, RUN_LEVELS - 2), p = (size_t)fmin(part, RUN_PARTS - 2);

	baseline->usual_alarms = 1;
	baseline->usual_slope = 0;
	level -= (double)l;
	part -= (double)p;
	if (rule_counts(metric)) {
		add(baseline, &runs[l][p], (1 - level) * (1 - part));
		add(baseline, &runs[l][p + 1], (1 - level) * part);
		add(baseline, &runs[l + 1][p], level * (1 - part));
		add(baseline, &runs[l + 1][p + 1], level * part);
	} else {
		const struct run *tone = tone_runs[metric == RULE_MEAN_SCORE];

		add(baseline, &tone[l], 1 - level);
		add(baseline, &tone[l + 1], level);
	}
}
