#ifndef INGEST_FEED_XML_FEED_H
#define INGEST_FEED_XML_FEED_H

#include "daemon/base/err.h"
#include "ingest/feed/record.h"

#include <stddef.h>

/*
 * Read an RSS, Atom, RDF or CDF document (valid UTF-8) into the owner's feed.
 * `url` is the base of relative links, "" = none.  -1 where it is no feed or
 * memory is out.
 */
int xml_feed_read(struct feed_owner *owner, const char *text, size_t length, const char *url, struct err *e);

#endif
