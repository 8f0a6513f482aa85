#ifndef DAEMON_EVAL_PRINT_H
#define DAEMON_EVAL_PRINT_H

#include "daemon/base/err.h"
#include "daemon/eval_against.h"
#include "daemon/eval_groups.h"
#include "daemon/eval_noise.h"
#include "model/train/report.h"

#include <jansson.h>
#include <stdio.h>

/* A report for people, in the layout of scikit-learn's classification_report with its confusion matrix, and for programs. */
struct eval_view {
	const struct report *report;
	const struct eval_rows *rows;
	const char *task;                   /* "polarity" */
	const char *model;                  /* its version */
	const char *by;                     /* the column of `groups` */
	const struct eval_groups *groups;   /* these three: NULL where they were not asked for */
	const struct eval_against *against;
	const struct eval_noises *noises;
};

int eval_print_text(const struct eval_view *view, FILE *out, struct err *e);

/* One JSON object and a newline. */
int eval_print_json(const struct eval_view *view, FILE *out, struct err *e);

/* The parts that were asked for beside the report. */
void eval_parts_text(const struct eval_view *view, FILE *out);
void eval_parts_json(const struct eval_view *view, json_t *json);

/* A name to the right of a column, by its code points. */
int eval_name_width(const char *name);
void eval_name_print(FILE *out, const char *name, int width);

json_t *eval_interval_json(const struct report_interval *interval);

#endif
