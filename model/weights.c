#include "model/weights.h"

#include "model/weights_convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * safetensors: eight bytes of header length, a JSON header {"name": {"dtype",
 * "shape", "data_offsets": [begin, end]}}, then the data.  The header is kept
 * as a sorted array; the JSON is let go.  Offsets come from outside: they are
 * checked once here, so that reading needs no arithmetic that could wrap.
 */
enum { MAX_HEADER = 16 << 20, MAX_DIMENSIONS = 8 };

struct tensor {
	char *name;
	enum weight_type type;
	char type_name[8];
	size_t dimensions;
	uint64_t shape[MAX_DIMENSIONS];
	uint64_t begin, end; /* in the data */
};

struct weights {
	char *path;
	const unsigned char *bytes;
	size_t size;
	bool mapped;
	const unsigned char *data;
	size_t data_size;
	struct tensor *tensors; /* by name */
	size_t count;
};

static int offset_read(const json_t *json, uint64_t *out)
{
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return -1;
	*out = (uint64_t)json_integer_value(json);
	return 0;
}

/* The number of values that a shape stands for, or -1 where 64 bits do not hold it. */
static int tensor_count(const struct tensor *tensor, uint64_t *count)
{
	*count = 1;
	for (size_t i = 0; i < tensor->dimensions; i++)
		if (__builtin_mul_overflow(*count, tensor->shape[i], count))
			return -1;
	return 0;
}

static int shape_read(const json_t *json, struct tensor *tensor)
{
	if (!json_is_array(json) || json_array_size(json) > MAX_DIMENSIONS)
		return -1;
	tensor->dimensions = json_array_size(json);
	for (size_t i = 0; i < tensor->dimensions; i++)
		if (offset_read(json_array_get(json, i), &tensor->shape[i]) < 0)
			return -1;
	return 0;
}

static int tensor_read(const struct weights *weights, const json_t *json, struct tensor *tensor, struct err *e)
{
	const char *name = tensor->name;
	const char *type = json_string_value(json_object_get(json, "dtype"));
	const json_t *offsets = json_object_get(json, "data_offsets");
	if (type == NULL)
		return err_set(e, "tensor %s: the header gives no dtype", name);
	if (shape_read(json_object_get(json, "shape"), tensor) < 0)
		return err_set(e, "tensor %s: the header gives no usable shape", name);
	if (json_array_size(offsets) != 2 || offset_read(json_array_get(offsets, 0), &tensor->begin) < 0 ||
	    offset_read(json_array_get(offsets, 1), &tensor->end) < 0 || tensor->begin > tensor->end)
		return err_set(e, "tensor %s: the header gives no usable data_offsets", name);

	size_t width;
	tensor->type = weight_type_parse(type, &width);
	strncpy(tensor->type_name, type, sizeof tensor->type_name - 1);
	if (tensor->end > weights->data_size)
		return err_set(e, "tensor %s ends at byte %" PRIu64 " of the data and the file has %zu: truncated", name,
			       tensor->end, weights->data_size);
	uint64_t bytes;
	if (tensor_count(tensor, &bytes) < 0 || (width != 0 && __builtin_mul_overflow(bytes, width, &bytes)))
		return err_set(e, "tensor %s: its shape is larger than any file", name);
	if (width != 0 && bytes != tensor->end - tensor->begin)
		return err_set(e, "tensor %s: its shape needs %" PRIu64 " bytes and data_offsets give it %" PRIu64, name,
			       bytes, tensor->end - tensor->begin);
	return 0;
}

static int by_begin(const void *a, const void *b)
{
	const struct tensor *left = a, *right = b;
	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return left->end < right->end ? -1 : left->end > right->end;
}

static int by_name(const void *a, const void *b)
{
	const struct tensor *left = a, *right = b;
	return strcmp(left->name, right->name);
}

static int overlap_check(struct weights *weights, struct err *e)
{
	qsort(weights->tensors, weights->count, sizeof *weights->tensors, by_begin);
	for (size_t i = 1; i < weights->count; i++) {
		const struct tensor *before = &weights->tensors[i - 1], *tensor = &weights->tensors[i];
		if (tensor->begin < before->end)
			return err_set(e, "tensor %s overlaps tensor %s", tensor->name, before->name);
	}
	qsort(weights->tensors, weights->count, sizeof *weights->tensors, by_name);
	return 0;
}

