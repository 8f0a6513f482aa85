#include "daemon/train_unlabelled.h"

#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int train_texts_read(struct train_data *data, const char *path, const char *base, struct dataset *texts, struct err *e)
{
	const struct dataset_labels labels = {.task = TASK_NONE};
	struct table table;
	if (table_read_texts(&table, path, e) < 0)
		return -1;
	struct tokenizer *tokenizer = tokenizer_open_model(base, e);
	int result = tokenizer != NULL ? dataset_add(texts, &table, &labels, tokenizer, data->longest, e) : -1;
	tokenizer_free(tokenizer);
	table_clear(&table);
	return result == 0 ? dataset_finish(texts, false, e) : -1;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The ids stay where they are, in `unlabelled`. */
static size_t texts_append(struct dataset *to, const struct dataset *from)
{
	uint64_t *known = xcalloc(to->count + 1, sizeof *known);
	size_t labelled = to->count;
	memcpy(known, to->hashes, labelled * sizeof *known);
	qsort(known, labelled, sizeof *known, by_value);
	to->texts = xrealloc(to->texts, (to->count + from->count + 1) * sizeof *to->texts);
	to->hashes = xrealloc(to->hashes, (to->count + from->count + 1) * sizeof *to->hashes);
	for (size_t i = 0; i < from->count; i++) {
		if (bsearch(&from->hashes[i], known, labelled, sizeof *known, by_value) != NULL)
			continue;
		to->texts[to->count] = from->texts[i];
		to->hashes[to->count++] = from->hashes[i];
	}
	to->capacity = labelled + from->count + 1;
	free(known);
	return to->count - labelled;
}

int train_unlabelled_add(struct train_data *data, const struct train_options *options, struct err *e)
{
	struct dataset_split *split = &data->split;
	if (options->unlabelled == NULL)
		return 0;
	if (train_texts_read(data, options->unlabelled, options->base, &data->unlabelled, e) < 0)
		return -1;
	size_t first = data->dataset.count, added = texts_append(&data->dataset, &data->unlabelled);
	split->training = xrealloc(split->training, (split->training_count + added + 1) * sizeof *split->training);
	for (size_t i = 0; i < added; i++)
		split->training[split->training_count++] = (uint32_t)(first + i);
	if (added < data->unlabelled.count) {
		char line[300];
		snprintf(line, sizeof line, "%zu of %zu texts without labels are left out: they are among the labelled rows",
			 data->unlabelled.count - added, data->unlabelled.count);
		data->warn(line);
	}
	return 0;
}
