#ifndef INGEST_FEED_DATE_SCAN_H
#define INGEST_FEED_DATE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* The text of a date in tokens. */
enum date_token_kind {
	DATE_END,
	DATE_NUMBER,
	DATE_WORD,   /* letters, "_" inside */
	DATE_SYMBOL, /* one character */
};

struct date_token {
	enum date_token_kind kind;
	const char *text;
	size_t length;
	long value;  /* of a number of up to 18 digits, else -1 */
	bool spaced; /* white space stands before it */
};

enum { DATE_MAX_TEXT = 200, DATE_MAX_TOKENS = 48 };

struct date_scan {
	char text[4 * DATE_MAX_TEXT]; /* folded: lower case, without diacritics, one kind of dash */
	struct date_token tokens[DATE_MAX_TOKENS + 1]; /* a DATE_END after the last */
	size_t count;
};

/* False where the text is too long or cannot be folded. */
bool date_scan(struct date_scan *scan, const char *text);

#endif
