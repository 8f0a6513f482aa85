/*
 * Counts are kept sparse, by the hour; a picture of any step is summed from
 * them.  What was expected cannot be summed, so it is asked for in each of the
 * steps that a picture may have, when the step ends.
 *
 * Where nothing at all came for a month (a stray date), nothing is asked for.
 */
#include "daemon/replay_tracks.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3, GAP_HOURS = 31 * 24, SPAN_HOURS = 200 * 366 * 24 };
static const int32_t step_hours[STEPS] = {1, 6, 24};

struct band_point {
	int32_t slot; /* steps since 1970 */
	float expected, limit;
};

struct band {
	struct band_point *points;
	size_t count, room;
};

struct rule_tracks {
	uint32_t rule;
	struct band bands[STEPS];
};

struct topic_tracks {
	struct window hours;
	struct rule_tracks *rules;
	size_t rule_count;
};

struct replay_tracks {
	const struct config *config;
	struct topic_tracks **topics; /* NULL = no document yet */
	int64_t since_s;
	int32_t open_hour;            /* the first that is not closed; INT32_MIN = none yet */
};

struct replay_tracks *replay_tracks_create(const struct config *config, int64_t since_us)
{
	struct replay_tracks *tracks = xcalloc(1, sizeof *tracks);

	tracks->config = config;
	tracks->topics = xcalloc(config->topic_count + 1, sizeof *tracks->topics);
	tracks->since_s = since_us == INT64_MIN ? 0 : since_us / SECOND_US;
	tracks->open_hour = INT32_MIN;
	return tracks;
}

static void free_topic(struct topic_tracks *topic)
{
	if (!topic)
		return;
	for (size_t r = 0; r < topic->rule_count; r++)
		for (size_t s = 0; s < STEPS; s++)
			free(topic->rules[r].bands[s].points);
	free(topic->rules);
	window_reset(&topic->hours);
	free(topic);
}

void replay_tracks_free(struct replay_tracks *tracks)
{
	if (!tracks)
		return;
	for (size_t t = 0; t < tracks->config->topic_count; t++)
		free_topic(tracks->topics[t]);
	free(tracks->topics);
	free(tracks);
}

static bool watches(const struct rule_spec *rule, const char *topic)
{
	for (size_t i = 0; i < rule->topic_count; i++)
		if (strcmp(rule->topics[i], topic) == 0)
			return true;
	return rule->topic_count == 0;
}

static struct topic_tracks *topic_at(struct replay_tracks *tracks, uint32_t index)
{
	const struct watch_options *watch = &tracks->config->watch;
	struct topic_tracks *topic = tracks->topics[index];

	if (topic)
		return topic;
	topic = tracks->topics[index] = xcalloc(1, sizeof *topic);
	window_init(&topic->hours, SPAN_HOURS);
	topic->rules = xcalloc(watch->rule_count + 1, sizeof *topic->rules);
	for (uint32_t r = 0; r < watch->rule_count; r++)
		if (watches(&watch->rules[r], watch->topics[index]))
			topic->rules[topic->rule_count++].rule = r;
	return topic;
}

void replay_tracks_add(struct replay_tracks *tracks, const struct watch_effects *effects)
{
	for (size_t i = 0; i < effects->increment_count; i++) {
		const struct watch_bucket *bucket = &effects->increments[i];
		struct tally tally = watch_bucket_tally(bucket);

		if (bucket->width_s == 3600 && bucket->start_s + 3600 > tracks->since_s)
			window_add(&topic_at(tracks, bucket->topic)->hours, (int32_t)(bucket->start_s / 3600), &tally);
	}
}

/* ---- what was expected ---- */

static int32_t hour_of(int64_t time_us)
{
	return time_us > 0 ? (int32_t)(time_us / HOUR_US) : 0;
}

static void ask(struct band *band, struct watch *watch, uint32_t rule, uint32_t topic, int32_t slot, int32_t hours)
{
	int64_t end_us = (int64_t)(slot + 1) * hours * HOUR_US;
	struct rule_band expect = watch_expect(watch, rule, topic, end_us - 1, hours * (int32_t)(HOUR_US / RULE_CELL_US));

	if (band->count == band->room) {
		band->room = band->room ? band->room * 2 : 64;
		band->points = xrealloc(band->points, band->room * sizeof *band->points);
	}
	band->points[band->count++] = (struct band_point){slot, (float)expect.expected, (float)expect.limit};
}

/* Of every topic, the slots of one step in [first, end). */
static void ask_slots(struct replay_tracks *tracks, struct watch *watch, size_t step, int32_t first, int32_t end)
{
	for (uint32_t t = 0; t < tracks->config->topic_count; t++) {
		struct topic_tracks *topic = tracks->topics[t];

		for (size_t r = 0; topic && r < topic->rule_count; r++)
			for (int32_t slot = first; slot < end; slot++)
				ask(&topic->rules[r].bands[step], watch, topic->rules[r].rule, t, slot, step_hours[step]);
	}
}

