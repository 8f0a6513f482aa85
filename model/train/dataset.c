#include "model/train/dataset.h"

#include "daemon/base/hash.h"

#include <stdlib.h>
#include <string.h>

/* Until dataset_finish a text's ids are an offset into the block, which grows. */

static int room_make(struct dataset *dataset, size_t longest, struct err *e)
{
	if (dataset->count == dataset->capacity) {
		size_t capacity = dataset->capacity == 0 ? 1024 : 2 * dataset->capacity;
		struct trainer_text *texts = realloc(dataset->texts, capacity * sizeof *texts);
		if (texts != NULL)
			dataset->texts = texts;
		uint64_t *hashes = realloc(dataset->hashes, capacity * sizeof *hashes);
		if (hashes != NULL)
			dataset->hashes = hashes;
		if (texts == NULL || hashes == NULL)
			return err_set(e, "out of memory for %zu texts", capacity);
		dataset->capacity = capacity;
	}
	if (dataset->ids_capacity - dataset->ids_used <= longest) {
		size_t capacity = 2 * (dataset->ids_capacity + longest + 1024);
		int32_t *ids = realloc(dataset->ids, capacity * sizeof *ids);
		if (ids == NULL)
			return err_set(e, "out of memory for %zu tokens", capacity);
		dataset->ids = ids;
		dataset->ids_capacity = capacity;
	}
	return 0;
}

static int label_find(const struct dataset_labels *labels, const struct table *table, const struct table_row *row, int *out,
		      struct err *e)
{
	bool topic = labels->task == TASK_TOPIC;
	if (labels->task == TASK_NONE)
		return 0;
	int found = topic ? labels_find(labels->topics, row->label, row->label_length)
			  : polarity_find(row->label, row->label_length);
	if (found < 0)
		return err_set(e, "%s:%zu: unknown label \"%.*s\": %s", table->path, row->line, (int)row->label_length,
			       row->label,
			       topic ? "no row to learn from has it"
				     : "polarity is negative, neutral or positive; labels of your own are topics");
	*out = topic ? found : labels->polarity_row[found];
	return 0;
}

int dataset_add(struct dataset *dataset, const struct table *table, const struct dataset_labels *labels,
		const struct tokenizer *tokenizer, size_t longest, struct err *e)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct table_row *row = &table->rows[i];
		int label = -1;
		if (label_find(labels, table, row, &label, e) < 0 || room_make(dataset, longest, e) < 0)
			return -1;
		/* One more than the model reads tells whether a text was cut. */
		int32_t *ids = dataset->ids + dataset->ids_used;
		size_t length = tokenizer_encode(tokenizer, row->text, row->text_length, ids, longest + 1);
		if (length > longest) {
			dataset->cut++;
			ids[longest - 1] = ids[length - 1];
			length = longest;
		}
		dataset->hashes[dataset->count] = hash_bytes(0, row->text, row->text_length);
		dataset->texts[dataset->count++] = (struct trainer_text){
			.length = length,
			.polarity = labels->task == TASK_POLARITY ? label : -1,
			.topic = labels->task == TASK_TOPIC ? label : -1,
			.source = labels->sources != NULL && row->source != NULL
					  ? labels_find(labels->sources, row->source, row->source_length)
					  : -1,
		};
		dataset->ids_used += length;
	}
	return 0;
}

