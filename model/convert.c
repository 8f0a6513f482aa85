#include "model/convert.h"

#include "model/cpu/operand.h"
#include "model/encoder_weights.h"
#include "model/half.h"
#include "model/weights.h"
#include "model/weights_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * First every tensor of the original is given a form (a part, or two with its
 * scales), then the header is written, then part by part the values.  Matrices
 * are quantised by the function that packs them for the CPU, so that both give
 * the same integers.
 */
enum form { AS_IS, INT8, INT8_SCALE, BFLOAT, HALF };

struct plan {
	const struct weight_tensor *from;
	enum form form;
	char scale_name[300];
};

struct conversion {
	const struct weights *from;
	bool to_int8;
	struct plan *plans;
	struct weights_part *parts;
	size_t count;
	const char *path;
	FILE *out;
};

static void add_part(struct conversion *conversion, const struct weight_tensor *from, enum form form)
{
	static const char *const names[] = {[INT8] = "I8", [INT8_SCALE] = "F32", [BFLOAT] = "BF16", [HALF] = "F16"};
	struct plan *plan = &conversion->plans[conversion->count];
	struct weights_part *part = &conversion->parts[conversion->count++];
	*plan = (struct plan){.from = from, .form = form};
	*part = (struct weights_part){.name = from->name, .dimensions = from->dimensions, .context = plan};
	memcpy(part->shape, from->shape, sizeof part->shape);
	if (form == AS_IS) {
		part->type_name = from->type_name;
		part->size = from->end - from->begin;
		return;
	}
	if (form == INT8_SCALE) {
		snprintf(plan->scale_name, sizeof plan->scale_name, "%s_rotated_scale", from->name);
		part->name = plan->scale_name;
		part->dimensions = 1;
	}
	size_t width;
	part->type_name = names[form];
	weight_type_parse(part->type_name, &width);
	part->size = width;
	for (size_t i = 0; i < part->dimensions; i++)
		part->size *= part->shape[i];
}

static int plan_tensor(struct conversion *conversion, const struct weight_tensor *tensor, struct err *e)
{
	enum encoder_part part = encoder_weights_part(tensor->name);
	if (tensor->begin == tensor->end) { /* its shape may say 2^60 rows of nothing */
		add_part(conversion, tensor, AS_IS);
		return 0;
	}
	if (part == ENCODER_LINEAR && tensor->type == WEIGHT_I8)
		return err_set(e, "tensor %s is of type I8: the model is converted already", tensor->name);
	if (part == ENCODER_LINEAR && tensor->dimensions == 2 && conversion->to_int8) {
		if (strlen(tensor->name) + sizeof "_rotated_scale" > sizeof conversion->plans->scale_name)
			return err_set(e, "tensor %s: its name is too long", tensor->name);
		add_part(conversion, tensor, INT8);
		add_part(conversion, tensor, INT8_SCALE);
		if (weights_has(conversion->from, conversion->plans[conversion->count - 1].scale_name))
			return err_set(e, "tensor %s has scales but is not I8", tensor->name);
	} else if (part == ENCODER_LINEAR && tensor->dimensions == 2 && tensor->type != WEIGHT_BF16) {
		add_part(conversion, tensor, BFLOAT);
	} else if (part == ENCODER_WORDS && tensor->type == WEIGHT_F32) {
		add_part(conversion, tensor, HALF);
	} else {
		add_part(conversion, tensor, AS_IS);
	}
	return 0;
}

static int write_as_is(const struct conversion *conversion, const struct weight_tensor *tensor, struct err *e)
{
	char chunk[16384];
	uint64_t size = tensor->end - tensor->begin;
	for (uint64_t at = 0; at < size; at += sizeof chunk) {
		size_t here = size - at < sizeof chunk ? (size_t)(size - at) : sizeof chunk;
		if (weights_read_bytes(conversion->from, tensor, at, here, chunk, e) < 0)
			return -1;
		fwrite(chunk, 1, here, conversion->out);
	}
	return 0;
}

