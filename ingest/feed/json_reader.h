#ifndef INGEST_FEED_JSON_READER_H
#define INGEST_FEED_JSON_READER_H

#include "ingest/feed/memory.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * JSON as a stream of events.  Lenient: superfluous or missing commas, control
 * characters and broken escapes in strings are read over; what has no meaning
 * at all ends the reading with JSON_BROKEN.  Takes no memory but for the
 * string at hand, however hostile the text.
 */
enum json_event {
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY,     /* reader.value */
	JSON_STRING,  /* reader.value */
	JSON_NUMBER,  /* reader.value, as it is written */
	JSON_LITERAL, /* true, false, null: reader.value */
	JSON_DONE,
	JSON_BROKEN, /* or nested too deeply, or broken off */
};

enum { JSON_MAX_DEPTH = 64 };

struct json_reader {
	const char *in;
	size_t length, at;
	struct text value; /* set its limit; free it */
	size_t depth;
	bool in_object[JSON_MAX_DEPTH];
	bool after_key;
};

enum json_event json_next(struct json_reader *reader);

/* Read over the rest of a value whose first event was `first`; returns the last event. */
enum json_event json_skip(struct json_reader *reader, enum json_event first);

#endif
