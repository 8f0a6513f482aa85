/*
 * What many events leave to be persisted.  A batch touches the same buckets,
 * states and sources again and again: each is kept once, found by a hash
 * index.  Text lives in an arena that a clear empties and keeps.
 */
#include "alerts/watch/effects.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing from a key to a position in an array; 0 = empty, else position + 1. */
struct index {
	uint32_t *slots;
	size_t size; /* a power of two, or 0 */
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[];
};

struct watch_effects_private {
	struct index buckets, states;
	size_t bucket_room, state_room, source_room, alert_room, silence_room, topic_source_room, late_room;
	struct watch_backlog_state backlog;
	struct chunk *arena;
};

struct watch_effects *watch_effects_create(void)
{
	struct watch_effects *effects = xcalloc(1, sizeof *effects);

	effects->private = xcalloc(1, sizeof *effects->private);
	return effects;
}

static void arena_clear(struct watch_effects_private *private)
{
	struct chunk *first = private->arena;

	if (!first)
		return;
	while (first->next) {
		struct chunk *next = first->next->next;

		free(first->next);
		first->next = next;
	}
	first->used = 0;
}

static void *arena_take(struct watch_effects_private *private, size_t size)
{
	struct chunk *chunk = private->arena;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > 16384 ? size : 16384;

		chunk = xmalloc(sizeof *chunk + room);
		*chunk = (struct chunk){.next = private->arena, .size = room};
		private->arena = chunk;
	}
	chunk->used += size;
	return chunk->data + chunk->used - size;
}

static char *arena_copy(struct watch_effects_private *private, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(arena_take(private, size), text, size);
}

static void index_clear(struct index *index)
{
	if (index->size)
		memset(index->slots, 0, index->size * sizeof *index->slots);
}

void watch_effects_clear(struct watch_effects *effects)
{
	struct watch_effects_private *private = effects->private;

	if (effects->increment_count)
		index_clear(&private->buckets);
	if (effects->rule_state_count)
		index_clear(&private->states);
	arena_clear(private);
	effects->increment_count = effects->rule_state_count = effects->source_count = 0;
	effects->alert_count = effects->silence_count = effects->topic_source_count = effects->late_count = 0;
	effects->backlog = NULL;
}

void watch_effects_free(struct watch_effects *effects)
{
	if (!effects)
		return;
	arena_clear(effects->private);
	free(effects->private->arena);
	free(effects->private->buckets.slots);
	free(effects->private->states.slots);
	free(effects->private);
	free(effects->increments);
	free(effects->rule_states);
	free(effects->sources);
	free(effects->alerts);
	free(effects->silences);
	free(effects->topic_sources);
	free(effects->lates);
	free(effects);
}

/* Room for one more element of `size` bytes behind `count`. */
static void *grow(void *array, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	return xrealloc(array, *room * size);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	h = (h ^ (h >> 29) ^ b) * 0x94d049bb133111ebu;
	return h ^ (h >> 32);
}

static uint64_t bucket_hash(const struct watch_bucket *bucket)
{
	return mix((uint64_t)bucket->topic << 32 | (uint32_t)bucket->width_s, (uint64_t)bucket->start_s);
}

static uint64_t state_hash(const struct watch_rule_state *state)
{
	return mix(state->rule, state->topic);
}

static void index_put(struct index *index, uint64_t hash, size_t position)
{
	size_t i = hash & (index->size - 1);

	while (index->slots[i])
		i = (i + 1) & (index->size - 1);
	index->slots[i] = (uint32_t)position + 1;
}

/* Grow to at most half full for `count` elements; true where it must be filled again. */
static bool index_grow(struct index *index, size_t count)
{
	if (index->size >= 2 * count)
		return false;
	index->size = index->size ? index->size * 4 : 64;
	free(index->slots);
	index->slots = xcalloc(index->size, sizeof *index->slots);
	return true;
}

struct watch_bucket *effects_bucket(struct watch_effects *effects, uint32_t topic, int32_t width_s, int64_t start_s)
{
	struct watch_effects_private *private = effects->private;
	struct watch_bucket new = {.topic = topic, .width_s = width_s, .start_s = start_s};
	uint64_t hash = bucket_hash(&new);

	if (private->buckets.size) {
		for (size_t i = hash & (private->buckets.size - 1); private->buckets.slots[i];
		     i = (i + 1) & (private->buckets.size - 1)) {
			struct watch_bucket *old = &effects->increments[private->buckets.slots[i] - 1];

			if (old->start_s == start_s && old->topic == topic && old->width_s == width_s)
				return old;
		}
	}
	effects->increments =
		grow(effects->increments, &private->bucket_room, effects->increment_count, sizeof *effects->increments);
	if (index_grow(&private->buckets, effects->increment_count + 1))
		for (size_t i = 0; i < effects->increment_count; i++)
			index_put(&private->buckets, bucket_hash(&effects->increments[i]), i);
	index_put(&private->buckets, hash, effects->increment_count);
	effects->increments[effects->increment_count] = new;
	return &effects->increments[effects->increment_count++];
}

