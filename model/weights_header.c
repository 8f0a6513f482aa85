#include "model/weights_header.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/*
 * A JSON object {"name": {"dtype", "shape", "data_offsets": [begin, end]}},
 * kept as a sorted array; the JSON is let go.  Offsets come from outside: they
 * are checked once here, so that reading needs no arithmetic that could wrap.
 */
static int offset_read(const json_t *json, uint64_t *out)
{
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return -1;
	*out = (uint64_t)json_integer_value(json);
	return 0;
}

/* The number of values that a shape stands for, or -1 where 64 bits do not hold it. */
static int tensor_count(const struct weight_tensor *tensor, uint64_t *count)
{
	*count = 1;
	for (size_t i = 0; i < tensor->dimensions; i++)
		if (__builtin_mul_overflow(*count, tensor->shape[i], count))
			return -1;
	return 0;
}

static int shape_read(const json_t *json, struct weight_tensor *tensor)
{
	if (!json_is_array(json) || json_array_size(json) > WEIGHT_DIMENSIONS)
		return -1;
	tensor->dimensions = json_array_size(json);
	for (size_t i = 0; i < tensor->dimensions; i++)
		if (offset_read(json_array_get(json, i), &tensor->shape[i]) < 0)
			return -1;
	return 0;
}

static int tensor_read(const json_t *json, uint64_t data_size, struct weight_tensor *tensor, struct err *e)
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
	if (tensor->end > data_size)
		return err_set(e, "tensor %s ends at byte %" PRIu64 " of the data and the file has %" PRIu64 ": truncated",
			       name, tensor->end, data_size);
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
	const struct weight_tensor *left = a, *right = b;
	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return left->end < right->end ? -1 : left->end > right->end;
}

static int by_name(const void *a, const void *b)
{
	const struct weight_tensor *left = a, *right = b;
	return strcmp(left->name, right->name);
}

static int overlap_check(struct weight_tensor *tensors, size_t count, struct err *e)
{
	qsort(tensors, count, sizeof *tensors, by_begin);
	for (size_t i = 1; i < count; i++)
		if (tensors[i].begin < tensors[i - 1].end)
			return err_set(e, "tensor %s overlaps tensor %s", tensors[i].name, tensors[i - 1].name);
	qsort(tensors, count, sizeof *tensors, by_name);
	return 0;
}

static int object_read(json_t *header, uint64_t data_size, struct weight_tensor **tensors, size_t *count,
		       struct err *e)
{
	*tensors = calloc(json_object_size(header) + 1, sizeof **tensors);
	if (*tensors == NULL)
		return err_set(e, "out of memory");
	const char *name;
	json_t *entry;
	json_object_foreach(header, name, entry) {
		if (strcmp(name, "__metadata__") == 0)
			continue;
		struct weight_tensor *tensor = &(*tensors)[*count];
		tensor->name = strdup(name);
		if (tensor->name == NULL)
			return err_set(e, "out of memory");
		++*count;
		if (tensor_read(entry, data_size, tensor, e) < 0)
			return -1;
	}
	return overlap_check(*tensors, *count, e);
}

int weights_header_parse(const char *text, size_t length, uint64_t data_size, struct weight_tensor **tensors,
			 size_t *count, struct err *e)
{
	*tensors = NULL;
	*count = 0;
	json_error_t why;
	json_t *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(header)) {
		json_decref(header);
		return err_set(e, "the header is no JSON object: %s", header == NULL ? why.text : "another value");
	}
	int result = object_read(header, data_size, tensors, count, e);
	json_decref(header);
	return result;
}

void weights_header_free(struct weight_tensor *tensors, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(tensors[i].name);
	free(tensors);
}
