#ifndef MODEL_TRAIN_PRETRAIN_H
#define MODEL_TRAIN_PRETRAIN_H

#include "model/train/mask.h"
#include "model/train/trainer.h"

#include <stdbool.h>

/*
 * An encoder learns the words of a field before it learns labels: epochs over
 * texts in an order by chance, other words masked in each of them, the rate
 * rising to its highest and falling to zero along a line (Gururangan et al.,
 * "Don't Stop Pretraining", arXiv:2004.10964).
 */
struct pretrain_event {
	size_t epoch, epochs; /* from 1 */
	size_t step, steps;   /* done of all */
	double loss;          /* the mean of the last twentieth of the steps; of the first ones until then */
	bool line;            /* such a twentieth has just ended */
	double tokens, seconds;
};

struct pretrain_options {
	size_t epochs, batch;
	double rate, warm_up; /* warm_up: share of the steps */
	uint64_t seed;
	const struct mask *mask;
	void (*look)(void *context, const struct pretrain_event *event); /* after each step */
	bool (*stop)(void *context);                                     /* asked after each step: end? */
	void *context;
};

struct pretrain_outcome {
	size_t steps;
	double first_loss, last_loss; /* of the first and the last twentieth */
	double tokens, seconds;
	bool stopped;
};

/* The trainer is of a masked layout and holds the values to start from; its texts have a word between [CLS] and [SEP]. */
int pretrain_run(struct trainer *trainer, const struct trainer_text *texts, size_t count,
		 const struct pretrain_options *options, struct pretrain_outcome *outcome, struct err *e);

#endif
