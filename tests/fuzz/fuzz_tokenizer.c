/*
 * Texts: any bytes give ids of the vocabulary between [CLS] and [SEP]; a
 * truncated encoding is the beginning of the whole one; and two texts with a
 * blank between them give the ids of the one and then of the other.
 */
#include "model/script.h"
#include "model/tokenizer.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tokenizer *tokenizers[2];

static void open_tokenizers(void)
{
	for (int i = 0; i < 2; i++) {
		tokenizers[i] = tokenizer_open(SOURCE_DIR "/tests/data/tokenizer/vocab.txt", i == 0, NULL);
		CHECK(tokenizers[i] != NULL);
	}
}

struct ids {
	int32_t *ids;
	size_t count, room;
};

static void collect(void *context, const int32_t *ids, size_t count)
{
	struct ids *all = context;
	CHECK(count > 0 && all->count + count <= all->room);
	memcpy(all->ids + all->count, ids, count * sizeof *ids);
	all->count += count;
}

/* A code point is a byte or more, and at most four ids (the longest decomposition). */
static struct ids encode(const struct tokenizer *t, const char *text, size_t length)
{
	struct ids all = {.room = 4 * length + 2};
	all.ids = xmalloc(all.room * sizeof *all.ids);
	tokenizer_encode_all(t, text, length, collect, &all);
	return all;
}

static void check(const struct tokenizer *t, const char *text, size_t length, size_t cut)
{
	struct ids whole = encode(t, text, length);
	CHECK(whole.count >= 2 && whole.ids[0] == 2 && whole.ids[whole.count - 1] == 3);
	for (size_t i = 0; i < whole.count; i++)
		CHECK(whole.ids[i] >= 0 && (size_t)whole.ids[i] < tokenizer_vocab_size(t));

	size_t max = 2 + cut % 16, kept = max < whole.count ? max : whole.count;
	int32_t some[18];
	CHECK(tokenizer_encode(t, text, length, some, max) == kept);
	CHECK(memcmp(some, whole.ids, (kept - 1) * sizeof *some) == 0 && some[kept - 1] == 3);

	char *joined = xmalloc(length + 1);
	cut %= length + 1;
	memcpy(joined, text, cut);
	joined[cut] = ' ';
	memcpy(joined + cut + 1, text + cut, length - cut);
	struct ids both = encode(t, joined, length + 1), left = encode(t, text, cut), right = encode(t, text + cut, length - cut);
	CHECK(both.count == left.count + right.count - 2);
	CHECK(memcmp(both.ids, left.ids, (left.count - 1) * sizeof *left.ids) == 0);
	CHECK(memcmp(both.ids + left.count - 1, right.ids + 1, (right.count - 1) * sizeof *right.ids) == 0);

	free(joined);
	free(whole.ids);
	free(both.ids);
	free(left.ids);
	free(right.ids);
}

/* The first byte says where to cut, the rest is the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (tokenizers[0] == NULL)
		open_tokenizers();
	if (size == 0)
		return 0;
	for (int i = 0; i < 2; i++)
		check(tokenizers[i], (const char *)data + 1, size - 1, data[0]);
	struct script_set latin = {1};
	script_is_covered(latin, (const char *)data + 1, size - 1);
	return 0;
}
