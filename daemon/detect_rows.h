#ifndef DAEMON_DETECT_ROWS_H
#define DAEMON_DETECT_ROWS_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Rows of a CSV series, "time,value" with more columns or none: pure text in,
 * numbers out.  A row's place in the series is a step of an even grid of time.
 */
struct detect_row {
	char *text;         /* owned; `time` and `value_text` point into it */
	char *time, *value_text;
	int64_t time_us;
	double value;
	bool missing;       /* the row has no value: an empty field, "nan", "null" */
};

void detect_row_free(struct detect_row *row);

/*
 * Is the first line of a file column names?  It is where its second field is
 * neither a number nor missing: a bad first row is then an error, not a header.
 */
bool detect_row_is_header(const char *line, size_t length);

/* Replaces `*row`.  `number` is the line's, for the message. */
int detect_row_parse(struct detect_row *row, const char *line, size_t length, uint64_t number, struct err *e);

/*
 * Steps of the grid from one row to the next: 1 where none is missing.  Counted
 * from row to row, so that an interval that is a little off adds up to nothing.
 * Fails where a row is not later than the one before, or far too early.
 */
int detect_row_steps(const struct detect_row *row, int64_t before_us, int64_t interval_us, uint64_t number,
		     int64_t *steps, struct err *e);

#endif
