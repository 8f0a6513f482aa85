#ifndef INGEST_RSS_ENTRIES_H
#define INGEST_RSS_ENTRIES_H

#include "daemon/base/item.h"
#include "ingest/feed.h"
#include "ingest/rss/state.h"

#include <stdbool.h>

/* What one reading of a feed brings: which entries are new, and what it lists now. */
struct entries {
	const struct feed_entry **fresh; /* oldest first */
	size_t fresh_count;
	uint64_t *ids; /* hashes of all that is listed */
	size_t id_count;
	bool cut; /* the document broke off: there is more to be had */
};

/*
 * Sort out a feed's entries by what `state` knows.  Entries without any text
 * are passed over until they have one.  `body` is what the feed was parsed
 * from: where it broke off in the middle, the last entry may be half of one and
 * waits for the next poll.
 */
void entries_select(struct entries *entries, const struct feed *feed, const char *body, size_t size,
		    const struct feed_state *state);
void entries_clear(struct entries *entries);

/* The document of an entry; `source`, `position`, `received_us` and `flags` are set by the caller before, `host` is who
 * publishes a feed that does not say. */
void entries_fill_item(struct item *item, const struct feed *feed, const struct feed_entry *entry, const char *host);

#endif
