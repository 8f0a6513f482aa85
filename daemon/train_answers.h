#ifndef DAEMON_TRAIN_ANSWERS_H
#define DAEMON_TRAIN_ANSWERS_H

#include "daemon/train_data.h"
#include "daemon/train_options.h"
#include "model/train/trainer.h"

/*
 * What other models answer on the texts, as targets beside their labels: the
 * teacher where there is one, or the mean of several (of their probabilities at
 * the temperature, over those that have the head; Hinton et al.,
 * arXiv:1503.02531), and the base where a head of it has no rows of its own.
 * Such a head would drift as the encoder below it changes, so it is held: Li
 * and Hoiem, "Learning without Forgetting", arXiv:1606.09282.
 */

/* The trainer's options that say how targets count. */
void train_answers_weigh(const struct train_options *options, struct trainer_options *how);

/* Sets the texts' targets, into *block, which is the caller's to free (also on failure) and may be NULL.  `base` is the trainer
 * with the base's values and `how` its options; teachers are opened one after the other, and closed, but for how->teacher. */
int train_answers_make(struct train_data *data, const struct train_options *options, const struct trainer_options *how,
		       struct trainer *base, float **block, struct err *e);

#endif
