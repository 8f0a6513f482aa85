/*
 * The states of a rule on a topic: ok, pending, firing.
 *
 * Up: on a document, at the cell of its source's watermark, which is still
 * open; whatever order the documents of a cell come in, the count in it only
 * grows, so the cell in which an alert begins is the same.
 *
 * Down, and from pending to firing: by time alone.  Each alert knows the cell
 * in which something falls due, and it happens when that cell has closed, be it
 * seen by a tick or by the next document.  So how often ticks come makes no
 * difference, and an alert is not kept firing by an old count that slides out
 * of a long window: it resolves when for `keep_firing` no document has come
 * that found the count high.
 */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t cells_of(int64_t duration_us)
{
	return (int32_t)((duration_us + RULE_CELL_US - 1) / RULE_CELL_US);
}

static const struct rule_baseline *baseline_of(struct topic *topic, enum rule_metric metric, int32_t cell)
{
	struct rule_baseline **baseline = &topic->baselines[metric];
	int32_t hour = rule_baseline_hour(&topic->hours, cell);

	if (*baseline && (*baseline)->hour == hour)
		return *baseline;
	if (!*baseline)
		*baseline = xmalloc(sizeof **baseline);
	rule_learn(*baseline, metric, &topic->hours, hour);
	return *baseline;
}

static struct rule_verdict judge(const struct watch *watch, struct topic *topic, uint32_t rule, int32_t cell)
{
	const struct rule_spec *spec = &watch->rules[rule];
	struct rule_verdict verdict = rule_judge(spec, baseline_of(topic, spec->metric, cell), &topic->recent, cell);

	if (verdict.fire && spec->min_publishers > 1 &&
	    memory_publishers(&topic->memory, spec->metric != RULE_VOLUME, cell - verdict.cells) < spec->min_publishers)
		verdict.fire = false;
	return verdict;
}

static bool is_silent(const struct watch *watch, const struct topic *topic, int64_t applied_us)
{
	return applied_us < watch->silent_until_us || applied_us < topic->silent_until_us;
}

