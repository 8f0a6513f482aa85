#include "model/train/params.h"

#include "model/half.h"
#include "model/train/random.h"
#include "model/weights_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *prefix_of(const struct layout_tensor *tensor)
{
	return layout_is_head(tensor) ? "" : "bert.";
}

static size_t tensor_count(const struct layout_tensor *tensor)
{
	return (tensor->rows == 0 ? 1 : tensor->rows) * tensor->columns;
}

/* What the tensor is called where the layout's layers are some of the file's. */
static void name_translate(const struct layout_tensor *tensor, const size_t *layers, char out[128])
{
	static const char layer[] = "encoder.layer.";
	if (layers == NULL || strncmp(tensor->name, layer, sizeof layer - 1) != 0) {
		snprintf(out, 128, "%s", tensor->name);
		return;
	}
	char *rest;
	size_t index = strtoul(tensor->name + sizeof layer - 1, &rest, 10);
	snprintf(out, 128, "%s%zu%s", layer, layers[index], rest);
}

/* The name in the file: with or without "bert.", and norms' values with TensorFlow's names. */
static void name_find(const struct weights *weights, const struct layout_tensor *tensor, const size_t *layers, char out[160])
{
	bool bare = weights_has(weights, "embeddings.word_embeddings.weight");
	char name[128];
	name_translate(tensor, layers, name);
	int used = snprintf(out, 160, "%s%s", bare ? "" : prefix_of(tensor), name);
	if (weights_has(weights, out))
		return;
	if (weights_name_ends(out, ".LayerNorm.weight"))
		strcpy(out + used - strlen("weight"), "gamma");
	else if (weights_name_ends(out, ".LayerNorm.bias"))
		strcpy(out + used - strlen("bias"), "beta");
	if (!weights_has(weights, out))
		snprintf(out, 160, "%s%s", bare ? "" : prefix_of(tensor), name);
}

/* Each tensor draws from a stream of its own. */
static void tensor_draw(const struct layout *layout, const struct layout_tensor *tensor, uint64_t seed, float *values)
{
	enum { SITE_DRAWN = 0xD0000 };
	if (tensor->rows == 0) {
		float value = weights_name_ends(tensor->name, ".LayerNorm.weight") ? 1.0f : 0.0f;
		for (size_t i = 0; i < tensor->columns; i++)
			values[i] = value;
		return;
	}
	struct random_stream stream = random_stream(seed, SITE_DRAWN, (uint32_t)(tensor - layout->tensors));
	for (size_t i = 0; i < tensor->rows * tensor->columns; i++)
		values[i] = 0.02f * random_normal(&stream);
}

static bool is_fresh(const struct params_fresh *fresh, const struct layout_tensor *tensor)
{
	if (strncmp(tensor->name, "classifier.", 11) == 0)
		return fresh->polarity;
	return fresh->topic && strncmp(tensor->name, "topic_classifier.", 17) == 0;
}

static int tensor_read(const struct weights *weights, const struct layout_tensor *tensor, const char *name, float *values,
		       struct err *e)
{
	if (weights_check(weights, name, tensor->rows, tensor->columns, e) < 0)
		return -1;
	if (weights_find(weights, name)->type == WEIGHT_I8)
		return err_set(e, "tensor %s is of type I8: a converted model cannot be trained; take its original", name);
	return weights_read(weights, name, tensor->rows, tensor->columns, values, e);
}

int params_read(const struct layout *layout, const struct weights *weights, const struct params_fresh *fresh, float *values,
		bool *drew_pooler, struct err *e)
{
	*drew_pooler = false;
	for (size_t i = 0; i < layout->tensor_count; i++) {
		const struct layout_tensor *tensor = &layout->tensors[i];
		char name[160];
		name_find(weights, tensor, fresh->layers, name);
		bool absent = !weights_has(weights, name);
		bool pooler = absent && strncmp(tensor->name, "pooler.", 7) == 0;
		bool words = absent && strncmp(tensor->name, "cls.predictions.", 16) == 0;
		bool projection = layout->projected > 0 && tensor->offset == layout->projection;
		*drew_pooler |= pooler;
		if (tensor->name[0] == '\0' && !projection)
			memset(values + tensor->offset, 0, tensor_count(tensor) * sizeof *values);
		else if (pooler || words || projection || is_fresh(fresh, tensor))
			tensor_draw(layout, tensor, fresh->seed, values + tensor->offset);
		else if (tensor_read(weights, tensor, name, values + tensor->offset, e) < 0)
			return -1;
	}
	return 0;
}

