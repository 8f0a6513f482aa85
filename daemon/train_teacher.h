#ifndef DAEMON_TRAIN_TEACHER_H
#define DAEMON_TRAIN_TEACHER_H

#include "daemon/base/err.h"
#include "model/config.h"
#include "model/train/trainer.h"
#include "model/weights.h"

#include <stdbool.h>

/* A model whose answers another one learns.  It may be of any size, but reads the same words. */
struct train_teacher {
	struct model_config config;
	struct weights *weights; /* NULL: there is none */
	bool polarity, topic;    /* the heads that it has */
	uint64_t hash;
};

/* Fails where its vocabulary or its reading of capitals differs from that of `base`. */
int train_teacher_open(struct train_teacher *teacher, const char *directory, const char *base, struct err *e);
void train_teacher_close(struct train_teacher *teacher);

/* A frozen trainer with its values, whose outputs are in the order of its own rows (topics: none where it has no such head);
 * `how` are the options of the student's. */
struct trainer *train_teacher_trainer(const struct train_teacher *teacher, const struct trainer_options *how, struct err *e);

#endif