/* One row of `columns` values in its new form. */
static void write_row(const struct conversion *conversion, enum form form, const float *row, size_t columns,
		      uint16_t *room)
{
	float scale;
	switch (form) {
	case INT8:
	case INT8_SCALE:
		operand_quantize_weights(row, columns, (int8_t *)room, &scale);
		if (form == INT8)
			fwrite(room, 1, columns, conversion->out);
		else
			fwrite(&scale, sizeof scale, 1, conversion->out);
		return;
	case BFLOAT:
	case HALF:
		for (size_t i = 0; i < columns; i++)
			room[i] = form == BFLOAT ? bfloat_narrow(row[i]) : half_narrow(row[i]);
		fwrite(room, sizeof *room, columns, conversion->out);
		return;
	case AS_IS:
		return;
	}
}

static int write_matrix(const struct conversion *conversion, const struct plan *plan, struct err *e)
{
	size_t rows = (size_t)plan->from->shape[0], columns = (size_t)plan->from->shape[1];
	float *values = malloc((rows * columns + 1) * sizeof *values);
	uint16_t *room = malloc((columns + 1) * sizeof *room);
	int result = -1;
	if (values == NULL || room == NULL) {
		err_set(e, "tensor %s: out of memory", plan->from->name);
		goto done;
	}
	if (weights_read(conversion->from, plan->from->name, rows, columns, values, e) < 0)
		goto done;
	if (plan->form == INT8 || plan->form == INT8_SCALE)
		operand_rotate_weights(values, rows, columns);
	for (size_t row = 0; row < rows; row++)
		write_row(conversion, plan->form, values + row * columns, columns, room);
	result = 0;
done:
	free(values);
	free(room);
	return result;
}

static int write_file(struct conversion *conversion, const struct convert_options *options, struct err *e)
{
	const struct weights_note notes[] = {
		{"format", "pt"},
		{"converted_by", options->program},
		{"converted_from", options->version},
		{"precision", options->precision},
	};
	for (size_t i = 0; weights_tensor(conversion->from, i) != NULL; i++)
		if (plan_tensor(conversion, weights_tensor(conversion->from, i), e) < 0)
			return -1;
	if (weights_write_header(conversion->out, conversion->parts, conversion->count, notes,
				 sizeof notes / sizeof *notes, e) < 0)
		return -1;
	for (size_t i = 0; i < conversion->count; i++) {
		const struct plan *plan = conversion->parts[i].context;
		int result = plan->form == AS_IS ? write_as_is(conversion, plan->from, e)
						 : write_matrix(conversion, plan, e);
		if (result < 0)
			return -1;
		if (ferror(conversion->out)) /* errno is still the last write's, and the first one's reason */
			return err_sys(e, errno, "cannot write %s", conversion->path);
	}
	return 0;
}

/* To `path`, which is the caller's to remove after a failure. */
static int convert_file(const struct convert_options *options, const struct weights *from, const char *path,
			struct err *e)
{
	size_t count = 0;
	while (weights_tensor(from, count) != NULL)
		count++;
	struct conversion conversion = {
		.from = from,
		.to_int8 = strcmp(options->precision, "int8") == 0,
		.plans = calloc(2 * count + 1, sizeof *conversion.plans),
		.parts = calloc(2 * count + 1, sizeof *conversion.parts),
		.path = path,
		.out = fopen(path, "wxe"),
	};
	int result = -1;
	if (conversion.out == NULL)
		err_sys(e, errno, "%s", path);
	else if (conversion.plans == NULL || conversion.parts == NULL)
		err_set(e, "out of memory");
	else
		result = write_file(&conversion, options, e);
	if (conversion.out != NULL && fclose(conversion.out) != 0 && result == 0)
		result = err_sys(e, errno, "cannot write %s", path);
	free(conversion.plans);
	free(conversion.parts);
	return result;
}

int model_convert(const struct convert_options *options, const struct publish *publish, struct err *e)
{
	static const char *const others[] = {"config.json", "vocab.txt", "tokenizer_config.json", "tokenizer.json",
					     "special_tokens_map.json", "added_tokens.json", "README.md", "LICENSE",
					     "LICENSE.txt", "NOTICE"};
	char path[4096];
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (publish_copy(publish, options->directory, others[i], e) < 0)
			return -1;
	snprintf(path, sizeof path, "%s/model.safetensors", options->directory);
	struct weights *from = weights_open(path, e);
	if (from == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/model.safetensors", publish->path);
	int result = convert_file(options, from, path, e);
	weights_close(from);
	return result;
}