void effects_put_rule_state(struct watch_effects *effects, uint32_t rule, uint32_t topic, const char *state)
{
	struct watch_effects_private *private = effects->private;
	struct watch_rule_state new = {.rule = rule, .topic = topic, .state = arena_copy(private, state)};
	uint64_t hash = state_hash(&new);

	if (private->states.size) {
		for (size_t i = hash & (private->states.size - 1); private->states.slots[i];
		     i = (i + 1) & (private->states.size - 1)) {
			struct watch_rule_state *old = &effects->rule_states[private->states.slots[i] - 1];

			if (old->rule == rule && old->topic == topic) {
				*old = new;
				return;
			}
		}
	}
	effects->rule_states =
		grow(effects->rule_states, &private->state_room, effects->rule_state_count, sizeof *effects->rule_states);
	if (index_grow(&private->states, effects->rule_state_count + 1))
		for (size_t i = 0; i < effects->rule_state_count; i++)
			index_put(&private->states, state_hash(&effects->rule_states[i]), i);
	index_put(&private->states, hash, effects->rule_state_count);
	effects->rule_states[effects->rule_state_count++] = new;
}

/* Sources and silences are few: a scan will do. */
void effects_put_source(struct watch_effects *effects, const struct watch_source_state *source)
{
	struct watch_effects_private *private = effects->private;

	for (size_t i = 0; i < effects->source_count; i++) {
		struct watch_source_state *old = &effects->sources[i];

		if (strcmp(old->source, source->source) == 0) {
			const char *name = old->source;

			*old = *source;
			old->source = name;
			return;
		}
	}
	effects->sources = grow(effects->sources, &private->source_room, effects->source_count, sizeof *effects->sources);
	effects->sources[effects->source_count] = *source;
	effects->sources[effects->source_count++].source = arena_copy(private, source->source);
}

void effects_put_silence(struct watch_effects *effects, const struct watch_silence_state *silence)
{
	struct watch_effects_private *private = effects->private;

	for (size_t i = 0; i < effects->silence_count; i++) {
		if (effects->silences[i].topic == silence->topic) {
			effects->silences[i] = *silence;
			return;
		}
	}
	effects->silences =
		grow(effects->silences, &private->silence_room, effects->silence_count, sizeof *effects->silences);
	effects->silences[effects->silence_count++] = *silence;
}

void effects_add_alert(struct watch_effects *effects, const struct watch_alert *alert)
{
	struct watch_effects_private *private = effects->private;
	struct watch_evidence *evidence = arena_take(private, alert->evidence_count * sizeof *evidence + 1);
	uint32_t *members = arena_take(private, alert->member_count * sizeof *members + 1);
	struct watch_alert *copy;

	for (size_t i = 0; i < alert->evidence_count; i++) {
		evidence[i] = alert->evidence[i];
		evidence[i].publisher = arena_copy(private, evidence[i].publisher);
		evidence[i].title = arena_copy(private, evidence[i].title);
		evidence[i].url = arena_copy(private, evidence[i].url);
	}
	effects->alerts = grow(effects->alerts, &private->alert_room, effects->alert_count, sizeof *effects->alerts);
	copy = &effects->alerts[effects->alert_count++];
	*copy = *alert;
	copy->evidence = evidence;
	copy->group = arena_copy(private, alert->group);
	copy->members = members;
	if (alert->member_count)
		memcpy(members, alert->members, alert->member_count * sizeof *members);
}

void effects_add_topic_source(struct watch_effects *effects, const struct watch_topic_source *source)
{
	struct watch_effects_private *private = effects->private;

	effects->topic_sources = grow(effects->topic_sources, &private->topic_source_room, effects->topic_source_count,
				      sizeof *effects->topic_sources);
	effects->topic_sources[effects->topic_source_count] = *source;
	effects->topic_sources[effects->topic_source_count++].source = arena_copy(private, source->source);
}

void effects_add_late(struct watch_effects *effects, const struct watch_late *late)
{
	effects->lates = grow(effects->lates, &effects->private->late_room, effects->late_count, sizeof *effects->lates);
	effects->lates[effects->late_count++] = *late;
}

void effects_put_backlog(struct watch_effects *effects, const struct watch_backlog_state *backlog)
{
	effects->private->backlog = *backlog;
	effects->backlog = &effects->private->backlog;
}
