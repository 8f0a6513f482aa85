#include "gpu/device.h"
#include "gpu/stream.h"

#include <stdlib.h>
#include <string.h>

/*
 * Weights on a GPU.  float32 goes there through the loader's stream, and what
 * is to be bfloat16 is rounded there by a kernel.  Everything hangs on the
 * device in one list and goes with it.
 */
struct held {
	struct held *next;
	uint64_t address; /* or 0: memory of the host behind this */
	_Alignas(16) unsigned char data[];
};

void gpu_weights_free(struct device *device)
{
	for (struct held *held = device->held, *next; held != NULL; held = next) {
		next = held->next;
		if (held->address != 0)
			device->cuda->free(held->address);
		free(held);
	}
	device->held = NULL;
}

static struct held *hold(struct device *device, size_t size, struct err *e)
{
	struct held *held = calloc(1, sizeof *held + size);
	if (held == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	held->next = device->held;
	device->held = held;
	return held;
}

/* A layer's description, zero, which lives as long as the device. */
static void *keep_description(struct device *device, size_t size, struct err *e)
{
	struct held *held = hold(device, size, e);
	return held != NULL ? held->data : NULL;
}

/* Memory of the device that lives as long; 0 where there is none. */
static uint64_t keep_memory(struct device *device, size_t size, struct err *e)
{
	struct held *held = hold(device, 0, e);
	if (held == NULL)
		return 0;
	int error = device->cuda->allocate(&held->address, size);
	if (error != 0) {
		held->address = 0;
		gpu_error(device->cuda, error, "memory of the GPU for weights", e);
	}
	return held->address;
}

static int loader_finish(struct device *device, struct err *e)
{
	return stream_copy_out(device->loader, NULL, 0, 0, e);
}

static uint64_t keep_floats(struct device *device, const float *values, size_t count, struct err *e)
{
	uint64_t address = keep_memory(device, count * sizeof *values, e);
	if (address != 0)
		stream_copy_in(device->loader, address, values, count * sizeof *values);
	return address;
}

/* As activations are. */
static uint64_t keep_like(struct device *device, const float *values, size_t count, struct err *e)
{
	if (!device->table->narrow)
		return keep_floats(device, values, count, e);
	uint64_t address = keep_memory(device, count * sizeof(uint16_t), e), wide = 0;
	if (address == 0)
		return 0;
	int error = device->cuda->allocate(&wide, count * sizeof *values);
	if (error != 0) {
		gpu_error(device->cuda, error, "memory of the GPU for weights", e);
		return 0;
	}
	stream_copy_in(device->loader, wide, values, count * sizeof *values);
	struct narrow_args arguments = {.values = (const float *)(uintptr_t)wide, .count = (int64_t)count,
					.out = (void *)(uintptr_t)address};
	struct grid grid = {(count + BLOCK_THREADS - 1) / BLOCK_THREADS, 1, 1, BLOCK_THREADS, 0};
	stream_launch(device->loader, KERNEL_narrow, grid, &arguments);
	int result = loader_finish(device, e);
	device->cuda->free(wide);
	return result == 0 ? address : 0;
}

static int keep_norm(struct device *device, const struct norm_source *source, size_t width, struct device_norm *norm,
		     struct err *e)
{
	norm->gamma = keep_floats(device, source->gamma, width, e);
	norm->beta = keep_floats(device, source->beta, width, e);
	norm->epsilon = source->epsilon;
	return norm->gamma != 0 && norm->beta != 0 ? 0 : -1;
}

static int linear_check(const struct device *device, const struct linear_source *source, struct err *e)
{
	if (source->rotated)
		return err_set(e, "weights that are stored as int8 run on the CPU only: use --device cpu");
	if (source->use == LINEAR_HIDDEN && (source->outputs % 8 != 0 || source->inputs % 8 != 0))
		return err_set(e, "a layer of %zu by %zu values: %s needs multiples of 8", source->outputs,
			       source->inputs, device->name);
	if (source->norm != NULL && source->outputs > MOST_WIDTH)
		return err_set(e, "rows of %zu values are too wide for %s, which takes %d", source->outputs,
			       device->name, MOST_WIDTH);
	return 0;
}

/* Memory comes from the device whose context is current: another's may be. */
static int device_use(const struct device *device, struct err *e)
{
	int error = device->cuda->context_use(device->context);
	return error == 0 ? 0 : gpu_error(device->cuda, error, "the GPU's context", e);
}

struct linear *gpu_pack_linear(struct device *device, const struct linear_source *source, struct err *e)
{
	if (device_use(device, e) < 0 || linear_check(device, source, e) < 0)
		return NULL;
	struct linear *linear = keep_description(device, sizeof *linear, e);
	if (linear == NULL)
		return NULL;
	size_t count = source->outputs * source->inputs;
	linear->exact = source->use == LINEAR_EXACT;
	linear->outputs = source->outputs;
	linear->inputs = source->inputs;
	linear->weight = (linear->exact ? keep_floats : keep_like)(device, source->weight, count, e);
	linear->bias = keep_floats(device, source->bias, source->outputs, e);
	linear->bias_like = keep_like(device, source->bias, source->outputs, e);
	if (linear->weight == 0 || linear->bias == 0 || linear->bias_like == 0)
		return NULL;
	if (source->norm != NULL && keep_norm(device, source->norm, source->outputs, &linear->norm, e) < 0)
		return NULL;
	return loader_finish(device, e) == 0 ? linear : NULL;
}

/* The words as their file has them, through a block of rows at a time. */
static int keep_words(struct device *device, const struct embedding_source *source, struct embedding *embedding,
		      struct err *e)
{
	static const enum word_type types[] = {
		[TABLE_F32] = WORD_F32, [TABLE_F16] = WORD_F16, [TABLE_BF16] = WORD_BF16};
	size_t row = source->width * (source->words.type == TABLE_F32 ? sizeof(float) : sizeof(uint16_t));
	size_t step = STAGING_SIZE / row + 1;
	embedding->word_type = types[source->words.type];
	embedding->words = keep_memory(device, source->word_count * row, e);
	unsigned char *block = malloc(step * row);
	int result = block != NULL ? 0 : err_set(e, "out of memory");
	if (embedding->words == 0)
		result = -1;
	for (size_t first = 0; first < source->word_count && result == 0; first += step) {
		size_t count = source->word_count - first < step ? source->word_count - first : step;
		result = source->words.read(&source->words, first, count, block, e);
		if (result == 0)
			stream_copy_in(device->loader, embedding->words + first * row, block, count * row);
	}
	free(block);
	return result;
}

struct embedding *gpu_pack_embedding(struct device *device, const struct embedding_source *source, struct err *e)
{
	size_t width = source->width;
	if (device_use(device, e) < 0)
		return NULL;
	if (width % 8 != 0 || width > MOST_WIDTH) {
		err_set(e, "rows of %zu values: %s takes multiples of 8 up to %d", width, device->name, MOST_WIDTH);
		return NULL;
	}
	struct embedding *embedding = keep_description(device, sizeof *embedding, e);
	if (embedding == NULL)
		return NULL;
	embedding->width = width;
	embedding->positions = keep_floats(device, source->positions, source->position_count * width, e);
	embedding->type = keep_floats(device, source->type, width, e);
	if (embedding->positions == 0 || embedding->type == 0 || keep_words(device, source, embedding, e) < 0 ||
	    keep_norm(device, &source->norm, width, &embedding->norm, e) < 0)
		return NULL;
	return loader_finish(device, e) == 0 ? embedding : NULL;
}
