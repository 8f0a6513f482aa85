/*
 * What a document touches lies far apart: its topics are any of ten thousand,
 * and no cache holds them all.  Waiting for memory is most of what counting
 * costs, unless it is asked for while earlier documents are counted.
 */
#include "alerts/watch/state.h"

enum { FETCHED_TOPICS = 4 }; /* of a document: more would push out what was fetched before */

static void fetch_parts(const struct watch *watch, const struct topic *topic, int64_t story)
{
	window_fetch(&topic->recent);
	window_fetch(&topic->hours);
	memory_fetch(&topic->memory);
	__builtin_prefetch(topic->rules);
	__builtin_prefetch(topic->states);
	__builtin_prefetch(topic->sources);
	if (story)
		pairs_fetch(&watch->pairs, topic->key, story);
	for (int m = 0; m < RULE_METRICS; m++)
		if (topic->baselines[m][0])
			fetch_lines(topic->baselines[m][0], offsetof(struct rule_baseline, week));
}

/* A story that is known is not sought. */
void watch_fetch(const struct watch *watch, const struct watch_document *document, bool near)
{
	if (!document->story || !near)
		story_index_fetch(watch->stories, &document->signature, near);
	for (size_t i = 0; i < document->topic_count && i < FETCHED_TOPICS; i++) {
		const struct topic *topic;

		if (document->topics[i] >= watch->topic_count)
			continue;
		topic = &watch->topics[document->topics[i]];
		if (near)
			fetch_parts(watch, topic, document->story);
		else
			fetch_lines(topic, sizeof *topic);
	}
}
