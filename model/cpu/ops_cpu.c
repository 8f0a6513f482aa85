#include "model/cpu/attention.h"
#include "model/cpu/device.h"
#include "model/cpu/embed.h"
#include "model/cpu/operand.h"
#include "model/cpu/tables.h"

#include <string.h>

/*
 * The tables of the CPU.  They differ in the product alone; so the reference
 * checks everything else of the faster ones too.  Buffers are plain memory,
 * operations are done when they return.
 */
static const char *kernels(const struct device *device)
{
	return device->name;
}

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
			embed_row(embedding, (size_t)ids[token], position, row);
			row += width;
			position += width;
		}
	}
	rows_norm(floats(out), batch->tokens, width, &embedding->norm);
}

/*
 * How many of `rows` rows, which go in so many blocks, come next: an even share, since weights pass by for a small block
 * as for a large one; in whole pairs of AMX's tiles, but for the last block.
 */
static size_t block_rows(size_t rows, size_t blocks)
{
	size_t share = (rows / blocks + CPU_TILE_ROWS - 1) / CPU_TILE_ROWS * CPU_TILE_ROWS;
	return share < rows ? share : rows;
}

/* Rows are taken in blocks, so that what one step leaves in the cache the next one finds there. */
static void linear_run(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
		       enum gemm_finish finish, struct buffer *y)
{
	const struct gemm_weights *weights = &linear->weights;
	size_t blocks = (rows + CPU_BLOCK_ROWS - 1) / CPU_BLOCK_ROWS;
	for (size_t row = 0, count; row < rows; row += count, blocks--) {
		count = block_rows(rows - row, blocks);
		struct gemm_rows block = operand_prepare_rows(weights->form, const_floats(x) + row * weights->inputs,
							      count, weights->inputs, stream->words, stream->ranges);
		float *out = floats(y) + row * weights->outputs;
		linear->gemm->multiply(weights, &block, finish, out, weights->outputs);
		if (linear->norm.gamma != NULL)
			rows_norm(out, count, weights->outputs, &linear->norm);
	}
}

#define LINEAR_FUNCTION(name, finish)                                                                          \
	static void name(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows, \
			 struct buffer *y)                                                                     \
	{                                                                                                      \
		linear_run(stream, linear, x, rows, finish, y);                                                \
	}

LINEAR_FUNCTION(linear_plain, GEMM_STORE)
LINEAR_FUNCTION(linear_gelu, GEMM_GELU)
LINEAR_FUNCTION(linear_gelu_tanh, GEMM_GELU_TANH)
LINEAR_FUNCTION(linear_relu, GEMM_RELU)
LINEAR_FUNCTION(linear_tanh, GEMM_TANH)
LINEAR_FUNCTION(linear_residual_norm, GEMM_ADD)

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
			.scratch = stream->attention,
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
			.scratch = stream->attention,
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

#define CPU_OPS(name)                                                          \
	{                                                                      \
		.device = "cpu",                                               \
		.precision = name,                                             \
		.batch_tokens = 256,                                           \
		.device_open = cpu_device_open,                                \
		.device_close = cpu_device_close,                              \
		.kernels = kernels,                                            \
		.pack_linear = cpu_pack_linear,                                \
		.pack_embedding = cpu_pack_embedding,                          \
		.stream_open = cpu_stream_open,                                \
		.stream_close = cpu_stream_close,                              \
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

/*
 * Fastest first.  Measured for one core of a Sapphire Rapids, over a layer's shapes (GOP/s): 525 to 580 avx512-vnni,
 * 235 to 320 avx-vnni, 130 avx512 fp32 and bf16 (82 by vdpbf16ps), 115 avx2 int8, 70 avx2 fp32, 65 avx2 bf16.
 * AMX stands where its instructions' throughput puts it, up to eight times AVX-512's.
 */
static const struct cpu_ops tables[] = {
#if defined(__x86_64__)
	{CPU_OPS("int8"), &gemm_amx_int8, &gemm_avx512_fp32},
	{CPU_OPS("bf16"), &gemm_amx_bf16, &gemm_avx512_fp32},
	{CPU_OPS("int8"), &gemm_avx512_int8, &gemm_avx512_fp32},
	{CPU_OPS("int8"), &gemm_avx_vnni_int8, &gemm_avx2_fp32},
	{CPU_OPS("bf16"), &gemm_avx512_dot_bf16, &gemm_avx512_fp32},
	{CPU_OPS("fp32"), &gemm_avx512_fp32, &gemm_avx512_fp32},
	{CPU_OPS("bf16"), &gemm_avx512_bf16, &gemm_avx512_fp32},
	{CPU_OPS("int8"), &gemm_avx2_int8, &gemm_avx2_fp32},
	{CPU_OPS("fp32"), &gemm_avx2_fp32, &gemm_avx2_fp32},
	{CPU_OPS("bf16"), &gemm_avx2_bf16, &gemm_avx2_fp32},
#endif
	{CPU_OPS("fp32"), &gemm_plain_fp32, &gemm_plain_fp32},
	{CPU_OPS("bf16"), &gemm_plain_bf16, &gemm_plain_fp32},
	{CPU_OPS("int8"), &gemm_plain_int8, &gemm_plain_fp32},
};

const struct ops *cpu_table(size_t index)
{
	return index < sizeof tables / sizeof *tables ? &tables[index].ops : NULL;
}
