#ifndef DAEMON_TRAIN_PRUNE_H
#define DAEMON_TRAIN_PRUNE_H

#include "daemon/train_data.h"
#include "model/train/trainer.h"

/* Reads "3" (so many, evenly spaced) or "0,2,4" into the data's layers; all of them where nothing is said. */
int train_layers_choose(struct train_data *data, const char *list, struct err *e);

/* Shows what fewer layers and heads would cost on the validation rows, where that is wanted, and removes the heads that are
 * to go.  The trainer holds the values to start from; `how` are its options. */
int train_prune(struct train_data *data, const struct train_options *options, struct trainer *trainer,
		const struct trainer_options *how, void (*say)(const char *line), struct err *e);

#endif
