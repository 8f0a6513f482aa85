#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A model.safetensors file: named tensors.
 *
 * The whole header is checked at open: every tensor lies inside the file, is as
 * long as its shape says, and overlaps no other.  Values are checked when they
 * are read.  Every error names the tensor.
 */
struct weights;

/* Maps the file.  Fails where it cannot be read or is no well-formed safetensors file. */
struct weights *weights_open(const char *path, struct err *e);

/* The same over memory that the caller keeps until weights_close; `name` stands for the path in messages. */
struct weights *weights_from_memory(const void *data, size_t size, const char *name, struct err *e);

void weights_close(struct weights *weights);

/* The file's bytes, for those who want to know whether it changed. */
const void *weights_bytes(const struct weights *weights, size_t *size);

bool weights_has(const struct weights *weights, const char *name);

/* Is tensor `name` there, of type F32, F16 or BF16, and of shape [rows, columns], or [columns] where `rows` is 0? */
int weights_check(const struct weights *weights, const char *name, size_t rows, size_t columns, struct err *e);

/* Reads a tensor that weights_check accepts into out[rows, columns] as float32, row-major.  Fails where weights_check
 * does and where the tensor holds a NaN or an infinity. */
int weights_read(const struct weights *weights, const char *name, size_t rows, size_t columns, float *out,
		 struct err *e);

#endif
