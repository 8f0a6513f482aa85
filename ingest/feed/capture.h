#ifndef INGEST_FEED_CAPTURE_H
#define INGEST_FEED_CAPTURE_H

#include "ingest/feed/memory.h"
#include "ingest/feed/names.h"
#include "ingest/feed/record.h"
#include "ingest/feed/uri.h"

#include <stdbool.h>
#include <stddef.h>

/* The value of one XML element while it is read: its text, and the markup inside it as HTML. */
struct capture {
	struct text text;
	struct meaning meaning;
	/* from its attributes */
	enum value_type value_type;
	bool base64;
	bool escaped_html;
	bool permalink;
	char rel[128];
	char type[64];
	char href[URI_MAX];
	/* of what is inside */
	bool markup; /* child elements were seen: the text is HTML with its special characters escaped */
	bool escape;
	struct text open; /* names of the open children, each with a NUL */
};

void capture_init(struct capture *capture, size_t limit);
void capture_free(struct capture *capture);
void capture_reset(struct capture *capture);

/* Start one.  `plain`: without a type attribute it is text (Atom), not "whatever" (RSS). */
void capture_open(struct capture *capture, struct meaning meaning, bool plain, const char *const *attributes);
void capture_text(struct capture *capture, const char *text, size_t length);
void capture_open_child(struct capture *capture, const char *name);
void capture_close_child(struct capture *capture);

/* Decode what was base64; returns what the text is now. */
enum value_type capture_finish(struct capture *capture);

#endif
