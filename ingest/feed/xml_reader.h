#ifndef INGEST_FEED_XML_READER_H
#define INGEST_FEED_XML_READER_H

#include "ingest/feed/capture.h"
#include "ingest/feed/names.h"
#include "ingest/feed/record.h"
#include "ingest/feed/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state of xml_feed_read, shared by xml_feed.c (where values are) and xml_value.c (what they say). */
enum { LANGUAGE_MAX = 36 };

enum place {
	PLACE_OUTSIDE,
	PLACE_WRAPPER,
	PLACE_FEED,
	PLACE_ENTRY,
	PLACE_PERSON,
	PLACE_SOURCE,
	PLACE_MEDIA,
	PLACE_VALUE,
	PLACE_NOWHERE,
};

struct frame {
	enum place place;
	size_t base; /* offset into reader.bases */
	char language[LANGUAGE_MAX];
};

struct xml_reader {
	struct feed_owner *owner;
	struct names names;
	struct frame frames[XML_MAX_DEPTH + 1]; /* [0] is outside the root */
	size_t depth;
	struct text bases; /* the xml:base of each open element that has one, NUL-terminated */
	struct record feed, entry;
	bool in_entry;
	bool is_feed, is_page;
	bool is_full;          /* one entry more than are kept */
	bool atom;             /* the root is <feed>: values without a type are plain text */
	int64_t period_us;
	long frequency;
	struct meaning person; /* of the open <author> or <source> */
	struct text person_text;
	struct capture capture;
};

/* What is being described: the entry, or the feed. */
static inline struct record *reader_record(struct xml_reader *r)
{
	return r->in_entry ? &r->entry : &r->feed;
}

/* Resolve a link against the base in force and set the field. */
void reader_set_link(struct xml_reader *r, enum field field, const char *reference, int priority);

/* The element whose value was captured is closed. */
void reader_finish_value(struct xml_reader *r);
/* An <author> or <source> is closed. */
void reader_close_person(struct xml_reader *r, enum field field);

#endif
