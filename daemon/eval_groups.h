#ifndef DAEMON_EVAL_GROUPS_H
#define DAEMON_EVAL_GROUPS_H

#include "daemon/eval_rows.h"
#include "model/train/report.h"

/* Figures for each value of a column, so that what is hidden in a mean is seen. */
struct eval_groups {
	struct labels values;
	struct report *reports; /* one a value */
};

/* The table was read with a column for its rows' `source`. */
int eval_groups_make(struct eval_groups *groups, const struct eval_rows *rows, struct err *e);
void eval_groups_clear(struct eval_groups *groups);

#endif
