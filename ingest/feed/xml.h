#ifndef INGEST_FEED_XML_H
#define INGEST_FEED_XML_H

#include <stdbool.h>
#include <stddef.h>

/*
 * XML as a stream of events, by two readers that give the same events for the
 * same well-formed document: a strict one (expat) and a lenient one that reads
 * anything.  Names are as written, with their prefix; namespaces are the
 * receiver's business, since feeds use prefixes that they do not declare.
 */
struct xml_events {
	/* `attributes` is name, value, name, value, NULL. */
	void (*start)(void *context, const char *name, const char **attributes);
	void (*end)(void *context);
	void (*text)(void *context, const char *text, size_t length);
	/* Asked after every start: true ends the reading (a limit was reached). */
	bool (*stop)(void *context);
	void *context;
};

enum xml_result {
	XML_READ_WHOLE,
	XML_READ_STOPPED, /* the receiver asked for it */
	XML_READ_BROKEN,  /* not well-formed: events are right up to there */
	XML_READ_TRAILER, /* the document is whole, but something follows it */
	XML_READ_NO_MEMORY,
};

/* A document that is nested deeper is read up to there (XML_READ_STOPPED). */
#define XML_MAX_DEPTH 256

/*
 * An entity that the document itself does not declare, from its "&" on, as the
 * DTDs of RSS 0.91 and XHTML 1 declare it.  As html_reference (html_text.h).
 */
size_t xml_reference(const char *text, size_t length, char out[8], size_t *written);

/* `text` is valid UTF-8, at most INT_MAX bytes.  No entity is ever fetched; one that explodes is an error. */
enum xml_result xml_read_strict(const char *text, size_t length, const struct xml_events *events);

/*
 * Reads what is not XML any more: bare "&" and "<", unknown entities, HTML
 * ones, unclosed and crossed tags, attributes without quotes, control
 * characters, an end in the middle.  Knows that feed items do not nest and
 * that a title ends where a link begins.  Elements that are still open at the
 * end of the text get no end event.
 */
enum xml_result xml_read_lenient(const char *text, size_t length, const struct xml_events *events);

#endif
