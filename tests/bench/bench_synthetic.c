/*
 * Does the budget hold, and what is found within it?  Made-up topics
 * (synthetic.h) without any crisis are run for years; every alert is a false
 * one.  Printed: alerts over what the budget allows, for each kind of stream
 * and rate.  Goal: never above 1.5, and not below 0.5 where a window expects
 * five stories or more.  Then, for changes by a growing factor: the share of
 * topics found within a day, beside EARS C2 and the ratio of two days, whose
 * thresholds are set so that they cry wolf exactly as often as the budget
 * allows on such streams.  With -M the rule is on another metric; of a share or a
 * mean, goal and streams are the same (power is told of volume alone).
 *
 * The first eight weeks of a topic are not counted, nor the three days from
 * when a feed doubles: that alarm is a true one.
 */
#include "alerts/rule.h"
#include "alerts/watch.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "tests/bench/synthetic.h"

#include <stdio.h>
#include <unistd.h>

static struct {
	double alarms;             /* budgeted alarms a cell, at the smallest budget */
	int topics;                /* for each point of the power table */
	const char *tsv;
	int kind;
	double rate;               /* only these */
	enum rule_metric metric;
	double negative;           /* share of negative stories */
	bool check, no_power, no_budget;
} options = {.alarms = 100, .topics = 200, .kind = -1, .metric = RULE_VOLUME, .negative = 0.25};

struct count {
	double alarms[BUDGETS], days;
};

/* False alarms of one topic over its life. */
static void run_topic(enum kind kind, double rate, uint64_t seed, struct count *count)
{
	struct stream stream = stream_of(kind, rate, seed);
	struct topic topic;

	topic_init(&topic);
	topic.metric = options.metric;
	topic.negative = options.metric == RULE_VOLUME ? 0 : options.negative;
	topic.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (int64_t hour = 0; hour < TOPIC_HOURS; hour++) {
		bool counted = hour >= WARM_HOURS && !(hour >= stream.doubling && hour < stream.doubling + 72);
		uint32_t minutes[HOUR_MINUTES];

		stream_hour(&stream, 1, minutes);
		topic.tone = stream.tone;
		for (int i = 0; i < HOUR_MINUTES; i++) {
			unsigned began = minutes[i] ? topic_tell(&topic, cell_at(hour, i), minutes[i]) : 0;

			for (int b = 0; b < BUDGETS; b++)
				count->alarms[b] += counted && (began >> b & 1);
		}
		count->days += counted / 24.0;
	}
	topic_reset(&topic);
}

static const double rates[] = {0.02, 0.1, 0.5, 2, 10, 50, 500, 10000};
enum { RATES = sizeof rates / sizeof *rates };

static FILE *tsv;

static void print_cell(enum kind kind, double rate)
{
	struct count count = {0};

	for (uint64_t seed = 0; count.days * budgets[BUDGETS - 1] < options.alarms; seed++)
		run_topic(kind, rate, seed, &count);
	printf("%-14s %8g", kind_names[kind], rate);
	for (int b = 0; b < BUDGETS; b++) {
		double ratio = count.alarms[b] / (budgets[b] * count.days);

		printf(" %12.2f", ratio);
		if (tsv)
			fprintf(tsv, "budget\t%s\t%g\t%g\t%.3f\n", kind_names[kind], rate, 1 / budgets[b], ratio);
	}
	printf("\n");
	fflush(stdout);
}

static void print_budgets(void)
{
	printf("alerts over the budget's, %g budgeted alarms a cell at 1 a quarter\n", options.alarms);
	printf("%-14s %8s %12s %12s %12s\n", "stream", "an hour", "1 a week", "1 a month", "1 a quarter");
	for (int kind = 0; kind < KINDS; kind++)
		for (int r = 0; r < RATES; r++)
			if ((options.kind < 0 || kind == options.kind) && (options.rate <= 0 || rates[r] == options.rate))
				print_cell(kind, rates[r]);
}

/*
 * The two floors, on hourly counts: a day against mean and deviation of seven
 * days that end two days before (EARS C2), a day against the day before (the
 * ratio).
 */
enum detector { RULE, EARS_C2, RATIO, DETECTORS };
enum { MONTHLY = 1 }; /* of the budgets */
static const char *const detector_names[DETECTORS] = {"bellwether", "EARS C2", "ratio"};

enum { KEPT_HOURS = 11 * 24 };

struct floor {
	uint32_t counts[KEPT_HOURS]; /* a ring */
	int64_t hours;
};

static double sum_back(const struct floor *floor, int from, int hours)
{
	double sum = 0;

	for (int i = from; i < from + hours && i < floor->hours; i++)
		sum += floor->counts[(floor->hours - 1 - i) % KEPT_HOURS];
	return sum;
}

