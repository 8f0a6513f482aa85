#ifndef INGEST_FEED_DATE_WORDS_H
#define INGEST_FEED_DATE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The words of dates.  All take a word in lower case without diacritics
 * (Unicode case folding, marks stripped), not NUL-terminated.
 */

/* A word may be both: "mar" is March, or mardi.  -1 = it is none. */
struct date_name {
	int month;   /* 1..12 */
	int weekday; /* 0 = Monday */
};
struct date_name date_find_name(const char *word, size_t length);

enum date_half { HALF_NONE, HALF_AM, HALF_PM };

/* "am", "pm" and the like.  `*zone_s` is set where the word belongs to one country's zone. */
enum date_half date_find_half(const char *word, size_t length, int *zone_s, bool *has_zone);

/* What the number before it counts: 'Y', 'M', 'D', 'h', 'm', 's'; 0 = nothing.  `*zone_s` as above. */
char date_find_unit(const char *word, size_t length, int *zone_s, bool *has_zone);

/* Words that mean nothing: "at", "de", "uhr". */
bool date_is_noise(const char *word, size_t length);

/* How a region moves its clocks. */
enum date_saving { SAVING_NONE, SAVING_EU, SAVING_US, SAVING_AU, SAVING_NZ };

struct date_zone {
	const char *name; /* "est", "europe/paris" */
	int offset_min;	  /* east of Greenwich, in winter */
	enum date_saving saving;
};
const struct date_zone *date_find_zone(const char *word, size_t length);

/* Seconds east of Greenwich in that zone at a local time (days since 1970, seconds of the day). */
int date_zone_offset(const struct date_zone *zone, int64_t day, int second);

#endif
