/*
 * A number for the whole state, but for what is only shown (evidence), what is
 * learnt again (baselines), and counts so old that no window will reach them:
 * those are forgotten when it suits.
 */
#include "alerts/watch/state.h"

static uint64_t digest_window(uint64_t hash, const struct window *window, int32_t after)
{
	for (size_t i = window_after(window, after); i < window_size(window); i++) {
		struct tally tally = window_at(window, i);
		int64_t numbers[] = {window_slot(window, i), tally.documents, tally.negative_documents, tally.stories,
				     tally.judged,           tally.negative,  tally.score};

		hash = hash_bytes(hash, numbers, sizeof numbers);
	}
	return hash;
}

static int32_t newest_cell(const struct watch *watch)
{
	int64_t newest_us = 0;

	for (size_t i = 0; i < watch->source_count; i++)
		if (watch->sources[i].watermark_us > newest_us)
			newest_us = watch->sources[i].watermark_us;
	return cell_of(newest_us);
}

/* In whatever order they were first heard of. */
static uint64_t digest_heard(const struct watch *watch, const struct topic *topic)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < topic->source_count; i++)
		sum += hash_number(hash_text(0, watch->sources[topic->sources[i].source].name),
				   (uint64_t)topic->sources[i].noted_us);
	return sum;
}

static uint64_t digest_topic(const struct watch *watch, const struct topic *topic)
{
	uint64_t hash = hash_number(topic->key, (uint64_t)topic->silent_until_us);
	char text[STATE_TEXT_SIZE];

	hash = digest_window(hash, &topic->recent, newest_cell(watch) - RULE_LONGEST_CELLS);
	hash = digest_window(hash, &topic->hours, INT32_MIN);
	for (size_t i = 0; i < topic->rule_count; i++) {
		if (!topic->states[i])
			continue;
		state_print(watch, topic->states[i], text);
		hash = hash_number(hash, hash_text(0, text));
	}
	return hash_number(hash, digest_heard(watch, topic));
}

uint64_t watch_digest(const struct watch *watch)
{
	uint64_t sources = 0, hash = hash_number(pairs_digest(&watch->pairs), (uint64_t)watch->silent_until_us);

	for (size_t t = 0; t < watch->topic_count; t++)
		hash = hash_number(hash, digest_topic(watch, &watch->topics[t]));
	for (size_t i = 0; i < watch->source_count; i++) {
		const struct source_mark *source = &watch->sources[i];
		int64_t numbers[] = {source->watermark_us, source->advanced_us, source->seen_us, source->own_clock,
				     source->behind};

		sources += hash_bytes(hash_text(0, source->name), numbers, sizeof numbers);
	}
	return hash_number(hash_number(hash, sources), (uint64_t)watch->backlog_us);
}