static double statistic(const struct floor *floor, enum detector detector)
{
	double today = sum_back(floor, 0, 24), sum = 0, squares = 0;

	if (detector == RATIO)
		return today / fmax(sum_back(floor, 24, 24), 1);
	for (int d = 0; d < 7; d++) {
		double count = sum_back(floor, (3 + d) * 24, 24);

		sum += count;
		squares += count * count;
	}
	return (today - sum / 7) / fmax(sqrt(fmax(squares - sum * sum / 7, 0) / 6), 0.5);
}

static void floor_add(struct floor *floor, const uint32_t minutes[HOUR_MINUTES])
{
	uint32_t sum = 0;

	for (int i = 0; i < HOUR_MINUTES; i++)
		sum += minutes[i];
	floor->counts[floor->hours++ % KEPT_HOURS] = sum;
}

/* Hours above the threshold, those within a day of each other counted once. */
static double alarms_above(const double *statistics, size_t hours, double threshold)
{
	double alarms = 0;
	size_t last = 0;

	for (size_t i = 0; i < hours; i++) {
		if (statistics[i] <= threshold)
			continue;
		alarms += last == 0 || i - last > 24;
		last = i;
	}
	return alarms;
}

/* The threshold at which a floor cries wolf as often as the budget allows. */
static double fit_threshold(enum kind kind, double rate, double budget, enum detector detector)
{
	const size_t each = TOPIC_HOURS - WARM_HOURS;
	size_t topics = (size_t)ceil(options.alarms / budget / ((double)each / 24));
	double *statistics = xcalloc(topics * each, sizeof *statistics), low = 0, high = 1e6;

	for (size_t t = 0; t < topics; t++) {
		struct stream stream = stream_of(kind, rate, t);
		struct floor floor = {0};

		for (int64_t hour = 0; hour < TOPIC_HOURS; hour++) {
			uint32_t minutes[HOUR_MINUTES];

			stream_hour(&stream, 1, minutes);
			floor_add(&floor, minutes);
			if (hour >= WARM_HOURS)
				statistics[t * each + (size_t)hour - WARM_HOURS] = statistic(&floor, detector);
		}
	}
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (alarms_above(statistics, topics * each, middle) > budget * (double)(topics * each) / 24)
			low = middle;
		else
			high = middle;
	}
	free(statistics);
	return high;
}

/* A change by a factor, at once or growing day by day; to be found within so many days. */
struct change {
	const char *name;
	int days;
	double factors[7];
};

static const struct change changes[] = {
	{"a step, found within a day", 1, {1.25, 1.5, 2, 3, 5, 10, 20}},
	{"a build over ten days, found within them", 10, {1.25, 1.5, 2, 2.5, 3, 4, 5}},
};
enum { CHANGES = sizeof changes / sizeof *changes, FACTORS = 7 };

/* Found in time?  The rule, and the floors at their thresholds. */
static void look_for(double rate, const struct change *change, double factor, uint64_t seed,
		     const double thresholds[DETECTORS], int found[DETECTORS])
{
	const int64_t begin = 12 * WEEK_HOURS + (int64_t)(seed * 37 % WEEK_HOURS), end = begin + 24 * change->days;
	struct stream stream = stream_of(ALL, rate, 1000 + seed);
	bool seen[DETECTORS] = {0};
	struct floor floor = {0};
	struct topic topic;

	topic_init(&topic);
	for (int64_t hour = 0; hour < end; hour++) {
		double part = change->days > 1 ? (double)(hour - begin) / (double)(end - begin) : 1;
		uint32_t minutes[HOUR_MINUTES];

		stream_hour(&stream, hour >= begin ? 1 + (factor - 1) * part : 1, minutes);
		for (int i = 0; i < HOUR_MINUTES; i++) {
			if (minutes[i])
				topic_tell(&topic, cell_at(hour, i), minutes[i]);
			seen[RULE] |= minutes[i] && hour >= begin && (topic.fires >> MONTHLY & 1);
		}
		floor_add(&floor, minutes);
		for (int d = EARS_C2; d < DETECTORS && hour >= begin; d++)
			seen[d] |= statistic(&floor, d) > thresholds[d];
	}
	topic_reset(&topic);
	for (int d = 0; d < DETECTORS; d++)
		found[d] += seen[d];
}

static void print_found(const struct change *change, double rate, const double thresholds[DETECTORS])
{
	int found[FACTORS][DETECTORS] = {0};

	for (int f = 0; f < FACTORS; f++)
		for (int t = 0; t < options.topics; t++)
			look_for(rate, change, change->factors[f], (uint64_t)t, thresholds, found[f]);
	for (int d = 0; d < DETECTORS; d++) {
		printf("%8g %-12s", rate, detector_names[d]);
		for (int f = 0; f < FACTORS; f++) {
			double share = (double)found[f][d] / options.topics;

			printf(" %7.2f", share);
			if (tsv)
				fprintf(tsv, "power\t%s\t%g\t%s\t%g\t%.3f\n", change->name, rate, detector_names[d],
					change->factors[f], share);
		}
		printf("\n");
	}
	fflush(stdout);
}

