/*
 * Makes the table of alerts/rule/run_length.c: how often independent, clustered
 * and wandering streams really alarm, over all windows together and with
 * baselines learnt from their own past, where each window alone was reckoned to
 * alarm once.
 *
 *   bench_run_lengths [-M negative_share|mean_score] [-n TOPICS] [-s SEED] [-r STORIES-A-DAY] > table
 *
 * Each topic is made up anew: from a story in four days to fifty an hour,
 * single or in clusters of up to two and a half over 1 to 12 hours, on a level that is
 * steady or wanders with a memory of 5 to 50 hours, by the week or not.  It lives
 * for two years.  Its alarms at three budgets go to the cell of the table that
 * its baseline belongs to at that time.  For a share or a mean, between a tenth
 * and half of its stories are negative; of two topics in three that changes, by
 * the hour or with such a memory; their table has one column.
 */
#include "tests/bench/synthetic.h"

#include "alerts/rule/run_length.h"

#include <stdio.h>
#include <unistd.h>

struct cell {
	double alarms[BUDGETS], days;
};

static struct cell cells[RUN_LEVELS][RUN_PARTS];
static enum rule_metric metric = RULE_VOLUME;
static double busiest = 1250; /* stories a day */

static void forget_table(struct rule_baseline *baseline)
{
	baseline->usual_alarms = baseline->usual_slope = 1;
}

static struct stream make_up(uint64_t seed)
{
	struct stream s = stream_start(1, seed);

	s.rate = 0.25 * exp(uniform(&s) * log(busiest / 0.25)) / 24;
	if (uniform(&s) < 0.5) {
		s.cluster_size = 1 + 1.5 * uniform(&s);
		s.cluster_hours = exp(uniform(&s) * log(12));
	}
	if (uniform(&s) < 2.0 / 3) {
		s.wander_width = 0.4 * uniform(&s);
		s.wander_hours = 5 * exp(uniform(&s) * log(10));
	}
	s.weekly = uniform(&s) < 0.5;
	if (metric != RULE_VOLUME && uniform(&s) < 2.0 / 3) {
		s.tone_width = 0.5 * uniform(&s);
		s.tone_hours = uniform(&s) < 0.5 ? 0 : 5 * exp(uniform(&s) * log(10));
	}
	return s;
}

static struct cell *cell_of(const struct rule_baseline *baseline)
{
	double level = run_level(baseline, metric), part = metric == RULE_VOLUME ? run_part(baseline) : 0;

	return &cells[(int)(level + 0.5)][(int)(part + 0.5)];
}

static void run_topic(uint64_t seed)
{
	struct stream stream = make_up(seed);
	struct topic topic;

	topic_init(&topic);
	topic.after_learning = forget_table;
	topic.metric = metric;
	topic.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	topic.negative = metric == RULE_VOLUME ? 0 : 0.1 + 0.4 * draw(&topic.random);
	for (int64_t hour = 0; hour < TOPIC_HOURS; hour++) {
		uint32_t minutes[HOUR_MINUTES];

		stream_hour(&stream, 1, minutes);
		topic.tone = stream.tone;
		for (int i = 0; i < HOUR_MINUTES; i++) {
			unsigned began = minutes[i] ? topic_tell(&topic, cell_at(hour, i), minutes[i]) : 0;

			for (int b = 0; b < BUDGETS && hour >= WARM_HOURS; b++)
				cell_of(&topic.baseline)->alarms[b] += began >> b & 1;
		}
		if (hour >= WARM_HOURS && topic.learnt)
			cell_of(&topic.baseline)->days += 1 / 24.0;
	}
	topic_reset(&topic);
}

/* Alarms at the budget of a month, and the slope of their logarithm over the budget's. */
static void print_cell(const struct cell *cell)
{
	double x[BUDGETS], y[BUDGETS], weight[BUDGETS], w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0, slope;

	for (int b = 0; b < BUDGETS; b++) {
		double expected = cell->days * budgets[b];

		x[b] = log(budgets[b] / budgets[1]);
		y[b] = log((cell->alarms[b] + 2) / (expected + 2)) + x[b];
		weight[b] = fmin(expected, 200) + 2;
		w += weight[b];
		wx += weight[b] * x[b];
		wy += weight[b] * y[b];
		wxx += weight[b] * x[b] * x[b];
		wxy += weight[b] * x[b] * y[b];
	}
	slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
	printf(" {%.2f, %.2f},", exp((wy - slope * wx) / w), slope);
	fprintf(stderr, " %6.0f d %4.2f %4.2f %4.2f |", cell->days, cell->alarms[0] / cell->days / budgets[0],
		cell->alarms[1] / cell->days / budgets[1], cell->alarms[2] / cell->days / budgets[2]); /* days, alarms over budgets */
}

/* A cell that hardly any topic was in takes its row's nearest. */
static const struct cell *nearest(const struct cell *row, int part)
{
	const double enough_days = 1500;

	for (int away = 0; away < RUN_PARTS; away++) {
		if (part - away >= 0 && row[part - away].days >= enough_days)
			return &row[part - away];
		if (part + away < RUN_PARTS && row[part + away].days >= enough_days)
			return &row[part + away];
	}
	return &row[part];
}

int main(int argc, char **argv)
{
	int topics = 350, parts;
	uint64_t seed = 1;

	for (int c; (c = getopt(argc, argv, "M:n:s:r:")) != -1;) {
		switch (c) {
		case 'M': metric = strcmp(optarg, "mean_score") == 0 ? RULE_MEAN_SCORE : RULE_NEGATIVE_SHARE; break;
		case 'n': topics = atoi(optarg); break;
		case 's': seed = strtoull(optarg, NULL, 10); break;
		case 'r': busiest = fmax(atof(optarg), 0.5); break;
		default:
			fprintf(stderr, "usage: bench_run_lengths [-M negative_share|mean_score] [-n TOPICS] [-s SEED] "
					"[-r STORIES-A-DAY]\n");
			return 2;
		}
	}
	parts = metric == RULE_VOLUME ? RUN_PARTS : 1;
	for (int t = 0; t < topics; t++)
		run_topic(seed * 1000000 + (uint64_t)t);
	for (int l = 0; l < RUN_LEVELS; l++) {
		printf("\t{");
		for (int p = 0; p < parts; p++)
			print_cell(nearest(cells[l], p));
		printf(" },\n");
		fprintf(stderr, "\n");
	}
	return 0;
}
