#ifndef MODEL_WEIGHTS_HEADER_H
#define MODEL_WEIGHTS_HEADER_H

#include "daemon/base/err.h"
#include "model/weights_convert.h"

#include <stddef.h>
#include <stdint.h>

/* What a safetensors file's JSON header says of one tensor. */
enum { WEIGHT_DIMENSIONS = 8 };

struct weight_tensor {
	char *name;
	enum weight_type type;
	char type_name[8];
	size_t dimensions;
	uint64_t shape[WEIGHT_DIMENSIONS];
	uint64_t begin, end; /* in the data; begin <= end */
};

/*
 * Parses `text` and checks it against the `data_size` bytes that follow it:
 * every tensor lies inside them, is as long as its shape says (where its type
 * is known) and overlaps no other.  *tensors is malloc'ed, sorted by name, and
 * to be freed by weights_header_free after failure too.
 */
int weights_header_parse(const char *text, size_t length, uint64_t data_size, struct weight_tensor **tensors,
			 size_t *count, struct err *e);
void weights_header_free(struct weight_tensor *tensors, size_t count);

#endif
