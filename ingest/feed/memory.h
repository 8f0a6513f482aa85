#ifndef INGEST_FEED_MEMORY_H
#define INGEST_FEED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory of one parse.  Sizes come from the outside, so malloc may fail; the
 * failure is sticky (`failed`) and asked for once at the end, in between every
 * call stays harmless.
 */

/* Strings that live as long as the feed: allocated in blocks, freed together. */
struct arena {
	struct arena_block *blocks;
	size_t left; /* free bytes of the newest block */
	bool failed;
};

/* A copy with a NUL; "" where memory is out (then `failed` is set).  Never NULL. */
const char *arena_copy(struct arena *arena, const char *text, size_t length);
void arena_free(struct arena *arena);

/* A growing buffer.  Zero-initialise it; `limit` 0 = none. */
struct text {
	char *data; /* NUL-terminated once anything was added; may be NULL before */
	size_t length, capacity;
	size_t limit; /* more than this is cut at a character and `cut` set */
	bool cut;
	bool failed;
};

void text_add(struct text *text, const char *data, size_t length);
void text_add_string(struct text *text, const char *string);
/* Room for `length` more bytes and a NUL, for code that writes there itself; NULL where there is none. */
char *text_reserve(struct text *text, size_t length);
void text_clear(struct text *text);
void text_set(struct text *text, const char *data, size_t length);
/* The string so far; "" where empty. */
const char *text_string(const struct text *text);
void text_free(struct text *text);

#endif
