#ifndef INGEST_FEED_JSON_FEED_H
#define INGEST_FEED_JSON_FEED_H

#include "daemon/base/err.h"
#include "ingest/feed/record.h"

#include <stddef.h>

/* Read a JSON Feed (valid UTF-8).  As xml_feed_read; one that breaks off yields the items before. */
int json_feed_read(struct feed_owner *owner, const char *text, size_t length, const char *url, struct err *e);

#endif
