#ifndef ALERTS_TOPICS_VOCABULARY_H
#define ALERTS_TOPICS_VOCABULARY_H

#include "alerts/topics/tokens.h"

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The tokens that stand in watched phrases, numbered from VOCABULARY_FIRST in the order they came. */
#define VOCABULARY_NONE 0
#define VOCABULARY_GAP 1 /* every gap is the same token */
#define VOCABULARY_FIRST 2

#define VOCABULARY_FILTER 8

struct vocabulary {
	/* Open addressing; at most half full.  number == VOCABULARY_NONE: free. */
	struct vocabulary_slot {
		uint32_t tag; /* upper half of the hash */
		uint32_t number;
	} *slots;
	uint32_t mask;
	/* One bit for VOCABULARY_FILTER hashes a slot: most words of a text end there, in the first-level cache and without
	 * a branch that goes either way. */
	uint64_t *filter;
	struct vocabulary_entry {
		uint32_t start, length; /* in bytes */
		enum token_kind kind;
	} *entries; /* of token number + VOCABULARY_FIRST */
	uint32_t count, capacity;
	char *bytes;
	size_t byte_count, byte_capacity;
};

void vocabulary_init(struct vocabulary *vocabulary);
void vocabulary_clear(struct vocabulary *vocabulary);

/* The number of the token, which is added where it is new. */
uint32_t vocabulary_add(struct vocabulary *vocabulary, const struct token *token);

/* A multiplicative hash over words of eight bytes (reading TOKEN_PADDING bytes past the end).  Nothing from outside is
 * ever added to the table, so it needs no secret. */
static inline uint64_t vocabulary_hash(const struct token *token)
{
	const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
	const unsigned char *at = token->start;
	size_t left = token->length;
	uint64_t hash = left * 8 + token->kind;
	uint64_t word;
	for (; left > 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		hash = (hash ^ le64toh(word)) * multiplier;
		hash ^= hash >> 29;
	}
	memcpy(&word, at, 8);
	hash = (hash ^ (le64toh(word) & (UINT64_MAX >> (64 - 8 * left)))) * multiplier;
	return hash ^ hash >> 32;
}

static inline uint32_t vocabulary_filter_bit(const struct vocabulary *vocabulary, uint64_t hash)
{
	return (uint32_t)(hash >> 8) & (vocabulary->mask * VOCABULARY_FILTER + VOCABULARY_FILTER - 1);
}

/* The number of the token, or VOCABULARY_NONE. */
static inline uint32_t vocabulary_find(const struct vocabulary *vocabulary, const struct token *token)
{
	if (token->kind == TOKEN_GAP)
		return VOCABULARY_GAP;
	uint64_t hash = vocabulary_hash(token);
	uint32_t bit = vocabulary_filter_bit(vocabulary, hash);
	if (!(vocabulary->filter[bit / 64] >> bit % 64 & 1))
		return VOCABULARY_NONE;
	for (uint32_t at = (uint32_t)hash & vocabulary->mask;; at = (at + 1) & vocabulary->mask) {
		const struct vocabulary_slot *slot = &vocabulary->slots[at];
		if (slot->number == VOCABULARY_NONE)
			return VOCABULARY_NONE;
		if (slot->tag != (uint32_t)(hash >> 32))
			continue;
		const struct vocabulary_entry *entry = &vocabulary->entries[slot->number - VOCABULARY_FIRST];
		if (entry->length == token->length && entry->kind == token->kind &&
		    memcmp(vocabulary->bytes + entry->start, token->start, token->length) == 0)
			return slot->number;
	}
}

#endif
