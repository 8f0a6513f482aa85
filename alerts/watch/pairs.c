/*
 * An open-addressing table that is rebuilt without the pairs that are forgotten
 * whenever it is three quarters full, so its size follows the matched documents
 * of one span.  A lagging source may bring older cells: only the newest mark
 * counts.
 */
#include "alerts/watch/pairs.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

void pairs_init(struct pairs *pairs, int32_t span)
{
	*pairs = (struct pairs){.span = span};
}

void pairs_reset(struct pairs *pairs)
{
	free(pairs->slots);
	free(pairs->newest);
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

bool pairs_holds(const struct pairs *pairs, const struct pair *pair, enum pair_aspect aspect)
{
	return (int64_t)pair->last[aspect] > (int64_t)pairs->newest[pair->clock] - pairs->span;
}

static bool is_alive(const struct pairs *pairs, const struct pair *pair)
{
	return pair->key && pairs_holds(pairs, pair, PAIR_SEEN);
}

/* To at most three eighths. */
static void rebuild(struct pairs *pairs)
{
	struct pairs old = *pairs;
	size_t kept = 0;

	for (size_t i = 0; i < old.size; i++)
		kept += is_alive(&old, &old.slots[i]);
	pairs->size = 256;
	while (3 * pairs->size < 8 * (kept + 1))
		pairs->size *= 2;
	pairs->slots = xcalloc(pairs->size, sizeof *pairs->slots);
	pairs->count = kept;
	for (size_t i = 0; i < old.size; i++)
		if (is_alive(&old, &old.slots[i]))
			*find(pairs, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

static void move_clock(struct pairs *pairs, uint32_t clock, int32_t cell)
{
	if (clock >= pairs->clocks) {
		pairs->newest = xrealloc(pairs->newest, (clock + 1) * sizeof *pairs->newest);
		while (pairs->clocks <= clock)
			pairs->newest[pairs->clocks++] = INT32_MIN;
	}
	if (cell > pairs->newest[clock])
		pairs->newest[clock] = cell;
}

unsigned pairs_mark(struct pairs *pairs, uint32_t clock, uint64_t topic_key, int64_t story, unsigned aspects, int32_t cell)
{
	uint64_t key = pair_key(topic_key, story);
	unsigned new = 0;
	struct pair *pair;

	move_clock(pairs, clock, cell);
	if (4 * (pairs->count + 1) > 3 * pairs->size)
		rebuild(pairs);
	pair = find(pairs, key);
	if (!pair->key) {
		*pair = (struct pair){key, {INT32_MIN, INT32_MIN, INT32_MIN}, clock};
		pairs->count++;
	}
	pair->clock = clock;
	for (unsigned a = 0; a < PAIR_ASPECTS; a++) {
		if (!(aspects & 1u << a))
			continue;
		new |= (unsigned)!pairs_holds(pairs, pair, (enum pair_aspect)a) << a;
		if (cell > pair->last[a])
			pair->last[a] = cell;
	}
	return new;
}

void pairs_fetch(const struct pairs *pairs, uint64_t topic_key, int64_t story)
{
	if (pairs->size)
		__builtin_prefetch(&pairs->slots[pair_key(topic_key, story) & (pairs->size - 1)], 1);
}

bool pairs_seen(const struct pairs *pairs, uint64_t topic_key, int64_t story, int32_t after)
{
	const struct pair *pair = pairs->size ? find(pairs, pair_key(topic_key, story)) : NULL;

	return pair && is_alive(pairs, pair) && pair->last[PAIR_SEEN] > after;
}

uint64_t pairs_digest(const struct pairs *pairs)
{
	uint64_t digest = 0;

	for (size_t i = 0; i < pairs->size; i++) {
		const struct pair *pair = &pairs->slots[i];
		uint64_t h = pair->key;

		if (!is_alive(pairs, pair))
			continue;
		for (unsigned a = 0; a < PAIR_ASPECTS; a++) {
			bool holds = pairs_holds(pairs, pair, (enum pair_aspect)a);

			h = (h ^ (uint32_t)(holds ? pair->last[a] : INT32_MIN)) * 0x94d049bb133111ebu;
			h ^= h >> 31;
		}
		digest += h;
	}
	return digest;
}
