#ifndef DAEMON_TRAIN_TEACHER_H
#define DAEMON_TRAIN_TEACHER_H

#include "daemon/base/err.h"
#include "model/config.h"
#include "model/train/trainer.h"
#include "model/weights.h"

#include <stdbool.h>

/* A model whose answers another one learns.  It may be of any size, but reads the same words. */
struct train_teacher {
	char *directory;
	struct model_config config;
	struct weights *weights;
	bool polarity, topic; /* the heads that it has */
};

/* Several are learnt by the mean of their answers. */
struct train_teachers {
	struct train_teacher *list;
	size_t count;  /* 0: there is none */
	bool polarity; /* one of them has the head, at least */
	uint64_t hash; /* of their weights, one after the other */
};

/* `directories` have commas between them; what is a directory as a whole is one, whatever its name.  Fails where a vocabulary or
 * a reading of capitals differs from that of `base`. */
int train_teachers_open(struct train_teachers *teachers, const char *directories, const char *base, struct err *e);
void train_teachers_close(struct train_teachers *teachers);

/* The first that has a topic head, or NULL. */
const struct train_teacher *train_teachers_topic(const struct train_teachers *teachers);

/* A frozen trainer with its values, whose outputs are in the order of its own rows (topics: none where it has no such head);
 * `how` are the options of the student's. */
struct trainer *train_teacher_trainer(const struct train_teacher *teacher, const struct trainer_options *how, struct err *e);

#endif
