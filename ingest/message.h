#ifndef INGEST_MESSAGE_H
#define INGEST_MESSAGE_H

#include "daemon/base/err.h"
#include "daemon/base/item.h"
#include "ingest/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One message (a Kafka value, a line of a file) read into the fields of an
 * item.  A parser holds the mapping and the memory of the message read last;
 * each thread has its own.
 *
 * JSON: an object; unknown keys are ignored, the last of a repeated key counts.
 * A mapped name is a key, or a path with dots into nested objects
 * ("source.name"); a key that holds the dots itself comes first.  Numbers are
 * taken as text where text is asked for; null, booleans, arrays and objects
 * count as absent.  `\u0000` becomes a blank.
 *
 * Plain text: the first line is the title, what follows it is the body.
 */
enum message_flags {
	MESSAGE_PLAIN = 1 << 0,  /* values are text, not JSON */
	MESSAGE_LABELS = 1 << 1, /* the key "polarity" ("negative", "neutral", "positive") is taken as given */
};

/* How much of a value that could not be read is kept. */
#define MESSAGE_RAW_MAX (64 * 1024)

struct message_parser;

/* NULL with `e` where a name of the map is not a path.  The map is copied. */
struct message_parser *message_parser_create(const struct message_map *map, unsigned flags, struct err *e);
void message_parser_free(struct message_parser *parser);

/*
 * Set title, body, url, external_id, publisher, lang (never NULL), published_us
 * (TIME_NONE where the message states no plausible time) and, with
 * MESSAGE_LABELS and a label, polarity and ITEM_LABELLED; nothing else of
 * `item` is touched.  The strings are the parser's, until its next call.
 * Returns -1 with a one-line reason where the value is no document; then the
 * item is as it was.  `text` need not end with a NUL, and may hold some.
 */
int message_parse(struct message_parser *parser, const char *text, size_t size, struct item *item, struct err *e);

/* The start of a value as text for ITEM_REJECT's body: MESSAGE_RAW_MAX bytes at most, NULs as blanks.  The parser's, until
 * its next call. */
const char *message_raw(struct message_parser *parser, const char *text, size_t size);

/* A polarity that the input states, in any case: sets polarity and ITEM_LABELLED.  -1 where it is none. */
int message_label(const char *text, struct item *item, struct err *e);

/* A time as messages write it: ISO 8601, or seconds, milliseconds or microseconds since 1970 (told apart by their size).
 * TIME_NONE where it is neither, or not after 1970 and before 2100. */
int64_t message_time(const char *text);

#endif
