#ifndef MODEL_TRAIN_TABLE_H
#define MODEL_TRAIN_TABLE_H

#include "daemon/base/err.h"

#include <stddef.h>

/*
 * Labelled texts as tab-separated values: a header names the columns `label`
 * and `text` (and one for the source, where it is asked for); others are
 * ignored, and so are quotes.  Errors name file and line.
 */
struct table_row {
	const char *label, *text, *source; /* source: NULL where none was asked for */
	size_t label_length, text_length, source_length;
	size_t line; /* from 1 */
};

struct table {
	char *path;
	char *bytes;
	struct table_row *rows;
	size_t count;
	size_t empty; /* rows that were left out because their text is */
	size_t longest, longest_line; /* bytes of the longest line, and which it is */
};

/* Reads the whole file, a pipe too.  Fails where it cannot be read, lacks a column, has no row, or a row lacks its label. */
int table_read(struct table *table, const char *path, const char *source_column, struct err *e);

/* Texts alone: the column `text` where the first line names one, else each line is a text as it stands.  Labels are empty. */
int table_read_texts(struct table *table, const char *path, struct err *e);
void table_clear(struct table *table);

/* The labels that occur, each once, in the order of their bytes. */
struct labels {
	char **names;
	size_t count;
};
int labels_collect(struct labels *labels, const struct table *table, struct err *e);
int labels_copy(struct labels *labels, char *const *names, size_t count, struct err *e);
void labels_clear(struct labels *labels);

/* Its index, or -1. */
int labels_find(const struct labels *labels, const char *name, size_t length);

/* negative, neutral, positive in any case: 0, 1, 2; else -1. */
int polarity_find(const char *name, size_t length);

#endif
