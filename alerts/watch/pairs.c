/*
 * An open-addressing table that is rebuilt without the pairs that have run out
 * whenever it is half full, so its size follows the matched documents of one
 * span.  A lagging source may bring older cells: only the newest mark counts.
 */
#include "alerts/watch/pairs.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

void pairs_init(struct pairs *pairs, int32_t span)
{
	*pairs = (struct pairs){.span = span, .newest = INT32_MIN};
}

void pairs_reset(struct pairs *pairs)
{
	free(pairs->slots);
	pairs_init(pairs, pairs->span);
}

static uint64_t pair_key(uint64_t topic_key, int64_t story)
{
	uint64_t h = (topic_key ^ (uint64_t)story * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	h = (h ^ (h >> 29)) * 0x94d049bb133111ebu;
	h ^= h >> 32;
	return h ? h : 1;
}

static struct pair *find(const struct pairs *pairs, uint64_t key)
{
	size_t i = key & (pairs->size - 1);

	while (pairs->slots[i].key && pairs->slots[i].key != key)
		i = (i + 1) & (pairs->size - 1);
	return &pairs->slots[i];
}

static bool alive(const struct pairs *pairs, const struct pair *pair)
{
	return pair->key && (int64_t)pair->last[PAIR_SEEN] > (int64_t)pairs->newest - pairs->span;
}

static void rebuild(struct pairs *pairs)
{
	struct pairs old = *pairs;
	size_t kept = 0;

	for (size_t i = 0; i < old.size; i++)
		kept += alive(&old, &old.slots[i]);
	pairs->size = 256;
	while (pairs->size < 4 * kept)
		pairs->size *= 2;
	pairs->slots = xcalloc(pairs->size, sizeof *pairs->slots);
	pairs->count = kept;
	for (size_t i = 0; i < old.size; i++)
		if (alive(&old, &old.slots[i]))
			*find(pairs, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

bool pairs_mark(struct pairs *pairs, uint64_t topic_key, int64_t story, enum pair_aspect aspect, int32_t cell)
{
	uint64_t key = pair_key(topic_key, story);
	struct pair *pair;
	bool is_new;

	if (cell > pairs->newest)
		pairs->newest = cell;
	if (2 * (pairs->count + 1) > pairs->size)
		rebuild(pairs);
	pair = find(pairs, key);
	if (!pair->key) {
		*pair = (struct pair){key, {INT32_MIN, INT32_MIN, INT32_MIN}};
		pairs->count++;
	}
	is_new = (int64_t)pair->last[aspect] <= (int64_t)cell - pairs->span;
	if (cell > pair->last[aspect])
		pair->last[aspect] = cell;
	return is_new;
}

bool pairs_seen(const struct pairs *pairs, uint64_t topic_key, int64_t story, int32_t after)
{
	const struct pair *pair = pairs->size ? find(pairs, pair_key(topic_key, story)) : NULL;

	return pair && alive(pairs, pair) && pair->last[PAIR_SEEN] > after;
}

uint64_t pairs_digest(const struct pairs *pairs)
{
	uint64_t digest = 0;

	for (size_t i = 0; i < pairs->size; i++) {
		const struct pair *pair = &pairs->slots[i];
		uint64_t h = pair->key;

		if (!alive(pairs, pair))
			continue;
		for (int a = 0; a < PAIR_ASPECTS; a++) {
			bool lives = (int64_t)pair->last[a] > (int64_t)pairs->newest - pairs->span;

			h = (h ^ (uint32_t)(lives ? pair->last[a] : INT32_MIN)) * 0x94d049bb133111ebu;
			h ^= h >> 31;
		}
		digest += h;
	}
	return digest;
}
