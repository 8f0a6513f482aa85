#ifndef INGEST_FEED_DATE_PARSE_H
#define INGEST_FEED_DATE_PARSE_H

#include "ingest/feed/date_scan.h"
#include "ingest/feed/date_words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The inside of feed_date: what is known so far, and its parts, one file each.  Nobody else includes this. */
enum { DATE_MAX_NUMBERS = 3, DATE_MAX_NAMES = 4 };

struct date_number {
	int value;
	size_t digits;
	char separator; /* before it: '/', '.', '-' or a blank */
};

struct date_parse {
	struct date_scan scan;
	size_t at;
	/* the date */
	int year, month, day; /* -1 = not known yet */
	size_t year_index;    /* how many numbers stood before the year */
	struct date_number numbers[DATE_MAX_NUMBERS];
	size_t number_count;
	struct date_name names[DATE_MAX_NAMES];
	size_t name_count;
	int weekday;
	bool iso; /* the date is complete by its first numbers alone */
	/* the time */
	bool has_time;
	int hour, minute, second;
	int64_t fraction_us;
	enum date_half half;
	/* the zone */
	bool has_offset, has_zone, country_zone;
	size_t zone_place; /* where in the tokens a sign means an offset */
	int offset_s, country_s;
	const struct date_zone *zone;
};

/* The token `ahead` of the one at hand; the last, DATE_END, for ever. */
static inline const struct date_token *date_peek(const struct date_parse *p, size_t ahead)
{
	size_t at = p->at + ahead;
	return &p->scan.tokens[at < p->scan.count ? at : p->scan.count];
}

static inline bool date_is_symbol(const struct date_token *token, char c)
{
	return token->kind == DATE_SYMBOL && token->text[0] == c;
}

static inline bool date_is_word(const struct date_token *token, const char *word)
{
	return token->kind == DATE_WORD && strlen(word) == token->length &&
	       memcmp(token->text, word, token->length) == 0;
}

/* A number that directly follows the token before it. */
static inline bool date_is_joined_number(const struct date_token *token)
{
	return token->kind == DATE_NUMBER && !token->spaced;
}

static inline bool date_is_complete(const struct date_parse *p)
{
	return p->iso || p->year >= 0;
}

/* All that read take tokens from the one at hand on; false where these make no sense. */

/* date_iso.c.  1 = read, 0 = it is none (nothing taken), -1 = it is one, of a day that there is not. */
int date_read_iso(struct date_parse *p);
bool date_is_valid(int year, int month, int day);
bool date_set(struct date_parse *p, int year, int month, int day);
int date_weekday(int year, int month, int day); /* 0 = Monday */
int date_full_year(int year);			/* of one with two digits */

/* date_time.c */
bool date_set_time(struct date_parse *p, long hour, long minute, long second);
bool date_set_compact_time(struct date_parse *p, const struct date_token *token);
bool date_read_clock_time(struct date_parse *p);
bool date_read_unit_time(struct date_parse *p);
void date_read_fraction(struct date_parse *p);
bool date_is_offset(const struct date_parse *p);
bool date_read_offset(struct date_parse *p);
/* These two take nothing where they return false. */
bool date_read_half(struct date_parse *p);
bool date_read_zone_name(struct date_parse *p);

/* date_resolve.c */
bool date_resolve(struct date_parse *p);
int64_t date_instant(const struct date_parse *p);

#endif
