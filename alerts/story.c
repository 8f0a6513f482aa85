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
 * What this costs is waiting for memory, a hundred places that no cache holds.
 * So a walk reads one cache line a document, and the walks of all bands go side
 * by side, each asking for its next line while the others are looked at.  Which
 * goes first does not matter: of all that are met the most alike wins, and of
 * those the oldest story.
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

/* What a walk reads: one cache line. */
struct document {
	_Alignas(64) uint8_t lanes[STORY_HASHES]; /* the lower halves of the hashes: equal by chance once in 256 */
	uint32_t links[BANDS];
};

/* What decides between two whose hashes agree. */
struct details {
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
	struct details *details;      /* [size] */
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
	index->documents = aligned_alloc(_Alignof(struct document), max_documents * sizeof *index->documents);
	CHECK(index->documents != NULL);
	index->details = xcalloc(max_documents, sizeof *index->details);
	for (int b = 0; b < BANDS; b++)
		index->latest[b] = xcalloc(index->mask + 1UL, sizeof *index->latest[b]);
	return index;
}

void story_index_free(struct story_index *index)
{
	if (index == NULL)
		return;
	free(index->documents);
	free(index->details);
	for (int b = 0; b < BANDS; b++)
		free(index->latest[b]);
	free(index);
}

/* Where a band keeps the latest document that agrees in it. */
static uint32_t *bucket(const struct story_index *index, const struct story_signature *s, int band)
{
	const uint16_t *hashes = s->minhash + band * BAND_HASHES;
	uint64_t key = (uint64_t)hashes[0] << 32 | (uint64_t)hashes[1] << 16 | hashes[2];
	return &index->latest[band][(uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & index->mask];
}

/* A document on its way into the index. */
struct arrival {
	struct document document;
	struct details details;
	uint32_t *buckets[BANDS];
};

static struct arrival describe(const struct story_index *index, const struct story_signature *s, int64_t published_us,
			       int64_t story)
{
	struct arrival new = {.details = {
		.story = story,
		.published_us = published_us,
		.head = {s->head[0], s->head[1]},
		.numbers = s->numbers,
		.words = s->words,
	}};
	for (size_t i = 0; i < STORY_HASHES; i++)
		new.document.lanes[i] = (uint8_t)s->minhash[i];
	for (int b = 0; b < BANDS; b++) {
		new.buckets[b] = bucket(index, s, b);
		__builtin_prefetch(new.buckets[b], 1);
	}
	return new;
}

static void insert(struct story_index *index, const struct arrival *new)
{
	uint32_t position = index->next;
	struct document *document = &index->documents[position];
	*document = new->document;
	index->details[position] = new->details;
	for (int b = 0; b < BANDS; b++) {
		document->links[b] = *new->buckets[b];
		*new->buckets[b] = position + 1;
	}
	index->next = position + 1 < index->size ? position + 1 : 0;
}

/* ---- which story ---- */

static bool begin_alike(const struct details *a, const struct details *b)
{
	return a->head[0] == b->head[0] || a->head[0] == b->head[1] || a->head[1] == b->head[0] || a->head[1] == b->head[1];
}

static int count_same(const uint8_t a[STORY_HASHES], const uint8_t b[STORY_HASHES])
{
	uint8_t same = 0;
	for (size_t i = 0; i < STORY_HASHES; i++)
		same += a[i] == b[i];
	return same;
}

/* Are two with `same` equal hashes one story? */
static bool is_one_story(const struct details *a, const struct details *b, int same)
{
	uint32_t common = a->numbers & b->numbers;
	if (common != a->numbers && common != b->numbers)
		return false;
	uint32_t words = a->words < b->words ? a->words : b->words;
	if (words <= WORDS_EXACT)
		return same == STORY_HASHES && a->words == b->words;
	if (same < (words <= WORDS_SHORT ? SAME_SHORT : SAME_LONG))
		return false;
	return same >= SAME_WHATEVER_SUBJECT || begin_alike(a, b);
}

static bool within_span(const struct story_index *index, int64_t a, int64_t b)
{
	uint64_t apart = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
	return apart <= (uint64_t)index->span_us;
}

struct best {
	int likeness; /* equal hashes */
	int64_t story;
};

static void compare(const struct story_index *index, const struct arrival *new, uint32_t position, struct best *best)
{
	int same = count_same(new->document.lanes, index->documents[position].lanes);
	if (same < SAME_LONG || same < best->likeness)
		return; /* most end here, without a look at the details */
	const struct details *old = &index->details[position];
	if (same == best->likeness && old->story >= best->story)
		return;
	if (within_span(index, old->published_us, new->details.published_us) && is_one_story(old, &new->details, same))
		*best = (struct best){same, old->story};
}

/* A walk through a band's bucket, latest first. */
struct walk {
	uint32_t link;
	uint32_t age; /* of the document met last */
};

static void go_to(const struct story_index *index, struct walk *walk, uint32_t link)
{
	walk->link = link;
	if (link != NOWHERE)
		__builtin_prefetch(&index->documents[link - 1]);
}

/* How many documents ago a position was written, from 1. */
static uint32_t age(const struct story_index *index, uint32_t position)
{
	return position < index->next ? index->next - position : index->next + index->size - position;
}

/* Look at the document that the walk is at, and go on; false = there is none. */
static bool step(const struct story_index *index, const struct arrival *new, int band, struct walk *walk, struct best *best)
{
	if (walk->link == NOWHERE)
		return false;
	uint32_t position = walk->link - 1, this_age = age(index, position);
	if (this_age <= walk->age) {
		walk->link = NOWHERE;
		return false;
	}
	walk->age = this_age;
	const struct document *old = &index->documents[position];
	go_to(index, walk, old->links[band]);
	size_t first = (size_t)band * BAND_HASHES;
	if (memcmp(old->lanes + first, new->document.lanes + first, BAND_HASHES) == 0)
		compare(index, new, position, best);
	return true;
}

static int64_t find_story(const struct story_index *index, const struct arrival *new)
{
	struct best best = {0, new->details.story};
	struct walk walks[BANDS] = {0};
	for (int b = 0; b < BANDS; b++)
		go_to(index, &walks[b], *new->buckets[b]);
	bool going = true;
	for (int i = 0; i < WALK_MAX && going; i++) {
		going = false;
		for (int b = 0; b < BANDS; b++)
			going |= step(index, new, b, &walks[b], &best);
	}
	return best.story;
}

int64_t story_index_add(struct story_index *index, int64_t document, int64_t published_us,
			const struct story_signature *signature)
{
	if (signature->words == 0)
		return document;
	struct arrival new = describe(index, signature, published_us, document);
	new.details.story = find_story(index, &new);
	insert(index, &new);
	return new.details.story;
}

void story_index_load(struct story_index *index, int64_t document, int64_t published_us,
		      const struct story_signature *signature, int64_t story)
{
	(void)document; /* only its story is remembered */
	if (signature->words == 0)
		return;
	struct arrival old = describe(index, signature, published_us, story);
	insert(index, &old);
}
