#ifndef INGEST_JSON_H
#define INGEST_JSON_H

#include "daemon/base/err.h"

#include <stddef.h>

/*
 * Check one JSON text (RFC 8259) and pick a few of its values on the way,
 * without building a tree: a message costs one pass and no allocation.
 */
enum json_type {
	JSON_IS_NONE, /* not there */
	JSON_IS_NULL,
	JSON_IS_BOOLEAN,
	JSON_IS_NUMBER,
	JSON_IS_STRING,
	JSON_IS_ARRAY,
	JSON_IS_OBJECT,
};

const char *json_type_name(enum json_type type); /* "a number", "an object" */

/* Keys from the outermost object to a value.  Arrays are never entered. */
#define JSON_PATH_KEYS 8
struct json_path {
	const char *keys[JSON_PATH_KEYS];
	size_t count;
};

/* `text` ends with a NUL and is "" for all but numbers (as written) and strings (decoded: U+0000 gives a blank, half a
 * surrogate pair U+FFFD). */
struct json_value {
	enum json_type type;
	const char *text;
};

#define JSON_PATHS_MAX 32  /* paths at a time */
#define JSON_DEPTH_MAX 512 /* arrays and objects in each other */

/*
 * Set values[i] to what paths[i] names; of a repeated key the last counts.
 * `scratch` has size + 1 bytes and holds the texts.  Returns the type of the
 * outermost value, or JSON_IS_NONE with one line in `e` where the text is not
 * JSON: bad syntax, invalid UTF-8, too deep, or more than one value.
 */
enum json_type json_read(const char *text, size_t size, char *scratch, const struct json_path *paths,
			 struct json_value *values, size_t count, struct err *e);

#endif
