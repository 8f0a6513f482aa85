/*
 * The tables of CUDA.  Products are cuBLASLt's; everything between them is one
 * kernel each.  They differ in what activations are: float32 for the reference,
 * bfloat16 for speed; sums, and what a residual is added to, are float32 in both.
 */
#include "gpu/device.h"
#include "gpu/gpu.h"
#include "gpu/product.h"

#include <math.h>

static uint64_t address(const struct buffer *buffer)
{
	return (uint64_t)(uintptr_t)buffer;
}

static const char *kernels(const struct device *device)
{
	return device->name;
}

static struct buffer *buffer_at(struct stream *stream, size_t offset)
{
	return (struct buffer *)(uintptr_t)(stream->block + offset);
}

static size_t activation_size_f32(size_t rows, size_t columns)
{
	return rows_padded(rows) * columns * sizeof(float);
}

static size_t activation_size_bf16(size_t rows, size_t columns)
{
	return rows_padded(rows) * columns * sizeof(uint16_t);
}

static void upload(struct stream *stream, const int32_t *values, size_t count, struct buffer *out)
{
	stream_copy_in(stream, address(out), values, count * sizeof *values);
}

static int download(struct stream *stream, const struct buffer *logits, size_t count, float *out, struct err *e)
{
	return stream_copy_out(stream, out, address(logits), count * sizeof *out, e);
}

/* Launches: the kernel of the stream's type */

#define BY_TYPE(stream, name) ((stream)->device->table->narrow ? KERNEL_##name##_bf16 : KERNEL_##name##_f32)

static size_t blocks(size_t count, size_t of)
{
	return (count + of - 1) / of;
}

/* The kernel whose warps hold rows of `width`: `first` is the narrowest of three. */
static enum kernel for_width(enum kernel first, size_t width)
{
	return first + (width > 6 * 64) + (width > 12 * 64);
}

static struct norm_args norm_arguments(const struct device_norm *norm)
{
	return (struct norm_args){.gamma = (const float *)(uintptr_t)norm->gamma,
				  .beta = (const float *)(uintptr_t)norm->beta, .epsilon = norm->epsilon};
}

static void embed(struct stream *stream, const struct embedding *embedding, const struct packed *batch,
		  struct buffer *out)
{
	struct embed_args arguments = {
		.ids = (const int32_t *)(const void *)batch->ids,
		.starts = (const int32_t *)(const void *)batch->starts,
		.words = (const void *)(uintptr_t)embedding->words,
		.positions = (const float *)(uintptr_t)embedding->positions,
		.type = (const float *)(uintptr_t)embedding->type,
		.norm = norm_arguments(&embedding->norm), .word_type = embedding->word_type,
		.texts = (int32_t)batch->texts, .tokens = (int32_t)batch->tokens, .width = (int32_t)embedding->width,
		.out = out};
	enum kernel first = stream->device->table->narrow ? KERNEL_embed_bf16_6 : KERNEL_embed_f32_6;
	struct grid grid = {blocks(batch->tokens, BLOCK_WARPS), 1, 1, BLOCK_THREADS, 0};
	stream_launch(stream, for_width(first, embedding->width), grid, &arguments);
}

static void exact_run(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
		      enum finish finish, bool widen, struct buffer *y)
{
	struct exact_args arguments = {
		.x = x, .weight = (const float *)(uintptr_t)linear->weight,
		.bias = (const float *)(uintptr_t)linear->bias, .finish = finish, .rows = (int32_t)rows,
		.inputs = (int32_t)linear->inputs, .outputs = (int32_t)linear->outputs, .widen = widen, .y = y};
	struct grid grid = {blocks(linear->outputs, EXACT_TILE), blocks(rows, EXACT_TILE), 1, EXACT_THREADS,
			    exact_shared()};
	stream_launch(stream, BY_TYPE(stream, exact), grid, &arguments);
}

