#include "model/cpu/device.h"

#include "model/cpu/attention.h"
#include "model/cpu/operand.h"
#include "model/half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Packed weights hang on the device in a list of aligned blocks: they come one by one and go all at once. */
struct block {
	struct block *next;
	_Alignas(64) unsigned char data[];
};

struct device *cpu_device_open(const struct ops *ops, int number, struct err *e)
{
	(void)number; /* there is one */
	const struct cpu_ops *table = (const struct cpu_ops *)ops;
	if (!table->gemm->available()) {
		err_set(e, "this CPU lacks what the %s kernels need", table->gemm->name);
		return NULL;
	}
	struct device *device = calloc(1, sizeof *device);
	if (device == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	device->table = table;
	snprintf(device->name, sizeof device->name, "cpu-%s", table->gemm->name);
	return device;
}

void cpu_device_close(struct device *device)
{
	if (device == NULL)
		return;
	for (struct block *block = device->blocks, *next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(device);
}

/* Memory that lives as long as the device. */
static void *device_keep(struct device *device, size_t size, struct err *e)
{
	size_t total = (sizeof(struct block) + size + 63) / 64 * 64;
	struct block *block = aligned_alloc(64, total);
	if (block == NULL) {
		err_set(e, "out of memory for %zu bytes of weights", size);
		return NULL;
	}
	block->next = device->blocks;
	device->blocks = block;
	return block->data;
}

static const float *keep_floats(struct device *device, const float *values, size_t count, struct err *e)
{
	float *copy = device_keep(device, count * sizeof *copy, e);
	if (copy != NULL)
		memcpy(copy, values, count * sizeof *copy);
	return copy;
}

static int keep_norm(struct device *device, const struct norm_source *source, size_t width, struct norm *norm,
		     struct err *e)
{
	norm->gamma = keep_floats(device, source->gamma, width, e);
	norm->beta = keep_floats(device, source->beta, width, e);
	norm->epsilon = source->epsilon;
	return norm->gamma != NULL && norm->beta != NULL ? 0 : -1;
}

static float *keep_zeros(struct device *device, size_t count, struct err *e)
{
	float *values = device_keep(device, count * sizeof *values, e);
	if (values != NULL)
		memset(values, 0, count * sizeof *values);
	return values;
}

/* Integers are made of rotated weights, all else of those that are not. */
static int pack_weights(const struct gemm_weights *out, const struct linear_source *source, gemm_word *panels,
			float *scale, float *sum, struct err *e)
{
	bool rotated = gemm_is_integer(out->form);
	if (rotated == source->rotated) {
		operand_pack_weights(out, source->weight, panels, scale, sum);
		return 0;
	}
	size_t size = out->outputs * out->inputs * sizeof *source->weight;
	float *turned = malloc(size);
	if (turned == NULL)
		return err_set(e, "out of memory for %zu bytes of weights", size);
	memcpy(turned, source->weight, size);
	(rotated ? operand_rotate_weights : operand_unrotate_weights)(turned, out->outputs, out->inputs);
	operand_pack_weights(out, turned, panels, scale, sum);
	free(turned);
	return 0;
}

struct linear *cpu_pack_linear(struct device *device, const struct linear_source *source, struct err *e)
{
	const struct gemm *gemm = source->use == LINEAR_EXACT ? device->table->exact : device->table->gemm;
	size_t padded = (source->outputs + gemm->panel - 1) / gemm->panel * gemm->panel;
	size_t words = operand_words(gemm->form, source->inputs);
	struct linear *linear = device_keep(device, sizeof *linear, e);
	gemm_word *panels = device_keep(device, padded * words * sizeof *panels, e);
	float *bias = keep_zeros(device, padded, e), *scale = NULL, *sum = NULL;
	if (linear == NULL || panels == NULL || bias == NULL)
		return NULL;
	if (gemm_is_integer(gemm->form)) {
		if (source->inputs > OPERAND_MOST_INPUTS) {
			err_set(e, "a layer of %zu inputs is too wide for int8: use fp32", source->inputs);
			return NULL;
		}
		scale = keep_zeros(device, padded, e);
		sum = keep_zeros(device, padded, e);
		if (scale == NULL || sum == NULL)
			return NULL;
	}
	memcpy(bias, source->bias, source->outputs * sizeof *bias);
	*linear = (struct linear){
		.gemm = gemm,
		.weights = {.form = gemm->form, .outputs = source->outputs, .inputs = source->inputs, .words = words,
			    .panel = gemm->panel, .panels = panels, .bias = bias, .scale = scale, .sum = sum},
	};
	if (pack_weights(&linear->weights, source, panels, scale, sum, e) < 0)
		return NULL;
	if (source->norm != NULL && keep_norm(device, source->norm, source->outputs, &linear->norm, e) < 0)
		return NULL;
	return linear;
}

/* float32 rows to float16, through a block of them at a time. */
static int narrow_words(const struct embedding_source *source, uint16_t *out, struct err *e)
{
	enum { BLOCK_BYTES = 64 << 10 };
	size_t width = source->width, rows = BLOCK_BYTES / (width * sizeof(float)) + 1;
	float *block = malloc(rows * width * sizeof *block);
	if (block == NULL)
		return err_set(e, "out of memory");
	int result = 0;
	for (size_t row = 0; row < source->word_count; row += rows) {
		size_t count = source->word_count - row < rows ? source->word_count - row : rows;
		result = source->words.read(&source->words, row, count, block, e);
		if (result < 0)
			break;
		for (size_t i = 0; i < count * width; i++)
			*out++ = half_narrow(block[i]);
	}
	free(block);
	return result;
}

static int keep_words(struct device *device, const struct embedding_source *source, struct embedding *embedding,
		      struct err *e)
{
	bool narrow = source->words.type == TABLE_F32 && strcmp(device->table->ops.precision, "fp32") != 0;
	embedding->word_type = narrow ? TABLE_F16 : source->words.type;
	size_t value = embedding->word_type == TABLE_F32 ? sizeof(float) : sizeof(uint16_t);
	void *words = device_keep(device, source->word_count * source->width * value, e);
	embedding->words = words;
	if (words == NULL)
		return -1;
	return narrow ? narrow_words(source, words, e)
		      : source->words.read(&source->words, 0, source->word_count, words, e);
}

struct embedding *cpu_pack_embedding(struct device *device, const struct embedding_source *source, struct err *e)
{
	size_t width = source->width;
	struct embedding *embedding = device_keep(device, sizeof *embedding, e);
	if (embedding == NULL)
		return NULL;
	*embedding = (struct embedding){
		.width = width,
		.positions = keep_floats(device, source->positions, source->position_count * width, e),
		.type = keep_floats(device, source->type, width, e),
	};
	if (embedding->positions == NULL || embedding->type == NULL || keep_words(device, source, embedding, e) < 0)
		return NULL;
	return keep_norm(device, &source->norm, width, &embedding->norm, e) < 0 ? NULL : embedding;
}

void cpu_stream_close(struct stream *stream)
{
	if (stream == NULL)
		return;
	free(stream->block);
	free(stream->attention);
	free(stream->words);
	free(stream->ranges);
	free(stream);
}

static void *allocate_aligned(size_t size)
{
	return aligned_alloc(64, (size + 63) / 64 * 64);
}

struct stream *cpu_stream_open(struct device *device, const struct stream_limits *limits, struct err *e)
{
	struct stream *stream = calloc(1, sizeof *stream);
	if (stream == NULL)
		goto fail;
	stream->device = device;
	stream->hidden = limits->hidden;
	stream->heads = limits->heads;
	size_t scratch = attention_scratch_count(limits->longest, limits->hidden / limits->heads);
	stream->block = allocate_aligned(limits->block_size);
	stream->attention = allocate_aligned(scratch * sizeof *stream->attention);
	/* Words of rows are never more than their values, made even. */
	stream->words = allocate_aligned(CPU_BLOCK_ROWS * (limits->widest + 1) * sizeof *stream->words);
	stream->ranges = allocate_aligned(CPU_BLOCK_ROWS * sizeof *stream->ranges);
	if (stream->block == NULL || stream->attention == NULL || stream->words == NULL || stream->ranges == NULL)
		goto fail;
	return stream;

fail:
	err_set(e, "out of memory for %zu bytes of activations", limits->block_size);
	cpu_stream_close(stream);
	return NULL;
}
