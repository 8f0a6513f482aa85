/*
 * A window alone is reckoned to alarm so often; the windows together, with a
 * baseline that is itself an estimate and counts that come in whole stories, do
 * more often or less.  How much was simulated once: the table below is what
 * tests/bench/bench_run_lengths.c prints.
 */
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

static const double parts[RUN_PARTS] = {0.07, 0.15, 0.3, 0.5, 0.75, 1};

static double within(double value, double most)
{
	return fmin(fmax(value, 0), most);
}

double run_level(const struct rule_baseline *baseline)
{
	return within(log2(baseline->level / 0.5) / 2, RUN_LEVELS - 1);
}

double run_part(const struct rule_baseline *baseline)
{
	double part = baseline->scatter[1] / baseline->scatter[4];
	size_t i = 0;

	while (i + 2 < RUN_PARTS && part > parts[i + 1])
		i++;
	return within((double)i + (part - parts[i]) / (parts[i + 1] - parts[i]), RUN_PARTS - 1);
}

void run_length_learn(struct rule_baseline *baseline)
{
	double level = run_level(baseline), part = run_part(baseline), log_alarms = 0, slope = 0;
	size_t l = (size_t)fmin(level, RUN_LEVELS - 2), p = (size_t)fmin(part, RUN_PARTS - 2);

	for (size_t i = 0; i < 4; i++) { /* the four cells around it */
		const struct run *run = &runs[l + i / 2][p + i % 2];
		double weight = (i / 2 ? level - (double)l : 1 - (level - (double)l)) *
				(i % 2 ? part - (double)p : 1 - (part - (double)p));

		log_alarms += weight * log(run->alarms);
		slope += weight * run->slope;
	}
	baseline->usual_alarms = exp(log_alarms);
	baseline->usual_slope = slope;
}
