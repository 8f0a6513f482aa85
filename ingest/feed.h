#ifndef INGEST_FEED_H
#define INGEST_FEED_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Feeds: bytes in, entries out.  One pure function; no network, no clock, no
 * state between calls, safe from any thread.
 *
 * Reads RSS 0.9x, 1.0 (RDF) and 2.0, Atom 0.3 and 1.0, CDF, JSON Feed 1.x, in
 * whatever encoding.  A document that is not well-formed is repaired as far as
 * possible and read on; a truncated one yields the entries up to the cut, the
 * last of them partial where the cut is inside.
 *
 * Text of entries is plain: tags are removed, entities replaced, a title that
 * was escaped twice is unescaped twice, white space is folded to single
 * blanks.  All strings are valid UTF-8 and never NULL ("" = absent).
 * Instants are microseconds since 1970 UTC, TIME_NONE where absent or not
 * understood: a date is never guessed from nonsense.
 */
struct feed_entry {
	const char *id;        /* what identifies it: guid or id, else link, else a hash of its text; never "" */
	const char *guid;      /* the feed's own id of it, "" = it gave none */
	const char *link;      /* absolute where a base is known */
	const char *title;
	const char *summary;   /* the summary, else the content */
	const char *content;   /* the full text where the feed has it beside the summary, else "" */
	const char *author;
	const char *publisher; /* who wrote it first (RSS source, Atom source, dc:publisher), "" = the feed itself */
	const char *lang;      /* BCP 47, from xml:lang or the feed */
	int64_t published_us;  /* published, else updated, else created */
	int64_t updated_us;
	int64_t created_us;
	bool partial;          /* the document breaks off inside it: what was whole by then, its identity may be wrong */
};

struct feed {
	const char *title;
	const char *link;        /* the site */
	const char *self;        /* where the feed says it lives */
	const char *next;        /* the next page of a paged feed (RFC 5005, JSON Feed) */
	const char *hub;         /* WebSub hub */
	const char *description;
	const char *id;
	const char *lang;
	const char *encoding;    /* as it was decoded: "utf-8", "windows-1252" */
	int64_t updated_us;
	int64_t interval_us;     /* how long it may be cached: RSS ttl or sy:updatePeriod; 0 = not said */
	struct feed_entry *entries; /* in document order */
	size_t entry_count;
	bool repaired;           /* not well-formed, wrongly encoded or truncated: read all the same */
	bool limited;            /* a limit of FEED_MAX_* cut something off */
};

/* Limits.  What goes beyond is left out and `limited` is set. */
#define FEED_MAX_BYTES ((size_t)64 << 20) /* of a document */
#define FEED_MAX_ENTRIES 20000
#define FEED_MAX_TEXT ((size_t)1 << 20)   /* of one value, before tags are removed */

/*
 * Parse `length` bytes.  `content_type` is the HTTP header ("" or NULL =
 * unknown), `url` where the document came from, the base of relative links
 * ("" or NULL = unknown).  Takes time linear in `length`.
 *
 * NULL with `e` where the bytes are no feed at all (a web page, nothing).  A
 * feed without entries is a feed.  The result owns all of its text: free it
 * with feed_free.
 */
struct feed *feed_parse(const char *data, size_t length, const char *content_type, const char *url, struct err *e);
void feed_free(struct feed *feed);

#endif
