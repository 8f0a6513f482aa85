/*
 * Two small arrays a topic.  Stories that are not negative may take only a
 * third of the places, so that a flood of neutral text does not push out what
 * an alert will want to show.
 *
 * Every document looks for its story here, and most topics are not in the
 * cache: so what is looked at lies together, and what is only shown apart.
 */
#include "alerts/watch/memory.h"

#include "alerts/watch/state.h"
#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct kept_story {
	int64_t published_us;
	int32_t last; /* cell of its newest document */
	enum polarity polarity;
	float score;
	uint32_t copies;
	char *text; /* publisher, title, url: three strings, one block */
	size_t text_room;
};

/* In no order: the id of a story's first document tells its age. */
struct kept_stories {
	uint32_t count, negative; /* negative: a bit a place */
	int64_t stories[KEPT_STORIES], documents[KEPT_STORIES];
	struct kept_story each[KEPT_STORIES];
};

void memory_reset(struct topic_memory *memory)
{
	for (size_t i = 0; memory->stories && i < memory->stories->count; i++)
		free(memory->stories->each[i].text);
	free(memory->stories);
	free(memory->all.each);
	free(memory->negative.each);
	*memory = (struct topic_memory){0};
}

/* As many bytes of a text as are kept: whole characters. */
static size_t kept_length(const char *text, size_t max)
{
	return utf8_cut(text, strnlen(text, max + 1), max);
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

static bool is_negative(const struct kept_stories *kept, size_t place)
{
	return kept->negative >> place & 1;
}

/* For another story: where too many are not negative and so is this one, the oldest of those goes, else where the array is
 * full the oldest of all.  So what is kept of the last days does not depend on what came before them, which a restart
 * does not load. */
static size_t find_place(const struct kept_stories *kept, bool negative)
{
	size_t others = kept->count - (size_t)__builtin_popcount(kept->negative), oldest = KEPT_STORIES;
	bool too_many = !negative && others >= KEPT_OTHERS;

	if (!too_many && kept->count < KEPT_STORIES)
		return kept->count;
	for (size_t i = 0; i < kept->count; i++)
		if (!(too_many && is_negative(kept, i)) &&
		    (oldest == KEPT_STORIES || kept->documents[i] < kept->documents[oldest]))
			oldest = i;
	return oldest;
}

static void put_story(struct kept_stories *kept, const struct watch_document *document, int64_t published_us, int64_t story)
{
	bool negative = document->polarity == POLARITY_NEGATIVE;
	size_t place = find_place(kept, negative);
	struct kept_story *new = &kept->each[place];

	if (place == kept->count)
		kept->count++;
	kept->stories[place] = story;
	kept->documents[place] = document->id;
	kept->negative = (kept->negative & ~(UINT32_C(1) << place)) | (uint32_t)negative << place;
	new->published_us = published_us;
	new->last = cell_of(published_us);
	new->polarity = document->polarity;
	new->score = document->score;
	new->copies = 1;
	keep_text(new, document);
}

static void add_story(struct topic_memory *memory, const struct watch_document *document, int64_t published_us,
		      int64_t story)
{
	int32_t cell = cell_of(published_us);
	struct kept_stories *kept;
	size_t place = 0;

	if (!memory->stories)
		memory->stories = xcalloc(1, sizeof *memory->stories);
	kept = memory->stories;
	while (place < kept->count && kept->stories[place] != story)
		place++;
	if (place == kept->count) {
		put_story(kept, document, published_us, story);
		return;
	}
	kept->each[place].copies++;
	if (cell > kept->each[place].last)
		kept->each[place].last = cell;
	if (document->polarity != POLARITY_NEGATIVE || is_negative(kept, place))
		return;
	kept->negative |= UINT32_C(1) << place;
	kept->each[place].polarity = document->polarity;
	kept->each[place].score = document->score;
}

/* A publisher's place: its own, a free one, or that of whoever wrote last the longest ago. */
static struct kept_publisher *find_publisher(struct kept_publishers *kept, uint32_t hash)
{
	struct kept_publisher *oldest = NULL;

	for (size_t i = 0; i < kept->count; i++) {
		if (kept->each[i].hash == hash)
			return &kept->each[i];
		if (!oldest || kept->each[i].last < oldest->last)
			oldest = &kept->each[i];
	}
	if (kept->count < KEPT_PUBLISHERS) {
		if (!kept->each)
			kept->each = xcalloc(KEPT_PUBLISHERS, sizeof *kept->each);
		oldest = &kept->each[kept->count++];
	}
	*oldest = (struct kept_publisher){hash, INT32_MIN};
	return oldest;
}

static void add_publisher(struct kept_publishers *kept, uint32_t hash, int32_t cell)
{
	struct kept_publisher *publisher = find_publisher(kept, hash);

	if (cell > publisher->last)
		publisher->last = cell;
}

void memory_add(struct topic_memory *memory, const struct watch_document *document, int64_t published_us, int64_t story)
{
	uint32_t hash = (uint32_t)hash_text(0, text_or_empty(document->publisher));

	add_publisher(&memory->all, hash, cell_of(published_us));
	if (document->polarity == POLARITY_NEGATIVE)
		add_publisher(&memory->negative, hash, cell_of(published_us));
	add_story(memory, document, published_us, story);
}

void memory_fetch(const struct topic_memory *memory)
{
	if (memory->stories)
		fetch_lines(memory->stories, offsetof(struct kept_stories, documents));
	__builtin_prefetch(memory->all.each);
	__builtin_prefetch(memory->negative.each);
}

uint32_t memory_publishers(const struct topic_memory *memory, bool negative, int32_t after)
{
	const struct kept_publishers *kept = negative ? &memory->negative : &memory->all;
	uint32_t count = 0;

	for (size_t i = 0; i < kept->count; i++)
		count += kept->each[i].last > after;
	return count;
}

/* Does the story at `a` stand before that at `b`? */
static bool stronger(const struct kept_stories *kept, size_t a, size_t b, bool negative)
{
	const struct kept_story *x = &kept->each[a], *y = &kept->each[b];

	if (negative && is_negative(kept, a) != is_negative(kept, b))
		return is_negative(kept, a);
	if (x->copies != y->copies)
		return x->copies > y->copies;
	if (x->published_us != y->published_us)
		return x->published_us > y->published_us;
	return kept->documents[a] > kept->documents[b];
}

static struct watch_evidence evidence_of(const struct kept_stories *kept, size_t place)
{
	const struct kept_story *story = &kept->each[place];
	const char *publisher = story->text, *title = publisher + strlen(publisher) + 1;

	return (struct watch_evidence){
		.document = kept->documents[place],
		.story = kept->stories[place],
		.published_us = story->published_us,
		.polarity = story->polarity,
		.score = story->score,
		.copies = story->copies,
		.publisher = publisher,
		.title = title,
		.url = title + strlen(title) + 1,
	};
}

size_t memory_evidence(const struct topic_memory *memory, bool negative, int32_t after,
		       struct watch_evidence out[EVIDENCE_MAX])
{
	const struct kept_stories *kept = memory->stories;
	size_t best[EVIDENCE_MAX], count = 0;

	for (size_t i = 0; kept && i < kept->count; i++) {
		size_t place = count;

		if (kept->each[i].last <= after)
			continue;
		while (place > 0 && stronger(kept, i, best[place - 1], negative))
			place--;
		if (place == EVIDENCE_MAX)
			continue;
		if (count < EVIDENCE_MAX)
			count++;
		memmove(&best[place + 1], &best[place], (count - place - 1) * sizeof *best);
		best[place] = i;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = evidence_of(kept, best[i]);
	return count;
}
