#ifndef MODEL_WEIGHTS_WRITE_H
#define MODEL_WEIGHTS_WRITE_H

#include "daemon/base/err.h"
#include "model/weights_header.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A tensor to be written. */
struct weights_part {
	const char *name;
	enum weight_type type;
	const char *type_name; /* "F16" */
	size_t dimensions;
	uint64_t shape[WEIGHT_DIMENSIONS];
	uint64_t size; /* bytes */
	const void *context; /* the caller's */
};

/* What stands in the file's __metadata__. */
struct weights_note {
	const char *key, *value;
};

/* Sorts `parts` into the order of a safetensors file (the widest types first, so that all values are aligned) and writes
 * its header.  The caller then writes the parts' data in that order. */
int weights_write_header(FILE *out, struct weights_part *parts, size_t count, const struct weights_note *notes,
			 size_t note_count, struct err *e);

#endif
