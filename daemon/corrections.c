#include "daemon/corrections.h"

#include "alerts/corrections.h"
#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <stdlib.h>
#include <string.h>

/* Numbers that were met, in a table of open addressing that is half full at most. */
struct met {
	uint64_t *slots; /* 0 = free */
	size_t capacity, count;
};

static bool met_put(struct met *met, uint64_t number)
{
	size_t at = number & (met->capacity - 1);
	while (met->slots[at] != 0 && met->slots[at] != number)
		at = (at + 1) & (met->capacity - 1);
	if (met->slots[at] == number)
		return false;
	met->slots[at] = number;
	met->count++;
	return true;
}

static void met_grow(struct met *met)
{
	struct met larger = {.capacity = met->capacity > 0 ? 2 * met->capacity : 64};
	larger.slots = xcalloc(larger.capacity, sizeof *larger.slots);
	for (size_t i = 0; i < met->capacity; i++)
		if (met->slots[i] != 0)
			met_put(&larger, met->slots[i]);
	free(met->slots);
	*met = larger;
}

/* False where it was met before. */
static bool is_new(struct met *met, uint64_t number)
{
	if (2 * met->count >= met->capacity)
		met_grow(met);
	return met_put(met, number != 0 ? number : 1);
}

struct reading {
	struct corrections *out;
	size_t capacity;
	struct met documents, texts, stories;
};

static void add(struct reading *reading, const struct correction *correction)
{
	struct corrections *out = reading->out;
	if (out->count == reading->capacity) {
		reading->capacity = reading->capacity > 0 ? 2 * reading->capacity : 64;
		out->each = xrealloc(out->each, reading->capacity * sizeof *out->each);
	}
	out->each[out->count++] = *correction;
}

static char *text_of(const struct store_correction *correction, size_t *length)
{
	const struct item item = {.title = correction->title, .body = correction->body};
	size_t room = strlen(correction->title) + strlen(correction->body) + 8;
	char *text = xmalloc(room);
	*length = item_text(&item, text, room);
	text[*length] = '\0';
	return text;
}

/* They come newest first, so what was met before is the later judgement. */
static int take(void *context, const struct store_correction *stored)
{
	struct reading *reading = context;
	struct correction correction = {.document = stored->document, .polarity = stored->polarity};
	if (!is_new(&reading->documents, hash_bytes(0, &stored->document, sizeof stored->document)))
		return 0;
	reading->out->judged++;
	correction.text = text_of(stored, &correction.length);
	correction.hash = hash_bytes(0, correction.text, correction.length);
	bool fresh = correction.length > 0 && is_new(&reading->texts, correction.hash);
	/* A later turn of a story may well be of another polarity, in other words. */
	const int64_t told[] = {stored->story, stored->polarity};
	if (fresh && stored->story != 0)
		fresh = is_new(&reading->stories, hash_bytes(0, told, sizeof told));
	if (fresh)
		add(reading, &correction);
	else
		free(correction.text);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void index_make(struct corrections *corrections)
{
	corrections->hashes = xcalloc(corrections->count + 1, sizeof *corrections->hashes);
	for (size_t i = 0; i < corrections->count; i++)
		corrections->hashes[i] = corrections->each[i].hash;
	qsort(corrections->hashes, corrections->count, sizeof *corrections->hashes, by_number);
}

int corrections_read(struct corrections *corrections, const char *database, struct err *e)
{
	struct reading reading = {.out = corrections};
	*corrections = (struct corrections){0};
	struct store *store = store_open(database, STORE_READ, 0, e);
	int result = store != NULL ? store_each_correction(store, take, &reading, e) : -1;
	store_close(store);
	free(reading.documents.slots);
	free(reading.texts.slots);
	free(reading.stories.slots);
	if (result < 0)
		corrections_clear(corrections);
	else
		index_make(corrections);
	return result;
}

void corrections_clear(struct corrections *corrections)
{
	for (size_t i = 0; i < corrections->count; i++)
		free(corrections->each[i].text);
	free(corrections->each);
	free(corrections->hashes);
	*corrections = (struct corrections){0};
}

bool corrections_has(const struct corrections *corrections, uint64_t hash)
{
	return corrections->count > 0 &&
	       bsearch(&hash, corrections->hashes, corrections->count, sizeof hash, by_number) != NULL;
}
