#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "daemon/base/err.h"
#include "model/weights_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A model.safetensors file: named tensors.
 *
 * The whole header is checked at open: every tensor lies inside the file, is as
 * long as its shape says, and overlaps no other.  Values are read from the file
 * when they are asked for, and checked then; nothing but the header stays in
 * memory.  Every error names the tensor.
 *
 * A matrix of type I8 has a scale for each of its rows in the F32 tensor
 * NAME_rotated_scale [rows]: value = scale * integer, in the order that
 * model/cpu/hadamard.h brings them to (which the name says, since other
 * programs write integers too).
 */
struct weights;

/* Opens the file.  Fails where it cannot be read or is no well-formed safetensors file. */
struct weights *weights_open(const char *path, struct err *e);

/* The same over memory that the caller keeps until weights_close; `name` stands for the path in messages. */
struct weights *weights_from_memory(const void *data, size_t size, const char *name, struct err *e);

void weights_close(struct weights *weights);

/* What changes with any byte of the file, chained to `seed`.  Reads all of it. */
int weights_hash(const struct weights *weights, uint64_t seed, uint64_t *hash, struct err *e);

/* Bytes of the whole file. */
uint64_t weights_file_size(const struct weights *weights);

/* The tensors in order of their names, NULL after the last; and by name, NULL where it is not there. */
const struct weight_tensor *weights_tensor(const struct weights *weights, size_t index);
const struct weight_tensor *weights_find(const struct weights *weights, const char *name);

static inline bool weights_has(const struct weights *weights, const char *name)
{
	return weights_find(weights, name) != NULL;
}

/* Is `end` the end of a tensor's name? */
bool weights_name_ends(const char *name, const char *end);

/* Is tensor `name` there, of type F32, F16 or BF16 (a matrix: also I8, with its scale), and of shape [rows, columns], or
 * [columns] where `rows` is 0? */
int weights_check(const struct weights *weights, const char *name, size_t rows, size_t columns, struct err *e);

/* Reads a tensor that weights_check accepts into out[rows, columns] as float32, row-major.  Fails where weights_check
 * does and where the tensor holds a NaN or an infinity. */
int weights_read(const struct weights *weights, const char *name, size_t rows, size_t columns, float *out,
		 struct err *e);

/* Reads `count` rows of [rows, columns] from row `first` on as they lie in the file.  Fails as weights_read; the type is
 * F32, F16 or BF16. */
int weights_read_rows(const struct weights *weights, const struct weight_tensor *tensor, size_t columns, size_t first,
		      size_t count, void *out, struct err *e);

/* Bytes [offset, offset + size) of a tensor of any type, unchecked. */
int weights_read_bytes(const struct weights *weights, const struct weight_tensor *tensor, uint64_t offset, size_t size,
		       void *out, struct err *e);

#endif