static void linear_run(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
		       enum finish finish, struct buffer *y)
{
	if (linear->exact) {
		exact_run(stream, linear, x, rows, finish, false, y);
		return;
	}
	bool biased = finish == FINISH_NOTHING; /* else the activation adds it, in float32 */
	product_run(stream, &(struct product){.linear = linear, .x = address(x), .y = address(y), .rows = rows,
					      .biased = biased});
	if (biased)
		return;
	struct activate_args arguments = {.bias = (const float *)(uintptr_t)linear->bias, .finish = finish,
					  .rows = (int32_t)rows, .width = (int32_t)linear->outputs, .y = y};
	struct grid grid = {blocks(linear->outputs / 2, BLOCK_THREADS), rows, 1, BLOCK_THREADS, 0};
	stream_launch(stream, BY_TYPE(stream, activate), grid, &arguments);
}

#define LINEAR_FUNCTION(name, finish)                                                                                 \
	static void name(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,     \
			 struct buffer *y)                                                                            \
	{                                                                                                             \
		linear_run(stream, linear, x, rows, finish, y);                                                       \
	}

LINEAR_FUNCTION(linear_plain, FINISH_NOTHING)
LINEAR_FUNCTION(linear_gelu, FINISH_GELU)
LINEAR_FUNCTION(linear_gelu_tanh, FINISH_GELU_TANH)
LINEAR_FUNCTION(linear_relu, FINISH_RELU)
LINEAR_FUNCTION(linear_tanh, FINISH_TANH)

static void linear_logits(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
			  struct buffer *y)
{
	exact_run(stream, linear, x, rows, FINISH_NOTHING, true, y);
}

static void linear_residual_norm(struct stream *stream, const struct linear *linear, const struct buffer *x,
				 size_t rows, struct buffer *y)
{
	product_run(stream, &(struct product){.linear = linear, .x = address(x), .y = stream->product, .rows = rows,
					      .wide = true});
	struct residual_norm_args arguments = {
		.product = (const float *)(uintptr_t)stream->product,
		.bias = (const float *)(uintptr_t)linear->bias, .norm = norm_arguments(&linear->norm),
		.rows = (int32_t)rows, .width = (int32_t)linear->outputs, .y = y};
	enum kernel first = stream->device->table->narrow ? KERNEL_residual_norm_bf16_6 : KERNEL_residual_norm_f32_6;
	struct grid grid = {blocks(rows, BLOCK_WARPS), 1, 1, BLOCK_THREADS, 0};
	stream_launch(stream, for_width(first, linear->outputs), grid, &arguments);
}

/* Values `offset` values further on, whatever their type. */
static const void *beyond(const struct stream *stream, const struct buffer *buffer, size_t offset)
{
	return (const void *)(uintptr_t)(address(buffer) + offset * gpu_value_size(stream->device));
}

/* The tensor cores' kernel for heads of such a size and a batch whose longest text is so long; false where there is none. */
static bool tensor_kernel(size_t size, size_t longest, enum kernel *kernel, size_t *warps)
{
	static const enum kernel by_size[2][3] = {
		{KERNEL_attention_tensor_32_1, KERNEL_attention_tensor_32_2, KERNEL_attention_tensor_32_4},
		{KERNEL_attention_tensor_64_1, KERNEL_attention_tensor_64_2, KERNEL_attention_tensor_64_4},
	};
	if (size != 32 && size != 64)
		return false;
	size_t doublings = (longest > TENSOR_QUERIES) + (longest > 2 * TENSOR_QUERIES);
	*warps = (size_t)1 << doublings;
	*kernel = by_size[size == 64][doublings];
	return true;
}

static void attention_run(struct stream *stream, const struct packed *batch, struct attention_args *arguments)
{
	size_t size = stream->hidden / stream->heads, warps;
	arguments->starts = (const int32_t *)(const void *)batch->starts;
	arguments->out_stride = (int32_t)stream->hidden;
	arguments->size = (int32_t)size;
	arguments->scale = (float)(M_LOG2E / sqrt((double)size));
	struct grid grid = {stream->heads, batch->texts, blocks(batch->longest, PLAIN_QUERIES), BLOCK_THREADS,
			    attention_shared(arguments->size)};
	enum kernel kernel = BY_TYPE(stream, attention);
	if (arguments->first_only) {
		grid.z = 1;
	} else if (stream->device->table->narrow && tensor_kernel(size, batch->longest, &kernel, &warps)) {
		grid.z = blocks(batch->longest, warps * TENSOR_QUERIES);
		grid.threads = (unsigned)(warps * WARP);
		grid.shared = attention_tensor_shared(arguments->size);
	}
	stream_launch(stream, kernel, grid, arguments);
}

