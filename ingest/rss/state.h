#ifndef INGEST_RSS_STATE_H
#define INGEST_RSS_STATE_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the next poll of a feed needs to know of the last one, and its text in
 * the store (a position's `next`, compact JSON).
 *
 * Entries are remembered by a 64-bit hash of their id: those that the feed
 * lists, and those that it listed at the poll before and no longer does,
 * because feeds behind several servers flap between an older and a newer state.
 */
struct id_set {
	uint64_t *ids; /* ascending, without repetition */
	size_t count;
};

struct feed_state {
	char *etag;     /* as the server sent it, quotes, W/ and all; "" = none */
	char *modified; /* Last-Modified as the server sent it */
	char *moved;    /* where 301 or 308 led; "" = the configured URL */
	struct id_set listed;
	struct id_set vanished;
};

/* An empty state (text NULL or ""), or the one of the text.  NULL with `e` where the text is none. */
struct feed_state *feed_state_parse(const char *text, struct err *e);
void feed_state_free(struct feed_state *state);

/* The text; equal states have equal texts.  The caller frees it. */
char *feed_state_text(const struct feed_state *state);

/* Replaces one of the strings.  A value that cannot be kept (control characters, not ASCII, longer than 1 KiB) counts as
 * none. */
void feed_state_set(char **field, const char *value);

uint64_t feed_state_hash(const char *id);

/* Listed now or at the poll before. */
bool feed_state_knows(const struct feed_state *state, uint64_t id);

/* The feed now lists `ids` (in any order, repetitions allowed; copied). */
void feed_state_list(struct feed_state *state, const uint64_t *ids, size_t count);

#endif
