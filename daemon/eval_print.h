#ifndef DAEMON_EVAL_PRINT_H
#define DAEMON_EVAL_PRINT_H

#include "daemon/base/err.h"
#include "model/train/report.h"

#include <stdio.h>

/* A report for people, in the layout of scikit-learn's classification_report with its confusion matrix, and for programs. */
struct eval_view {
	const struct report *report;
	const char *const *names; /* of the classes */
	const char *task;         /* "polarity" */
	const char *model;        /* its version */
};

int eval_print_text(const struct eval_view *view, FILE *out, struct err *e);

/* One JSON object and a newline. */
int eval_print_json(const struct eval_view *view, FILE *out, struct err *e);

#endif
