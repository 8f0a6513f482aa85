/*
 * Weights: nothing crashes or reads outside the file, and what is read is
 * finite.  An input is taken as a file, and once more as a header's text with
 * the data after its first newline, so that mutations need not keep the length
 * in front right.
 */
#include "model/weights.h"

#include "daemon/base/check.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_tensor(const struct weights *weights, const char *name, size_t rows, size_t columns)
{
	float out[64];
	struct err e = {.text = ""};
	size_t count = (rows == 0 ? 1 : rows) * columns;
	if (weights_read(weights, name, rows, columns, out, &e) < 0) {
		CHECK(strstr(e.text, name) != NULL);
		return;
	}
	const struct weight_tensor *tensor = weights_find(weights, name);
	CHECK(tensor != NULL && tensor->type != WEIGHT_OTHER);
	for (size_t i = 0; i < count; i++)
		CHECK(isfinite(out[i]));
	if (tensor->type == WEIGHT_I8) /* with its scales, which have been read */
		return;
	unsigned char raw[sizeof out];
	CHECK(weights_read_rows(weights, tensor, columns, 0, count / columns, raw, &e) == 0);
}

static void try_file(const void *bytes, size_t size)
{
	static const char *const names[] = {"w", "v", "encoder.weight"};
	struct err e = {.text = ""};
	struct weights *weights = weights_from_memory(bytes, size, "fuzz", &e);
	if (weights == NULL) {
		CHECK(e.text[0] != '\0');
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (size_t rows = 0; rows <= 4; rows++)
			for (size_t columns = 1; columns <= 8; columns++)
				try_tensor(weights, names[i], rows, columns);
	weights_close(weights);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_file(data, size);

	const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
	uint64_t header = newline != NULL ? (uint64_t)(newline - data) : size;
	size_t rest = newline != NULL ? size - header - 1 : 0;
	uint8_t *file = malloc(sizeof header + header + rest);
	CHECK(file != NULL);
	memcpy(file, &header, sizeof header);
	if (header > 0)
		memcpy(file + sizeof header, data, header);
	if (rest > 0)
		memcpy(file + sizeof header + header, newline + 1, rest);
	try_file(file, sizeof header + header + rest);
	free(file);
	return 0;
}
