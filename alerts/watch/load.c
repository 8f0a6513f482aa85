/*
 * Back from the database.  The windows, what each topic has counted and its
 * evidence are rebuilt from the recent documents, told in their order, each
 * with what it added when it came; levels come from the stored buckets, states
 * from their text.
 */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdlib.h>

struct tally watch_bucket_tally(const struct watch_bucket *bucket)
{
	return (struct tally){
		.documents = bucket->total,
		.negative_documents = bucket->negative,
		.stories = bucket->stories,
		.judged = bucket->judged_stories,
		.negative = bucket->negative_stories,
		.score = llround(bucket->story_score_sum * 1e6),
	};
}

void watch_load_bucket(struct watch *watch, const struct watch_bucket *bucket)
{
	struct tally tally = watch_bucket_tally(bucket);

	if (bucket->width_s == 3600 && bucket->topic < watch->topic_count)
		count_history(&watch->topics[bucket->topic], bucket->start_s * SECOND_US, &tally);
}

int watch_load_rule_state(struct watch *watch, const struct watch_rule_state *stored)
{
	struct rule_state parsed = {.rule = stored->rule, .topic = stored->topic};
	struct topic *topic;

	if (stored->topic >= watch->topic_count || state_parse(watch, stored->state, &parsed) < 0)
		return -1;
	topic = &watch->topics[stored->topic];
	for (size_t i = 0; i < topic->rule_count; i++) {
		if (topic->rules[i] != stored->rule || topic->states[i])
			continue;
		topic->states[i] = xmalloc(sizeof parsed);
		*topic->states[i] = parsed;
		topic->states[i]->order = order_of(watch, parsed.rule, parsed.topic);
		watch->groups_stale = true;
		if (parsed.state != ALERT_OK)
			activate(watch, topic->states[i]);
	}
	return 0;
}

void watch_load_source(struct watch *watch, const struct watch_source_state *stored)
{
	uint32_t found = source_find(watch, stored->source); /* may move the array */
	struct source_mark *source = &watch->sources[found];

	source->watermark_us = stored->watermark_us;
	source->advanced_us = stored->advanced_us;
	source->seen_us = stored->seen_us;
	source->own_clock = stored->own_clock;
	source->behind = stored->behind;
}

void watch_load_silence(struct watch *watch, const struct watch_silence_state *silence)
{
	if (silence->topic == UINT32_MAX)
		watch->silent_until_us = silence->until_us;
	else if (silence->topic < watch->topic_count)
		watch->topics[silence->topic].silent_until_us = silence->until_us;
}

void watch_load_document(struct watch *watch, const struct watch_document *document, int64_t story, uint64_t counted)
{
	int64_t published_us = event_time(document);
	uint32_t found = source_find(watch, document->source);
	struct source_mark *source = &watch->sources[found];
	bool recent = !(document->flags & ITEM_BACKFILL) && !(counted & COUNTED_LATE) &&
		      (counted & COUNTED_KNOWN || source->loaded_us == INT64_MIN || published_us >= source->loaded_us - watch->lateness_us);

	story_index_load(watch->stories, document->id, published_us, &document->signature, story);
	if (published_us > source->loaded_us)
		source->loaded_us = published_us;
	for (size_t i = 0; i < document->topic_count; i++) {
		struct topic *topic;
		struct tally tally;

		if (document->topics[i] >= watch->topic_count)
			continue;
		topic = &watch->topics[document->topics[i]];
		tally = count_document(watch, topic, document, found, published_us, story);
		counted_read(counted, i, document, &tally);
		if (recent)
			count_recent(topic, document, published_us, story, &tally);
	}
}
