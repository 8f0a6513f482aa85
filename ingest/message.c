/*
 * The map is compiled once into paths for ingest/json.h.  A mapped name with
 * dots gives two: the key as it stands, and the keys between the dots.
 *
 * Memory for decoded text is the parser's and grows with the largest message;
 * what an outlier needed is given back at the next call.
 */
#include "ingest/message.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"
#include "ingest/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum field { TITLE, BODY, PUBLISHED, URL, ID, PUBLISHER, LANG, POLARITY, FIELD_COUNT };

#define KEEP_SIZE (1024 * 1024) /* scratch that is kept between messages */

struct message_parser {
	bool plain;
	struct json_path paths[2 * FIELD_COUNT];
	enum field fields[2 * FIELD_COUNT]; /* what paths[i] is for; a literal key comes before its path */
	size_t count;
	char *names[FIELD_COUNT]; /* what the paths' keys point to, cut at the dots */
	char *literals[FIELD_COUNT];
	char *scratch;
	size_t scratch_size;
};

static void add_path(struct message_parser *parser, enum field field, const struct json_path *path)
{
	parser->fields[parser->count] = field;
	parser->paths[parser->count++] = *path;
}

static int add_field(struct message_parser *parser, enum field field, const char *name, struct err *e)
{
	parser->literals[field] = xstrdup(name);
	add_path(parser, field, &(struct json_path){.keys = {parser->literals[field]}, .count = 1});
	if (strchr(name, '.') == NULL)
		return name[0] != '\0' ? 0 : err_set(e, "a mapped name is empty; it names a key of the message");

	struct json_path path = {.count = 0};
	parser->names[field] = xstrdup(name);
	char *rest = parser->names[field];
	for (char *key = strsep(&rest, "."); key != NULL; key = strsep(&rest, ".")) {
		if (key[0] == '\0')
			return err_set(e, "mapped name '%s': an empty key beside a dot", name);
		if (path.count == JSON_PATH_KEYS)
			return err_set(e, "mapped name '%s': more than %d keys", name, JSON_PATH_KEYS);
		path.keys[path.count++] = key;
	}
	add_path(parser, field, &path);
	return 0;
}

struct message_parser *message_parser_create(const struct message_map *map, unsigned flags, struct err *e)
{
	struct message_parser *parser = xcalloc(1, sizeof *parser);
	parser->plain = flags & MESSAGE_PLAIN;
	const struct {
		enum field field;
		const char *name, *fallback;
	} entries[] = {
		{TITLE, map->title, "title"},	       {BODY, map->body, "body"}, {URL, map->url, "url"},
		{PUBLISHED, map->published, "published"}, {ID, map->id, "id"},	    {LANG, map->lang, "lang"},
		{PUBLISHER, map->publisher, "source"},
	};
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		const char *name = entries[i].name != NULL ? entries[i].name : entries[i].fallback;
		if (add_field(parser, entries[i].field, name, e) == -1)
			goto fail;
	}
	if ((flags & MESSAGE_LABELS) && add_field(parser, POLARITY, "polarity", e) == -1)
		goto fail;
	return parser;
fail:
	message_parser_free(parser);
	return NULL;
}

void message_parser_free(struct message_parser *parser)
{
	if (parser == NULL)
		return;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		free(parser->names[i]);
		free(parser->literals[i]);
	}
	free(parser->scratch);
	free(parser);
}

/* Room for `size` bytes; NULL where there is none, as the outside says how much. */
static char *scratch_for(struct message_parser *parser, size_t size)
{
	if (size > parser->scratch_size || parser->scratch_size > KEEP_SIZE) {
		free(parser->scratch);
		parser->scratch_size = size > 4096 ? size : 4096;
		parser->scratch = malloc(parser->scratch_size);
		if (parser->scratch == NULL)
			parser->scratch_size = 0;
	}
	return parser->scratch;
}

/* Copy with the NULs as blanks, and one NUL behind. */
static void copy_text(char *out, const char *text, size_t size)
{
	memcpy(out, text, size);
	out[size] = '\0';
	for (char *nul = memchr(out, '\0', size); nul != NULL; nul = memchr(nul, '\0', size - (size_t)(nul - out)))
		*nul = ' ';
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n\v\f")] == '\0';
}

