#ifndef TESTS_SAFETENSORS_WRITER_H
#define TESTS_SAFETENSORS_WRITER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A safetensors file in memory, tensor by tensor; included by one test each. */
struct safetensors {
	char header[1 << 16];
	size_t header_used;
	unsigned char *data;
	size_t data_size;
};

/* `shape` as JSON: "[2, 3]". */
static inline void safetensors_add(struct safetensors *file, const char *name, const char *type, const char *shape,
				   const void *data, size_t size)
{
	file->header_used += (size_t)snprintf(
		file->header + file->header_used, sizeof file->header - file->header_used,
		"%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}", file->header_used ? "," : "",
		name, type, shape, file->data_size, file->data_size + size);
	file->data = realloc(file->data, file->data_size + size + 1);
	memcpy(file->data + file->data_size, data, size);
	file->data_size += size;
}

/* float32 [rows, columns], or [columns] where rows is 0. */
static inline void safetensors_add_floats(struct safetensors *file, const char *name, int rows, int columns, const float *values)
{
	char shape[48];
	if (rows == 0)
		snprintf(shape, sizeof shape, "[%d]", columns);
	else
		snprintf(shape, sizeof shape, "[%d,%d]", rows, columns);
	safetensors_add(file, name, "F32", shape, values, (size_t)(rows == 0 ? 1 : rows) * (size_t)columns * sizeof *values);
}

/* A file with this header text and this data: malformed ones too. */
static inline void *safetensors_join(const char *header, const void *data, size_t data_size, size_t *size)
{
	uint64_t length = strlen(header);
	*size = sizeof length + length + data_size;
	char *out = malloc(*size);
	memcpy(out, &length, sizeof length);
	memcpy(out + sizeof length, header, length);
	if (data_size > 0)
		memcpy(out + sizeof length + length, data, data_size);
	return out;
}

/* The finished file, malloc'ed; empties `file`. */
static inline void *safetensors_finish(struct safetensors *file, size_t *size)
{
	char *header = malloc(file->header_used + 3);
	sprintf(header, "{%s}", file->header);
	void *out = safetensors_join(header, file->data, file->data_size, size);
	free(header);
	free(file->data);
	memset(file, 0, sizeof *file);
	return out;
}

#endif
