/*
 * Does the budget hold?  Made-up topics without any crisis are run through the
 * core for years; every alert is a false one.  Printed: alerts over what the
 * budget allows, for each kind of stream and rate (goal: between a half, where
 * counts are large enough to hit a line exactly, and one and a half), and how
 * soon a topic that suddenly doubles, triples, ... is found.
 *
 *   bench_budget [TOPIC-YEARS]
 *
 * The kinds: independent stories; clusters (an event brings a geometric number
 * of stories over some hours); a level that wanders from day to day; working
 * hours and weekends; all of these.
 */
#include "alerts/watch.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { INDEPENDENT, CLUSTERED, WANDERING, WEEKLY, ALL, KINDS };
static const char *const kind_names[] = {"independent", "clustered", "wandering", "working week", "all of these"};

static uint64_t random_state = 1;

static double uniform(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (double)(random_state >> 11) * 0x1p-53;
}

static double exponential(double mean)
{
	return -mean * log1p(-uniform());
}

static double normal(void)
{
	return sqrt(-2 * log1p(-uniform())) * cos(2 * M_PI * uniform());
}

/* Times waiting to be told, as a heap: clusters reach into the future. */
struct heap {
	double *times;
	size_t count, room;
};

static void heap_add(struct heap *heap, double time)
{
	size_t i = heap->count++;

	if (heap->count > heap->room) {
		heap->room = heap->room ? 2 * heap->room : 64;
		heap->times = xrealloc(heap->times, heap->room * sizeof *heap->times);
	}
	for (; i > 0 && heap->times[(i - 1) / 2] > time; i = (i - 1) / 2)
		heap->times[i] = heap->times[(i - 1) / 2];
	heap->times[i] = time;
}

static double heap_take(struct heap *heap)
{
	double first = heap->times[0], last = heap->times[--heap->count];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
		if (child + 1 < heap->count && heap->times[child + 1] < heap->times[child])
			child++;
		if (heap->times[child] >= last)
			break;
		heap->times[i] = heap->times[child];
	}
	heap->times[i] = last;
	return first;
}

struct topic_stream {
	enum kind kind;
	double rate;     /* stories an hour, on average */
	double now;      /* hours */
	double factor;   /* the wandering level, on a logarithm */
	double next_day;
	struct heap later;
};

static double level(struct topic_stream *stream, double hour)
{
	double level = stream->rate;
	int day = (int)floor(hour / 24) % 7, of_day = (int)floor(hour) % 24;

	while ((stream->kind == WANDERING || stream->kind == ALL) && hour >= stream->next_day) {
		stream->factor = 0.7 * stream->factor + 0.2 * normal();
		stream->next_day += 24;
	}
	level *= exp(stream->factor);
	if (stream->kind == WEEKLY || stream->kind == ALL)
		level *= (day >= 5 ? 0.2 : 1.32) * (of_day >= 7 && of_day < 19 ? 1.7 : 0.3);
	return level;
}

static const double cluster_size = 2, cluster_hours = 4;

/* The hour of the next story: thinning of a stream at the highest level. */
static double next_story(struct topic_stream *stream, double boost_from, double boost)
{
	bool clusters = stream->kind == CLUSTERED || stream->kind == ALL;
	double highest = stream->rate * 6 * (boost > 1 ? boost : 1) / (clusters ? cluster_size : 1);

	for (;;) {
		double next = stream->now + exponential(1 / highest), wanted;

		if (stream->later.count && stream->later.times[0] <= next)
			return heap_take(&stream->later);
		stream->now = next;
		wanted = level(stream, next) * (next >= boost_from ? boost : 1) / (clusters ? cluster_size : 1);
		if (uniform() * highest > wanted)
			continue;
		while (clusters && uniform() < 1 - 1 / cluster_size)
			heap_add(&stream->later, next + exponential(cluster_hours));
		return next;
	}
}

struct run {
	struct watch *watch;
	struct watch_effects *effects;
	int64_t id;
};

static const struct rule_spec *rule_of(double budget)
{
	static struct rule_spec rule;

	rule = (struct rule_spec){.name = "budget",
				  .metric = RULE_VOLUME,
				  .false_alarms_per_day = budget,
				  .keep_firing_us = 6 * HOUR_US};
	return &rule;
}

