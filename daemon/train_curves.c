#include "daemon/train_curves.h"

#include "daemon/base/check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64 };

static const char *const names[CURVES] = {
	"loss", "polarity_loss", "topic_loss", "polarity_accuracy", "polarity_macro_f1", "topic_accuracy", "topic_macro_f1",
	"score",
};

/* Where the columns are; COLUMNS: nowhere. */
struct columns {
	size_t phase, step, curve[CURVES];
};

/* Cuts the line up; returns how many fields it has. */
static size_t line_split(char *line, char *fields[COLUMNS])
{
	size_t count = 0;
	line[strcspn(line, "\r\n")] = '\0';
	while (line != NULL && count < COLUMNS)
		fields[count++] = strsep(&line, ",");
	return count;
}

static size_t column_find(char *const *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i], name) == 0)
			return i;
	return COLUMNS;
}

static void header_read(char *line, struct columns *columns)
{
	char *fields[COLUMNS];
	size_t count = line_split(line, fields);
	columns->phase = column_find(fields, count, "phase");
	columns->step = column_find(fields, count, "step");
	for (size_t i = 0; i < CURVES; i++)
		columns->curve[i] = column_find(fields, count, names[i]);
}

static double field_number(char *const *fields, size_t count, size_t column)
{
	char *end;
	if (column >= count)
		return NAN;
	double value = strtod(fields[column], &end);
	return end == fields[column] || *end != '\0' || !isfinite(value) ? NAN : value;
}

static void line_read(struct train_curves *curves, char *line, const struct columns *columns)
{
	char *fields[COLUMNS];
	size_t count = line_split(line, fields);
	struct train_point point = {.step = field_number(fields, count, columns->step)};
	if (isnan(point.step) || (columns->phase < count && strcmp(fields[columns->phase], "run") != 0))
		return;
	for (size_t i = 0; i < CURVES; i++)
		point.value[i] = field_number(fields, count, columns->curve[i]);
	if ((curves->count & (curves->count - 1)) == 0)
		curves->points = xrealloc(curves->points, (curves->count > 0 ? 2 * curves->count : 1) * sizeof point);
	curves->points[curves->count++] = point;
}

int train_curves_read(struct train_curves *curves, const char *path, struct err *e)
{
	struct columns columns = {.phase = COLUMNS, .step = COLUMNS};
	char *line = NULL;
	size_t size = 0;
	bool is_first = true;
	*curves = (struct train_curves){0};
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return err_sys(e, errno, "%s", path);
	for (; getline(&line, &size, file) > 0; is_first = false) {
		if (is_first)
			header_read(line, &columns);
		else
			line_read(curves, line, &columns);
	}
	int failure = ferror(file) ? errno : 0;
	free(line);
	fclose(file);
	return failure != 0 ? err_sys(e, failure, "cannot read %s", path) : 0;
}

void train_curves_clear(struct train_curves *curves)
{
	free(curves->points);
	*curves = (struct train_curves){0};
}