/* Places in some order: `major`, then `minor`, then as they came. */
struct place {
	uint64_t major, minor;
	uint32_t index;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	if (x->minor != y->minor)
		return x->minor < y->minor ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static struct place *places_make(const struct dataset *dataset, struct err *e)
{
	struct place *places = calloc(dataset->count + 1, sizeof *places);
	if (places == NULL)
		err_set(e, "out of memory");
	for (size_t i = 0; i < dataset->count && places != NULL; i++)
		places[i] = (struct place){.major = dataset->hashes[i], .index = (uint32_t)i};
	return places;
}

/* Among equal texts, places[0 ... count), those of polarity alone take over the topics of others, which become empty. */
static void texts_join(struct dataset *dataset, const struct place *places, size_t count)
{
	size_t next = 0;
	for (size_t i = 0; i < count; i++) {
		struct trainer_text *text = &dataset->texts[places[i].index];
		if (text->polarity < 0)
			continue;
		while (next < count && dataset->texts[places[next].index].polarity >= 0)
			next++;
		if (next == count)
			return;
		struct trainer_text *other = &dataset->texts[places[next++].index];
		text->topic = other->topic;
		other->topic = -1;
	}
}

static int dataset_join(struct dataset *dataset, struct err *e)
{
	struct place *places = places_make(dataset, e);
	if (places == NULL)
		return -1;
	qsort(places, dataset->count, sizeof *places, by_place);
	for (size_t i = 0, end; i < dataset->count; i = end) {
		for (end = i + 1; end < dataset->count && places[end].major == places[i].major;)
			end++;
		texts_join(dataset, places + i, end - i);
	}
	free(places);
	size_t kept = 0;
	for (size_t i = 0; i < dataset->count; i++) {
		if (dataset->texts[i].polarity < 0 && dataset->texts[i].topic < 0)
			continue;
		dataset->texts[kept] = dataset->texts[i];
		dataset->hashes[kept++] = dataset->hashes[i];
	}
	dataset->count = kept;
	return 0;
}

int dataset_finish(struct dataset *dataset, bool join, struct err *e)
{
	size_t at = 0;
	for (size_t i = 0; i < dataset->count; i++) {
		dataset->texts[i].ids = dataset->ids + at;
		at += dataset->texts[i].length;
	}
	return join ? dataset_join(dataset, e) : 0;
}

void dataset_clear(struct dataset *dataset)
{
	free(dataset->texts);
	free(dataset->hashes);
	free(dataset->ids);
	*dataset = (struct dataset){0};
}

/* Of one label's texts, in an order by chance: how many go to validation?  Equal texts are neighbours. */
static size_t validation_size(const struct place *places, size_t count, double share)
{
	size_t wanted = (size_t)((double)count * share + 0.5);
	if (count < 5 || share <= 0)
		return 0;
	wanted = wanted > 0 ? wanted : 1;
	while (wanted < count && places[wanted].minor == places[wanted - 1].minor)
		wanted++;
	return wanted < count ? wanted : 0;
}

int dataset_split(const struct dataset *dataset, double share, uint64_t seed, struct dataset_split *split, struct err *e)
{
	*split = (struct dataset_split){
		.training = calloc(dataset->count + 1, sizeof *split->training),
		.validation = calloc(dataset->count + 1, sizeof *split->validation),
	};
	struct place *places = places_make(dataset, e);
	if (split->training == NULL || split->validation == NULL || places == NULL) {
		free(places);
		dataset_split_clear(split);
		return err_set(e, "out of memory");
	}
	for (size_t i = 0; i < dataset->count; i++) {
		const struct trainer_text *text = &dataset->texts[i];
		places[i].major = (uint64_t)(text->polarity >= 0 ? text->polarity : 3 + text->topic);
		places[i].minor = hash_bytes(seed, &dataset->hashes[i], sizeof dataset->hashes[i]);
	}
	qsort(places, dataset->count, sizeof *places, by_place);
	for (size_t i = 0, end; i < dataset->count; i = end) {
		for (end = i + 1; end < dataset->count && places[end].major == places[i].major;)
			end++;
		size_t aside = validation_size(places + i, end - i, share);
		for (size_t k = i; k < end; k++) {
			if (k - i < aside)
				split->validation[split->validation_count++] = places[k].index;
			else
				split->training[split->training_count++] = places[k].index;
		}
	}
	free(places);
	return 0;
}

void dataset_split_clear(struct dataset_split *split)
{
	free(split->training);
	free(split->validation);
	*split = (struct dataset_split){0};
}

uint64_t dataset_hash(const struct dataset *dataset)
{
	uint64_t hash = dataset->ids_used > 0 ? hash_bytes(0, dataset->ids, dataset->ids_used * sizeof *dataset->ids) : 0;
	for (size_t i = 0; i < dataset->count; i++) {
		const int labels[] = {dataset->texts[i].polarity, dataset->texts[i].topic, dataset->texts[i].source,
				      (int)dataset->texts[i].length};
		hash = hash_bytes(hash, labels, sizeof labels);
	}
	return hash;
}
