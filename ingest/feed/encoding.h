#ifndef INGEST_FEED_ENCODING_H
#define INGEST_FEED_ENCODING_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct decoded {
	char *text; /* valid UTF-8 without a byte-order mark, NUL after it; free() it */
	size_t length;
	char name[48]; /* of the encoding that it was read in, lower case */
	bool damaged;  /* some bytes were none of that encoding's */
};

/*
 * Turn a document of any encoding into UTF-8.  What it is in is decided by, in
 * this order: a byte-order mark or the pattern of its first bytes, the charset
 * of `content_type` (may be NULL), the XML declaration, UTF-8 where it is
 * that, windows-1252.  A label that the bytes contradict is passed over.
 * -1 where memory is out.
 */
int encoding_decode(const char *data, size_t length, const char *content_type, struct decoded *out, struct err *e);

#endif
