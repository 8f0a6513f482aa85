/*
 * Sources and their watermarks, and which of them speak of a topic.  There are
 * few sources: the last one used is tried first, then a scan.
 */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <string.h>

#define NOTED_EVERY_US DAY_US
#define REMEMBERED_US (28 * DAY_US) /* a source not heard of on a topic for so long is none of its sources */

uint32_t source_find(struct watch *watch, const char *name)
{
	if (watch->last_source < watch->source_count && strcmp(watch->sources[watch->last_source].name, name) == 0)
		return (uint32_t)watch->last_source;
	for (size_t i = 0; i < watch->source_count; i++) {
		if (strcmp(watch->sources[i].name, name) == 0) {
			watch->last_source = i;
			return (uint32_t)i;
		}
	}
	watch->sources = xrealloc(watch->sources, (watch->source_count + 1) * sizeof *watch->sources);
	watch->sources[watch->source_count] = (struct source_mark){
		.name = xstrdup(name),
		.watermark_us = INT64_MIN,
		.advanced_us = INT64_MIN,
		.seen_us = INT64_MIN,
		.loaded_us = INT64_MIN,
		.calm_until = INT32_MIN,
	};
	watch->last_source = watch->source_count++;
	return (uint32_t)watch->last_source;
}

void put_source(struct watch *watch, uint32_t index, struct watch_effects *effects)
{
	const struct source_mark *source = &watch->sources[index];

	effects_put_source(effects, &(struct watch_source_state){
					    .source = source->name,
					    .watermark_us = source->watermark_us,
					    .advanced_us = source->advanced_us,
					    .seen_us = source->seen_us,
					    .own_clock = source->own_clock,
					    .behind = source->behind,
				    });
}

/* ---- of a topic ---- */

static struct heard_source *find_heard(struct topic *topic, uint32_t source)
{
	for (size_t i = 0; i < topic->source_count; i++)
		if (topic->sources[i].source == source)
			return &topic->sources[i];
	topic->sources = xrealloc(topic->sources, (topic->source_count + 1) * sizeof *topic->sources);
	topic->sources[topic->source_count] = (struct heard_source){source, INT64_MIN};
	return &topic->sources[topic->source_count++];
}

void topic_hear(struct watch *watch, uint32_t topic, uint32_t source, int64_t applied_us, struct watch_effects *effects)
{
	struct heard_source *heard = find_heard(&watch->topics[topic], source);

	if (heard->noted_us != INT64_MIN && applied_us - heard->noted_us < NOTED_EVERY_US)
		return;
	heard->noted_us = applied_us;
	effects_add_topic_source(effects, &(struct watch_topic_source){
						  .topic = topic,
						  .source = watch->sources[source].name,
						  .noted_us = applied_us,
					  });
}

void watch_load_topic_source(struct watch *watch, const struct watch_topic_source *stored)
{
	uint32_t source = source_find(watch, stored->source);

	if (stored->topic < watch->topic_count)
		find_heard(&watch->topics[stored->topic], source)->noted_us = stored->noted_us;
}

bool source_is_dead(const struct watch *watch, uint32_t source, int64_t applied_us)
{
	const struct source_mark *mark = &watch->sources[source];

	return mark->watermark_us == INT64_MIN || applied_us - mark->seen_us > watch->no_data_us;
}

/* The one that is furthest, of those that live. */
static uint32_t living_source(const struct watch *watch, const struct topic *topic, int64_t applied_us)
{
	uint32_t best = UINT32_MAX;

	for (size_t i = 0; i < topic->source_count; i++) {
		const struct heard_source *heard = &topic->sources[i];

		if (source_is_dead(watch, heard->source, applied_us) || applied_us - heard->noted_us > REMEMBERED_US)
			continue;
		if (best == UINT32_MAX ||
		    watch->sources[heard->source].watermark_us > watch->sources[best].watermark_us)
			best = heard->source;
	}
	return best;
}

void leave_dead_sources(struct watch *watch, int64_t applied_us, struct watch_effects *effects)
{
	for (size_t i = 0; i < watch->active_count; i++) {
		struct rule_state *state = watch->active[i];
		uint32_t other;

		if (!source_is_dead(watch, state->source, applied_us))
			continue;
		other = living_source(watch, &watch->topics[state->topic], applied_us);
		if (other == UINT32_MAX)
			continue;
		state->source = other;
		due_stir(watch);
		put_state(watch, state, effects);
	}
}
