#include "model/train/table.h"

#include "daemon/base/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_COLUMNS = 256, LONGEST_LABEL = 200 };

/* A line's fields; those beyond MOST_COLUMNS are not looked at. */
struct fields {
	size_t count;
	const char *text[MOST_COLUMNS];
	size_t length[MOST_COLUMNS];
};

static void line_split(const char *line, size_t length, struct fields *fields)
{
	const char *end = line + length;
	for (fields->count = 0; fields->count < MOST_COLUMNS;) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));
		const char *stop = tab != NULL ? tab : end;
		fields->text[fields->count] = line;
		fields->length[fields->count++] = (size_t)(stop - line);
		if (tab == NULL)
			return;
		line = tab + 1;
	}
}

static int file_read(struct table *table, size_t *size, struct err *e)
{
	FILE *file = fopen(table->path, "re");
	if (file == NULL)
		return err_sys(e, errno, "%s", table->path);
	size_t capacity = 1 << 16, got;
	*size = 0;
	table->bytes = malloc(capacity);
	while (table->bytes != NULL && (got = fread(table->bytes + *size, 1, capacity - *size, file)) > 0) {
		*size += got;
		if (*size < capacity)
			continue;
		char *bigger = realloc(table->bytes, capacity *= 2);
		if (bigger == NULL)
			free(table->bytes);
		table->bytes = bigger;
	}
	int failure = ferror(file) ? errno : 0;
	fclose(file);
	if (table->bytes == NULL)
		return err_set(e, "%s: out of memory for %zu bytes", table->path, capacity);
	return failure != 0 ? err_sys(e, failure, "cannot read %s", table->path) : 0;
}

struct columns {
	size_t label, text, source; /* MOST_COLUMNS: not there */
};

static size_t column_find(const struct fields *header, const char *name)
{
	for (size_t i = 0; i < header->count; i++)
		if (header->length[i] == strlen(name) && strncasecmp(header->text[i], name, header->length[i]) == 0)
			return i;
	return MOST_COLUMNS;
}

static int column_missing(const struct table *table, const struct fields *header, const char *name, struct err *e)
{
	char has[300] = "";
	for (size_t i = 0, used = 0; i < header->count && used < 200; i++)
		used += (size_t)snprintf(has + used, sizeof has - used, "%s\"%.*s\"", i > 0 ? ", " : "",
					 (int)(header->length[i] < 40 ? header->length[i] : 40), header->text[i]);
	return err_set(e, "%s:1: the header names no column \"%s\" (it has %s); names stand in the first line, with tabs "
			  "between them", table->path, name, has);
}

static int header_parse(const struct table *table, const char *line, size_t length, const char *source_column,
			struct columns *columns, struct err *e)
{
	struct fields header;
	if (length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
		line += 3;
		length -= 3;
	}
	line_split(line, length, &header);
	columns->label = column_find(&header, "label");
	columns->text = column_find(&header, "text");
	columns->source = source_column != NULL ? column_find(&header, source_column) : MOST_COLUMNS;
	if (columns->label == MOST_COLUMNS)
		return column_missing(table, &header, "label", e);
	if (columns->text == MOST_COLUMNS)
		return column_missing(table, &header, "text", e);
	return source_column != NULL && columns->source == MOST_COLUMNS ? column_missing(table, &header, source_column, e) : 0;
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && text[i] != '\t')
			return false;
	return true;
}

static int label_check(const struct table *table, const struct table_row *row, struct err *e)
{
	if (is_blank(row->label, row->label_length))
		return err_set(e, "%s:%zu: the label is empty; give the row one or remove it", table->path, row->line);
	if (row->label_length > LONGEST_LABEL)
		return err_set(e, "%s:%zu: a label of %zu bytes; is the text in the column \"label\"?", table->path, row->line,
			       row->label_length);
	if (!utf8_is_valid(row->label, row->label_length))
		return err_set(e, "%s:%zu: the label is not UTF-8", table->path, row->line);
	return 0;
}

static int row_parse(struct table *table, const char *line, size_t length, size_t number, const struct columns *columns,
		     struct err *e)
{
	struct fields fields;
	line_split(line, length, &fields);
	size_t needed = columns->label > columns->text ? columns->label : columns->text;
	if (columns->source != MOST_COLUMNS && columns->source > needed)
		needed = columns->source;
	if (fields.count <= needed)
		return err_set(e, "%s:%zu: %zu columns where the header's names need %zu; is a tab missing?", table->path, number,
			       fields.count, needed + 1);
	struct table_row row = {
		.label = fields.text[columns->label], .label_length = fields.length[columns->label],
		.text = fields.text[columns->text], .text_length = fields.length[columns->text], .line = number,
	};
	if (columns->source != MOST_COLUMNS) {
		row.source = fields.text[columns->source];
		row.source_length = fields.length[columns->source];
	}
	if (label_check(table, &row, e) < 0)
		return -1;
	if (is_blank(row.text, row.text_length))
		table->empty++;
	else
		table->rows[table->count++] = row;
	return 0;
}

static int lines_parse(struct table *table, size_t size, const char *source_column, struct err *e)
{
	struct columns columns = {0};
	const char *line = table->bytes, *end = table->bytes + size;
	for (size_t number = 1; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line)), *next = newline != NULL ? newline + 1 : end;
		size_t length = (size_t)((newline != NULL ? newline : end) - line);
		if (length > 0 && line[length - 1] == '\r')
			length--;
		if (length > table->longest) {
			table->longest = length;
			table->longest_line = number;
		}
		if (number == 1 && header_parse(table, line, length, source_column, &columns, e) < 0)
			return -1;
		if (number > 1 && !is_blank(line, length) && row_parse(table, line, length, number, &columns, e) < 0)
			return -1;
		line = next;
	}
	return 0;
}

int table_read(struct table *table, const char *path, const char *source_column, struct err *e)
{
	size_t size = 0, lines = 2;
	*table = (struct table){.path = strdup(path)};
	if (table->path == NULL) {
		err_set(e, "out of memory");
		goto fail;
	}
	if (file_read(table, &size, e) < 0)
		goto fail;
	for (const char *at = table->bytes; (at = memchr(at, '\n', (size_t)(table->bytes + size - at))) != NULL; at++)
		lines++;
	table->rows = calloc(lines, sizeof *table->rows);
	if (table->rows == NULL) {
		err_set(e, "%s: out of memory for %zu lines", path, lines);
		goto fail;
	}
	if (lines_parse(table, size, source_column, e) < 0)
		goto fail;
	if (table->count == 0) {
		err_set(e, "%s: no rows with a text; a header and one row a line are needed", path);
		goto fail;
	}
	return 0;

fail:
	table_clear(table);
	return -1;
}

void table_clear(struct table *table)
{
	free(table->path);
	free(table->bytes);
	free(table->rows);
	*table = (struct table){0};
}

/* Labels */

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
		if (strncmp(labels->names[i], name, length) == 0 && labels->names[i][length] == '\0')
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
