#ifndef DAEMON_EVAL_ROWS_H
#define DAEMON_EVAL_ROWS_H

#include "daemon/eval_model.h"
#include "model/train/table.h"

/* Labelled rows and what a model said of them: what every part of an evaluation begins with. */
struct eval_rows {
	const struct eval_model *model;
	const struct table *table;
	const int *truth;   /* [rows] */
	const int *answers; /* [rows] */
	const float *logits; /* [rows, classes] */
	size_t count;
	size_t samples;     /* of a bootstrap; 0: no intervals */
	uint64_t seed;
};

#endif
