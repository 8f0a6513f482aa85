/*
 * What one document adds to a topic.  Documents are counted as they are;
 * stories once, and separately for having a polarity and for a negative one,
 * so that a story whose first report was neutral counts as negative when a
 * negative one follows.  Scores are summed in millionths: sums of integers do
 * not depend on their order.
 */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

#include <math.h>
#include <stdlib.h>

/* Cells are 32 bits wide: years 1970 to 4000 fit well. */
static const int64_t last_event_us = INT64_C(64060588800) * 1000000;

/* A recording may play in the future, but one line's wrong century must not end the watch on all that comes before it. */
static const int64_t most_ahead_us = 10 * 366 * DAY_US;

int64_t event_time(const struct watch_document *document)
{
	int64_t time_us = document->published_us;

	if (time_us == INT64_MIN)
		time_us = document->applied_us;
	if (time_us > document->applied_us + (document->flags & ITEM_OWN_CLOCK ? most_ahead_us : 0))
		time_us = document->applied_us;
	if (time_us < 0)
		return 0;
	return time_us < last_event_us ? time_us : last_event_us;
}

static int64_t millionths(float score)
{
	return isfinite(score) ? llround(fmax(-1, fmin(1, (double)score)) * 1e6) : 0;
}

struct tally count_document(struct watch *watch, const struct topic *topic, const struct watch_document *document,
			    uint32_t source, int64_t published_us, int64_t story)
{
	bool judged = document->polarity != POLARITY_NONE, negative = document->polarity == POLARITY_NEGATIVE;
	bool counts = !(document->flags & ITEM_BACKFILL);
	uint32_t clock = document->flags & ITEM_OWN_CLOCK ? source + 1 : 0;
	unsigned aspects = 1u << PAIR_SEEN | (unsigned)judged << PAIR_JUDGED | (unsigned)negative << PAIR_NEGATIVE;
	unsigned new = pairs_mark(&watch->pairs, clock, topic->key, story, aspects, cell_of(published_us));
	struct tally tally = {.documents = 1, .negative_documents = negative};

	if (!counts)
		return tally;
	tally.stories = new >> PAIR_SEEN & 1;
	tally.judged = new >> PAIR_JUDGED & 1;
	tally.negative = new >> PAIR_NEGATIVE & 1;
	tally.score = tally.judged ? millionths(document->score) : 0;
	return tally;
}

void count_recent(struct topic *topic, const struct watch_document *document, int64_t published_us, int64_t story,
		  const struct tally *tally)
{
	window_add(&topic->recent, cell_of(published_us), tally);
	memory_add(&topic->memory, document, published_us, story);
}

static unsigned counted_shift(size_t place)
{
	return 2 + 3 * (unsigned)place;
}

uint64_t counted_write(const struct tally *tally, size_t place)
{
	uint64_t bits = tally->stories | tally->judged << 1 | tally->negative << 2;

	return place < COUNTED_TOPICS ? bits << counted_shift(place) : 0;
}

void counted_read(uint64_t counted, size_t place, const struct watch_document *document, struct tally *tally)
{
	if (!(counted & COUNTED_KNOWN) || place >= COUNTED_TOPICS)
		return;
	counted >>= counted_shift(place);
	tally->stories = counted & 1;
	tally->judged = counted >> 1 & 1;
	tally->negative = counted >> 2 & 1;
	tally->score = tally->judged ? millionths(document->score) : 0;
}

void count_history(struct topic *topic, int64_t published_us, const struct tally *tally)
{
	int32_t hour = hour_of(published_us);

	window_add(&topic->hours, hour, tally);
	forget_baselines(topic, hour);
}

void count_trends(uint32_t topic, const struct watch_document *document, int64_t published_us, const struct tally *tally,
		  struct watch_effects *effects)
{
	static const int32_t widths_s[] = {900, 3600, 86400};
	int64_t seconds = published_us / 1000000;

	for (size_t i = 0; i < sizeof widths_s / sizeof *widths_s; i++) {
		struct watch_bucket *bucket =
			effects_bucket(effects, topic, widths_s[i], seconds - seconds % widths_s[i]);

		bucket->total++;
		bucket->negative += document->polarity == POLARITY_NEGATIVE;
		bucket->neutral += document->polarity == POLARITY_NEUTRAL;
		bucket->positive += document->polarity == POLARITY_POSITIVE;
		bucket->unjudged += document->polarity == POLARITY_NONE;
		if (document->polarity != POLARITY_NONE)
			bucket->score_sum += (double)millionths(document->score) / 1e6;
		bucket->stories += tally->stories;
		bucket->judged_stories += tally->judged;
		bucket->negative_stories += tally->negative;
		bucket->story_score_sum += (double)tally->score / 1e6;
	}
}
