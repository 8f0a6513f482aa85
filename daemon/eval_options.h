#ifndef DAEMON_EVAL_OPTIONS_H
#define DAEMON_EVAL_OPTIONS_H

#include "model/classifier.h"
#include "model/train/dataset.h"

#include <stdbool.h>

/* What `bellwether eval` is told.  Strings are the command line's. */
struct eval_options {
	struct classifier_options model;
	enum task task;
	const char *task_name, *file;
	const char *against; /* the directory of another model, or NULL */
	const char *by;      /* a column of the file, or NULL */
	bool json, noise;
	unsigned long bootstrap, seed;
};

/* An exit status, where there is nothing more to do; -1 to go on. */
int eval_options_parse(int argc, char **argv, struct eval_options *out);

#endif
