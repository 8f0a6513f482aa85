#ifndef BASE_ITEM_H
#define BASE_ITEM_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a source hands on: one document, or progress without a document, or a
 * value that could not be read.  All three go down the same queue in order, so
 * that a position and the row it stands for are always in one transaction.
 *
 * An item and all its text are one allocation.  A push moves it; whoever pops
 * it frees it.  Items are not changed after creation.
 */
enum item_kind {
	ITEM_DOCUMENT,
	ITEM_PROGRESS, /* only the position (and the watermark, if `published` is set), and that the source lives */
	ITEM_REJECT,   /* a value that could not be read: reason and raw text */
	ITEM_GAP,      /* the source lost data it cannot get back (log start moved): reason says what */
};

enum item_flags {
	/* Came with the first poll of a feed: stored and counted in trends, never a reason to alert. */
	ITEM_BACKFILL = 1 << 0,
	/* Plays by the documents' own clock (files): `published` is never capped at the wall clock. */
	ITEM_OWN_CLOCK = 1 << 1,
	/* Unique by (source, stream, external_id): the writer drops it where it is known (feeds). */
	ITEM_UNIQUE = 1 << 2,
	/* `polarity` is given by the input and taken as it is. */
	ITEM_LABELLED = 1 << 3,
};

/* Negative, neutral, positive are 0, 1, 2 everywhere, in memory and in the database. */
enum polarity {
	POLARITY_NONE = -1, /* the model cannot judge, or was not asked */
	POLARITY_NEGATIVE = 0,
	POLARITY_NEUTRAL = 1,
	POLARITY_POSITIVE = 2,
};

/* "negative", "neutral", "positive"; NULL for POLARITY_NONE. */
const char *polarity_name(enum polarity polarity);

/* The polarity of one of these words in any case, else POLARITY_NONE. */
enum polarity polarity_parse(const char *word);

/*
 * How far a stream of a source was read.  `stream` names a partition or a feed
 * ("news/0", "https://example.com/rss.xml"); `previous` and `next` are opaque
 * outside ingest.  The writer advances the stored position only where it still
 * equals `previous` ("" = nothing stored yet).  An item whose `next` is ""
 * moves no position.  It may still name a stream: documents of a feed carry
 * the feed's URL (for ITEM_UNIQUE) and one ITEM_PROGRESS after them moves it.
 */
struct position {
	const char *stream;
	const char *previous;
	const char *next;
};

/* Strings are never NULL in a created item ("" = absent) and are valid UTF-8. */
struct item {
	enum item_kind kind;
	unsigned flags;
	enum polarity polarity;   /* with ITEM_LABELLED */
	int64_t published_us;     /* event time; TIME_NONE = the source had none (received is used) */
	int64_t received_us;
	const char *source;       /* the configured name */
	struct position position;
	const char *external_id;  /* the message's or entry's own id */
	const char *coordinates;  /* where it came from, for people: "news/0@4711" */
	const char *publisher;
	const char *title;
	const char *body;
	const char *url;
	const char *lang;
	const char *reason;       /* ITEM_REJECT, ITEM_GAP */
	size_t size;              /* bytes of the whole item: its weight in a queue */
};

/* A deep copy of `from` in one block; NULL strings become "", invalid UTF-8 becomes U+FFFD.  Never fails. */
struct item *item_create(const struct item *from);
void item_free(struct item *item);

/* Length of the text that the model reads: title, ". ", body.  Writes it (without a final NUL if cut) and returns the length. */
size_t item_text(const struct item *item, char *out, size_t size);

#endif
