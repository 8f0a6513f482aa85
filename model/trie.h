#ifndef MODEL_TRIE_H
#define MODEL_TRIE_H

#include "model/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A vocabulary as an automaton over bytes (a double array: Aoe, "An Efficient
 * Digital Search Algorithm by Using a Double-Array Structure", 1989).  A state
 * is an index; from state s byte b leads to base[s] + b if that unit's check
 * is s.  Immutable after creation.
 */
struct trie_unit {
	uint32_t base_and_end; /* base << 1 | is a word of the vocabulary */
	uint32_t check;
};

struct trie {
	struct trie_unit *units;
	int32_t *ids; /* by state; only where trie_is_end */
	size_t size;
};

#define TRIE_ROOT 0u
/* No state; also the check of units that nobody uses. */
#define TRIE_NONE UINT32_MAX

/* Words longer than `max_length` bytes are left out. */
struct trie *trie_create(const struct vocab *vocab, size_t max_length);
void trie_free(struct trie *trie);

/* The state after `byte`, or TRIE_NONE. */
static inline uint32_t trie_step(const struct trie *trie, uint32_t state, uint8_t byte)
{
	uint32_t next = (trie->units[state].base_and_end >> 1) + byte;
	return trie->units[next].check == state ? next : TRIE_NONE;
}

static inline bool trie_is_end(const struct trie *trie, uint32_t state)
{
	return trie->units[state].base_and_end & 1;
}

#endif