bool replay_tracks_due(const struct replay_tracks *tracks, int64_t applied_us)
{
	return applied_us >= tracks->since_s * SECOND_US && hour_of(applied_us) > tracks->open_hour;
}

static void close_until(struct replay_tracks *tracks, struct watch *watch, int32_t hour, bool end)
{
	int32_t from = tracks->open_hour;

	if (from == INT32_MIN || hour - from > GAP_HOURS)
		from = hour;
	for (size_t s = 0; s < STEPS; s++)
		ask_slots(tracks, watch, s, from / step_hours[s], hour / step_hours[s] + end);
	tracks->open_hour = hour;
}

void replay_tracks_close(struct replay_tracks *tracks, struct watch *watch, int64_t applied_us)
{
	if (replay_tracks_due(tracks, applied_us))
		close_until(tracks, watch, hour_of(applied_us), false);
}

void replay_tracks_end(struct replay_tracks *tracks, struct watch *watch, int64_t applied_us)
{
	if (tracks->open_hour != INT32_MIN)
		close_until(tracks, watch, hour_of(applied_us), true);
}

/* ---- a picture's data ---- */

static const char *label_of(enum rule_metric metric, size_t step)
{
	static const char *const labels[RULE_METRICS][STEPS] = {
		[RULE_NEGATIVE_COUNT] = {"negative stories an hour", "negative stories in 6 hours", "negative stories a day"},
		[RULE_NEGATIVE_SHARE] = {"negative stories an hour", "negative stories in 6 hours", "negative stories a day"},
		[RULE_MEAN_SCORE] = {"mean score of an hour", "mean score of 6 hours", "mean score of a day"},
		[RULE_VOLUME] = {"stories an hour", "stories in 6 hours", "stories a day"},
	};

	return labels[metric][step];
}

static float value_of(enum rule_metric metric, const struct tally *tally)
{
	switch (metric) {
	case RULE_VOLUME: return (float)tally->stories;
	case RULE_MEAN_SCORE: return tally->judged ? (float)((double)tally->score / 1e6 / tally->judged) : NAN;
	default: return (float)tally->negative;
	}
}

/* Short spans in hours, rare stories in days, and never more points than can be told apart. */
static size_t choose_step(double hours, double count)
{
	if (hours <= 4 * 24 || (hours <= 62 * 24 && count >= 0.5 * hours))
		return 0;
	return hours <= 21 * 24 || (hours <= 366 * 24 && count >= 0.1 * hours) ? 1 : 2;
}

static void fill_band(const struct band *band, int32_t first, struct replay_track *track)
{
	for (size_t i = 0; i < track->count; i++)
		track->expected[i] = track->limit[i] = NAN;
	for (size_t i = 0; i < band->count; i++) {
		int32_t at = band->points[i].slot - first;

		if (at < 0 || (size_t)at >= track->count)
			continue;
		track->expected[at] = band->points[i].expected;
		track->limit[at] = band->points[i].limit;
	}
}

static const struct rule_tracks *find_rule(const struct topic_tracks *topic, uint32_t rule)
{
	for (size_t r = 0; topic && r < topic->rule_count; r++)
		if (topic->rules[r].rule == rule)
			return &topic->rules[r];
	return NULL;
}

bool replay_tracks_get(const struct replay_tracks *tracks, uint32_t topic, uint32_t rule, int64_t from_us, int64_t until_us,
		       struct replay_track *track)
{
	const struct rule_tracks *of = find_rule(tracks->topics[topic], rule);
	const struct window *hours = of ? &tracks->topics[topic]->hours : NULL;
	enum rule_metric metric = tracks->config->watch.rules[rule].metric;
	int32_t from = hour_of(from_us), until = hour_of(until_us - 1) + 1;
	struct tally all;
	size_t step;
	int32_t width, first;

	if (!of)
		return false;
	all = window_sum(hours, from - 1, until - 1);
	step = choose_step(until - from, metric == RULE_VOLUME ? all.stories : all.negative);
	width = step_hours[step];
	first = from / width;
	*track = (struct replay_track){
		.start_s = (int64_t)first * width * 3600,
		.step_s = (int64_t)width * 3600,
		.count = (size_t)((until - 1) / width - first + 1),
		.label = label_of(metric, step),
	};
	track->counts = xcalloc(track->count, sizeof *track->counts);
	track->expected = xcalloc(track->count, sizeof *track->expected);
	track->limit = xcalloc(track->count, sizeof *track->limit);
	for (size_t i = 0; i < track->count; i++) {
		int32_t end = (first + (int32_t)i + 1) * width - 1;
		struct tally tally = window_sum(hours, end - width, end);

		track->counts[i] = value_of(metric, &tally);
	}
	fill_band(&of->bands[step], first, track);
	return true;
}

void replay_track_clear(struct replay_track *track)
{
	free(track->counts);
	free(track->expected);
	free(track->limit);
	*track = (struct replay_track){0};
}
