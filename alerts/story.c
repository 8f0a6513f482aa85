/*
 * Locality-sensitive hashing: the hashes of a signature are cut into bands of
 * three; titles that agree in a whole band are candidates.  With eight bands a
 * pair that shares half of its features is found with probability 0.66, one
 * that shares 0.7 with 0.97, and strangers hardly ever meet.
 *
 * Everything lies in flat arrays of fixed size.  Documents are a ring.  Each band
 * has a table of buckets; a bucket is one cache line with its latest documents,
 * each with a piece of the band's hash, so that strangers in a bucket are passed
 * over without a look at them.  Nothing is ever taken out: an entry whose
 * document was overwritten leads to a younger one, which is compared like any
 * other.
 *
 * What this costs is waiting for memory: eight buckets and some ten candidates
 * that no cache holds.  So there are no chains to follow, and all places of a
 * kind are asked for at once.  In which order candidates are looked at does not
 * matter: the most alike wins, and of those the oldest story.
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
#define BUCKET_ENTRIES 16
#define LINE 64 /* bytes of a cache line */

/* Estimated in hashes out of STORY_HASHES. */
#define SAME_LONG 16
#define SAME_SHORT 24
#define SAME_WHATEVER_SUBJECT 24
#define WORDS_EXACT 3
#define WORDS_SHORT 5

/* The lower halves of the hashes: equal by chance once in 256. */
struct lanes {
	_Alignas(STORY_HASHES) uint8_t of[STORY_HASHES];
};

/* What decides between two whose hashes agree. */
struct details {
	int64_t story;
	int64_t published_us;
	uint16_t head[2];
	uint32_t numbers;
	uint32_t words;
};

/* Latest first: positions in the ring + 1 (0 = none), with a tag of the band's hash above them. */
struct bucket {
	_Alignas(LINE) uint32_t entries[BUCKET_ENTRIES];
};

struct story_index {
	int64_t span_us;
	uint32_t size, next;     /* of the ring; next = where the next one goes */
	unsigned position_bits;  /* of an entry */
	uint32_t mask;           /* a band has mask + 1 buckets */
	struct lanes *lanes;     /* [size] */
	struct details *details; /* [size] */
	struct bucket *buckets;  /* [BANDS, mask + 1] */
	void *block;             /* that holds lanes and buckets */
};

struct story_index *story_index_create(int64_t span_us, size_t max_documents)
{
	CHECK(max_documents > 0 && max_documents < UINT32_MAX / 16);
	struct story_index *index = xcalloc(1, sizeof *index);
	index->span_us = span_us;
	index->size = (uint32_t)max_documents;
	while (index->size >> index->position_bits != 0)
		index->position_bits++;
	while (index->mask + 1UL < max_documents / 8)
		index->mask = index->mask * 2 + 1;
	index->details = xcalloc(max_documents, sizeof *index->details);
	/* From calloc, so that no memory is touched before there are documents, and then put in line. */
	size_t bucket_bytes = BANDS * (index->mask + 1UL) * sizeof *index->buckets;
	index->block = xcalloc(1, LINE + bucket_bytes + max_documents * sizeof *index->lanes);
	index->buckets = (struct bucket *)(((uintptr_t)index->block + LINE - 1) / LINE * LINE);
	index->lanes = (struct lanes *)((char *)index->buckets + bucket_bytes);
	return index;
}

void story_index_free(struct story_index *index)
{
	if (index == NULL)
		return;
	free(index->details);
	free(index->block);
	free(index);
}

/* Where a band keeps the latest documents that agree in it, and what they are told by from others there. */
struct place {
	struct bucket *bucket;
	uint32_t tag; /* in its place in an entry */
};

static struct place find_place(const struct story_index *index, const struct story_signature *s, int band)
{
	const uint16_t *hashes = s->minhash + band * BAND_HASHES;
	uint64_t key = (uint64_t)hashes[0] << 32 | (uint64_t)hashes[1] << 16 | hashes[2];
	uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
	size_t row = (size_t)band * (index->mask + 1UL) + ((uint32_t)(hash >> 32) & index->mask);
	return (struct place){&index->buckets[row], (uint32_t)(hash >> 32 >> index->position_bits << index->position_bits)};
}