static void attention(struct stream *stream, const struct packed *batch, const struct buffer *qkv,
		      struct buffer *out)
{
	int32_t stride = (int32_t)(3 * stream->hidden);
	attention_run(stream, batch, &(struct attention_args){
		.queries = qkv, .keys = beyond(stream, qkv, stream->hidden),
		.values = beyond(stream, qkv, 2 * stream->hidden), .query_stride = stride, .key_stride = stride,
		.out = out});
}

static void attention_first(struct stream *stream, const struct packed *batch, const struct buffer *q,
			    const struct buffer *kv, struct buffer *out)
{
	attention_run(stream, batch, &(struct attention_args){
		.queries = q, .keys = kv, .values = beyond(stream, kv, stream->hidden), .first_only = 1,
		.query_stride = (int32_t)stream->hidden, .key_stride = (int32_t)(2 * stream->hidden), .out = out});
}

static void pool_run(struct stream *stream, enum kernel kernel, const struct packed *batch, const struct buffer *x,
		     struct buffer *out)
{
	struct pool_args arguments = {.starts = (const int32_t *)(const void *)batch->starts, .x = x,
				      .width = (int32_t)stream->hidden, .out = out};
	struct grid grid = {blocks(stream->hidden / 2, BLOCK_THREADS), batch->texts, 1, BLOCK_THREADS, 0};
	stream_launch(stream, kernel, grid, &arguments);
}

static void gather_first(struct stream *stream, const struct packed *batch, const struct buffer *x,
			 struct buffer *out)
{
	pool_run(stream, BY_TYPE(stream, gather_first), batch, x, out);
}

static void mean_pool(struct stream *stream, const struct packed *batch, const struct buffer *x, struct buffer *out)
{
	pool_run(stream, BY_TYPE(stream, mean_pool), batch, x, out);
}

/* A batch whose products fill the largest of these GPUs: on paper, see README.md. */
enum { BATCH_TOKENS = 8192 };

#define GPU_OPS(name, type)                                                                                           \
	{                                                                                                             \
		.device = "cuda",                                                                                     \
		.precision = name,                                                                                    \
		.batch_tokens = BATCH_TOKENS,                                                                         \
		.device_open = gpu_device_open,                                                                       \
		.device_close = gpu_device_close,                                                                     \
		.kernels = kernels,                                                                                   \
		.pack_linear = gpu_pack_linear,                                                                       \
		.pack_embedding = gpu_pack_embedding,                                                                 \
		.stream_open = gpu_stream_open,                                                                       \
		.stream_close = gpu_stream_close,                                                                     \
		.buffer_at = buffer_at,                                                                               \
		.activation_size = activation_size_##type,                                                            \
		.upload = upload,                                                                                     \
		.download = download,                                                                                 \
		.embed = embed,                                                                                       \
		.linear = linear_plain,                                                                               \
		.linear_gelu = linear_gelu,                                                                           \
		.linear_gelu_tanh = linear_gelu_tanh,                                                                 \
		.linear_relu = linear_relu,                                                                           \
		.linear_tanh = linear_tanh,                                                                           \
		.linear_residual_norm = linear_residual_norm,                                                         \
		.linear_logits = linear_logits,                                                                       \
		.attention = attention,                                                                               \
		.attention_first = attention_first,                                                                   \
		.gather_first = gather_first,                                                                         \
		.mean_pool = mean_pool,                                                                               \
	}

static const struct gpu_ops tables[] = {
	{GPU_OPS("bf16", bf16), true},
	{GPU_OPS("fp32", f32), false},
};

const struct ops *gpu_table(size_t index)
{
	return index < sizeof tables / sizeof *tables ? &tables[index].ops : NULL;
}

int gpu_check(struct err *e)
{
	struct device *device = gpu_device_open(&tables[0].ops, DEVICE_ANY, e);
	gpu_device_close(device);
	return device != NULL ? 0 : -1;
}
