/*
 * Another model: what was counted so far is drawn anew, by the chances of the
 * switch (alerts/model_switch.h).
 *
 * A count is drawn by a number made from the switch, the topic and its place in
 * time.  So a replay that comes to the switch with everything in memory and a
 * start that loads it bucket by bucket come to the same counts.  The hour of
 * the switch itself is left as it is: the database cannot tell which of its
 * documents came before.
 */
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

#include <math.h>
#include <stdlib.h>

enum grid { GRID_CELLS, GRID_HOURS, GRID_PAIRS };

static uint64_t seed_of(const struct watch_switch *sw, uint64_t key, enum grid grid, int64_t place)
{
	int64_t numbers[] = {sw->at_us, (int64_t)key, grid, place};

	return hash_bytes(0, numbers, sizeof numbers);
}

static const struct switch_chances *chances_of(const struct watch *watch, const struct watch_switch *sw,
					       const struct topic *topic)
{
	return sw->topics ? &sw->topics[topic - watch->topics] : &sw->overall;
}

/* Slots [begin, end) of a window. */
struct slots {
	int32_t begin, end;
};

static void redraw_window(struct window *window, const struct watch_switch *sw, const struct switch_chances *chances,
			  uint64_t key, enum grid grid, struct slots slots)
{
	struct window drawn;

	window_init(&drawn, window->span);
	for (size_t i = 0; i < window_size(window); i++) {
		struct tally tally = window_at(window, i);
		int32_t slot = window_slot(window, i);

		if (slot >= slots.begin && slot < slots.end)
			switch_redraw(chances, seed_of(sw, key, grid, slot), &tally);
		window_add(&drawn, slot, &tally);
	}
	window_reset(window);
	*window = drawn;
}

/*
 * A copy that comes after the switch must not count once more as a negative
 * story where the old model's judgement of the first report is now drawn as
 * negative.  A pair does not know its topic: the chances of all topics will do.
 */
static void mark_pairs(struct watch *watch, const struct watch_switch *sw, struct slots cells)
{
	double chance = sw->overall.become[JUDGED_OTHER][JUDGED_NEGATIVE];

	for (size_t i = 0; i < watch->pairs.size; i++) {
		struct pair *pair = &watch->pairs.slots[i];

		if (pair->key && pairs_holds(&watch->pairs, pair, PAIR_JUDGED) &&
		    !pairs_holds(&watch->pairs, pair, PAIR_NEGATIVE) && pair->last[PAIR_JUDGED] >= cells.begin &&
		    pair->last[PAIR_JUDGED] < cells.end &&
		    switch_draw(seed_of(sw, pair->key, GRID_PAIRS, 0), chance))
			pair->last[PAIR_NEGATIVE] = pair->last[PAIR_JUDGED];
	}
}

/* The switch of now may have come within a cell: that cell is of before. */
static struct slots cells_of(struct watch_span span)
{
	return (struct slots){span.from_us == INT64_MIN ? INT32_MIN : cell_of(span.from_us),
			      span.until_us == INT64_MAX ? INT32_MAX : cell_of(span.until_us)};
}

void watch_load_switch(struct watch *watch, const struct watch_switch *sw, struct watch_span span)
{
	struct slots cells = cells_of(span);

	for (size_t t = 0; t < watch->topic_count; t++) {
		struct topic *topic = &watch->topics[t];

		redraw_window(&topic->recent, sw, chances_of(watch, sw, topic), topic->key, GRID_CELLS, cells);
		forget_baselines(topic, INT32_MIN);
	}
	mark_pairs(watch, sw, cells);
}

void watch_switch_model(struct watch *watch, const struct watch_switch *sw)
{
	struct slots hours = {INT32_MIN, hour_of(sw->at_us)};

	for (size_t t = 0; t < watch->topic_count; t++) {
		struct topic *topic = &watch->topics[t];

		redraw_window(&topic->hours, sw, chances_of(watch, sw, topic), topic->key, GRID_HOURS, hours);
	}
	watch_load_switch(watch, sw, (struct watch_span){INT64_MIN, INT64_MAX});
}

void watch_load_bucket_before(struct watch *watch, const struct watch_bucket *bucket, const struct watch_switch *switches,
			      size_t count)
{
	struct tally tally = watch_bucket_tally(bucket);
	int32_t hour = hour_of(bucket->start_s * SECOND_US);
	struct topic *topic;

	if (bucket->width_s != 3600 || bucket->topic >= watch->topic_count)
		return;
	topic = &watch->topics[bucket->topic];
	for (size_t i = 0; i < count; i++)
		if (hour < hour_of(switches[i].at_us))
			switch_redraw(chances_of(watch, &switches[i], topic),
				      seed_of(&switches[i], topic->key, GRID_HOURS, hour), &tally);
	count_history(topic, bucket->start_s * SECOND_US, &tally);
}
