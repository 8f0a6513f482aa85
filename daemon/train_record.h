#ifndef DAEMON_TRAIN_RECORD_H
#define DAEMON_TRAIN_RECORD_H

#include "daemon/base/err.h"
#include "daemon/train_data.h"
#include "daemon/train_options.h"
#include "model/train/calibrate.h"
#include "model/train/fit.h"
#include "model/train/pretrain.h"

/* run.json: all that is needed to repeat a run, and what came of it. */
struct train_record {
	const struct train_options *options;
	const struct train_data *data;
	const struct fit_outcome *outcome;
	const struct pretrain_outcome *pretrained; /* no steps: there were no texts for it */
	struct calibration calibration;
	const char *program;   /* "bellwether 1.0" */
	const char *version;   /* of the new model, as `score` would name it */
	uint64_t fingerprint;
	size_t threads, parameters;
	const char *kernels;   /* of the products */
};

int train_record_write(const struct train_record *record, const char *path, struct err *e);

/* The result as one line of JSON on standard output. */
int train_record_print(const struct train_record *record, struct err *e);

#endif
