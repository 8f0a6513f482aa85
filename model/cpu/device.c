#include "model/cpu/device.h"

#include "model/cpu/attention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Packed weights hang on the device in a list of aligned blocks: they come one by one and go all at once. */
struct block {
	struct block *next;
	_Alignas(64) unsigned char data[];
};

struct device *cpu_device_open(const struct gemm *gemm, struct err *e)
{
	struct device *device = calloc(1, sizeof *device);
	if (device == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	device->gemm = gemm;
	size_t prefix = (size_t)snprintf(device->name, sizeof device->name, "cpu-");
	if (gemm->open(device->name + prefix, sizeof device->name - prefix, e) < 0) {
		free(device);
		return NULL;
	}
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

struct linear *cpu_pack_linear(struct device *device, const struct linear_source *source, struct err *e)
{
	size_t count = device->gemm->packed_count(source->outputs, source->inputs);
	struct linear *linear = device_keep(device, sizeof *linear, e);
	float *packed = device_keep(device, count * sizeof *packed, e);
	const float *bias = keep_floats(device, source->bias, source->outputs, e);
	if (linear == NULL || packed == NULL || bias == NULL)
		return NULL;
	device->gemm->pack(source->weight, source->outputs, source->inputs, packed);
	*linear = (struct linear){
		.outputs = source->outputs, .inputs = source->inputs, .packed = packed, .bias = bias};
	if (source->norm != NULL && keep_norm(device, source->norm, source->outputs, &linear->norm, e) < 0)
		return NULL;
	return linear;
}

struct embedding *cpu_pack_embedding(struct device *device, const struct embedding_source *source, struct err *e)
{
	size_t width = source->width;
	struct embedding *embedding = device_keep(device, sizeof *embedding, e);
	if (embedding == NULL)
		return NULL;
	*embedding = (struct embedding){
		.width = width,
		.words = keep_floats(device, source->words, source->word_count * width, e),
		.positions = keep_floats(device, source->positions, source->position_count * width, e),
		.type = keep_floats(device, source->type, width, e),
	};
	if (embedding->words == NULL || embedding->positions == NULL || embedding->type == NULL)
		return NULL;
	return keep_norm(device, &source->norm, width, &embedding->norm, e) < 0 ? NULL : embedding;
}

void cpu_stream_close(struct stream *stream)
{
	if (stream == NULL)
		return;
	free(stream->block);
	free(stream->scratch);
	free(stream);
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
	stream->block = aligned_alloc(64, (limits->block_size + 63) / 64 * 64);
	stream->scratch = aligned_alloc(64, (scratch * sizeof(float) + 63) / 64 * 64);
	if (stream->block == NULL || stream->scratch == NULL)
		goto fail;
	return stream;

fail:
	err_set(e, "out of memory for %zu bytes of activations", limits->block_size);
	cpu_stream_close(stream);
	return NULL;
}
