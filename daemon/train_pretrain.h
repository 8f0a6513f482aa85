#ifndef DAEMON_TRAIN_PRETRAIN_H
#define DAEMON_TRAIN_PRETRAIN_H

#include "daemon/train_data.h"
#include "daemon/train_progress.h"
#include "model/train/pretrain.h"
#include "model/train/trainer.h"

/* Reads the texts of --pretrain into the data; those without a word are left out. */
int train_pretrain_read(struct train_data *data, const struct train_options *options, struct err *e);

struct train_pretrain {
	struct train_data *data;
	const struct train_options *options;
	const struct trainer_options *how; /* of the trainer that follows */
	const char *directory;             /* where what was learnt is kept for --resume */
	uint64_t fingerprint;
	struct train_progress *progress;
	bool (*stop)(void *context);
};

/* The trainer's encoder learns words; its heads stay what they are.  Where it was stopped nothing has changed. */
int train_pretrain_run(const struct train_pretrain *how, struct trainer *trainer, struct pretrain_outcome *outcome,
		       struct err *e);

#endif
