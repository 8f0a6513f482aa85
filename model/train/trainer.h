#ifndef MODEL_TRAIN_TRAINER_H
#define MODEL_TRAIN_TRAINER_H

#include "daemon/base/err.h"
#include "model/train/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A model that learns: steps of AdamW over batches of texts, and logits.  That
 * of a masked layout learns to guess words and has no logits to give.
 *
 * A batch is cut into micro-batches that the memory holds and those into
 * shards, by its texts alone; every sum has one order.  So the bits of
 * everything depend on the options, the seed and the batches, and not on the
 * number of threads.
 */
struct trainer_options {
	const char *precision; /* "fp32", or "bf16": products of rounded values, where the CPU has them fast */
	size_t threads;        /* 0 = one */
	size_t batch_tokens;   /* of a micro-batch at most (or one text); 0 = 2048 */
	size_t longest;        /* tokens of a text at most */
	double dropout, smoothing;
	double soft;           /* the weight of a target */
	double hard;           /* the label's share where there is a target too */
	double temperature;    /* of the targets */
	bool frozen;           /* it gives answers and never learns, which takes a quarter of the memory */
	double decay, beta1, beta2, epsilon;
	double clip;           /* the most that a gradient's norm may be; 0 = any */
	double average;        /* what is left of the average of weights after a step; 0 = no average is kept */
	struct trainer *teacher; /* a frozen one of the same words, batch_tokens and longest, whose last layer's relations and
				  * hidden states are learnt; or NULL.  It stays the caller's */
	double relations, states; /* their weights beside the labels' and targets' loss */
	const float *weights;  /* [outputs] of classes, or NULL; copied */
	uint64_t seed;
};

/* AdamW as Hugging Face's Trainer has it, with dropout 0.1. */
struct trainer_options trainer_defaults(void);

struct trainer_text {
	const int32_t *ids;
	size_t length;
	int polarity, topic, source; /* labels, in the order of the heads' rows; -1: none */
	const float *polarity_target, *topic_target; /* probabilities of a head's rows, or NULL */
	const int32_t *words; /* [length], of a masked layout: the word to guess at a place, or -1, and one at least; else
			       * NULL */
};

struct trainer_result {
	double loss; /* the batch's weighted mean */
	double norm; /* of the gradient, before clipping */
	size_t tokens;
};

/* One block of a layout each; `seen` says which words' rows had a gradient ever. */
struct trainer_state {
	float *values, *first, *second, *average; /* average: NULL where none is kept */
	uint8_t *seen;
	size_t count, words;
	size_t steps; /* that were done */
};

struct trainer;

/* Takes the layout over, which is empty afterwards (also on failure); trainer_layout's has a projection where states of
 * another width are learnt.  Its values are zero until they are set. */
struct trainer *trainer_open(struct layout *layout, const struct trainer_options *options, struct err *e);
void trainer_close(struct trainer *trainer);

const struct layout *trainer_layout(const struct trainer *trainer);
const char *trainer_kernels(const struct trainer *trainer); /* "avx512" */

/* The trainer's own blocks: who writes to them calls trainer_set after it. */
struct trainer_state trainer_state(struct trainer *trainer);

/* What was written to the state counts from here on; `steps` were done. */
void trainer_set(struct trainer *trainer, size_t steps);

/* Begins anew from the values that are there: moments become zero and the average the values. */
void trainer_restart(struct trainer *trainer);

/* One step at learning rate `rate`.  Nothing is changed where the loss or the gradient is not finite: an error. */
int trainer_step(struct trainer *trainer, const struct trainer_text *texts, size_t count, double rate,
		 struct trainer_result *result, struct err *e);

/* Gradients of a batch into gradients[layout's total], and the loss, without a step. */
int trainer_gradients(struct trainer *trainer, const struct trainer_text *texts, size_t count, float *gradients,
		      struct trainer_result *result, struct err *e);

/* importance[layers x heads]: how much the loss of these texts hangs on each attention head, the sum over texts of
 * |gradient x output| without dropout. */
int trainer_importance(struct trainer *trainer, const struct trainer_text *texts, size_t count, double *importance,
		       struct err *e);

/* logits[count, outputs], without dropout, by the average where one is kept and wanted. */
int trainer_run(struct trainer *trainer, bool average, const struct trainer_text *texts, size_t count, float *logits,
		struct err *e);

#endif