bool params_has_head(const struct layout *layout, const struct weights *weights, const char *name, size_t rows)
{
	char weight[160], bias[160];
	snprintf(weight, sizeof weight, "%s.weight", name);
	snprintf(bias, sizeof bias, "%s.bias", name);
	return rows > 0 && weights_check(weights, weight, rows, layout->hidden, NULL) == 0 &&
	       weights_check(weights, bias, 0, rows, NULL) == 0;
}

/* Both layouts name the encoder's tensors in one order, and heads after them or between. */
void params_copy_encoder(const struct layout *to, float *to_values, const struct layout *from, const float *from_values)
{
	for (size_t i = 0, k = 0; i < to->tensor_count; i++) {
		const struct layout_tensor *tensor = &to->tensors[i];
		size_t looked = 0;
		while (looked < from->tensor_count && strcmp(from->tensors[k].name, tensor->name) != 0) {
			k = (k + 1) % from->tensor_count;
			looked++;
		}
		if (looked < from->tensor_count && tensor->name[0] != '\0' && !layout_is_head(tensor))
			memcpy(to_values + tensor->offset, from_values + from->tensors[k].offset,
			       tensor_count(tensor) * sizeof *to_values);
	}
}

/* Writing */

size_t params_count(const struct layout *layout)
{
	size_t count = 0;
	for (size_t i = 0; i < layout->tensor_count; i++)
		count += layout->tensors[i].name[0] != '\0' ? tensor_count(&layout->tensors[i]) : 0;
	return count;
}

static void part_make(const struct layout_tensor *tensor, const char *type, size_t width, char *name, struct weights_part *part)
{
	size_t count = tensor_count(tensor);
	snprintf(name, 160, "%s%s", prefix_of(tensor), tensor->name);
	*part = (struct weights_part){.name = name, .type_name = type, .size = count * width, .context = tensor};
	part->dimensions = tensor->rows == 0 ? 1 : 2;
	part->shape[0] = tensor->rows == 0 ? tensor->columns : tensor->rows;
	part->shape[1] = tensor->rows == 0 ? 0 : tensor->columns;
}

static void values_write(const float *values, size_t count, bool half, FILE *out)
{
	uint16_t chunk[1024];
	if (!half) {
		fwrite(values, sizeof *values, count, out);
		return;
	}
	for (size_t at = 0, here; at < count; at += here) {
		here = count - at < 1024 ? count - at : 1024;
		for (size_t i = 0; i < here; i++)
			chunk[i] = half_narrow(values[at + i]);
		fwrite(chunk, sizeof *chunk, here, out);
	}
}

int params_write(const struct layout *layout, const float *values, const char *type, const char *program, FILE *out,
		 struct err *e)
{
	const struct weights_note notes[] = {{"format", "pt"}, {"trained_by", program}};
	bool half = strcmp(type, "F16") == 0;
	struct weights_part *parts = calloc(layout->tensor_count, sizeof *parts);
	char (*names)[160] = calloc(layout->tensor_count, sizeof *names);
	size_t count = 0;
	int result = -1;
	if (parts == NULL || names == NULL) {
		err_set(e, "out of memory");
		goto done;
	}
	for (size_t i = 0; i < layout->tensor_count; i++) {
		if (layout->tensors[i].name[0] == '\0')
			continue;
		part_make(&layout->tensors[i], type, half ? 2 : 4, names[count], &parts[count]);
		count++;
	}
	if (weights_write_header(out, parts, count, notes, 2, e) < 0)
		goto done;
	for (size_t i = 0; i < count; i++) {
		const struct layout_tensor *tensor = parts[i].context;
		values_write(values + tensor->offset, tensor_count(tensor), half, out);
		if (ferror(out)) {
			err_sys(e, errno, "cannot write");
			goto done;
		}
	}
	result = 0;
done:
	free(parts);
	free(names);
	return result;
}
