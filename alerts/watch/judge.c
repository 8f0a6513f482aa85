/*
 * The states of a rule on a topic: ok, pending, firing.  Upwards they go on a
 * document, at the cell of its source's watermark, which is still open;
 * whatever order the documents of a cell come in, the count in it only grows,
 * so the cell in which an alert begins is the same.  Downwards: due.c.
 */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct rule_baseline *baseline_of(struct topic *topic, enum rule_metric metric, int32_t cell)
{
	struct rule_baseline **first = &topic->baselines[metric][0], **second = &topic->baselines[metric][1], *found;
	int32_t hour = rule_baseline_hour(&topic->hours, cell);

	if (*first && (*first)->hour == hour)
		return *first;
	found = *second;
	*second = *first;
	*first = found ? found : xmalloc(sizeof *found);
	if (!found || found->hour != hour)
		rule_learn(*first, metric, &topic->hours, hour);
	if (hour > topic->learnt)
		topic->learnt = hour;
	return *first;
}

void forget_baselines(struct topic *topic, int32_t hour)
{
	if (topic->learnt <= hour) /* nearly always */
		return;
	topic->learnt = hour;
	for (int m = 0; m < RULE_METRICS; m++) {
		for (int i = 0; i < TOPIC_BASELINES; i++) {
			if (!topic->baselines[m][i] || topic->baselines[m][i]->hour <= hour)
				continue;
			free(topic->baselines[m][i]);
			topic->baselines[m][i] = NULL;
		}
	}
}

struct rule_verdict judge(struct watch *watch, uint32_t index, uint32_t rule, struct rule_span span)
{
	const struct rule_spec *spec = &watch->rules[rule];
	struct topic *topic = &watch->topics[index];
	struct rule_verdict verdict = rule_judge(spec, baseline_of(topic, spec->metric, span.cell), &topic->recent, span);

	if (verdict.fire && spec->min_publishers > 1 &&
	    memory_publishers(&topic->memory, spec->metric != RULE_VOLUME, span.cell - verdict.cells) < spec->min_publishers)
		verdict.fire = false;
	return verdict;
}

static void name_alert(const struct watch *watch, struct rule_state *state)
{
	uint64_t hash = hash_text(0, watch->rules[state->rule].name);

	hash = hash_number(hash, watch->topics[state->topic].key);
	hash = hash_number(hash, (uint64_t)state->began);
	snprintf(state->id, sizeof state->id, "%016llx", (unsigned long long)hash);
	memcpy(state->group, state->id, sizeof state->group);
}

static void begin(struct watch *watch, struct rule_state *state, uint32_t source, const struct moment *now,
		  struct watch_effects *effects)
{
	state->event = state->joined = state->followers = 0;
	state->began = state->hot = now->cell;
	state->fired = 0;
	state->told = TOLD_NOT;
	state->peak = state->said = now->verdict->count;
	state->said_cell = now->cell;
	state->source = source;
	name_alert(watch, state);
	activate(watch, state);
	if (watch->rules[state->rule].for_us > 0)
		begin_pending(watch, state, now, effects);
	else
		fire(watch, state, now, effects);
}

/* A document came and the count is high still: the alert goes on from here, by the clock that is furthest. */
static void keep_hot(struct watch *watch, struct rule_state *state, uint32_t source, const struct moment *now,
		     struct watch_effects *effects)
{
	struct rule_state before = *state;

	if (now->cell > state->hot)
		state->hot = now->cell;
	if (now->verdict->count > state->peak)
		state->peak = now->verdict->count;
	if (watch->sources[source].watermark_us > watch->sources[state->source].watermark_us) {
		state->source = source;
		due_stir(watch);
	}
	escalate(watch, state, now, effects);
	if (before.hot != state->hot || before.peak != state->peak || before.source != state->source)
		put_state(watch, state, effects);
}

static struct rule_state *make_state(const struct watch *watch, uint32_t rule, uint32_t topic)
{
	struct rule_state *state = xcalloc(1, sizeof *state);

	state->rule = rule;
	state->topic = topic;
	state->since = RULE_EVER;
	state->order = order_of(watch, rule, topic);
	return state;
}

/* The others bear witness of a negative story of their minute, whichever came first; alone they keep no alert going. */
static bool keeps_going(const struct rule_spec *spec, const struct topic *topic, const struct tally *tally, int32_t cell)
{
	return spec->metric != RULE_NEGATIVE_COUNT || tally->negative > 0 ||
	       window_sum(&topic->recent, cell - 1, cell).negative > 0;
}

static void judge_rule(struct watch *watch, uint32_t index, size_t slot, const struct tally *tally, uint32_t source,
		       int64_t applied_us, struct watch_effects *effects)
{
	int32_t cell = cell_of(watch->sources[source].watermark_us);
	struct topic *topic = &watch->topics[index];
	struct rule_state *state = topic->states[slot];
	uint32_t rule = topic->rules[slot];
	struct rule_span span;
	struct rule_verdict verdict;
	struct moment now = {.applied_us = applied_us, .verdict = &verdict};

	while (state && state->state != ALERT_OK && due_cell(watch, state) < cell)
		step_due(watch, state, applied_us, effects);
	if (state && cell < state->changed)
		cell = state->changed;
	if (state && state->state == ALERT_OK && cell == state->began)
		return; /* one alert begins in a cell: its id is made from that */
	span = (struct rule_span){state ? state->since : RULE_EVER, cell};
	if ((!state || state->state == ALERT_OK) && !rule_may_fire(&watch->rules[rule], &topic->recent, span))
		return;
	verdict = judge(watch, index, rule, span);
	now.cell = cell;
	if (state && state->state != ALERT_OK) {
		if (verdict.hold && keeps_going(&watch->rules[rule], topic, tally, cell))
			keep_hot(watch, state, source, &now, effects);
		break_silence(watch, state, applied_us, effects);
		return;
	}
	if (!verdict.fire)
		return;
	if (!state)
		state = topic->states[slot] = make_state(watch, rule, index);
	begin(watch, state, source, &now, effects);
}

static bool counts_for(enum rule_metric metric, const struct tally *tally)
{
	switch (metric) {
	/* The others bear witness: what they say must not hang on which comes first. */
	case RULE_NEGATIVE_COUNT: return tally->negative > 0 || tally->stories > 0;
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
			judge_rule(watch, topic, i, tally, source, applied_us, effects);
}
