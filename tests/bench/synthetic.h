#ifndef TESTS_BENCH_SYNTHETIC_H
#define TESTS_BENCH_SYNTHETIC_H

#include "alerts/rule.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Made-up topics for bench_synthetic.c: how many stories each minute brings.
 * The same seed and kind make the same stories on every machine.
 *
 *   independent     a Poisson stream
 *   clustered       an event brings a geometric number of stories, two on average, over four hours
 *   overdispersed   negative binomial hours: each has a level of its own, gamma distributed, 0.4 wide
 *   autocorrelated  the level's logarithm wanders: 0.3 wide, a memory of 20 hours
 *   weekly          working hours and weekends, in steps
 *   daily wave      a sine over the day
 *   trend           doubles in a year, or halves: every other topic
 *   outages         about once a month the feed is dead for 3 hours to 3 days
 *   doubles         on some day of the second half-year there are twice as many stories for good
 *   all of these    clusters, a wandering level half as wide, weeks, a trend half as strong, outages
 *
 * Where stories have a tone, its log-odds are those of each hour alone in the
 * overdispersed ones, and wander as the level does in the autocorrelated ones
 * and in all of these; else they are always the same.
 *
 * The rule is asked directly (rule_learn, rule_judge) with the watch's own steps
 * from ok to firing and back: a topic-year of the busiest stream is 88 million
 * stories.  Within a minute counts only grow, and the watch begins at most one
 * alert in it; so to ask once, after the minute's last story, gives the same
 * alerts.  `bench_synthetic -c` runs the watch itself beside it and compares.
 */
enum kind {
	INDEPENDENT, CLUSTERED, OVERDISPERSED, AUTOCORRELATED, WEEKLY, WAVE, TREND, OUTAGES, DOUBLES, ALL, KINDS
};

static const char *const kind_names[KINDS] __attribute__((unused)) = {"independent", "clustered", "overdispersed", "autocorrelated", "weekly",
					      "daily wave", "trend", "outages", "doubles", "all of these"};

enum { HOUR_MINUTES = 60, DAY_MINUTES = 1440, WEEK_HOURS = 168, RING_MINUTES = 2 * DAY_MINUTES };

struct stream {
	/* What kind of topic it is. */
	double rate;              /* stories an hour, on average */
	double cluster_size, cluster_hours; /* stories of an event, 1 = one; how far apart */
	double gamma_width;       /* of an hour's own level; 0 = none */
	double wander_width, wander_hours; /* of the level's logarithm; 0 = none */
	double tone_width, tone_hours; /* of a negative story's log-odds; 0 hours = each alone */
	double growth;            /* of the logarithm, an hour */
	bool weekly, wave, has_outages;
	int64_t doubling;         /* hour; far away where there is none */
	/* Where it is. */
	uint64_t random, tone_random;
	double wander, tone;      /* tone: of the last hour, in log-odds */
	int64_t hour;             /* hours generated */
	int64_t outage, outage_end; /* hours */
	uint32_t ring[RING_MINUTES]; /* stories still to come, by minute */
};

static inline double draw(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return ((double)(*random >> 11) + 0.5) * 0x1p-53;
}

static inline double uniform(struct stream *s)
{
	return draw(&s->random);
}

static inline double exponential(struct stream *s, double mean)
{
	return -mean * log(uniform(s));
}

static inline double normal(struct stream *s)
{
	double radius = sqrt(-2 * log(uniform(s)));

	return radius * cos(2 * M_PI * uniform(s));
}

/* Marsaglia and Tsang 2000; shape at least 1. */
static inline double gamma_of(struct stream *s, double shape)
{
	double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);

	for (;;) {
		double x = normal(s), v = 1 + c * x;

		if (v > 0 && log(uniform(s)) < 0.5 * x * x + d - d * v * v * v + 3 * d * log(v))
			return d * v * v * v;
	}
}

/* By multiplication; large means are halved by the gamma way of Ahrens and Dieter 1974. */
static inline uint32_t poisson(struct stream *s, double mean)
{
	uint32_t count = 0;
	double limit, product;

	while (mean > 16) {
		uint32_t part = (uint32_t)(mean * 7 / 8);
		double time = gamma_of(s, part);

		if (time > mean) { /* the part-th story comes too late: the others are spread evenly before it */
			double chance = mean / time;

			for (uint32_t i = 1; i < part; i++)
				count += uniform(s) < chance;
			return count;
		}
		count += part;
		mean -= time;
	}
	limit = exp(-mean);
	for (product = uniform(s); product > limit; product *= uniform(s))
		count++;
	return count;
}

static inline void next_outage(struct stream *s)
{
	s->outage = s->hour + 1 + (int64_t)exponential(s, 30 * 24);
	s->outage_end = s->outage + 3 + (int64_t)(uniform(s) * 69);
}

