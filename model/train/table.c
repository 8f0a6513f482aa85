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

static void header_split(const char *line, size_t length, struct fields *header)
{
	if (length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
		line += 3;
		length -= 3;
	}
	line_split(line, length, header);
}

static int header_parse(const struct table *table, const char *line, size_t length, const char *source_column,
			struct columns *columns, struct err *e)
{
	struct fields header;
	header_split(line, length, &header);
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
	if (memchr(row->label, '\0', row->label_length) != NULL || !utf8_is_valid(row->label, row->label_length))
		return err_set(e, "%s:%zu: the label is not UTF-8 text", table->path, row->line);
	return 0;
}

static void row_keep(struct table *table, const struct table_row *row)
{
	if (is_blank(row->text, row->text_length))
		table->empty++;
	else
		table->rows[table->count++] = *row;
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
	row_keep(table, &row);
	return 0;
}

/* The next line without its end; false after the last.  The longest is noted. */
struct lines {
	const char *at, *end;
	size_t number; /* of the line that was given, from 1 */
};

static bool line_next(struct lines *lines, struct table *table, const char **line, size_t *length)
{
	if (lines->at >= lines->end)
		return false;
	const char *newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	*line = lines->at;
	*length = (size_t)((newline != NULL ? newline : lines->end) - lines->at);
	lines->at = newline != NULL ? newline + 1 : lines->end;
	lines->number++;
	if (*length > 0 && (*line)[*length - 1] == '\r')
		(*length)--;
	if (*length > table->longest) {
		table->longest = *length;
		table->longest_line = lines->number;
	}
	return true;
}

static int lines_parse(struct table *table, size_t size, const char *source_column, struct err *e)
{
	struct columns columns = {0};
	struct lines lines = {.at = table->bytes, .end = table->bytes + size};
	const char *line;
	size_t length;
	while (line_next(&lines, table, &line, &length)) {
		if (lines.number == 1 && header_parse(table, line, length, source_column, &columns, e) < 0)
			return -1;
		if (lines.number > 1 && !is_blank(line, length) &&
		    row_parse(table, line, length, lines.number, &columns, e) < 0)
			return -1;
	}
	return 0;
}

/* A row that is too short for the column has no text. */
static void texts_parse(struct table *table, size_t size)
{
	struct lines lines = {.at = table->bytes, .end = table->bytes + size};
	struct fields fields;
	size_t column = MOST_COLUMNS, length;
	const char *line;
	while (line_next(&lines, table, &line, &length)) {
		if (lines.number == 1) {
			header_split(line, length, &fields);
			column = column_find(&fields, "text");
			if (column != MOST_COLUMNS)
				continue;
		}
		struct table_row row = {.label = "", .text = line, .text_length = length, .line = lines.number};
		if (column != MOST_COLUMNS) {
			line_split(line, length, &fields);
			row.text_length = column < fields.count ? fields.length[column] : 0;
			row.text = column < fields.count ? fields.text[column] : line;
		}
		if (!is_blank(line, length))
			row_keep(table, &row);
	}
}

/* The file's bytes, and room for a row of each line. */
static int table_load(struct table *table, const char *path, size_t *size, struct err *e)
{
	size_t lines = 2;
	*table = (struct table){.path = strdup(path)};
	if (table->path == NULL)
		return err_set(e, "out of memory");
	if (file_read(table, size, e) < 0)
		return -1;
	for (const char *at = table->bytes; (at = memchr(at, '\n', (size_t)(table->bytes + *size - at))) != NULL; at++)
		lines++;
	table->rows = calloc(lines, sizeof *table->rows);
	return table->rows != NULL ? 0 : err_set(e, "%s: out of memory for %zu lines", path, lines);
}

int table_read(struct table *table, const char *path, const char *source_column, struct err *e)
{
	size_t size;
	if (table_load(table, path, &size, e) < 0 || lines_parse(table, size, source_column, e) < 0)
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

int table_read_texts(struct table *table, const char *path, struct err *e)
{
	size_t size;
	int result = table_load(table, path, &size, e);
	if (result == 0) {
		texts_parse(table, size);
		if (table->count == 0)
			result = err_set(e, "%s: no texts; one a line is needed", path);
	}
	if (result < 0)
		table_clear(table);
	return result;
}

void table_clear(struct table *table)
{
	free(table->path);
	free(table->bytes);
	free(table->rows);
	*table = (struct table){0};
}
