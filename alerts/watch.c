/*
 * The events of the core.  A document is counted in its topics, then the rules
 * that it touches are judged at once; everything that time alone brings is
 * judged when a source's clock passes it.  What the events change lies in
 * alerts/watch/: count.c counts, judge.c and due.c move alerts up and down,
 * tell.c, group.c, backlog.c and quiet.c say what of that is sent.
 */
#include "alerts/watch.h"

#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

struct watch *watch_create(const struct watch_options *options)
{
	struct watch *watch = xcalloc(1, sizeof *watch);

	configure(watch, options);
	pairs_init(&watch->pairs, cell_of(STORY_SPAN_US));
	watch->backlog_us = TIME_NONE;
	watch->stories = story_index_create(STORY_SPAN_US, STORY_DOCUMENTS);
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	for (size_t t = 0; t < watch->topic_count; t++)
		free_topic(&watch->topics[t]);
	for (size_t r = 0; r < watch->rule_count; r++)
		free((char *)watch->rules[r].name);
	for (size_t i = 0; i < watch->source_count; i++)
		free(watch->sources[i].name);
	pairs_reset(&watch->pairs);
	quiets_free(watch);
	story_index_free(watch->stories);
	free(watch->topics);
	free(watch->rules);
	free(watch->sources);
	free(watch->active);
	free(watch->visits);
	free(watch);
}

/* The source has shown that it was read up to here.  Its clock closes cells before anything new is counted in them. */
static void advance(struct watch *watch, uint32_t index, int64_t published_us, int64_t applied_us,
		    struct watch_effects *effects)
{
	struct source_mark *source = &watch->sources[index];

	if (published_us <= source->watermark_us)
		return;
	judge_due(watch, index, cell_of(published_us), applied_us, effects);
	source->watermark_us = published_us;
	source->advanced_us = applied_us;
}

static int by_key(const void *a, const void *b)
{
	const struct visit *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* The document's topics in the order of their names' hashes: where it makes several fire, the order of the configuration
 * plays no part in who leads. */
static const struct visit *make_visits(struct watch *watch, const struct watch_document *document)
{
	if (document->topic_count > watch->visit_room) {
		watch->visit_room = 2 * document->topic_count;
		watch->visits = xrealloc(watch->visits, watch->visit_room * sizeof *watch->visits);
	}
	for (size_t i = 0; i < document->topic_count; i++) {
		CHECK(document->topics[i] < watch->topic_count);
		watch->visits[i] = (struct visit){watch->topics[document->topics[i]].key, document->topics[i], (uint32_t)i};
	}
	if (document->topic_count > 1)
		qsort(watch->visits, document->topic_count, sizeof *watch->visits, by_key);
	return watch->visits;
}

int64_t watch_document(struct watch *watch, const struct watch_document *document, struct watch_effects *effects)
{
	int64_t published_us = event_time(document);
	int64_t story = document->story ? document->story
					: story_index_add(watch->stories, document->id, published_us, &document->signature);
	uint32_t index = source_find(watch, document->source);
	struct source_mark *source = &watch->sources[index];
	bool late = source->watermark_us != INT64_MIN && published_us < source->watermark_us - watch->lateness_us;
	bool recent = !late && !(document->flags & ITEM_BACKFILL);
	const struct visit *visits = make_visits(watch, document);

	groups_settle(watch, document->applied_us, effects);
	source->own_clock = document->flags & ITEM_OWN_CLOCK;
	source->seen_us = document->applied_us;
	advance(watch, index, published_us, document->applied_us, effects);
	watch->last_counted = COUNTED_KNOWN | (late ? COUNTED_LATE : 0);
	for (size_t i = 0; i < document->topic_count; i++) {
		uint32_t topic = visits[i].topic;
		struct tally tally = count_document(watch, &watch->topics[topic], document, index, published_us, story);

		watch->last_counted |= counted_write(&tally, visits[i].place);
		if (recent)
			count_recent(&watch->topics[topic], document, published_us, story, &tally);
		topic_hear(watch, topic, index, document->applied_us, effects);
		count_history(&watch->topics[topic], published_us, &tally);
		count_trends(topic, document, published_us, &tally, effects);
		if (recent)
			judge_topic(watch, topic, &tally, index, document->applied_us, effects);
	}
	put_source(watch, index, effects);
	return story;
}

uint64_t watch_counted(const struct watch *watch)
{
	return watch->last_counted;
}

void watch_progress(struct watch *watch, const char *name, unsigned flags, int64_t published_us, int64_t applied_us,
		    struct watch_effects *effects)
{
	struct watch_document nothing = {.flags = flags, .published_us = published_us, .applied_us = applied_us};
	uint32_t index = source_find(watch, name);

	groups_settle(watch, applied_us, effects);
	watch->sources[index].own_clock = flags & ITEM_OWN_CLOCK;
	watch->sources[index].seen_us = applied_us;
	if (published_us != TIME_NONE)
		advance(watch, index, event_time(&nothing), applied_us, effects);
	put_source(watch, index, effects);
}

void watch_tick(struct watch *watch, int64_t applied_us, struct watch_effects *effects)
{
	backlog_tick(watch, applied_us, effects);
	if (!watch->active_count)
		return;
	groups_settle(watch, applied_us, effects);
	leave_dead_sources(watch, applied_us, effects);
	for (size_t i = 0; i < watch->source_count; i++) {
		const struct source_mark *source = &watch->sources[i];
		int64_t event_us;

		if (source_is_dead(watch, (uint32_t)i, applied_us))
			continue;
		event_us = source->watermark_us + (applied_us - source->advanced_us);
		if (!source->own_clock && event_us > applied_us)
			event_us = applied_us;
		judge_due(watch, (uint32_t)i, cell_of(event_us), applied_us, effects);
	}
}

void watch_silence(struct watch *watch, const char *name, int64_t until_us, struct watch_effects *effects)
{
	struct watch_silence_state silence = {.topic = UINT32_MAX, .until_us = until_us};

	if (!name)
		watch->silent_until_us = until_us;
	for (size_t t = 0; name && t < watch->topic_count; t++) {
		if (strcmp(watch->topics[t].name, name) != 0)
			continue;
		silence.topic = (uint32_t)t;
		watch->topics[t].silent_until_us = until_us;
	}
	if (!name || silence.topic != UINT32_MAX)
		effects_put_silence(effects, &silence);
}

enum alert_state watch_get_state(const struct watch *watch, uint32_t rule, uint32_t topic)
{
	const struct topic *t = &watch->topics[topic];

	for (size_t i = 0; i < t->rule_count; i++)
		if (t->rules[i] == rule && t->states[i])
			return t->states[i]->state;
	return ALERT_OK;
}
