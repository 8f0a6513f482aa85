#include "daemon/eval_groups.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* The values, gathered as labels are, over another column. */
static int values_collect(const struct table *table, struct labels *values, struct err *e)
{
	struct table column = *table;
	int result = 0;
	column.rows = xcalloc(table->count, sizeof *column.rows);
	for (size_t i = 0; i < table->count && result == 0; i++) {
		struct table_row *row = &column.rows[i];
		*row = table->rows[i];
		row->label = row->source;
		row->label_length = row->source_length;
		if (memchr(row->label, '\0', row->label_length) != NULL || !utf8_is_valid(row->label, row->label_length))
			result = err_set(e, "%s:%zu: the value to group by is not UTF-8 text", table->path, row->line);
	}
	if (result == 0 && labels_collect(values, &column, e) < 0)
		result = err_prefix(e, "the column to group by");
	free(column.rows);
	return result;
}

static int group_make(struct report *report, const struct eval_rows *rows, const int *values, int value, int *truth,
		      struct err *e)
{
	for (size_t i = 0; i < rows->count; i++)
		truth[i] = values[i] == value ? rows->truth[i] : -1;
	size_t classes = rows->model->classes;
	if (report_make(report, truth, rows->logits, classes, rows->count, classes, e) < 0)
		return -1;
	return rows->samples > 0 ? report_bootstrap(report, rows->samples, rows->seed, e) : 0;
}

int eval_groups_make(struct eval_groups *groups, const struct eval_rows *rows, struct err *e)
{
	*groups = (struct eval_groups){0};
	if (values_collect(rows->table, &groups->values, e) < 0)
		return -1;
	int *values = xcalloc(rows->count, sizeof *values), *truth = xcalloc(rows->count, sizeof *truth), result = 0;
	groups->reports = xcalloc(groups->values.count, sizeof *groups->reports);
	for (size_t i = 0; i < rows->count; i++)
		values[i] = labels_find(&groups->values, rows->table->rows[i].source, rows->table->rows[i].source_length);
	for (size_t i = 0; i < groups->values.count && result == 0; i++)
		result = group_make(&groups->reports[i], rows, values, (int)i, truth, e);
	free(values);
	free(truth);
	return result;
}

void eval_groups_clear(struct eval_groups *groups)
{
	for (size_t i = 0; i < groups->values.count && groups->reports != NULL; i++)
		report_clear(&groups->reports[i]);
	free(groups->reports);
	labels_clear(&groups->values);
}
