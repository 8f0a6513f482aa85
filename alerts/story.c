/*
 * Locality-sensitive hashing: the hashes of a signature are cut into bands of
 * three; titles that agree in a whole band are candidates.  With eight bands a
 * pair that shares half of its features is found with probability 0.66, one
 * that shares 0.7 with 0.97, and strangers hardly ever meet.
 *
 * Everything lies in flat arrays of fixed size.  Documents are a ring; each band
 * has a table of its latest document per bucket, and each document links to the
 * one before it in its buckets.  Nothing is ever taken out: a link that leads
 * into overwritten ground leads to a younger document, and there the walk ends.
 *
 * J. Leskovec, A. Rajaraman, J. D. Ullman: Mining of Massive Datasets, chapter 3.
 */
#include "alerts/story.h"

#include "daemon/base/check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BANDS 8
#define BAND_HASHES 3
#define WALK_MAX 16 /* documents looked at in a bucket, latest first */
#define NOWHERE 0   /* links and table entries are ring positions + 1 */

/* Estimated in hashes out of STORY_HASHES. */
#define SAME_LONG 16
#define SAME_SHORT 24
#define SAME_WHATEVER_SUBJECT 24
#define WORDS_EXACT 3
#define WORDS_SHORT 5

struct document {
	uint8_t lanes[STORY_HASHES]; /* the lower halves of the hashes: equal by chance once in 256 */
	int64_t story;
	int64_t published_us;
	uint16_t head[2];
	uint32_t numbers;
	uint32_t words;
};

struct story_index {
	int64_t span_us;
	uint32_t size, next; /* of the ring; next = where the next one goes */
	uint32_t mask;
	struct document *documents;   /* [size] */
	uint32_t (*links)[BANDS];     /* [size] */
	uint32_t *latest[BANDS];      /* [mask + 1] */
};

struct story_index *story_index_create(int64_t span_us, size_t max_documents)
{
	CHECK(max_documents > 0 && max_documents < UINT32_MAX / 2);
	struct story_index *index = xcalloc(1, sizeof *index);
	index->span_us = span_us;
	index->size = (uint32_t)max_documents;
	while (index->mask + 1UL < max_documents / 4)
		index->mask = index->mask * 2 + 1;
	index->documents = xcalloc(max_documents, sizeof *index->documents);
	index->links = xcalloc(max_documents, sizeof *index->links);
	for (int b = 0; b < BANDS; b++)
		index->latest[b] = xcalloc(index->mask + 1UL, sizeof *index->latest[b]);
	return index;
}

void story_index_free(struct story_index *index)
{
	if (index == NULL)
		return;
	free(index->documents);
	free(index->links);
	for (int b = 0; b < BANDS; b++)
		free(index->latest[b]);
	free(index);
}

static uint32_t bucket(const struct story_index *index, const struct story_signature *s, int band)
{
	const uint16_t *hashes = s->minhash + band * BAND_HASHES;
	uint64_t key = (uint64_t)hashes[0] << 32 | (uint64_t)hashes[1] << 16 | hashes[2];
	return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & index->mask;
}

static struct document describe(const struct story_signature *s, int64_t published_us, int64_t story)
{
	struct document d = {
		.story = story,
		.published_us = published_us,
		.head = {s->head[0], s->head[1]},
		.numbers = s->numbers,
		.words = s->words,
	};
	for (size_t i = 0; i < STORY_HASHES; i++)
		d.lanes[i] = (uint8_t)s->minhash[i];
	return d;
}

static bool begin_alike(const struct document *a, const struct document *b)
{
	return a->head[0] == b->head[0] || a->head[0] == b->head[1] || a->head[1] == b->head[0] || a->head[1] == b->head[1];
}

/* Equal hashes where the two are one story, else 0. */
static int likeness(const struct document *a, const struct document *b)
{
	uint32_t common = a->numbers & b->numbers;
	if (common != a->numbers && common != b->numbers)
		return 0;
	int same = 0;
	for (size_t i = 0; i < STORY_HASHES; i++)
		same += a->lanes[i] == b->lanes[i];
	uint32_t words = a->words < b->words ? a->words : b->words;
	if (words <= WORDS_EXACT)
		return same == STORY_HASHES && a->words == b->words ? same : 0;
	if (same < (words <= WORDS_SHORT ? SAME_SHORT : SAME_LONG))
		return 0;
	return same >= SAME_WHATEVER_SUBJECT || begin_alike(a, b) ? same : 0;
}

static bool within_span(const struct story_index *index, int64_t a, int64_t b)
{
	uint64_t apart = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
	return apart <= (uint64_t)index->span_us;
}

struct best {
	int likeness;
	int64_t story;
};

/* How many documents ago a position was written, from 1. */
static uint32_t age(const struct story_index *index, uint32_t position)
{
	return position < index->next ? index->next - position : index->next + index->size - position;
}

static void search_band(const struct story_index *index, const struct document *new, int band, uint32_t link,
			struct best *best)
{
	uint32_t last_age = 0;
	for (int i = 0; i < WALK_MAX && link != NOWHERE; i++) {
		uint32_t position = link - 1, this_age = age(index, position);
		if (this_age <= last_age)
			return;
		last_age = this_age;
		link = index->links[position][band];

		const struct document *old = &index->documents[position];
		if (best->likeness == STORY_HASHES && old->story >= best->story)
			continue; /* cannot be better: spares most of the work on a title that comes again and again */
		size_t first = (size_t)band * BAND_HASHES;
		if (memcmp(old->lanes + first, new->lanes + first, BAND_HASHES) != 0 ||
		    !within_span(index, old->published_us, new->published_us))
			continue;
		int alike = likeness(old, new);
		if (alike > best->likeness || (alike > 0 && alike == best->likeness && old->story < best->story))
			*best = (struct best){alike, old->story};
	}
}

static void insert(struct story_index *index, const struct story_signature *signature, const struct document *new)
{
	uint32_t position = index->next;
	index->documents[position] = *new;
	for (int b = 0; b < BANDS; b++) {
		uint32_t *latest = &index->latest[b][bucket(index, signature, b)];
		index->links[position][b] = *latest;
		*latest = position + 1;
	}
	index->next = position + 1 < index->size ? position + 1 : 0;
}

int64_t story_index_add(struct story_index *index, int64_t document, int64_t published_us,
			const struct story_signature *signature)
{
	if (signature->words == 0)
		return document;
	struct document new = describe(signature, published_us, document);
	struct best best = {0, document};
	for (int b = 0; b < BANDS; b++)
		search_band(index, &new, b, index->latest[b][bucket(index, signature, b)], &best);
	new.story = best.story;
	insert(index, signature, &new);
	return best.story;
}

void story_index_load(struct story_index *index, int64_t document, int64_t published_us,
		      const struct story_signature *signature, int64_t story)
{
	(void)document; /* only its story is remembered */
	if (signature->words == 0)
		return;
	struct document old = describe(signature, published_us, story);
	insert(index, signature, &old);
}
