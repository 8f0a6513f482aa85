#include "model/cpu/attention.h"
#include "model/cpu/gemm.h"
#include "model/cpu/rows.h"
#include "model/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The two float32 tables of the CPU.  They differ in the matrix product alone,
 * which the device carries; so the reference checks everything else of the
 * faster one too.  Buffers are plain memory, operations are done when they
 * return.
 */
struct device {
	const struct gemm *gemm;
	char name[64];
	struct block *blocks;
};

/* Memory of packed weights, freed with the device. */
struct block {
	struct block *next;
	_Alignas(64) unsigned char data[];
};

struct linear {
	size_t outputs, inputs;
	const float *packed, *bias;
	struct norm norm;
};

struct embedding {
	size_t width;
	const float *words, *positions, *type;
	struct norm norm;
};

struct stream {
	struct device *device;
	size_t hidden, heads;
	unsigned char *block;
	float *scratch;
};

static float *floats(struct buffer *buffer)
{
	return (float *)(void *)buffer;
}

static const float *const_floats(const struct buffer *buffer)
{
	return (const float *)(const void *)buffer;
}

static const int32_t *integers(const struct buffer *buffer)
{
	return (const int32_t *)(const void *)buffer;
}

/* Device and weights */

static struct device *device_open(const struct gemm *gemm, struct err *e)
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

static struct device *plain_open(struct err *e)
{
	return device_open(&gemm_plain, e);
}

static struct device *openblas_open(struct err *e)
{
	return device_open(&gemm_openblas, e);
}

