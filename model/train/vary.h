#ifndef MODEL_TRAIN_VARY_H
#define MODEL_TRAIN_VARY_H

#include "daemon/base/err.h"
#include "model/train/table.h"
#include "model/train/trainer.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Training texts with noise: at each place of each epoch a text has one of the
 * noises with a given probability, drawn anew.  What it becomes is a function of
 * the seed, the epoch and the place, so that it depends on no thread and a run
 * that is resumed meets what it would have met.
 */
struct vary_options {
	const char *base;  /* the directory of the tokeniser */
	size_t longest;    /* tokens of a text at most */
	size_t batch;      /* texts at once */
	double rate;       /* probability of a noise */
	uint64_t seed;
};

struct vary;

struct vary *vary_open(const struct vary_options *options, struct err *e);
void vary_close(struct vary *vary);

/* Copies the texts of a table; before vary_bind. */
int vary_add(struct vary *vary, const struct table *table, struct err *e);

/* hashes[count] of the texts' bytes, as a dataset has them; copied.  Texts that no table had stay as they are. */
int vary_bind(struct vary *vary, const uint64_t *hashes, size_t count, struct err *e);

/* Gives the text, which is the `row`th, other ids where chance has it so: valid until `slot` (below `batch`) is used
 * again. */
void vary_text(struct vary *vary, uint32_t row, size_t epoch, size_t place, size_t slot, struct trainer_text *text);

#endif