static inline struct stream stream_start(double rate, uint64_t seed)
{
	struct stream s = {.rate = rate, .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15), .cluster_size = 1,
			   .cluster_hours = 4, .wander_hours = 20, .doubling = INT64_MAX};

	s.tone_random = ~s.random;
	for (int i = 0; i < 20; i++)
		uniform(&s);
	next_outage(&s);
	return s;
}

static inline struct stream stream_of(enum kind kind, double rate, uint64_t seed)
{
	struct stream s = stream_start(rate, seed);
	double growth = (seed % 2 ? 1 : -1) * log(2) / 8766;

	switch (kind) {
	case CLUSTERED: s.cluster_size = 2; break;
	case OVERDISPERSED: s.gamma_width = s.tone_width = 0.4; break;
	case AUTOCORRELATED:
		s.wander_width = s.tone_width = 0.3;
		s.tone_hours = 20;
		break;
	case WEEKLY: s.weekly = true; break;
	case WAVE: s.wave = true; break;
	case TREND: s.growth = growth; break;
	case OUTAGES: s.has_outages = true; break;
	case DOUBLES: s.doubling = 4383 + (int64_t)(uniform(&s) * 4383); break;
	case ALL:
		s.cluster_size = 2;
		s.wander_width = s.tone_width = 0.15;
		s.tone_hours = 20;
		s.growth = growth / 2;
		s.weekly = s.has_outages = true;
		break;
	default: break;
	}
	return s;
}

static inline double season(const struct stream *s, int64_t hour)
{
	int64_t of_day = hour % 24, day = hour / 24 % 7;

	return s->weekly ? (day >= 5 ? 0.2 : 1.32) * (of_day >= 7 && of_day < 19 ? 1.7 : 0.3) : 1;
}

/* Stories to expect in the next hour at the present level, clusters counted by their first story. */
static inline double level_of(struct stream *s)
{
	double level = s->rate / s->cluster_size * season(s, s->hour) * exp(s->growth * (double)s->hour);

	if (s->hour >= s->outage_end)
		next_outage(s);
	if (s->wander_width > 0) {
		double keep = exp(-1 / s->wander_hours);

		s->wander = keep * s->wander + s->wander_width * sqrt(1 - keep * keep) * normal(s);
		level *= exp(s->wander - s->wander_width * s->wander_width / 2);
	}
	if (s->gamma_width > 0) {
		double shape = 1 / (s->gamma_width * s->gamma_width);

		level *= gamma_of(s, shape) / shape;
	}
	return s->hour >= s->doubling ? 2 * level : level;
}

/* The same stories come whatever their tone. */
static inline void step_tone(struct stream *s)
{
	struct stream dice = {.random = s->tone_random};
	double keep = s->tone_hours > 0 ? exp(-1 / s->tone_hours) : 0;

	s->tone = keep * s->tone + s->tone_width * sqrt(1 - keep * keep) * normal(&dice);
	s->tone_random = dice.random;
}

/* The later stories of the cluster whose first story comes in this minute. */
static inline void place_followers(struct stream *s, int64_t minute)
{
	while (uniform(s) < 1 - 1 / s->cluster_size) {
		double delay = exponential(s, s->cluster_hours * HOUR_MINUTES);

		if (delay < RING_MINUTES - HOUR_MINUTES)
			s->ring[(minute + (int64_t)delay) % RING_MINUTES]++;
	}
}

/* The stories of the next hour's minutes; none in an outage. */
static inline void stream_hour(struct stream *s, double boost, uint32_t minutes[HOUR_MINUTES])
{
	int64_t begin = s->hour * HOUR_MINUTES;
	double level = level_of(s) * boost;
	bool dead = s->has_outages && s->hour >= s->outage && s->hour < s->outage_end;

	for (int i = 0; i < HOUR_MINUTES; i++) {
		double wave = s->wave ? 1 + 0.8 * sin(2 * M_PI * (double)((begin + i) % DAY_MINUTES) / DAY_MINUTES) : 1;
		uint32_t *slot = &s->ring[(begin + i) % RING_MINUTES], count = poisson(s, level * wave / HOUR_MINUTES);

		*slot += count;
		for (; s->cluster_size > 1 && count > 0; count--)
			place_followers(s, begin + i);
		minutes[i] = dead ? 0 : *slot;
		*slot = 0;
	}
	if (s->tone_width > 0)
		step_tone(s);
	s->hour++;
}

/* ---- the rule on such a topic, at several budgets at once ---- */

enum { WARM_HOURS = 8 * WEEK_HOURS, TOPIC_HOURS = 2 * 8766, KEEP_CELLS = 6 * 60, FIRST_HOUR = 2642 * WEEK_HOURS + 96,
	ALARM_FADES = 14 * 24 * 60, /* after so long an alarm has no part in what is judged */
};
enum { BUDGETS = 3 };
static const double budgets[BUDGETS] = {1 / 7.0, 1 / 30.4375, 1 / 91.3125};

struct alarm {
	bool firing;
	int32_t began, changed, hot;
	int32_t since; /* the `hot` of the one before */
};

