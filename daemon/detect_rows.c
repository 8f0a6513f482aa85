/*
 * Series come from databases, spreadsheets and scripts: fields may be quoted,
 * lines may end with a carriage return, a file may begin with a byte-order
 * mark.  What is none of that is refused with the line's number; nothing is
 * guessed, because a guess would look like a spike.
 */
#include "daemon/detect_rows.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void detect_row_free(struct detect_row *row)
{
	free(row->text);
	*row = (struct detect_row){0};
}

/* The field at `*rest` without blanks and quotes around it, cut off in place; `*rest` goes behind its comma, or to NULL. */
static char *take_field(char **rest)
{
	char *field = *rest, *end = field + strcspn(field, ",");

	*rest = *end ? end + 1 : NULL;
	*end = '\0';
	while (isspace((unsigned char)*field))
		field++;
	end = field + strlen(field);
	while (end > field && isspace((unsigned char)end[-1]))
		end--;
	if (end - field >= 2 && *field == '"' && end[-1] == '"') {
		field++;
		end--;
	}
	*end = '\0';
	return field;
}

static bool number_parse(const char *text, double *value, bool *missing)
{
	char *end;

	*missing = !*text || !strcasecmp(text, "nan") || !strcasecmp(text, "null");
	*value = 0;
	if (*missing)
		return true;
	*value = strtod(text, &end);
	return !*end && isfinite(*value);
}

/* False where there is no second field. */
static bool split(struct detect_row *row, const char *line, size_t length)
{
	static const char mark[] = "\xef\xbb\xbf";
	char *rest;

	free(row->text);
	row->text = xmalloc(length + 1);
	memcpy(row->text, line, length);
	row->text[length] = '\0';
	rest = row->text;
	if (!strncmp(rest, mark, strlen(mark)))
		rest += strlen(mark);
	row->time = take_field(&rest);
	if (!rest)
		return false;
	row->value_text = take_field(&rest);
	return true;
}

bool detect_row_is_header(const char *line, size_t length)
{
	struct detect_row row = {0};
	bool header = split(&row, line, length) && !number_parse(row.value_text, &row.value, &row.missing) &&
		      !time_parse_iso(row.time, &row.time_us);

	detect_row_free(&row);
	return header;
}

int detect_row_parse(struct detect_row *row, const char *line, size_t length, uint64_t number, struct err *e)
{
	unsigned long long n = number;

	if (!split(row, line, length))
		return err_set(e, "line %llu: expected timestamp,value", n);
	if (!time_parse_iso(row->time, &row->time_us))
		return err_set(e, "line %llu: \"%.40s\" is no time", n, row->time);
	if (!number_parse(row->value_text, &row->value, &row->missing))
		return err_set(e, "line %llu: \"%.40s\" is no number", n, row->value_text);
	return 0;
}

int detect_row_steps(const struct detect_row *row, int64_t before_us, int64_t interval_us, uint64_t number,
		     int64_t *steps, struct err *e)
{
	int64_t passed;

	if (row->time_us <= before_us)
		return err_set(e, "line %llu: %.40s is %s the row before; rows must be in order of time, one for each",
			       (unsigned long long)number, row->time,
			       row->time_us == before_us ? "the same time as" : "earlier than");
	passed = row->time_us - before_us;
	*steps = passed / interval_us + (passed % interval_us >= (interval_us + 1) / 2);
	if (*steps == 0)
		return err_set(e, "line %llu: %.40s is %.6g s after the row before, but rows are %.6g s apart; "
			       "--interval says how far",
			       (unsigned long long)number, row->time, (double)passed / (double)SECOND_US,
			       (double)interval_us / (double)SECOND_US);
	return 0;
}
