#ifndef INGEST_FEED_DATE_H
#define INGEST_FEED_DATE_H

#include <stdint.h>

/*
 * The instant that a feed's date text names, in microseconds since 1970 UTC,
 * or TIME_NONE where it names none.
 *
 * Reads what real feeds hold: RFC 822 in its broken forms, ISO 8601 (ordinal
 * and week dates, parts left out), asctime, epoch seconds and milliseconds,
 * month and weekday names in some twenty languages, Korean, Japanese and
 * Chinese forms.  Without a zone a time is UTC, or the local zone where the
 * form belongs to one country (Korean); a missing time is midnight.
 *
 * A text with a part that cannot be placed (a 32nd, an unknown word, hour 25)
 * is no date at all.
 */
int64_t feed_date(const char *text);

#endif