static int header_read(struct weights *weights, json_t *header, struct err *e)
{
	weights->tensors = calloc(json_object_size(header) + 1, sizeof *weights->tensors);
	if (weights->tensors == NULL)
		return err_set(e, "out of memory");
	const char *name;
	json_t *entry;
	json_object_foreach(header, name, entry) {
		if (strcmp(name, "__metadata__") == 0)
			continue;
		struct tensor *tensor = &weights->tensors[weights->count];
		tensor->name = strdup(name);
		if (tensor->name == NULL)
			return err_set(e, "out of memory");
		weights->count++;
		if (tensor_read(weights, entry, tensor, e) < 0)
			return -1;
	}
	return overlap_check(weights, e);
}

static int header_parse(struct weights *weights, struct err *e)
{
	uint64_t length = 0;
	if (weights->size < sizeof length)
		return err_set(e, "%zu bytes are no safetensors file", weights->size);
	memcpy(&length, weights->bytes, sizeof length);
	if (length > MAX_HEADER)
		return err_set(e, "a header of %" PRIu64 " bytes: no safetensors file (the most is %d)", length, MAX_HEADER);
	if (length > weights->size - sizeof length)
		return err_set(e, "the header is %" PRIu64 " bytes long and the file %zu: truncated", length, weights->size);
	weights->data = weights->bytes + sizeof length + length;
	weights->data_size = weights->size - sizeof length - (size_t)length;

	json_error_t why;
	json_t *header = json_loadb((const char *)weights->bytes + sizeof length, length, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(header)) {
		json_decref(header);
		return err_set(e, "the header is no JSON object: %s", header == NULL ? why.text : "another value");
	}
	int result = header_read(weights, header, e);
	json_decref(header);
	return result;
}

static int file_map(struct weights *weights, struct err *e)
{
	int result = -1;
	struct stat status;
	int fd = open(weights->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot open");
	if (fstat(fd, &status) < 0) {
		err_sys(e, errno, "cannot read");
		goto done;
	}
	if (!S_ISREG(status.st_mode) || status.st_size == 0) {
		err_set(e, S_ISREG(status.st_mode) ? "the file is empty" : "not a regular file");
		goto done;
	}
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED) {
		err_sys(e, errno, "cannot map");
		goto done;
	}
	weights->bytes = bytes;
	weights->size = (size_t)status.st_size;
	weights->mapped = true;
	result = 0;
done:
	close(fd);
	return result;
}

static struct weights *weights_load(const void *data, size_t size, const char *name, struct err *e)
{
	struct weights *weights = calloc(1, sizeof *weights);
	if (weights == NULL || (weights->path = strdup(name)) == NULL) {
		err_set(e, "out of memory");
		goto fail;
	}
	weights->bytes = data;
	weights->size = size;
	if (data == NULL && file_map(weights, e) < 0)
		goto fail;
	if (header_parse(weights, e) < 0)
		goto fail;
	return weights;

fail:
	err_prefix(e, "%s", name);
	weights_close(weights);
	return NULL;
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
	for (size_t i = 0; i < weights->count; i++)
		free(weights->tensors[i].name);
	free(weights->tensors);
	if (weights->mapped)
		munmap((void *)(uintptr_t)weights->bytes, weights->size);
	free(weights->path);
	free(weights);
}

const void *weights_bytes(const struct weights *weights, size_t *size)
{
	*size = weights->size;
	return weights->bytes;
}

static const struct tensor *find(const struct weights *weights, const char *name)
{
	const struct tensor key = {.name = (char *)(uintptr_t)name};
	return bsearch(&key, weights->tensors, weights->count, sizeof key, by_name);
}

bool weights_has(const struct weights *weights, const char *name)
{
	return find(weights, name) != NULL;
}

static const char *shape_format(size_t dimensions, const uint64_t *shape, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < dimensions && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%" PRIu64, i == 0 ? "" : ", ", shape[i]);
	return out;
}

int weights_check(const struct weights *weights, const char *name, size_t rows, size_t columns, struct err *e)
{
	const struct tensor *tensor = find(weights, name);
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
		return err_set(e, "%s: tensor %s is of type %s; F32, F16 or BF16 is needed", weights->path, name,
			       tensor->type_name);
	return 0;
}

int weights_read(const struct weights *weights, const char *name, size_t rows, size_t columns, float *out,
		 struct err *e)
{
	if (weights_check(weights, name, rows, columns, e) < 0)
		return -1;
	const struct tensor *tensor = find(weights, name);
	size_t count = (rows == 0 ? 1 : rows) * columns;
	size_t finite = weight_convert(tensor->type, weights->data + tensor->begin, count, out);
	if (finite < count)
		return err_set(e, "%s: tensor %s: value %zu is not a finite number", weights->path, name, finite);
	return 0;
}