/* One topic as the watch keeps it. */
struct topic {
	struct window recent, hours;
	struct rule_baseline baseline;
	void (*after_learning)(struct rule_baseline *baseline); /* NULL = nothing */
	enum rule_metric metric;
	double negative; /* share of the stories; 0 = none has a polarity */
	double tone;     /* of the stories of this hour, in log-odds */
	uint64_t random; /* for that */
	bool learnt;
	struct alarm alarms[BUDGETS];
	unsigned fires; /* the budgets, as bits, that the last minute with stories was above, new alert or not */
};

static inline void topic_init(struct topic *topic)
{
	memset(topic, 0, sizeof *topic);
	topic->metric = RULE_VOLUME;
	for (int b = 0; b < BUDGETS; b++)
		topic->alarms[b].since = RULE_EVER;
	window_init(&topic->recent, RULE_LONGEST_CELLS + 13 * HOUR_MINUTES);
	window_init(&topic->hours, RULE_HISTORY_HOURS);
}

static inline void topic_reset(struct topic *topic)
{
	window_reset(&topic->recent);
	window_reset(&topic->hours);
}

static inline struct rule_spec spec_of(const struct topic *topic, int budget)
{
	return (struct rule_spec){.name = "budget", .metric = topic->metric,
				  .false_alarms_per_day = budgets[budget],
				  .keep_firing_us = KEEP_CELLS * RULE_CELL_US};
}

/* As judge_rule in alerts/watch/judge.c; true where an alert begins. */
static inline bool alarm_step(struct alarm *alarm, const struct rule_verdict *verdict, int32_t cell)
{
	if (alarm->firing && verdict->hold)
		alarm->hot = cell;
	if (alarm->firing || !verdict->fire || cell == alarm->began)
		return false;
	alarm->firing = true;
	alarm->began = alarm->changed = alarm->hot = cell;
	return true;
}

static inline void end_due(struct alarm *alarm, int32_t cell)
{
	if (alarm->firing && alarm->hot + KEEP_CELLS < cell) {
		alarm->firing = false;
		alarm->changed = alarm->hot + KEEP_CELLS;
		alarm->since = alarm->hot;
	}
}

/* Negative stories are bad in different degrees, and so are the others good. */
static inline struct tally tally_of(struct topic *topic, uint32_t stories)
{
	struct tally tally = {.documents = stories, .stories = stories, .judged = stories};
	double odds = topic->negative / (1 - topic->negative) * exp(topic->tone), share = odds / (1 + odds);

	for (uint32_t i = 0; i < stories; i++) {
		double dice = draw(&topic->random);
		bool negative = dice < share;
		double degree = negative ? dice / share : (dice - share) / (1 - share);

		tally.negative += negative;
		tally.score += (int64_t)(1e6 * (negative ? -0.6 - 0.4 * degree : degree > 0.7 ? degree : 0.1));
	}
	return tally;
}

/* One minute's stories; returns the budgets, as bits, whose alert begins with them. */
static inline unsigned topic_tell(struct topic *topic, int32_t cell, uint32_t stories)
{
	struct tally tally = topic->negative > 0 ? tally_of(topic, stories) : (struct tally){.documents = stories, .stories = stories};
	struct rule_spec spec = spec_of(topic, BUDGETS - 1);
	struct rule_span ever = {RULE_EVER, cell};
	struct rule_verdict whole;
	unsigned began = 0;
	int32_t hour;

	topic->fires = 0;
	window_add(&topic->recent, cell, &tally);
	window_add(&topic->hours, cell / HOUR_MINUTES, &tally);
	for (int b = 0; b < BUDGETS; b++)
		end_due(&topic->alarms[b], cell);
	hour = rule_baseline_hour(&topic->hours, cell);
	if (!rule_may_fire(&spec, &topic->recent, ever))
		return 0;
	if (!topic->learnt || topic->baseline.hour != hour) {
		rule_learn(&topic->baseline, spec.metric, &topic->hours, hour);
		if (topic->after_learning)
			topic->after_learning(&topic->baseline);
	}
	topic->learnt = true;
	whole = rule_judge(&spec, &topic->baseline, &topic->recent, ever);
	for (int b = 0; b < BUDGETS; b++) { /* the rate is that of every budget, where none of them has just alarmed */
		int32_t since = topic->alarms[b].since;
		struct rule_verdict verdict =
			since < cell - ALARM_FADES ? whole
						   : rule_judge(&spec, &topic->baseline, &topic->recent, (struct rule_span){since, cell});

		verdict.fire = verdict.per_day <= budgets[b];
		verdict.hold = verdict.per_day <= budgets[b] * RULE_HOLD_FACTOR;
		topic->fires |= (unsigned)verdict.fire << b;
		began |= (unsigned)alarm_step(&topic->alarms[b], &verdict, cell) << b;
	}
	return began;
}

static inline int32_t cell_at(int64_t hour, int minute)
{
	return (int32_t)((FIRST_HOUR + hour) * HOUR_MINUTES + minute);
}

#endif
