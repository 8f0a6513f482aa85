/*
 * A line is copied once and cut in place.  Columns stand in one table: name,
 * and where the text goes; only the time and the polarity need more.
 */
#include "ingest/file/tsv.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "ingest/message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 64

enum field {
	TITLE,
	BODY,
	PUBLISHED,
	URL,
	ID,
	PUBLISHER,
	LANG,
	POLARITY,
	FIELD_COUNT,
	IGNORED = FIELD_COUNT,
};

struct tsv {
	char *names[FIELD_COUNT];
	bool named; /* there was a header */
	enum field columns[COLUMNS_MAX];
	size_t column_count;
	char *line;
	size_t room;
};

struct tsv *tsv_create(const struct message_map *map)
{
	static const char *const names[FIELD_COUNT] = {
		"title", "body", "published", "url", "id", "publisher", "lang", "polarity",
	};
	const char *const mapped[FIELD_COUNT] = {
		map->title, map->body, map->published, map->url, map->id, map->publisher, map->lang, NULL,
	};
	struct tsv *tsv = xcalloc(1, sizeof(*tsv));

	for (int i = 0; i < FIELD_COUNT; i++)
		tsv->names[i] = xstrdup(mapped[i] ? mapped[i] : names[i]);
	return tsv;
}

void tsv_free(struct tsv *tsv)
{
	if (!tsv)
		return;
	for (int i = 0; i < FIELD_COUNT; i++)
		free(tsv->names[i]);
	free(tsv->line);
	free(tsv);
}

/* Copies the line and cuts it at its tabs; returns how many columns it has (COLUMNS_MAX of them in `values`). */
static size_t cut(struct tsv *tsv, const char *text, size_t length, char **values)
{
	size_t count = 0;
	char *at, *end;

	if (tsv->room < length + 1) {
		tsv->room = length + 1;
		free(tsv->line);
		tsv->line = xmalloc(tsv->room);
	}
	if (length)
		memcpy(tsv->line, text, length);
	tsv->line[length] = '\0';
	end = tsv->line + length;
	for (at = tsv->line; at < end; at++)
		if (*at == '\0')
			*at = ' ';
	for (at = tsv->line; at; count++) {
		char *tab = memchr(at, '\t', (size_t)(end - at));

		if (count < COLUMNS_MAX)
			values[count] = at;
		if (tab)
			*tab++ = '\0';
		at = tab;
	}
	return count;
}

static enum field find_field(const struct tsv *tsv, const char *name)
{
	name += strspn(name, " ");
	for (int i = 0; i < FIELD_COUNT; i++) {
		size_t length = strlen(tsv->names[i]);

		if (strncasecmp(name, tsv->names[i], length) == 0 && name[length + strspn(name + length, " ")] == '\0')
			return (enum field)i;
	}
	return strcasecmp(name, "source") == 0 || strcasecmp(name, "publisher") == 0 ? PUBLISHER : IGNORED;
}

bool tsv_read_header(struct tsv *tsv, const char *text, size_t length)
{
	char *values[COLUMNS_MAX];
	size_t count = cut(tsv, text, length, values);

	if (count > COLUMNS_MAX)
		count = COLUMNS_MAX;
	for (size_t i = 0; i < count; i++) {
		tsv->columns[i] = find_field(tsv, values[i]);
		tsv->named = tsv->named || tsv->columns[i] == TITLE || tsv->columns[i] == BODY;
	}
	tsv->column_count = count;
	return tsv->named;
}

/* Sort a line's columns into `fields`. */
static int sort_columns(const struct tsv *tsv, char **values, size_t count, const char **fields, struct err *e)
{
	if (tsv->named) {
		for (size_t i = 0; i < count && i < tsv->column_count; i++)
			if (tsv->columns[i] != IGNORED)
				fields[tsv->columns[i]] = values[i];
		return 0;
	}
	switch (count) {
	case 1:
		fields[TITLE] = values[0];
		return 0;
	case 2:
		fields[PUBLISHED] = values[0];
		fields[TITLE] = values[1];
		if (message_time(values[0]) == TIME_NONE)
			return err_set(e, "the first of two columns is '%.40s', not a time", values[0]);
		return 0;
	default:
		return err_set(e, "%zu columns, and no header line names them", count);
	}
}

int tsv_parse(struct tsv *tsv, const char *text, size_t length, struct item *item, struct err *e)
{
	const char *fields[FIELD_COUNT] = {"", "", "", "", "", "", "", ""};
	char *values[COLUMNS_MAX];
	size_t count = cut(tsv, text, length, values);

	if (sort_columns(tsv, values, count, fields, e) != 0)
		return -1;
	if (fields[TITLE][strspn(fields[TITLE], " ")] == '\0' && fields[BODY][strspn(fields[BODY], " ")] == '\0')
		return err_set(e, "it has neither a title nor a body");
	if (*fields[POLARITY] && message_label(fields[POLARITY], item, e) != 0)
		return -1;
	item->title = fields[TITLE];
	item->body = fields[BODY];
	item->published_us = message_time(fields[PUBLISHED]);
	item->url = fields[URL];
	item->external_id = fields[ID];
	item->publisher = fields[PUBLISHER];
	item->lang = fields[LANG];
	return 0;
}
