/*
 * The hash is FNV-1a with 128 bits (draft-eastlake-fnv): stable for ever,
 * since stored ids depend on it, and wide enough that two entries of a feed do
 * not meet by chance.  Who writes a feed can make them meet, but harms only
 * their own entries.
 */
#include "ingest/feed/identity.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_TEXT = 33, ID_MAX = 1024 };

struct hash {
	uint64_t high, low;
};

static const struct hash HASH_START = {0x6c62272e07bb0142, 0x62b821756295c58d};

/* Multiply by the prime 2^88 + 2^8 + 0x3b, modulo 2^128. */
static struct hash hash_step(struct hash hash, unsigned char byte)
{
	const uint64_t prime = 0x13b;
	uint64_t low = hash.low ^ byte;
	/* low * prime by halves, for its upper word. */
	uint64_t bottom = (low & 0xffffffff) * prime;
	uint64_t top = (low >> 32) * prime + (bottom >> 32);

	return (struct hash){
		.high = hash.high * prime + (top >> 32) + (low << 24),
		.low = (top << 32) | (bottom & 0xffffffff),
	};
}

/* The string and its final NUL, so that "ab" "c" differs from "a" "bc". */
static struct hash hash_string(struct hash hash, const char *text)
{
	do
		hash = hash_step(hash, (unsigned char)*text);
	while (*text++ != '\0');
	return hash;
}

static void hash_format(struct hash hash, char out[HASH_TEXT])
{
	snprintf(out, HASH_TEXT, "%016llx%016llx", (unsigned long long)hash.high, (unsigned long long)hash.low);
}

static const char *first_id(const struct feed_entry *entry, struct arena *arena)
{
	char text[HASH_TEXT];
	struct hash hash = HASH_START;
	const char *id = entry->guid[0] != '\0' ? entry->guid : entry->link;

	if (id[0] != '\0' && strlen(id) <= ID_MAX)
		return id;
	if (id[0] != '\0')
		hash = hash_string(hash, id);
	else
		hash = hash_string(hash_string(hash, entry->title), entry->summary);
	hash_format(hash, text);
	return arena_copy(arena, text, strlen(text));
}

/* What tells two entries of one id apart. */
static const char *second_key(const struct feed_entry *entry)
{
	return entry->link[0] != '\0' && strcmp(entry->link, entry->id) != 0 ? entry->link : entry->title;
}

static const char *longer_id(const struct feed_entry *entry, struct arena *arena)
{
	char hash[HASH_TEXT], text[ID_MAX + HASH_TEXT + 1];

	hash_format(hash_string(HASH_START, second_key(entry)), hash);
	int length = snprintf(text, sizeof text, "%s#%s", entry->id, hash);
	return arena_copy(arena, text, (size_t)length);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp((*(struct feed_entry *const *)a)->id, (*(struct feed_entry *const *)b)->id);
}

int identity_assign(struct feed_entry *entries, size_t count, struct arena *arena)
{
	if (count == 0)
		return 0;
	struct feed_entry **sorted = malloc(count * sizeof *sorted);
	if (sorted == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		entries[i].id = first_id(&entries[i], arena);
		sorted[i] = &entries[i];
	}
	qsort(sorted, count, sizeof *sorted, compare_ids);
	for (size_t start = 0, end; start < count; start = end) {
		bool differ = false;
		for (end = start + 1; end < count && strcmp(sorted[end]->id, sorted[start]->id) == 0; end++)
			differ |= strcmp(second_key(sorted[end]), second_key(sorted[start])) != 0;
		if (!differ)
			continue;
		for (size_t i = start; i < end; i++)
			sorted[i]->id = longer_id(sorted[i], arena);
	}
	free(sorted);
	return 0;
}
