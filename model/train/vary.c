#include "model/train/vary.h"

#include "daemon/base/hash.h"
#include "model/tokenizer.h"
#include "model/train/noise.h"

#include <stdlib.h>
#include <string.h>

/*
 * A dataset keeps ids and a hash of each text; noise needs the bytes.  So the
 * tables' texts are kept here beside their hashes and found by them.  To make
 * and tokenise a text takes some microseconds, its part of a step
 * milliseconds: nothing is made beforehand.
 */
enum { SITE_VARY = 0x7A21 };

/* Slips of the keyboard are what costs a model the most, and what comes in the most forms. */
static const enum noise kinds[] = {NOISE_TYPO,   NOISE_TYPO,  NOISE_TYPO,       NOISE_TYPO, NOISE_CASE,
				   NOISE_TICKER, NOISE_EMOJI, NOISE_TRUNCATION, NOISE_NAME, NOISE_SYNONYM};

struct bytes {
	uint64_t hash;
	size_t at, length; /* in the block */
};

struct vary {
	struct vary_options options;
	struct tokenizer *tokenizer;
	char *block;
	size_t used;
	struct bytes *texts;
	size_t count;
	uint64_t *hashes; /* of the dataset's texts */
	size_t hash_count;
	char *noisy;      /* room for the longest text's noise */
	int32_t *ids;     /* [batch, longest] */
};

struct vary *vary_open(const struct vary_options *options, struct err *e)
{
	struct vary *vary = calloc(1, sizeof *vary);
	if (vary == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	vary->options = *options;
	vary->options.base = NULL;
	vary->tokenizer = tokenizer_open_model(options->base, e);
	if (vary->tokenizer == NULL)
		goto fail;
	vary->noisy = malloc(noise_room(NOISE_LONGEST));
	vary->ids = calloc(options->batch, options->longest * sizeof *vary->ids);
	if (vary->noisy == NULL || vary->ids == NULL) {
		err_set(e, "out of memory for %zu texts with noise", options->batch);
		goto fail;
	}
	return vary;

fail:
	vary_close(vary);
	return NULL;
}

void vary_close(struct vary *vary)
{
	if (vary == NULL)
		return;
	tokenizer_free(vary->tokenizer);
	free(vary->block);
	free(vary->texts);
	free(vary->hashes);
	free(vary->noisy);
	free(vary->ids);
	free(vary);
}

static int room_make(struct vary *vary, size_t rows, size_t bytes, struct err *e)
{
	struct bytes *texts = realloc(vary->texts, (vary->count + rows + 1) * sizeof *texts);
	if (texts != NULL)
		vary->texts = texts;
	char *block = realloc(vary->block, vary->used + bytes + 1);
	if (block != NULL)
		vary->block = block;
	return texts != NULL && block != NULL ? 0 : err_set(e, "out of memory for %zu texts", vary->count + rows);
}

static size_t kept_length(const struct table_row *row)
{
	return row->text_length < NOISE_LONGEST ? row->text_length : NOISE_LONGEST;
}

int vary_add(struct vary *vary, const struct table *table, struct err *e)
{
	size_t bytes = 0;
	for (size_t i = 0; i < table->count; i++)
		bytes += kept_length(&table->rows[i]);
	if (room_make(vary, table->count, bytes, e) < 0)
		return -1;
	for (size_t i = 0; i < table->count; i++) {
		const struct table_row *row = &table->rows[i];
		struct bytes *text = &vary->texts[vary->count++];
		*text = (struct bytes){hash_bytes(0, row->text, row->text_length), vary->used, kept_length(row)};
		memcpy(vary->block + vary->used, row->text, text->length);
		vary->used += text->length;
	}
	return 0;
}

static int by_hash(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

int vary_bind(struct vary *vary, const uint64_t *hashes, size_t count, struct err *e)
{
	vary->hashes = malloc((count + 1) * sizeof *hashes);
	if (vary->hashes == NULL)
		return err_set(e, "out of memory for %zu texts", count);
	memcpy(vary->hashes, hashes, count * sizeof *hashes);
	vary->hash_count = count;
	qsort(vary->texts, vary->count, sizeof *vary->texts, by_hash);
	return 0;
}

void vary_text(struct vary *vary, uint32_t row, size_t epoch, size_t place, size_t slot, struct trainer_text *text)
{
	const struct vary_options *options = &vary->options;
	struct random_stream stream = random_stream(hash_bytes(options->seed, &place, sizeof place), SITE_VARY, (uint32_t)epoch);
	if (row >= vary->hash_count || random_next(&stream) * 0x1p-32 >= options->rate)
		return;
	const struct bytes wanted = {.hash = vary->hashes[row]};
	const struct bytes *found = bsearch(&wanted, vary->texts, vary->count, sizeof wanted, by_hash);
	if (found == NULL)
		return;
	enum noise kind = kinds[random_below(&stream, sizeof kinds / sizeof *kinds)];
	size_t length = noise_make(kind, vary->block + found->at, found->length, &stream, vary->noisy);
	int32_t *ids = vary->ids + slot * options->longest;
	text->length = tokenizer_encode(vary->tokenizer, vary->noisy, length, ids, options->longest);
	text->ids = ids;
}
