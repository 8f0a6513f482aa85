#ifndef MODEL_TRAIN_DATASET_H
#define MODEL_TRAIN_DATASET_H

#include "daemon/base/err.h"
#include "model/tokenizer.h"
#include "model/train/table.h"
#include "model/train/trainer.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The rows of tables as texts that a trainer takes.  A text that stands in a
 * table of each task becomes one text with both labels.
 */
enum task { TASK_POLARITY, TASK_TOPIC, TASK_NONE /* texts without labels */ };

struct dataset {
	struct trainer_text *texts;
	uint64_t *hashes; /* of each text's bytes */
	size_t count, capacity;
	int32_t *ids;
	size_t ids_used, ids_capacity;
	size_t cut; /* texts that are longer than the model reads */
};

/* How labels become rows of a head. */
struct dataset_labels {
	enum task task;
	const int *polarity_row;     /* the row of negative, neutral, positive */
	const struct labels *topics; /* in the order of the head */
	const struct labels *sources; /* or NULL */
};

/* Fails at a label that is none, and names its line.  `longest`: tokens of a text at most. */
int dataset_add(struct dataset *dataset, const struct table *table, const struct dataset_labels *labels,
		const struct tokenizer *tokenizer, size_t longest, struct err *e);

/* After the last table: only now have texts their ids.  `join`: brings texts of both tasks together. */
int dataset_finish(struct dataset *dataset, bool join, struct err *e);
void dataset_clear(struct dataset *dataset);

/* `share` of each label's texts go to `validation`, the others to `training`, both from count indices each; which, is a
 * matter of their bytes and the seed.  Equal texts of a label go together, and a label of less than five stays in training. */
struct dataset_split {
	uint32_t *training, *validation;
	size_t training_count, validation_count;
};
int dataset_split(const struct dataset *dataset, double share, uint64_t seed, struct dataset_split *split, struct err *e);
void dataset_split_clear(struct dataset_split *split);

/* Changes with any text or label. */
uint64_t dataset_hash(const struct dataset *dataset);

#endif
