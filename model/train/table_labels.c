#include "model/train/table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int label_add(struct labels *labels, const char *name, size_t length, struct err *e)
{
	char **more = realloc(labels->names, (labels->count + 1) * sizeof *more);
	if (more != NULL)
		labels->names = more;
	if (more == NULL || (more[labels->count] = strndup(name, length)) == NULL)
		return err_set(e, "out of memory");
	labels->count++;
	return 0;
}

int labels_collect(struct labels *labels, const struct table *table, struct err *e)
{
	*labels = (struct labels){0};
	int last = -1; /* rows of one label often follow each other */
	for (size_t i = 0; i < table->count; i++) {
		const struct table_row *row = &table->rows[i];
		if (last >= 0 && strlen(labels->names[last]) == row->label_length &&
		    memcmp(labels->names[last], row->label, row->label_length) == 0)
			continue;
		last = labels_find(labels, row->label, row->label_length);
		if (last >= 0)
			continue;
		if (labels->count == 4096) {
			labels_clear(labels);
			return err_set(e, "%s:%zu: more than 4096 different labels; is the text in the column \"label\"?", table->path,
				       row->line);
		}
		if (label_add(labels, row->label, row->label_length, e) < 0) {
			labels_clear(labels);
			return -1;
		}
	}
	qsort(labels->names, labels->count, sizeof *labels->names, by_bytes);
	return 0;
}

int labels_copy(struct labels *labels, char *const *names, size_t count, struct err *e)
{
	*labels = (struct labels){0};
	for (size_t i = 0; i < count; i++) {
		if (label_add(labels, names[i], strlen(names[i]), e) < 0) {
			labels_clear(labels);
			return -1;
		}
	}
	return 0;
}

void labels_clear(struct labels *labels)
{
	for (size_t i = 0; i < labels->count; i++)
		free(labels->names[i]);
	free(labels->names);
	*labels = (struct labels){0};
}

int labels_find(const struct labels *labels, const char *name, size_t length)
{
	for (size_t i = 0; i < labels->count; i++)
		if (strlen(labels->names[i]) == length && memcmp(labels->names[i], name, length) == 0)
			return (int)i;
	return -1;
}

int polarity_find(const char *name, size_t length)
{
	static const char *const names[3] = {"negative", "neutral", "positive"};
	for (int i = 0; i < 3; i++)
		if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
			return i;
	return -1;
}
