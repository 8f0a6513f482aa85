#ifndef MODEL_TRAIN_PARAMS_H
#define MODEL_TRAIN_PARAMS_H

#include "daemon/base/err.h"
#include "model/train/layout.h"
#include "model/weights.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A layout's values from and to a model.safetensors. */

/* What is not read but drawn: normally distributed with deviation 0.02, as BERT's were; biases become zero. */
struct params_fresh {
	bool polarity, topic; /* these heads */
	uint64_t seed;
	const size_t *layers; /* which of the file's layers each of the layout's is; NULL: the first ones */
};

/* values[layout's total].  A pooler that the file lacks is drawn too, and said in *drew_pooler; and so is what it lacks of
 * the head that guesses words. */
int params_read(const struct layout *layout, const struct weights *weights, const struct params_fresh *fresh, float *values,
		bool *drew_pooler, struct err *e);

/* Has the file a head of `rows` classes?  `name` is "classifier" or "topic_classifier". */
bool params_has_head(const struct layout *layout, const struct weights *weights, const char *name, size_t rows);

/* The encoder of one layout of the same shape in another one's block. */
void params_copy_encoder(const struct layout *to, float *to_values, const struct layout *from, const float *from_values);

/* How many values params_write writes: what no file holds and what aligns tensors are not among them. */
size_t params_count(const struct layout *layout);

/* Writes the whole file, with Hugging Face's names; `type` is "F32" or "F16". */
int params_write(const struct layout *layout, const float *values, const char *type, const char *program, FILE *out,
		 struct err *e);

#endif