/* Which entries of the bucket are of this band's hash: a bit for each.  Four at a time, as compilers see it. */
static uint32_t find_entries(const struct story_index *index, const struct place *place)
{
	static const uint32_t bits[BUCKET_ENTRIES] = {1,	1 << 1, 1 << 2,	 1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
						      1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
	uint32_t tag_mask = UINT32_MAX << index->position_bits, tag = place->tag, found = 0;
	for (int i = 0; i < BUCKET_ENTRIES; i++)
		found |= (place->bucket->entries[i] & tag_mask) == tag ? bits[i] : 0;
	return found;
}

/* The position that an entry leads to; SIZE_MAX = it is empty. */
static size_t position_of(const struct story_index *index, uint32_t entry)
{
	return (size_t)(entry & ((UINT32_C(1) << index->position_bits) - 1)) - 1;
}

/* A document on its way into the index. */
struct arrival {
	struct lanes lanes;
	struct details details;
	struct place places[BANDS];
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
		new.lanes.of[i] = (uint8_t)s->minhash[i];
	for (int b = 0; b < BANDS; b++) {
		new.places[b] = find_place(index, s, b);
		__builtin_prefetch(new.places[b].bucket, 1);
	}
	return new;
}

static void insert(struct story_index *index, const struct arrival *new)
{
	uint32_t position = index->next;
	index->lanes[position] = new->lanes;
	index->details[position] = new->details;
	for (int b = 0; b < BANDS; b++) {
		uint32_t *entries = new->places[b].bucket->entries;
		memmove(entries + 1, entries, (BUCKET_ENTRIES - 1) * sizeof *entries);
		entries[0] = new->places[b].tag | (position + 1);
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

static void compare(const struct story_index *index, const struct arrival *new, const struct details *old, int same,
		    struct best *best)
{
	if (same < best->likeness)
		return;
	if (same == best->likeness && old->story >= best->story)
		return;
	if (within_span(index, old->published_us, new->details.published_us) && is_one_story(old, &new->details, same))
		*best = (struct best){same, old->story};
}

void story_index_fetch(const struct story_index *index, const struct story_signature *signature, bool near)
{
	for (int b = 0; b < BANDS && signature->words > 0; b++) {
		struct place place = find_place(index, signature, b);
		if (!near) {
			__builtin_prefetch(place.bucket, 1);
			continue;
		}
		for (uint32_t found = find_entries(index, &place); found != 0; found &= found - 1) {
			size_t position = position_of(index, place.bucket->entries[__builtin_ctz(found)]);
			if (position != SIZE_MAX)
				__builtin_prefetch(&index->lanes[position]);
		}
	}
}

/* Those of the candidates that have enough hashes in common; their details are asked for.  Most end here. */
static size_t keep_alike(const struct story_index *index, const struct arrival *new, size_t *candidates, size_t count,
			 uint8_t *same)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		size_t position = candidates[i];
		int likeness = count_same(new->lanes.of, index->lanes[position].of);
		if (likeness < SAME_LONG)
			continue;
		__builtin_prefetch(&index->details[position]);
		candidates[kept] = position;
		same[kept++] = (uint8_t)likeness;
	}
	return kept;
}

/* All candidates are asked for before the first is looked at. */
static int64_t find_story(const struct story_index *index, const struct arrival *new)
{
	struct best best = {0, new->details.story};
	size_t candidates[BANDS * BUCKET_ENTRIES], count = 0;
	uint8_t same[BANDS * BUCKET_ENTRIES];
	for (int b = 0; b < BANDS; b++) {
		for (uint32_t found = find_entries(index, &new->places[b]); found != 0; found &= found - 1) {
			size_t position = position_of(index, new->places[b].bucket->entries[__builtin_ctz(found)]);
			if (position == SIZE_MAX)
				continue;
			__builtin_prefetch(&index->lanes[position]);
			candidates[count++] = position;
		}
	}
	count = keep_alike(index, new, candidates, count, same);
	for (size_t i = 0; i < count; i++)
		compare(index, new, &index->details[candidates[i]], same[i], &best);
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
