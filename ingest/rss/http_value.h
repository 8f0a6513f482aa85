#ifndef INGEST_RSS_HTTP_VALUE_H
#define INGEST_RSS_HTTP_VALUE_H

#include <stdint.h>

/* Values of HTTP headers that say when to come again.  Pure functions. */

/* Retry-After (RFC 9110, 10.2.3): seconds, or a date, which counts from `now_us`.  Microseconds from now (0 where the date
 * is past), or -1 where the text is neither. */
int64_t http_retry_after(const char *value, int64_t now_us);

/* The max-age of a Cache-Control value (RFC 9111, 5.2.2); 0 where there is none, or no-cache or no-store stands beside it. */
int64_t http_max_age(const char *value);

#endif
