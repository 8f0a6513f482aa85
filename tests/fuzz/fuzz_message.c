/*
 * Messages: nothing crashes, every string of an item ends inside the parser's
 * memory, and JSON is judged as jansson judges it, but for what ingest/json.h
 * states otherwise (depth, half surrogate pairs, numbers beyond a double).
 */
#include "ingest/json.h"
#include "ingest/message.h"

#include "daemon/base/check.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message_parser *parsers[3];

static void open_parsers(void)
{
	static const struct message_map paths = {.title = "a.b", .body = "text", .publisher = "source.name", .id = "a.b.c"};
	parsers[0] = message_parser_create(&(struct message_map){0}, MESSAGE_LABELS, NULL);
	parsers[1] = message_parser_create(&paths, 0, NULL);
	parsers[2] = message_parser_create(&(struct message_map){0}, MESSAGE_PLAIN, NULL);
	for (size_t i = 0; i < 3; i++)
		CHECK(parsers[i] != NULL);
}

static void parse(struct message_parser *parser, const char *text, size_t size)
{
	struct item item = {.kind = ITEM_DOCUMENT};
	struct err e = {.text = ""};
	if (message_parse(parser, text, size, &item, &e) == 0) {
		item_free(item_create(&item));
	} else {
		CHECK(e.text[0] != '\0' && strchr(e.text, '\n') == NULL);
		CHECK(strlen(message_raw(parser, text, size)) <= MESSAGE_RAW_MAX);
	}
}

static void compare(const char *text, size_t size)
{
	/* jansson takes a NUL behind a value for the end of the text, and none in a key. */
	if (memchr(text, '\0', size) != NULL || memmem(text, size, "\\u0000", 6) != NULL)
		return;
	char *scratch = malloc(size + 1);
	struct json_path path = {{"title"}, 1};
	struct json_value value;
	struct err e;
	json_error_t error;
	enum json_type type = json_read(text, size, scratch, &path, &value, 1, &e);
	json_t *tree = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (tree != NULL)
		CHECK(type != JSON_IS_NONE || strncmp(e.text, "nested", 6) == 0);
	else if (type != JSON_IS_NONE)
		CHECK(json_error_code(&error) == json_error_numeric_overflow || strstr(error.text, "Unicode") != NULL);
	json_decref(tree);
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (parsers[0] == NULL)
		open_parsers();
	/* A copy of exactly this size, so that a read beyond it is seen. */
	char *text = malloc(size > 0 ? size : 1);
	if (size > 0)
		memcpy(text, data, size);
	for (size_t i = 0; i < 3; i++)
		parse(parsers[i], text, size);
	compare(text, size);
	free(text);
	return 0;
}