/* A text longer than any number or date is neither. */
#define TIME_TEXT_MAX 64

int64_t message_time(const char *text)
{
	const double latest_s = 4102444800.0; /* 2100-01-01 */
	int64_t time_us;
	char *end;

	if (text[0] == '\0' || strnlen(text, TIME_TEXT_MAX) == TIME_TEXT_MAX)
		return TIME_NONE;
	if (time_parse_iso(text, &time_us))
		return time_us > 0 && time_us < (int64_t)latest_s * SECOND_US ? time_us : TIME_NONE;
	if (strspn(text, "0123456789.eE+-") != strlen(text))
		return TIME_NONE;
	double seconds = strtod(text, &end);
	if (*end != '\0' || !isfinite(seconds))
		return TIME_NONE;
	/* Seconds of 1973 to 2100 are below any plausible count of milliseconds, and so on. */
	for (int i = 0; i < 2 && seconds >= 1e11; i++)
		seconds /= 1000;
	if (seconds < 1e8 || seconds >= latest_s)
		return TIME_NONE;
	return llround(seconds * 1e6);
}

int message_label(const char *text, struct item *item, struct err *e)
{
	enum polarity polarity = polarity_parse(text);
	if (polarity == POLARITY_NONE)
		return err_set(e, "polarity is '%.40s', not negative, neutral or positive", text);
	item->polarity = polarity;
	item->flags |= ITEM_LABELLED;
	return 0;
}

static int parse_json(struct message_parser *parser, const char *text, size_t size, struct item *item, struct err *e)
{
	struct json_value values[2 * FIELD_COUNT];
	if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		text += 3;
		size -= 3;
	}
	enum json_type type =
		json_read(text, size, parser->scratch, parser->paths, values, parser->count, e);
	if (type == JSON_IS_NONE)
		return -1;
	if (type != JSON_IS_OBJECT)
		return err_set(e, "not an object but %s", json_type_name(type));

	const char *found[FIELD_COUNT] = {"", "", "", "", "", "", "", ""};
	for (size_t i = parser->count; i-- > 0;) {
		if (values[i].type == JSON_IS_STRING || values[i].type == JSON_IS_NUMBER)
			found[parser->fields[i]] = values[i].text;
	}
	if (is_blank(found[TITLE]) && is_blank(found[BODY]))
		return err_set(e, "no text: neither '%s' nor '%s' holds any", parser->literals[TITLE],
			       parser->literals[BODY]);
	if (found[POLARITY][0] != '\0' && message_label(found[POLARITY], item, e) == -1)
		return -1;
	item->title = found[TITLE];
	item->body = found[BODY];
	item->url = found[URL];
	item->external_id = found[ID];
	item->publisher = found[PUBLISHER];
	item->lang = found[LANG];
	item->published_us = message_time(found[PUBLISHED]);
	return 0;
}

static int parse_plain(struct message_parser *parser, const char *text, size_t size, struct item *item, struct err *e)
{
	char *title = parser->scratch;
	copy_text(title, text, size);
	title += strspn(title, " \t\r\n\v\f");
	if (title[0] == '\0')
		return err_set(e, "no text: the value is blank");
	char *body = title + strcspn(title, "\n");
	if (*body == '\n')
		*body++ = '\0';
	item->title = title;
	item->body = is_blank(body) ? "" : body;
	item->url = item->external_id = item->publisher = item->lang = "";
	item->published_us = TIME_NONE;
	return 0;
}

int message_parse(struct message_parser *parser, const char *text, size_t size, struct item *item, struct err *e)
{
	if (scratch_for(parser, size + 1) == NULL)
		return err_set(e, "no memory for a value of %zu bytes", size);
	return parser->plain ? parse_plain(parser, text, size, item, e) : parse_json(parser, text, size, item, e);
}

const char *message_raw(struct message_parser *parser, const char *text, size_t size)
{
	if (size > MESSAGE_RAW_MAX) {
		size = MESSAGE_RAW_MAX;
		while (size > MESSAGE_RAW_MAX - 4 && ((unsigned char)text[size] & 0xC0) == 0x80)
			size--;
	}
	char *raw = scratch_for(parser, size + 1);
	if (raw == NULL)
		return "";
	copy_text(raw, text, size);
	return raw;
}