static void device_close(struct device *device)
{
	if (device == NULL)
		return;
	for (struct block *block = device->blocks, *next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(device);
}

static const char *kernels(const struct device *device)
{
	return device->name;
}

/* Zeroed memory that lives as long as the device. */
static void *device_keep(struct device *device, size_t size, struct err *e)
{
	size_t total = (sizeof(struct block) + size + 63) / 64 * 64;
	struct block *block = aligned_alloc(64, total);
	if (block == NULL) {
		err_set(e, "out of memory for %zu bytes of weights", size);
		return NULL;
	}
	memset(block, 0, total);
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

static struct linear *pack_linear(struct device *device, const struct linear_source *source, struct err *e)
{
	size_t count = device->gemm->packed_count(source->outputs, source->inputs);
	struct linear *linear = device_keep(device, sizeof *linear, e);
	float *packed = device_keep(device, count * sizeof *packed, e);
	const float *bias = keep_floats(device, source->bias, source->outputs, e);
	if (linear == NULL || packed == NULL || bias == NULL)
		return NULL;
	device->gemm->pack(source->weight, source->outputs, source->inputs, packed);
	linear->outputs = source->outputs;
	linear->inputs = source->inputs;
	linear->packed = packed;
	linear->bias = bias;
	if (source->norm != NULL && keep_norm(device, source->norm, source->outputs, &linear->norm, e) < 0)
		return NULL;
	return linear;
}

static struct embedding *pack_embedding(struct device *device, const struct embedding_source *source, struct err *e)
{
	size_t width = source->width;
	struct embedding *embedding = device_keep(device, sizeof *embedding, e);
	if (embedding == NULL)
		return NULL;
	embedding->width = width;
	embedding->words = keep_floats(device, source->words, source->word_count * width, e);
	embedding->positions = keep_floats(device, source->positions, source->position_count * width, e);
	embedding->type = keep_floats(device, source->type, width, e);
	if (embedding->words == NULL || embedding->positions == NULL || embedding->type == NULL)
		return NULL;
	return keep_norm(device, &source->norm, width, &embedding->norm, e) < 0 ? NULL : embedding;
}

/* Streams */

static void stream_close(struct stream *stream)
{
	if (stream == NULL)
		return;
	free(stream->block);
	free(stream->scratch);
	free(stream);
}

static struct stream *stream_open(struct device *device, const struct stream_limits *limits, struct err *e)
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
	stream_close(stream);
	return NULL;
}

static struct buffer *buffer_at(struct stream *stream, size_t offset)
{
	return (struct buffer *)(void *)(stream->block + offset);
}

static size_t activation_size(size_t rows, size_t columns)
{
	return rows * columns * sizeof(float);
}

static void upload(struct stream *stream, const int32_t *values, size_t count, struct buffer *out)
{
	(void)stream;
	memcpy(out, values, count * sizeof *values);
}

static int download(struct stream *stream, const struct buffer *logits, size_t count, float *out, struct err *e)
{
	(void)stream;
	(void)e;
	memcpy(out, logits, count * sizeof *out);
	return 0;
}

/* Operations */

static void embed(struct stream *stream, const struct embedding *embedding, const struct packed *batch,
		  struct buffer *out)
{
	(void)stream;
	size_t width = embedding->width;
	const int32_t *ids = integers(batch->ids), *starts = integers(batch->starts);
	float *row = floats(out);
	for (size_t text = 0; text < batch->texts; text++) {
		const float *position = embedding->positions;
		for (int32_t token = starts[text]; token < starts[text + 1]; token++) {
			const float *word = embedding->words + (size_t)ids[token] * width;
			for (size_t i = 0; i < width; i++)
				row[i] = word[i] + position[i];
			row += width;
			position += width;
		}
	}
	rows_add_bias_norm(floats(out), batch->tokens, width, embedding->type, &embedding->norm);
}

static void multiply(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
		     bool add, struct buffer *y)
{
	stream->device->gemm->multiply(const_floats(x), rows, linear->packed, linear->outputs, linear->inputs, add,
				       floats(y));
}

#define LINEAR_FUNCTION(name, finish)                                                                          \
	static void name(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows, \
			 struct buffer *y)                                                                     \
	{                                                                                                      \
		multiply(stream, linear, x, rows, false, y);                                                   \
		finish(floats(y), rows, linear->outputs, linear->bias);                                        \
	}

LINEAR_FUNCTION(linear_plain, rows_add_bias)
LINEAR_FUNCTION(linear_gelu, rows_add_bias_gelu)
LINEAR_FUNCTION(linear_gelu_tanh, rows_add_bias_gelu_tanh)
LINEAR_FUNCTION(linear_relu, rows_add_bias_relu)
LINEAR_FUNCTION(linear_tanh, rows_add_bias_tanh)

static void linear_residual_norm(struct stream *stream, const struct linear *linear, const struct buffer *x,
				 size_t rows, struct buffer *y)
{
	multiply(stream, linear, x, rows, true, y);
	rows_add_bias_norm(floats(y), rows, linear->outputs, linear->bias, &linear->norm);
}

/* Attention of one text; `head` holds what its heads have in common, at the first head. */
static void attention_text(struct stream *stream, struct attention_head head)
{
	for (size_t i = 0; i < stream->heads; i++) {
		attention_head_run(&head);
		head.queries += head.size;
		head.keys += head.size;
		head.values += head.size;
		head.out += head.size;
	}
}

static void attention(struct stream *stream, const struct packed *batch, const struct buffer *qkv,
		      struct buffer *out)
{
	size_t hidden = stream->hidden;
	const int32_t *starts = integers(batch->starts);
	for (size_t text = 0; text < batch->texts; text++) {
		size_t first = (size_t)starts[text], length = (size_t)starts[text + 1] - first;
		const float *row = const_floats(qkv) + first * 3 * hidden;
		attention_text(stream, (struct attention_head){
			.queries = row, .keys = row + hidden, .values = row + 2 * hidden,
			.out = floats(out) + first * hidden,
			.query_stride = 3 * hidden, .key_stride = 3 * hidden, .out_stride = hidden,
			.query_count = length, .length = length, .size = hidden / stream->heads,
			.scratch = stream->scratch,
		});
	}
}

static void attention_first(struct stream *stream, const struct packed *batch, const struct buffer *q,
			    const struct buffer *kv, struct buffer *out)
{
	size_t hidden = stream->hidden;
	const int32_t *starts = integers(batch->starts);
	for (size_t text = 0; text < batch->texts; text++) {
		size_t first = (size_t)starts[text], length = (size_t)starts[text + 1] - first;
		const float *row = const_floats(kv) + first * 2 * hidden;
		attention_text(stream, (struct attention_head){
			.queries = const_floats(q) + text * hidden, .keys = row, .values = row + hidden,
			.out = floats(out) + text * hidden,
			.query_stride = hidden, .key_stride = 2 * hidden, .out_stride = hidden,
			.query_count = 1, .length = length, .size = hidden / stream->heads,
			.scratch = stream->scratch,
		});
	}
}

static void gather_first(struct stream *stream, const struct packed *batch, const struct buffer *x,
			 struct buffer *out)
{
	size_t hidden = stream->hidden;
	const int32_t *starts = integers(batch->starts);
	for (size_t text = 0; text < batch->texts; text++)
		memcpy(floats(out) + text * hidden, const_floats(x) + (size_t)starts[text] * hidden,
		       hidden * sizeof(float));
}

static void mean_pool(struct stream *stream, const struct packed *batch, const struct buffer *x, struct buffer *out)
{
	size_t hidden = stream->hidden;
	const int32_t *starts = integers(batch->starts);
	for (size_t text = 0; text < batch->texts; text++)
		rows_mean(const_floats(x) + (size_t)starts[text] * hidden,
			  (size_t)(starts[text + 1] - starts[text]), hidden, floats(out) + text * hidden);
}

#define FP32_TABLE(open)                                                       \
	{                                                                      \
		.device = "cpu",                                               \
		.precision = "fp32",                                           \
		.device_open = open,                                           \
		.device_close = device_close,                                  \
		.kernels = kernels,                                            \
		.pack_linear = pack_linear,                                    \
		.pack_embedding = pack_embedding,                              \
		.stream_open = stream_open,                                    \
		.stream_close = stream_close,                                  \
		.buffer_at = buffer_at,                                        \
		.activation_size = activation_size,                            \
		.upload = upload,                                              \
		.download = download,                                          \
		.embed = embed,                                                \
		.linear = linear_plain,                                        \
		.linear_gelu = linear_gelu,                                    \
		.linear_gelu_tanh = linear_gelu_tanh,                          \
		.linear_relu = linear_relu,                                    \
		.linear_tanh = linear_tanh,                                    \
		.linear_residual_norm = linear_residual_norm,                  \
		.linear_logits = linear_plain,                                 \
		.attention = attention,                                        \
		.attention_first = attention_first,                            \
		.gather_first = gather_first,                                  \
		.mean_pool = mean_pool,                                        \
	}

const struct ops ops_plain = FP32_TABLE(plain_open);
const struct ops ops_openblas = FP32_TABLE(openblas_open);
