#ifndef MODEL_CONVERT_H
#define MODEL_CONVERT_H

#include "daemon/base/err.h"
#include "model/publish.h"

/*
 * A model's directory in the form that a faster precision computes with: less
 * to store, read and convert at each start.
 *
 * The encoder's linear layers become I8 with a scale for each output, rotated
 * as model/cpu/hadamard.h says ("int8"), or BF16 ("bf16"); words' embeddings of more than 16 bits become F16; all
 * else stays as it is, and so do the logits at that precision, to the bit: the
 * numbers are those that the original is brought to when it is opened.
 */
struct convert_options {
	const char *directory; /* the original */
	const char *precision; /* "int8" or "bf16" */
	const char *program;   /* for the file's metadata: "bellwether 1.2.3" */
	const char *version;   /* the original's */
};

/* Fills the directory that is to be published.  The original is one that classifier_open takes. */
int model_convert(const struct convert_options *options, const struct publish *publish, struct err *e);

#endif
