#ifndef INGEST_FEED_URI_H
#define INGEST_FEED_URI_H

#include <stdbool.h>
#include <stddef.h>

/* Longer references are left as they are, longer bases are not used. */
#define URI_MAX 4096

/*
 * Resolve `reference` against `base` as RFC 3986 section 5.2 says.  White
 * space around the reference and line breaks in it are dropped first.  Writes
 * at most `size` bytes and returns `out`.  Where there is no base (or it is no
 * hierarchical URI) or the result is too long, the reference comes out as it
 * is; one that is too long itself comes out as "".
 */
char *uri_resolve(const char *base, const char *reference, char *out, size_t size);

/* Whether the text is an absolute http or https URL. */
bool uri_is_web(const char *text);

#endif
