#ifndef DAEMON_TRAIN_DRIFT_H
#define DAEMON_TRAIN_DRIFT_H

#include "daemon/train_data.h"
#include "model/train/trainer.h"

/*
 * Writes directory/drift.json: what the text of a run looks like, and what the
 * new model (`values`) makes of the validation rows, which it has not learnt
 * (without any, of some it has).  The trainer's own values are lost.
 */
int train_drift_write(struct trainer *trainer, const float *values, const struct train_data *data, const char *model,
		      const char *directory, struct err *e);

#endif
