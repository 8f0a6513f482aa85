#ifndef INGEST_RSS_VERDICT_H
#define INGEST_RSS_VERDICT_H

#include "ingest/rss/transfer.h"

/* Judge a transfer that ended with `code`: sets end, status, content_type and error of its result.  Redirects are not its
 * business. */
void verdict_reach(struct transfer *transfer, CURLcode code);

#endif