static struct run start(double budget)
{
	static const char *const topic = "topic";
	struct watch_options options = {
		.topics = &topic, .topic_count = 1, .rules = rule_of(budget), .rule_count = 1};

	return (struct run){.watch = watch_create(&options), .effects = watch_effects_create()};
}

static void stop(struct run *run)
{
	watch_free(run->watch);
	watch_effects_free(run->effects);
}

/* Tell one story at this hour; true where an alert began. */
static bool tell(struct run *run, double hour)
{
	static const uint32_t topic;
	int64_t time_us = INT64_C(1600000000) / 604800 * 604800 * SECOND_US + 4 * DAY_US + (int64_t)(hour * (double)HOUR_US);
	struct watch_document document = {
		.id = ++run->id,
		.source = "made up",
		.flags = ITEM_OWN_CLOCK,
		.published_us = time_us,
		.applied_us = time_us,
		.polarity = POLARITY_NONE,
		.topics = &topic,
		.topic_count = 1,
	};
	bool fired = false;

	watch_document(run->watch, &document, run->effects);
	for (size_t i = 0; i < run->effects->alert_count; i++)
		fired |= run->effects->alerts[i].state == ALERT_FIRING;
	watch_effects_clear(run->effects);
	return fired;
}

/* Alerts over allowed alerts, in years of one topic after another; the first eight weeks of each are not counted. */
static double measure_budget(enum kind kind, double rate, double budget, double years)
{
	const double warm_hours = 8 * 7 * 24, topic_hours = 2 * 365 * 24.0;
	double measured_days = 0, alerts = 0;

	while (measured_days < years * 365) {
		struct topic_stream stream = {.kind = kind, .rate = rate};
		struct run run = start(budget);
		double hour;

		while ((hour = next_story(&stream, INFINITY, 1)) < topic_hours)
			alerts += tell(&run, hour) && hour >= warm_hours;
		measured_days += (topic_hours - warm_hours) / 24;
		stop(&run);
		free(stream.later.times);
	}
	return alerts / (budget * measured_days);
}

/* Share of topics that are found within a day of a change by this factor. */
static double measure_power(enum kind kind, double rate, double budget, double boost, int topics)
{
	const double change = 12 * 7 * 24 + 11;
	int found = 0;

	for (int t = 0; t < topics; t++) {
		struct topic_stream stream = {.kind = kind, .rate = rate};
		struct run run = start(budget);
		bool fired = false;
		double hour;

		while ((hour = next_story(&stream, change, boost)) < change + 24)
			fired |= tell(&run, hour) && hour >= change;
		found += fired;
		stop(&run);
		free(stream.later.times);
	}
	return (double)found / topics;
}

int main(int argc, char **argv)
{
	static const double rates[] = {0.02, 0.1, 0.5, 2, 10, 50};
	static const double budgets[] = {1 / 91.3, 1 / 30.4, 1 / 7.0};
	static const double boosts[] = {2, 3, 5, 10, 20};
	double years = argc > 1 ? atof(argv[1]) : 60;

	printf("alerts over the budget's, %g topic-years each (fewer for the busiest)\n", years);
	printf("%-14s %8s %12s %12s %12s\n", "stream", "an hour", "1 a quarter", "1 a month", "1 a week");
	for (int kind = 0; kind < KINDS; kind++) {
		for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
			printf("%-14s %8g", kind_names[kind], rates[r]);
			for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
				printf(" %12.2f", measure_budget(kind, rates[r], budgets[b], fmin(years, 10 * years / rates[r])));
				fflush(stdout);
			}
			printf("\n");
		}
	}
	printf("\nshare of topics found within a day, at 1 a month, all of these, by the factor of the change\n%8s", "an hour");
	for (size_t f = 0; f < sizeof boosts / sizeof *boosts; f++)
		printf(" %6gx", boosts[f]);
	for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
		printf("\n%8g", rates[r]);
		for (size_t f = 0; f < sizeof boosts / sizeof *boosts; f++)
			printf(" %7.2f", measure_power(ALL, rates[r], budgets[1], boosts[f], rates[r] > 5 ? 20 : 100));
	}
	printf("\n");
	return 0;
}
