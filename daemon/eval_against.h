#ifndef DAEMON_EVAL_AGAINST_H
#define DAEMON_EVAL_AGAINST_H

#include "daemon/eval_rows.h"
#include "model/train/compare.h"

/* Another model on the same rows: what is gained by going over from it. */
struct eval_against {
	struct eval_model model;
	struct comparison comparison; /* first: the other model; second: the one that is evaluated */
	int *answers;                 /* [rows], in the classes of the one that is evaluated */
};

/* Opens the other model as `options` say.  Fails where it does not know all classes. */
int eval_against_open(struct eval_against *against, const struct eval_model *model,
		      const struct classifier_options *options, struct err *e);
int eval_against_run(struct eval_against *against, const struct eval_rows *rows, const struct text *texts, struct err *e);
void eval_against_close(struct eval_against *against);

#endif
