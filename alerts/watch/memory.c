/*
 * Two small arrays a topic.  Stories that are not negative may take only a
 * third of the places, so that a flood of neutral text does not push out what
 * an alert will want to show.
 */
#include "alerts/watch/memory.h"

#include "alerts/watch/state.h"
#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

struct kept_story {
	int64_t story, document, published_us;
	int32_t last; /* cell of its newest document */
	enum polarity polarity;
	float score;
	uint32_t copies;
	char *text; /* publisher, title, url: three strings, one block */
	size_t text_room;
};

void memory_reset(struct topic_memory *memory)
{
	for (size_t i = 0; i < memory->story_count; i++)
		free(memory->stories[i].text);
	free(memory->stories);
	free(memory->publishers);
	*memory = (struct topic_memory){0};
}

/* As many bytes of a text as are kept: whole characters. */
static size_t kept_length(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);

	if (length <= max)
		return length;
	for (length = max; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
		length--;
	return length;
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* A title may come with a megabyte, for each of a thousand topics.  An address that is cut leads nowhere: it is left out. */
static void keep_text(struct kept_story *kept, const struct watch_document *document)
{
	const char *publisher = text_or_empty(document->publisher), *title = text_or_empty(document->title);
	const char *url = text_or_empty(document->url);
	size_t lp = kept_length(publisher, KEPT_PUBLISHER_BYTES), lt = kept_length(title, KEPT_TITLE_BYTES);
	size_t lu = strnlen(url, KEPT_URL_BYTES + 1);

	if (lu > KEPT_URL_BYTES)
		lu = 0;
	if (lp + lt + lu + 3 > kept->text_room) {
		kept->text_room = lp + lt + lu + 3;
		free(kept->text);
		kept->text = xmalloc(kept->text_room);
	}
	memcpy(kept->text, publisher, lp);
	kept->text[lp] = '\0';
	memcpy(kept->text + lp + 1, title, lt);
	kept->text[lp + 1 + lt] = '\0';
	memcpy(kept->text + lp + lt + 2, url, lu);
	kept->text[lp + lt + 2 + lu] = '\0';
}

/* For another story: where too many are not negative and so is this one, the oldest of those goes, else where the array is
 * full the oldest of all.  So what is kept of the last days does not depend on what came before them, which a restart
 * does not load.  Returns the place, the last one; its block of text may be used again. */
static struct kept_story *make_place(struct topic_memory *memory, bool negative)
{
	size_t others = 0, victim = 0;
	struct kept_story gone, *last;

	for (size_t i = memory->story_count; i-- > 0 && !negative;) {
		if (memory->stories[i].polarity == POLARITY_NEGATIVE)
			continue;
		if (++others >= KEPT_OTHERS)
			victim = i;
	}
	if (others < KEPT_OTHERS && memory->story_count < KEPT_STORIES)
		return &memory->stories[memory->story_count++];
	gone = memory->stories[victim];
	memmove(&memory->stories[victim], &memory->stories[victim + 1],
		(memory->story_count - victim - 1) * sizeof *memory->stories);
	last = &memory->stories[memory->story_count - 1];
	*last = (struct kept_story){.text = gone.text, .text_room = gone.text_room};
	return last;
}

static void add_story(struct topic_memory *memory, const struct watch_document *document, int64_t published_us,
		      int64_t story)
{
	int32_t cell = cell_of(published_us);
	struct kept_story *kept;

	for (size_t i = memory->story_count; i-- > 0;) {
		kept = &memory->stories[i];
		if (kept->story != story)
			continue;
		kept->copies++;
		if (cell > kept->last)
			kept->last = cell;
		if (document->polarity != POLARITY_NEGATIVE || kept->polarity == POLARITY_NEGATIVE)
			return;
		kept->polarity = document->polarity;
		kept->score = document->score;
		return;
	}
	if (!memory->stories)
		memory->stories = xcalloc(KEPT_STORIES, sizeof *memory->stories);
	kept = make_place(memory, document->polarity == POLARITY_NEGATIVE);
	kept->story = story;
	kept->document = document->id;
	kept->published_us = published_us;
	kept->last = cell;
	kept->polarity = document->polarity;
	kept->score = document->score;
	kept->copies = 1;
	keep_text(kept, document);
}

static struct kept_publisher *find_publisher(struct topic_memory *memory, uint32_t hash)
{
	struct kept_publisher *oldest = NULL;

	for (size_t i = 0; i < memory->publisher_count; i++) {
		struct kept_publisher *publisher = &memory->publishers[i];

		if (publisher->hash == hash)
			return publisher;
		if (!oldest || publisher->last < oldest->last)
			oldest = publisher;
	}
	if (memory->publisher_count < KEPT_PUBLISHERS) {
		if (!memory->publishers)
			memory->publishers = xcalloc(KEPT_PUBLISHERS, sizeof *memory->publishers);
		oldest = &memory->publishers[memory->publisher_count++];
	}
	*oldest = (struct kept_publisher){hash, INT32_MIN, INT32_MIN};
	return oldest;
}

void memory_add(struct topic_memory *memory, const struct watch_document *document, int64_t published_us, int64_t story)
{
	struct kept_publisher *publisher =
		find_publisher(memory, (uint32_t)hash_text(0, text_or_empty(document->publisher)));
	int32_t cell = cell_of(published_us);

	if (cell > publisher->last)
		publisher->last = cell;
	if (document->polarity == POLARITY_NEGATIVE && cell > publisher->last_negative)
		publisher->last_negative = cell;
	add_story(memory, document, published_us, story);
}

uint32_t memory_publishers(const struct topic_memory *memory, bool negative, int32_t after)
{
	uint32_t count = 0;

	for (size_t i = 0; i < memory->publisher_count; i++) {
		const struct kept_publisher *publisher = &memory->publishers[i];

		count += (negative ? publisher->last_negative : publisher->last) > after;
	}
	return count;
}

/* Does `a` stand before `b`? */
static bool stronger(const struct kept_story *a, const struct kept_story *b, bool negative)
{
	bool a_negative = a->polarity == POLARITY_NEGATIVE, b_negative = b->polarity == POLARITY_NEGATIVE;

	if (negative && a_negative != b_negative)
		return a_negative;
	if (a->copies != b->copies)
		return a->copies > b->copies;
	if (a->published_us != b->published_us)
		return a->published_us > b->published_us;
	return a->document > b->document;
}

size_t memory_evidence(const struct topic_memory *memory, bool negative, int32_t after,
		       struct watch_evidence out[EVIDENCE_MAX])
{
	const struct kept_story *best[EVIDENCE_MAX];
	size_t count = 0;

	for (size_t i = 0; i < memory->story_count; i++) {
		const struct kept_story *kept = &memory->stories[i];
		size_t place = count;

		if (kept->last <= after)
			continue;
		while (place > 0 && stronger(kept, best[place - 1], negative))
			place--;
		if (place == EVIDENCE_MAX)
			continue;
		if (count < EVIDENCE_MAX)
			count++;
		memmove(&best[place + 1], &best[place], (count - place - 1) * sizeof *best);
		best[place] = kept;
	}
	for (size_t i = 0; i < count; i++) {
		const char *publisher = best[i]->text, *title = publisher + strlen(publisher) + 1;

		out[i] = (struct watch_evidence){
			.document = best[i]->document,
			.story = best[i]->story,
			.published_us = best[i]->published_us,
			.polarity = best[i]->polarity,
			.score = best[i]->score,
			.copies = best[i]->copies,
			.publisher = publisher,
			.title = title,
			.url = title + strlen(title) + 1,
		};
	}
	return count;
}
