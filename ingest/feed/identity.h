#ifndef INGEST_FEED_IDENTITY_H
#define INGEST_FEED_IDENTITY_H

#include "ingest/feed.h"
#include "ingest/feed/memory.h"

#include <stddef.h>

/*
 * Give each entry its `id`: the feed's own (guid), else its link, else a hash
 * of its text.  Feeds that put one guid on everything would lose all entries
 * but one: entries of one guid that link to different pages are told apart by
 * a hash of the link (without links, of the title).  -1 where memory is out.
 */
int identity_assign(struct feed_entry *entries, size_t count, struct arena *arena);

#endif