static void print_power(void)
{
	double thresholds[RATES][DETECTORS] = {0};
	const int most = 6; /* rates; the busiest two are told from the others by nothing */

	for (int r = 0; r < most; r++)
		for (int d = EARS_C2; d < DETECTORS; d++)
			if (options.rate <= 0 || rates[r] == options.rate)
				thresholds[r][d] = fit_threshold(ALL, rates[r], budgets[MONTHLY], d);
	for (int c = 0; c < CHANGES; c++) {
		printf("\nshare of topics found, at 1 a month, all of these: %s\n%8s %-12s", changes[c].name, "an hour", "");
		for (int f = 0; f < FACTORS; f++)
			printf(" %6gx", changes[c].factors[f]);
		printf("\n");
		for (int r = 0; r < most; r++)
			if (options.rate <= 0 || rates[r] == options.rate)
				print_found(&changes[c], rates[r], thresholds[r]);
	}
}

/* The same stream through the watch, story by story: its alerts must begin in the same minutes. */
static int compare_with_watch(enum kind kind, double rate, uint64_t seed)
{
	static const char *const name = "topic";
	static const uint32_t number;
	struct rule_spec spec;
	struct watch_options watch_options = {.topics = &name, .topic_count = 1, .rules = &spec, .rule_count = 1};
	struct stream stream = stream_of(kind, rate, seed);
	struct watch_effects *effects = watch_effects_create();
	struct topic topic;
	struct watch *watch;
	int differ = 0, alarms = 0;
	int64_t id = 0;

	topic_init(&topic);
	spec = spec_of(&topic, 0);
	watch = watch_create(&watch_options);
	for (int64_t hour = 0; hour < TOPIC_HOURS; hour++) {
		uint32_t minutes[HOUR_MINUTES];

		stream_hour(&stream, 1, minutes);
		for (int i = 0; i < HOUR_MINUTES; i++) {
			bool expected = minutes[i] && (topic_tell(&topic, cell_at(hour, i), minutes[i]) & 1), fired = false;

			for (uint32_t n = 0; n < minutes[i]; n++) {
				int64_t time_us = cell_at(hour, i) * RULE_CELL_US + n;
				struct watch_document document = {
					.id = ++id, .source = "made up", .flags = ITEM_OWN_CLOCK, .published_us = time_us,
					.applied_us = time_us, .polarity = POLARITY_NONE, .topics = &number, .topic_count = 1};

				watch_document(watch, &document, effects);
				for (size_t a = 0; a < effects->alert_count; a++)
					fired |= effects->alerts[a].state == ALERT_FIRING && effects->alerts[a].event == 1;
				watch_effects_clear(effects);
			}
			differ += fired != expected;
			alarms += expected;
		}
	}
	printf("%-14s %8g: %d alerts, %d minutes differ\n", kind_names[kind], rate, alarms, differ);
	watch_free(watch);
	watch_effects_free(effects);
	topic_reset(&topic);
	return differ;
}

static int usage(void)
{
	fprintf(stderr, "usage: bench_synthetic [-a ALARMS] [-n TOPICS] [-k KIND] [-r RATE] [-o FILE.tsv] [-p (no power)] "
			"[-P (power alone)] [-c (compare with the watch)]\n"
			"       [-M negative_count|negative_share|mean_score|volume] [-m NEGATIVE-SHARE]\n");
	return 2;
}

static int read_metric(const char *name)
{
	static const char *const names[RULE_METRICS] = {"negative_count", "negative_share", "mean_score", "volume"};

	for (int metric = 0; metric < RULE_METRICS; metric++)
		if (strcmp(name, names[metric]) == 0)
			return metric;
	exit(usage());
}

int main(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "a:n:k:r:m:M:o:pPc")) != -1;) {
		switch (c) {
		case 'a': options.alarms = atof(optarg); break;
		case 'n': options.topics = atoi(optarg); break;
		case 'k': options.kind = atoi(optarg); break;
		case 'r': options.rate = atof(optarg); break;
		case 'M': options.metric = (enum rule_metric)read_metric(optarg); break;
		case 'm': options.negative = atof(optarg); break;
		case 'o': options.tsv = optarg; break;
		case 'p': options.no_power = true; break;
		case 'P': options.no_budget = true; break;
		case 'c': options.check = true; break;
		default: return usage();
		}
	}
	if (options.check) {
		int differ = 0;

		for (int kind = 0; kind < KINDS; kind++)
			differ += compare_with_watch(kind, 2, 1);
		return differ > 0;
	}
	tsv = options.tsv ? fopen(options.tsv, "w") : NULL;
	if (!options.no_budget)
		print_budgets();
	if (!options.no_power)
		print_power();
	if (tsv && fclose(tsv) != 0)
		return 1;
	return 0;
}
