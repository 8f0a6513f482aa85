#ifndef MODEL_TRAIN_EXPORT_H
#define MODEL_TRAIN_EXPORT_H

#include "daemon/base/err.h"
#include "model/config.h"
#include "model/publish.h"
#include "model/train/layout.h"

#include <stdbool.h>

/*
 * A trained model as a Hugging Face directory: config.json is the base's with
 * the new heads' labels, the tokeniser's files are the base's as they lie, and
 * model.safetensors is ours.  What the base says of itself (README.md) is not
 * copied: it would not be true of this one.
 */
struct export_options {
	const char *base; /* directory */
	const struct layout *layout;
	const float *values;
	const int *polarity_row;   /* where negative, neutral and positive stand */
	char *const *topics;       /* layout->topics of them */
	const char *type;          /* of the weights: "F32" or "F16" */
	const char *program;       /* "bellwether 1.0": who wrote it */
};

int export_model(const struct export_options *options, const struct publish *publish, struct err *e);

#endif
