#include "model/weights.h"

#include "daemon/base/hash.h"
#include "model/regular_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * safetensors: eight bytes of header length, a JSON header, then the data.
 *
 * The file is read, not mapped: a mapped page counts as the process's memory
 * although each value is needed once, and a file that somebody cuts short while
 * it is mapped kills the process, where a read that comes back short is an
 * error like any other.
 */
enum { MAX_HEADER = 16 << 20, CHUNK = 64 << 10 };

struct weights {
	char *path;
	int fd;                     /* -1: over memory */
	const unsigned char *bytes; /* the memory */
	uint64_t size;
	uint64_t data; /* where it begins */
	struct weight_tensor *tensors; /* by name */
	size_t count;
};

/* Reading */

static int bytes_read(const struct weights *weights, uint64_t offset, size_t size, void *out, struct err *e)
{
	if (weights->fd < 0) {
		if (size > 0)
			memcpy(out, weights->bytes + offset, size);
		return 0;
	}
	unsigned char *at = out;
	while (size > 0) {
		ssize_t got = pread(weights->fd, at, size, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, errno, "cannot read");
		if (got == 0)
			return err_set(e, "the file has become shorter while it was read");
		at += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

int weights_hash(const struct weights *weights, uint64_t seed, uint64_t *hash, struct err *e)
{
	unsigned char chunk[CHUNK];
	*hash = seed;
	for (uint64_t at = 0; at < weights->size; at += CHUNK) {
		size_t here = weights->size - at < CHUNK ? (size_t)(weights->size - at) : CHUNK;
		if (bytes_read(weights, at, here, chunk, e) < 0)
			return err_prefix(e, "%s", weights->path);
		*hash = hash_bytes(*hash, chunk, here);
	}
	return 0;
}

int weights_read_bytes(const struct weights *weights, const struct weight_tensor *tensor, uint64_t offset, size_t size,
		       void *out, struct err *e)
{
	if (bytes_read(weights, weights->data + tensor->begin + offset, size, out, e) < 0)
		return err_prefix(e, "%s: tensor %s", weights->path, tensor->name);
	return 0;
}

static int not_finite(const struct weights *weights, const char *name, size_t index, struct err *e)
{
	return err_set(e, "%s: tensor %s: value %zu is not a finite number", weights->path, name, index);
}

int weights_read_rows(const struct weights *weights, const struct weight_tensor *tensor, size_t columns, size_t first,
		      size_t count, void *out, struct err *e)
{
	size_t width = weight_size(tensor->type), values = count * columns;
	if (weights_read_bytes(weights, tensor, (uint64_t)first * columns * width, values * width, out, e) < 0)
		return -1;
	size_t finite = weight_finite(tensor->type, out, values);
	return finite < values ? not_finite(weights, tensor->name, first * columns + finite, e) : 0;
}

/* The scales of an I8 tensor, NAME_rotated_scale, F32 [rows]. */
static const struct weight_tensor *find_scale(const struct weights *weights, const struct weight_tensor *tensor)
{
	char name[512];
	if (snprintf(name, sizeof name, "%s_rotated_scale", tensor->name) >= (int)sizeof name)
		return NULL;
	return weights_find(weights, name);
}

/* Integers of [rows, columns] that stand in `out` already, times their rows' scales. */
static int rows_scale(const struct weights *weights, const struct weight_tensor *tensor, size_t rows, size_t columns,
		      float *out, struct err *e)
{
	enum { BLOCK = 256 };
	const struct weight_tensor *scale = find_scale(weights, tensor);
	float factors[BLOCK];
	for (size_t row = 0; row < rows; row++, out += columns) {
		size_t block = rows - row < BLOCK ? rows - row : BLOCK;
		if (row % BLOCK == 0 && weights_read_rows(weights, scale, 1, row, block, factors, e) < 0)
			return -1;
		for (size_t i = 0; i < columns; i++)
			out[i] *= factors[row % BLOCK];
		size_t finite = weight_finite(WEIGHT_F32, out, columns);
		if (finite < columns)
			return not_finite(weights, tensor->name, row * columns + finite, e);
	}
	return 0;
}

int weights_read(const struct weights *weights, const char *name, size_t rows, size_t columns, float *out,
		 struct err *e)
{
	if (weights_check(weights, name, rows, columns, e) < 0)
		return -1;
	const struct weight_tensor *tensor = weights_find(weights, name);
	unsigned char chunk[CHUNK];
	size_t width = weight_size(tensor->type), count = (rows == 0 ? 1 : rows) * columns;
	for (size_t at = 0, most = CHUNK / width; at < count; at += most) {
		size_t here = count - at < most ? count - at : most;
		if (weights_read_bytes(weights, tensor, (uint64_t)at * width, here * width, chunk, e) < 0)
			return -1;
		size_t finite = weight_convert(tensor->type, chunk, here, out + at);
		if (finite < here)
			return not_finite(weights, name, at + finite, e);
	}
	return tensor->type == WEIGHT_I8 ? rows_scale(weights, tensor, rows, columns, out, e) : 0;
}

/* Checking */

uint64_t weights_file_size(const struct weights *weights)
{
	return weights->size;
}

const struct weight_tensor *weights_tensor(const struct weights *weights, size_t index)
{
	return index < weights->count ? &weights->tensors[index] : NULL;
}

static int by_name(const void *name, const void *tensor)
{
	return strcmp(name, ((const struct weight_tensor *)tensor)->name);
}

const struct weight_tensor *weights_find(const struct weights *weights, const char *name)
{
	return bsearch(name, weights->tensors, weights->count, sizeof *weights->tensors, by_name);
}

static const char *shape_format(size_t dimensions, const uint64_t *shape, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < dimensions && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%" PRIu64, i == 0 ? "" : ", ", shape[i]);
	return out;
}

static int scale_check(const struct weights *weights, const struct weight_tensor *tensor, struct err *e)
{
	const char *path = weights->path, *name = tensor->name;
	const struct weight_tensor *scale = find_scale(weights, tensor);
	if (tensor->dimensions != 2)
		return err_set(e, "%s: tensor %s is of type I8, which only matrices are", path, name);
	if (scale == NULL)
		return err_set(e, "%s: tensor %s is of type I8 and %s_rotated_scale is missing", path, name, name);
	if (scale->type != WEIGHT_F32 || scale->dimensions != 1 || scale->shape[0] != tensor->shape[0])
		return err_set(e, "%s: tensor %s_rotated_scale must be F32 of the shape [%" PRIu64 "], the rows of %s", path, name,
			       tensor->shape[0], name);
	return 0;
}

bool weights_name_ends(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);
	return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

int weights_check(const struct weights *weights, const char *name, size_t rows, size_t columns, struct err *e)
{
	const struct weight_tensor *tensor = weights_find(weights, name);
	if (tensor == NULL)
		return err_set(e, "%s: tensor %s is missing", weights->path, name);
	uint64_t wanted[2] = {rows, columns};
	size_t dimensions = rows == 0 ? 1 : 2;
	const uint64_t *shape = wanted + 2 - dimensions;
	if (tensor->dimensions != dimensions || memcmp(tensor->shape, shape, dimensions * sizeof *shape) != 0) {
		char has[96], needs[48];
		return err_set(e, "%s: tensor %s has the shape [%s] where config.json needs [%s]", weights->path, name,
			       shape_format(tensor->dimensions, tensor->shape, has, sizeof has),
			       shape_format(dimensions, shape, needs, sizeof needs));
	}
	if (tensor->type == WEIGHT_OTHER)
		return err_set(e, "%s: tensor %s is of type %s; F32, F16, BF16 or I8 is needed", weights->path, name,
			       tensor->type_name);
	return tensor->type == WEIGHT_I8 ? scale_check(weights, tensor, e) : 0;
}

/* Opening */

static int header_read(struct weights *weights, struct err *e)
{
	uint64_t length = 0;
	if (weights->size < sizeof length)
		return err_set(e, "%" PRIu64 " bytes are no safetensors file", weights->size);
	if (bytes_read(weights, 0, sizeof length, &length, e) < 0)
		return -1;
	if (length > MAX_HEADER)
		return err_set(e, "a header of %" PRIu64 " bytes: no safetensors file (the most is %d)", length, MAX_HEADER);
	if (length > weights->size - sizeof length)
		return err_set(e, "the header is %" PRIu64 " bytes long and the file %" PRIu64 ": truncated", length,
			       weights->size);
	weights->data = sizeof length + length;
	char *text = malloc(length + 1);
	if (text == NULL)
		return err_set(e, "out of memory");
	int result = bytes_read(weights, sizeof length, length, text, e);
	if (result == 0)
		result = weights_header_parse(text, length, weights->size - weights->data, &weights->tensors,
					      &weights->count, e);
	free(text);
	return result;
}

static int file_open(struct weights *weights, struct err *e)
{
	weights->fd = regular_file_open(weights->path, &weights->size, e);
	if (weights->fd < 0)
		return -1;
	return weights->size > 0 ? 0 : err_set(e, "the file is empty");
}

static struct weights *weights_load(const void *data, size_t size, const char *name, struct err *e)
{
	struct weights *weights = calloc(1, sizeof *weights);
	if (weights == NULL || (weights->path = strdup(name)) == NULL) {
		free(weights);
		err_set(e, "out of memory");
		return NULL;
	}
	weights->fd = -1;
	weights->bytes = data;
	weights->size = size;
	if ((data == NULL && file_open(weights, e) < 0) || header_read(weights, e) < 0) {
		err_prefix(e, "%s", name);
		weights_close(weights);
		return NULL;
	}
	return weights;
}

struct weights *weights_open(const char *path, struct err *e)
{
	return weights_load(NULL, 0, path, e);
}

struct weights *weights_from_memory(const void *data, size_t size, const char *name, struct err *e)
{
	return weights_load(data, size, name, e);
}

void weights_close(struct weights *weights)
{
	if (weights == NULL)
		return;
	weights_header_free(weights->tensors, weights->count);
	if (weights->fd >= 0)
		close(weights->fd);
	free(weights->path);
	free(weights);
}
