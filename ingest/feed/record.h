#ifndef INGEST_FEED_RECORD_H
#define INGEST_FEED_RECORD_H

#include "ingest/feed.h"
#include "ingest/feed/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is known of one entry (or of the feed itself) while it is read, and the
 * feed that grows out of it.  Used by all formats.
 */
enum field {
	FIELD_TITLE,
	FIELD_SUMMARY,
	FIELD_CONTENT,
	FIELD_GUID,
	FIELD_LINK,
	FIELD_AUTHOR,
	FIELD_PUBLISHER,
	FIELD_LANGUAGE,
	/* of feeds only */
	FIELD_SELF,
	FIELD_NEXT,
	FIELD_HUB,
	FIELD_COUNT,
};

enum moment {
	MOMENT_PUBLISHED,
	MOMENT_UPDATED,
	MOMENT_CREATED,
	MOMENT_COUNT,
};

struct record {
	struct {
		struct text text; /* clean: plain text or an absolute link */
		int priority;
	} fields[FIELD_COUNT];
	struct {
		int64_t time_us;
		int priority;
	} moments[MOMENT_COUNT];
	unsigned dates_read;
};

/* How the source says what a value is. */
enum value_type {
	VALUE_UNKNOWN, /* RSS: HTML or text */
	VALUE_TEXT,
	VALUE_HTML,
};

void record_clear(struct record *record);
void record_free(struct record *record);

/* Set a field if it is empty or held a value of lower priority; an empty value never counts. */
void record_set(struct record *record, enum field field, const char *text, size_t length, int priority);
/* The same for a date as it is written; of equals the last one counts, one that is no date never. */
void record_set_date(struct record *record, enum moment moment, const char *text, int priority);
/*
 * Turn a captured value into plain text and set the field to it.  A second
 * summary of the same priority becomes the content.  Overwrites `value`.
 */
void record_set_text(struct record *record, enum field field, struct text *value, enum value_type type, int priority);

/* A feed under construction and the memory that it owns.  `feed` is first: feed_free takes one for the other. */
struct feed_owner {
	struct feed feed;
	struct arena arena;
	size_t capacity; /* of feed.entries */
	bool failed;     /* memory is out */
};

/* Add the entry that the record describes.  `whole`: it was read to its end. */
void owner_add_entry(struct feed_owner *owner, const struct record *record, bool whole);
void owner_set_feed(struct feed_owner *owner, const struct record *record);
/* Drop the entries, to read the document once more. */
void owner_reset(struct feed_owner *owner);
/* Give every entry its identity and what it inherits from the feed. */
void owner_finish(struct feed_owner *owner);

#endif