/* Position of a state in `active`, or where it belongs. */
static size_t active_place(const struct watch *watch, const struct rule_state *state)
{
	size_t low = 0, high = watch->active_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rule_state *other = watch->active[middle];

		if (other->topic < state->topic || (other->topic == state->topic && other->rule < state->rule))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void activate(struct watch *watch, struct rule_state *state)
{
	size_t place = active_place(watch, state);

	if (watch->active_count == watch->active_room) {
		watch->active_room = watch->active_room ? watch->active_room * 2 : 16;
		watch->active = xrealloc(watch->active, watch->active_room * sizeof *watch->active);
	}
	memmove(watch->active + place + 1, watch->active + place, (watch->active_count - place) * sizeof *watch->active);
	watch->active[place] = state;
	watch->active_count++;
}

void deactivate(struct watch *watch, const struct rule_state *state)
{
	size_t place = active_place(watch, state);

	CHECK(place < watch->active_count && watch->active[place] == state);
	watch->active_count--;
	memmove(watch->active + place, watch->active + place + 1, (watch->active_count - place) * sizeof *watch->active);
}

static void put_state(const struct watch *watch, const struct rule_state *state, struct watch_effects *effects)
{
	char text[STATE_TEXT_SIZE];

	state_print(watch, state, text);
	effects_put_rule_state(effects, state->rule, state->topic, text);
}

/* One step of an alert: the state, its text, and the alert's event. */
static void step(struct watch *watch, struct rule_state *state, enum alert_state to, int32_t cell,
		 const struct rule_verdict *verdict, int64_t applied_us, struct watch_effects *effects)
{
	bool silent = is_silent(watch, &watch->topics[state->topic], applied_us);
	struct change change = {.to = to, .cell = cell, .applied_us = applied_us, .verdict = verdict};

	state->event++;
	state->changed = cell;
	if (to == ALERT_FIRING) {
		state->state = ALERT_FIRING;
		state->fired = cell;
		change.notify = state->notified = !silent;
	} else if (to == ALERT_PENDING) {
		state->state = ALERT_PENDING;
	} else {
		state->state = ALERT_OK;
		change.notify = state->notified && !silent;
		deactivate(watch, state);
	}
	announce(watch, state, &change, effects);
	put_state(watch, state, effects);
}

static void name_alert(const struct watch *watch, struct rule_state *state)
{
	uint64_t hash = hash_text(0, watch->rules[state->rule].name);

	hash = hash_number(hash, watch->topics[state->topic].key);
	hash = hash_number(hash, (uint64_t)state->began);
	snprintf(state->id, sizeof state->id, "%016llx", (unsigned long long)hash);
}

static void begin(struct watch *watch, struct rule_state *state, uint32_t source, int32_t cell,
		  const struct rule_verdict *verdict, int64_t applied_us, struct watch_effects *effects)
{
	state->event = 0;
	state->began = state->hot = cell;
	state->fired = 0;
	state->notified = false;
	state->peak = verdict->count;
	state->source = source;
	name_alert(watch, state);
	activate(watch, state);
	step(watch, state, watch->rules[state->rule].for_us > 0 ? ALERT_PENDING : ALERT_FIRING, cell, verdict, applied_us,
	     effects);
}

/* The cell in which time alone brings the next step. */
static int32_t due_cell(const struct watch *watch, const struct rule_state *state)
{
	const struct rule_spec *spec = &watch->rules[state->rule];
	int32_t due = state->state == ALERT_PENDING ? state->began + cells_of(spec->for_us)
						    : state->hot + cells_of(spec->keep_firing_us);

	return due < state->changed ? state->changed : due;
}

static void step_due(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects)
{
	int32_t due = due_cell(watch, state);
	struct rule_verdict verdict = judge(watch, &watch->topics[state->topic], state->rule, due);
	bool fires = state->state == ALERT_PENDING && verdict.hold;

	if (fires)
		state->hot = due;
	step(watch, state, fires ? ALERT_FIRING : ALERT_RESOLVED, due, &verdict, applied_us, effects);
}

/* A silence ran out while the alert goes on: now it is told. */
static void break_silence(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects)
{
	struct topic *topic = &watch->topics[state->topic];
	struct rule_verdict verdict;

	if (state->state != ALERT_FIRING || state->notified || is_silent(watch, topic, applied_us))
		return;
	verdict = judge(watch, topic, state->rule, state->hot);
	state->event++;
	state->notified = true;
	announce(watch, state,
		 &(struct change){.to = ALERT_FIRING,
				  .cell = state->hot,
				  .notify = true,
				  .applied_us = applied_us,
				  .verdict = &verdict},
		 effects);
	put_state(watch, state, effects);
}

/* What is due first, of what follows this source; NULL where nothing is due before `cell`. */
static struct rule_state *first_due(const struct watch *watch, uint32_t source, int32_t cell)
{
	struct rule_state *first = NULL;
	int32_t first_cell = cell;

	for (size_t i = 0; i < watch->active_count; i++) {
		struct rule_state *state = watch->active[i];
		int32_t due = due_cell(watch, state);

		if (state->source == source && due < first_cell) {
			first = state;
			first_cell = due;
		}
	}
	return first;
}

void judge_due(struct watch *watch, uint32_t source, int32_t cell, int64_t applied_us, struct watch_effects *effects)
{
	struct rule_state *due;

	while ((due = first_due(watch, source, cell)))
		step_due(watch, due, applied_us, effects);
	for (size_t i = 0; i < watch->active_count; i++)
		if (watch->active[i]->source == source)
			break_silence(watch, watch->active[i], applied_us, effects);
}

/* A document came and the count is high still: the alert goes on from here, by the clock that is furthest. */
static void keep_hot(struct watch *watch, struct rule_state *state, uint32_t source, int32_t cell,
		     const struct rule_verdict *verdict, struct watch_effects *effects)
{
	struct rule_state before = *state;

	if (cell > state->hot)
		state->hot = cell;
	if (verdict->count > state->peak)
		state->peak = verdict->count;
	if (watch->sources[source].watermark_us > watch->sources[state->source].watermark_us)
		state->source = source;
	if (before.hot != state->hot || before.peak != state->peak || before.source != state->source)
		put_state(watch, state, effects);
}

static void judge_rule(struct watch *watch, struct topic *topic, size_t slot, uint32_t source, int64_t applied_us,
		       struct watch_effects *effects)
{
	int32_t cell = cell_of(watch->sources[source].watermark_us);
	struct rule_state *state = topic->states[slot];
	uint32_t rule = topic->rules[slot];
	struct rule_verdict verdict;

	while (state && state->state != ALERT_OK && due_cell(watch, state) < cell)
		step_due(watch, state, applied_us, effects);
	if (state && cell < state->changed)
		cell = state->changed;
	if (state && state->state == ALERT_OK && cell == state->began)
		return; /* one alert begins in a cell: its id is made from that */
	if ((!state || state->state == ALERT_OK) && !rule_may_fire(&watch->rules[rule], &topic->recent, cell))
		return;
	verdict = judge(watch, topic, rule, cell);
	if (state && state->state != ALERT_OK) {
		if (verdict.hold)
			keep_hot(watch, state, source, cell, &verdict, effects);
		break_silence(watch, state, applied_us, effects);
		return;
	}
	if (!verdict.fire)
		return;
	if (!state) {
		state = topic->states[slot] = xcalloc(1, sizeof *state);
		state->rule = rule;
		state->topic = (uint32_t)(topic - watch->topics);
	}
	begin(watch, state, source, cell, &verdict, applied_us, effects);
}

static bool counts_for(enum rule_metric metric, const struct tally *tally)
{
	switch (metric) {
	case RULE_NEGATIVE_COUNT: return tally->negative > 0;
	case RULE_VOLUME: return tally->stories > 0;
	default: return tally->judged > 0;
	}
}

void judge_topic(struct watch *watch, uint32_t topic, const struct tally *tally, uint32_t source, int64_t applied_us,
		 struct watch_effects *effects)
{
	struct topic *t = &watch->topics[topic];

	for (size_t i = 0; i < t->rule_count; i++)
		if (counts_for(watch->rules[t->rules[i]].metric, tally))
			judge_rule(watch, t, i, source, applied_us, effects);
}
