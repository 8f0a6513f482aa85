#include "daemon/drift_words.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROBES = 7,
	BITS_A_WORD = 10,
	LEAST_BYTES = 128,
	MOST_BYTES = 1 << 17, /* a hundred thousand words; beyond that more are taken for seen */
	MOST_TALLIED = 1 << 17,
};

/* ---- words ---- */

static bool continues(struct vocab_word piece)
{
	return piece.length > 2 && piece.text[0] == '#' && piece.text[1] == '#';
}

/* A whole piece or nothing of it. */
static size_t piece_append(struct vocab_word piece, char *out, size_t used)
{
	size_t skip = continues(piece) ? 2 : 0, length = piece.length - skip;
	if (used + length >= DRIFT_WORD_MAX)
		return used;
	memcpy(out + used, piece.text + skip, length);
	return used + length;
}

static bool is_worth_it(const char *text, size_t length)
{
	for (size_t i = 0; i < length && length >= 3; i++)
		if ((unsigned char)text[i] >= 0x80 || isalpha((unsigned char)text[i]))
			return true;
	return false;
}

void drift_words_each(const struct vocab *vocab, const int32_t *ids, size_t length, int32_t unknown, drift_word_each *each,
		      void *context)
{
	for (size_t i = 1, end; i + 1 < length; i = end) {
		struct drift_word word = {0};
		bool known = ids[i] != unknown;
		size_t used = piece_append(vocab_word(vocab, (size_t)ids[i]), word.text, 0);
		for (end = i + 1; end + 1 < length && continues(vocab_word(vocab, (size_t)ids[end])); end++)
			used = piece_append(vocab_word(vocab, (size_t)ids[end]), word.text, used);
		if (!known || !is_worth_it(word.text, used))
			continue;
		word.hash = hash_bytes(0, ids + i, (end - i) * sizeof *ids);
		each(context, &word);
	}
}

/* ---- which there were ---- */

void drift_filter_add(struct drift_filter *filter, uint64_t hash)
{
	if (filter->count == filter->capacity) {
		filter->capacity = filter->capacity > 0 ? 2 * filter->capacity : 1024;
		filter->hashes = xrealloc(filter->hashes, filter->capacity * sizeof *filter->hashes);
	}
	filter->hashes[filter->count++] = hash;
}

/* The n-th of a hash's bits, by its two halves (Kirsch and Mitzenmacher, 2006). */
static size_t bit_of(const struct drift_filter *filter, uint64_t hash, unsigned n)
{
	return (size_t)((hash & 0xffffffff) + n * (hash >> 32 | 1)) & (8 * filter->size - 1);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

void drift_filter_seal(struct drift_filter *filter)
{
	size_t different = 0;
	if (filter->count > 0)
		qsort(filter->hashes, filter->count, sizeof *filter->hashes, by_number);
	for (size_t i = 0; i < filter->count; i++)
		different += i == 0 || filter->hashes[i] != filter->hashes[i - 1];
	filter->size = LEAST_BYTES;
	while (8 * filter->size < BITS_A_WORD * different && filter->size < MOST_BYTES)
		filter->size *= 2;
	filter->bits = xcalloc(filter->size, 1);
	for (size_t i = 0; i < filter->count; i++)
		for (unsigned n = 0; n < PROBES; n++) {
			size_t bit = bit_of(filter, filter->hashes[i], n);
			filter->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
		}
	free(filter->hashes);
	filter->hashes = NULL;
	filter->count = filter->capacity = 0;
}

bool drift_filter_has(const struct drift_filter *filter, uint64_t hash)
{
	bool has = filter->bits != NULL;
	for (unsigned n = 0; n < PROBES && has; n++) {
		size_t bit = bit_of(filter, hash, n);
		has = filter->bits[bit / 8] >> bit % 8 & 1;
	}
	return has;
}

void drift_filter_clear(struct drift_filter *filter)
{
	free(filter->bits);
	free(filter->hashes);
	*filter = (struct drift_filter){0};
}

/* ---- how many texts have them ---- */

void drift_tally_next(struct drift_tally *tally)
{
	tally->text++;
}

static struct drift_tallied *slot_of(const struct drift_tally *tally, uint64_t hash)
{
	size_t at = hash & (tally->capacity - 1);
	while (tally->slots[at].texts > 0 && tally->slots[at].word.hash != hash)
		at = (at + 1) & (tally->capacity - 1);
	return &tally->slots[at];
}

static void tally_grow(struct drift_tally *tally)
{
	struct drift_tally larger = *tally;
	larger.capacity = tally->capacity > 0 ? 2 * tally->capacity : 1024;
	larger.slots = xcalloc(larger.capacity, sizeof *larger.slots);
	for (size_t i = 0; i < tally->capacity; i++)
		if (tally->slots[i].texts > 0)
			*slot_of(&larger, tally->slots[i].word.hash) = tally->slots[i];
	free(tally->slots);
	*tally = larger;
}

void drift_tally_add(struct drift_tally *tally, const struct drift_word *word)
{
	if (2 * tally->count >= tally->capacity && tally->capacity < MOST_TALLIED)
		tally_grow(tally);
	struct drift_tallied *slot = slot_of(tally, word->hash);
	if (slot->texts == 0) {
		if (2 * tally->count >= tally->capacity)
			return; /* so many new words are noise, and one more tells nothing */
		slot->word = *word;
		tally->count++;
	}
	slot->texts += slot->last != tally->text;
	slot->last = tally->text;
}

static int by_texts(const void *a, const void *b)
{
	const struct drift_tallied *x = a, *y = b;
	if (x->texts != y->texts)
		return x->texts > y->texts ? -1 : 1;
	return strcmp(x->word.text, y->word.text);
}

struct drift_tallied *drift_tally_top(const struct drift_tally *tally, size_t most, size_t *count)
{
	struct drift_tallied *top = xcalloc(tally->count + 1, sizeof *top);
	*count = 0;
	for (size_t i = 0; i < tally->capacity; i++)
		if (tally->slots[i].texts > 1)
			top[(*count)++] = tally->slots[i];
	qsort(top, *count, sizeof *top, by_texts);
	if (*count > most)
		*count = most;
	return top;
}

void drift_tally_clear(struct drift_tally *tally)
{
	free(tally->slots);
	*tally = (struct drift_tally){0};
}
