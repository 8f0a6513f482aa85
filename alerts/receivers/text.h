#ifndef ALERTS_RECEIVERS_TEXT_H
#define ALERTS_RECEIVERS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Text from outside, made fit to stand in a message that people read.  All
 * that is returned is valid UTF-8; the caller frees it.
 */

/* One line of at most `max` characters, cut with an ellipsis: line ends and control characters become blanks, several
 * blanks one; marks that turn the direction of writing around, and what no text may hold, are dropped. */
char *text_line(const char *text, size_t max);

/* asprintf that does not fail. */
char *text_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* May it be the address of a link: http or https, of printable ASCII without quotes, angle brackets, '|' or '\', not
 * longer than anything that opens pages takes? */
bool text_is_link(const char *url);

/* "14", "2.1", "1234", "0.00031": three digits, more only where they stand before the point. */
#define TEXT_NUMBER_SIZE 40
char *text_number(double value, char out[TEXT_NUMBER_SIZE]);

/* "45 s", "60 min", "6 h", "3 days" */
#define TEXT_SPAN_SIZE 40
char *text_span(double seconds, char out[TEXT_SPAN_SIZE]);

#endif
