#ifndef INGEST_RSS_FETCH_URL_H
#define INGEST_RSS_FETCH_URL_H

#include "daemon/base/err.h"

#include <stdbool.h>

/* The rest of what fetching does with URLs (see fetch_split_url in rss/fetch.h). */

/* Where a Location header leads, without user, password and fragment; the caller frees it.  NULL with `e` where that is
 * neither http nor https. */
char *fetch_resolve_url(const char *base, const char *location, struct err *e);

/* The same scheme, host and port: what was meant for one may be sent to the other. */
bool fetch_same_origin(const char *a, const char *b);

#endif
