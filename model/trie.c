/*
 * Built breadth first along the sorted vocabulary: a state is the range of
 * words that share its prefix.  A place that was passed over is not looked at
 * again, so building takes time linear in the vocabulary, for a few holes in
 * the array.
 */
#include "model/trie.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

/* Words [first, last) by rank agree in their first `depth` bytes, which lead to `state`. */
struct span {
	uint32_t state, first, last, depth;
};

struct builder {
	const struct vocab *vocab;
	struct trie *trie;
	size_t max_length;
	size_t first_free, first_room; /* where find_base goes on */
	struct span *queue;
	size_t queue_count, queue_size;
};

static void reserve(struct trie *trie, size_t size)
{
	if (size <= trie->size)
		return;
	size_t bigger = trie->size * 2 > size ? trie->size * 2 : size;
	trie->units = xrealloc(trie->units, bigger * sizeof *trie->units);
	trie->ids = xrealloc(trie->ids, bigger * sizeof *trie->ids);
	for (size_t i = trie->size; i < bigger; i++)
		trie->units[i] = (struct trie_unit){0, TRIE_NONE};
	trie->size = bigger;
}

static struct vocab_word word_at(const struct builder *b, uint32_t rank)
{
	return vocab_word(b->vocab, vocab_ranked(b->vocab, rank));
}

static void enqueue(struct builder *b, struct span span)
{
	if (b->queue_count == b->queue_size) {
		b->queue_size = b->queue_size == 0 ? 1024 : b->queue_size * 2;
		b->queue = xrealloc(b->queue, b->queue_size * sizeof *b->queue);
	}
	b->queue[b->queue_count++] = span;
}

static bool is_free(const struct trie *trie, size_t unit)
{
	return unit != TRIE_ROOT && (unit >= trie->size || trie->units[unit].check == TRIE_NONE);
}

/* A base whose units for all `bytes` (ascending) are free.  One child takes the first free unit there is; several look for
 * room from where the last several found theirs, and leave the holes to single ones. */
static size_t find_base(struct builder *b, const uint8_t *bytes, size_t count)
{
	size_t *from = count == 1 ? &b->first_free : &b->first_room;
	size_t unit = *from > bytes[0] ? *from : bytes[0];
	for (;; unit++) {
		size_t base = unit - bytes[0], i = 0;
		while (i < count && is_free(b->trie, base + bytes[i]))
			i++;
		if (i == count)
			break;
	}
	*from = unit;
	return unit - bytes[0];
}

/* The words that end in this state come first; the last of equal ones has the id that counts. */
static void take_ends(struct builder *b, struct span *span)
{
	while (span->first < span->last && word_at(b, span->first).length == span->depth) {
		b->trie->units[span->state].base_and_end |= 1;
		b->trie->ids[span->state] = (int32_t)vocab_ranked(b->vocab, span->first);
		span->first++;
	}
}

static void expand(struct builder *b, struct span span)
{
	take_ends(b, &span);
	if (span.first == span.last)
		return;

	uint8_t bytes[256];
	uint32_t starts[257];
	size_t count = 0;
	for (uint32_t rank = span.first; rank < span.last; rank++) {
		uint8_t byte = (uint8_t)word_at(b, rank).text[span.depth];
		if (count == 0 || bytes[count - 1] != byte) {
			bytes[count] = byte;
			starts[count++] = rank;
		}
	}
	starts[count] = span.last;

	size_t base = find_base(b, bytes, count);
	reserve(b->trie, base + 256);
	b->trie->units[span.state].base_and_end |= (uint32_t)base << 1;
	for (size_t i = 0; i < count; i++) {
		uint32_t child = (uint32_t)base + bytes[i];
		b->trie->units[child].check = span.state;
		if (span.depth + 1 <= b->max_length)
			enqueue(b, (struct span){child, starts[i], starts[i + 1], span.depth + 1});
	}
}

struct trie *trie_create(const struct vocab *vocab, size_t max_length)
{
	struct builder b = {
		.vocab = vocab, .trie = xcalloc(1, sizeof *b.trie), .max_length = max_length, .first_free = 1,
			    .first_room = 1};
	reserve(b.trie, 256);

	/* An empty line is a word of no length, which nothing can match. */
	uint32_t first = 0, last = (uint32_t)vocab_size(vocab);
	while (first < last && word_at(&b, first).length == 0)
		first++;
	enqueue(&b, (struct span){TRIE_ROOT, first, last, 0});
	for (size_t i = 0; i < b.queue_count; i++)
		expand(&b, b.queue[i]);

	free(b.queue);
	return b.trie;
}

void trie_free(struct trie *trie)
{
	if (trie == NULL)
		return;
	free(trie->units);
	free(trie->ids);
	free(trie);
}
