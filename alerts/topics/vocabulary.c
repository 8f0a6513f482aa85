#include "alerts/topics/vocabulary.h"

#include "daemon/base/check.h"

#include <stdlib.h>

#define SLOTS_MIN 64

static void allocate_slots(struct vocabulary *vocabulary, uint32_t count)
{
	vocabulary->mask = count - 1;
	vocabulary->slots = xcalloc(count, sizeof *vocabulary->slots);
	vocabulary->filter = xcalloc(count, VOCABULARY_FILTER / 8);
}

void vocabulary_init(struct vocabulary *vocabulary)
{
	*vocabulary = (struct vocabulary){.mask = 0};
	allocate_slots(vocabulary, SLOTS_MIN);
}

void vocabulary_clear(struct vocabulary *vocabulary)
{
	free(vocabulary->slots);
	free(vocabulary->filter);
	free(vocabulary->entries);
	free(vocabulary->bytes);
}

static void insert(struct vocabulary *vocabulary, uint32_t number, uint64_t hash)
{
	uint32_t bit = vocabulary_filter_bit(vocabulary, hash);
	vocabulary->filter[bit / 64] |= UINT64_C(1) << bit % 64;
	uint32_t at = (uint32_t)hash & vocabulary->mask;
	while (vocabulary->slots[at].number != VOCABULARY_NONE)
		at = (at + 1) & vocabulary->mask;
	vocabulary->slots[at] = (struct vocabulary_slot){(uint32_t)(hash >> 32), number};
}

static uint64_t entry_hash(const struct vocabulary *vocabulary, const struct vocabulary_entry *entry)
{
	struct token token = {(const unsigned char *)vocabulary->bytes + entry->start, entry->length, entry->kind};
	return vocabulary_hash(&token);
}

static void grow_slots(struct vocabulary *vocabulary)
{
	free(vocabulary->slots);
	free(vocabulary->filter);
	allocate_slots(vocabulary, (vocabulary->mask + 1) * 2);
	for (uint32_t i = 0; i < vocabulary->count; i++)
		insert(vocabulary, i + VOCABULARY_FIRST, entry_hash(vocabulary, &vocabulary->entries[i]));
}

static void keep_bytes(struct vocabulary *vocabulary, const struct token *token)
{
	size_t need = vocabulary->byte_count + token->length + TOKEN_PADDING;
	if (need > vocabulary->byte_capacity) {
		vocabulary->byte_capacity = need * 2;
		vocabulary->bytes = xrealloc(vocabulary->bytes, vocabulary->byte_capacity);
	}
	memcpy(vocabulary->bytes + vocabulary->byte_count, token->start, token->length);
	vocabulary->byte_count += token->length;
	memset(vocabulary->bytes + vocabulary->byte_count, 0, TOKEN_PADDING);
}

uint32_t vocabulary_add(struct vocabulary *vocabulary, const struct token *token)
{
	uint32_t number = vocabulary_find(vocabulary, token);
	if (number != VOCABULARY_NONE)
		return number;
	CHECK(vocabulary->byte_count + token->length < UINT32_MAX / 2);
	if (vocabulary->count == vocabulary->capacity) {
		vocabulary->capacity = vocabulary->capacity ? vocabulary->capacity * 2 : SLOTS_MIN;
		vocabulary->entries = xrealloc(vocabulary->entries, vocabulary->capacity * sizeof *vocabulary->entries);
	}
	vocabulary->entries[vocabulary->count++] =
		(struct vocabulary_entry){(uint32_t)vocabulary->byte_count, token->length, token->kind};
	keep_bytes(vocabulary, token);

	number = vocabulary->count - 1 + VOCABULARY_FIRST;
	if (vocabulary->count * 2 > vocabulary->mask)
		grow_slots(vocabulary); /* inserts all entries */
	else
		insert(vocabulary, number, vocabulary_hash(token));
	return number;
}
