#include "model/encoder.h"

#include "daemon/base/check.h"
#include "model/encoder_weights.h"

#include <stdlib.h>

/*
 * Devlin et al., "BERT", arXiv:1810.04805; layer by layer as in Hugging Face's
 * modeling_bert.py.
 *
 * With CLS pooling the heads read one row a text.  So the last layer needs all
 * tokens for its keys and values alone; everything after runs over the texts'
 * first rows, which saves an eighth of a six-layer model's work.
 */
struct encoder {
	const struct ops *ops;
	struct device *device;
	struct model_config config; /* without the topics' names */
	struct encoder_weights weights;
	size_t outputs;
	/* The feed-forward layer's first half with the model's activation. */
	void (*linear_up)(struct stream *, const struct linear *, const struct buffer *, size_t, struct buffer *);
};

/* T = max_tokens, N = max_texts, H = hidden, I = intermediate; all in the stream's one block. */
struct encoder_context {
	const struct encoder *encoder;
	struct stream *stream;
	size_t max_tokens, max_texts;
	struct buffer *ids;      /* int32 [T] */
	struct buffer *starts;   /* int32 [N + 1] */
	struct buffer *x;        /* [T, H]: the residual stream */
	struct buffer *wide;     /* [T, max(3 H, I)]: qkv, then the feed-forward layer */
	struct buffer *attended; /* [T, H] */
	struct buffer *first;    /* [N, H]: x of each text's first token, from the last layer on */
	struct buffer *pooled;   /* [N, H] */
	struct buffer *logits;   /* float32 [N, outputs] */
};

struct encoder *encoder_open(const struct ops *ops, struct device *device, const struct model_config *config,
			     const struct weights *weights, struct err *e)
{
	struct encoder *encoder = calloc(1, sizeof *encoder);
	if (encoder == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	encoder->ops = ops;
	encoder->device = device;
	encoder->config = *config;
	encoder->config.topics = NULL;
	encoder->outputs = 3 + config->topic_count;
	switch (config->activation) {
	case ACTIVATION_GELU:
		encoder->linear_up = ops->linear_gelu;
		break;
	case ACTIVATION_GELU_TANH:
		encoder->linear_up = ops->linear_gelu_tanh;
		break;
	case ACTIVATION_RELU:
		encoder->linear_up = ops->linear_relu;
		break;
	}
	if (encoder_weights_pack(&encoder->weights, ops, device, config, weights, e) < 0) {
		encoder_close(encoder);
		return NULL;
	}
	return encoder;
}

void encoder_close(struct encoder *encoder)
{
	if (encoder == NULL)
		return;
	encoder_weights_clear(&encoder->weights);
	free(encoder);
}

size_t encoder_outputs(const struct encoder *encoder)
{
	return encoder->outputs;
}

/* Lays out the block: called once to measure it (without a stream) and once to place the buffers. */
static size_t context_carve(struct encoder_context *context)
{
	const struct encoder *encoder = context->encoder;
	const struct ops *ops = encoder->ops;
	size_t hidden = encoder->config.hidden, wide = encoder->config.intermediate;
	size_t tokens = context->max_tokens, texts = context->max_texts;
	if (wide < 3 * hidden)
		wide = 3 * hidden;
	const struct {
		struct buffer **buffer;
		size_t size;
	} parts[] = {
		{&context->ids, tokens * sizeof(int32_t)},
		{&context->starts, (texts + 1) * sizeof(int32_t)},
		{&context->x, ops->activation_size(tokens, hidden)},
		{&context->wide, ops->activation_size(tokens, wide)},
		{&context->attended, ops->activation_size(tokens, hidden)},
		{&context->first, ops->activation_size(texts, hidden)},
		{&context->pooled, ops->activation_size(texts, hidden)},
		{&context->logits, texts * encoder->outputs * sizeof(float)},
	};
	size_t offset = 0;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (context->stream != NULL)
			*parts[i].buffer = ops->buffer_at(context->stream, offset);
		offset += (parts[i].size + 63) / 64 * 64;
	}
	return offset;
}

struct encoder_context *encoder_context_open(const struct encoder *encoder, size_t max_tokens, size_t max_texts,
					     struct err *e)
{
	struct encoder_context *context = calloc(1, sizeof *context);
	if (context == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	context->encoder = encoder;
	context->max_tokens = max_tokens;
	context->max_texts = max_texts;
	struct stream_limits limits = {
		.tokens = max_tokens,
		.longest = max_tokens < encoder->config.positions ? max_tokens : encoder->config.positions,
		.hidden = encoder->config.hidden,
		.widest = encoder->config.intermediate > encoder->config.hidden ? encoder->config.intermediate
										: encoder->config.hidden,
		.heads = encoder->config.heads,
		.block_size = context_carve(context),
	};
	context->stream = encoder->ops->stream_open(encoder->device, &limits, e);
	if (context->stream == NULL) {
		encoder_context_close(context);
		return NULL;
	}
	context_carve(context);
	return context;
}

void encoder_context_close(struct encoder_context *context)
{
	if (context == NULL)
		return;
	if (context->stream != NULL)
		context->encoder->ops->stream_close(context->stream);
	free(context);
}

/* x = LayerNorm(x + f(x)) over `rows` rows of `x`, f the feed-forward layer */
static void feed_forward(struct encoder_context *context, const struct encoder_layer *layer, size_t rows,
			 struct buffer *x)
{
	const struct encoder *encoder = context->encoder;
	encoder->linear_up(context->stream, layer->up, x, rows, context->wide);
	encoder->ops->linear_residual_norm(context->stream, layer->down, context->wide, rows, x);
}

static void layer_run(struct encoder_context *context, const struct encoder_layer *layer, const struct packed *batch)
{
	const struct ops *ops = context->encoder->ops;
	struct stream *stream = context->stream;
	ops->linear(stream, layer->qkv, context->x, batch->tokens, context->wide);
	ops->attention(stream, batch, context->wide, context->attended);
	ops->linear_residual_norm(stream, layer->attended, context->attended, batch->tokens, context->x);
	feed_forward(context, layer, batch->tokens, context->x);
}

/* The last layer for the texts' first tokens: from x[tokens] to first[texts]. */
static void layer_run_first(struct encoder_context *context, const struct encoder_layer *layer,
			    const struct packed *batch)
{
	const struct ops *ops = context->encoder->ops;
	struct stream *stream = context->stream;
	struct buffer *query = context->pooled; /* free until the pooler */
	ops->gather_first(stream, batch, context->x, context->first);
	ops->linear(stream, layer->query, context->first, batch->texts, query);
	ops->linear(stream, layer->key_value, context->x, batch->tokens, context->wide);
	ops->attention_first(stream, batch, query, context->wide, context->attended);
	ops->linear_residual_norm(stream, layer->attended, context->attended, batch->texts, context->first);
	feed_forward(context, layer, batch->texts, context->first);
}

static struct packed batch_upload(struct encoder_context *context, const struct token_batch *batch)
{
	struct packed packed = {.ids = context->ids, .starts = context->starts, .texts = batch->texts};
	packed.tokens = (size_t)batch->starts[batch->texts];
	for (size_t i = 0; i < batch->texts; i++) {
		size_t length = (size_t)(batch->starts[i + 1] - batch->starts[i]);
		packed.longest = length > packed.longest ? length : packed.longest;
	}
	CHECK(packed.tokens <= context->max_tokens && packed.texts <= context->max_texts);
	CHECK(packed.longest <= context->encoder->config.positions);
	const struct ops *ops = context->encoder->ops;
	ops->upload(context->stream, batch->ids, packed.tokens, context->ids);
	ops->upload(context->stream, batch->starts, packed.texts + 1, context->starts);
	return packed;
}

int encoder_run(struct encoder_context *context, const struct token_batch *batch, float *logits, struct err *e)
{
	const struct encoder *encoder = context->encoder;
	const struct ops *ops = encoder->ops;
	const struct encoder_weights *weights = &encoder->weights;
	struct stream *stream = context->stream;
	size_t layers = encoder->config.layers;
	if (batch->texts == 0)
		return 0;

	struct packed packed = batch_upload(context, batch);
	ops->embed(stream, weights->embedding, &packed, context->x);
	for (size_t i = 0; i + 1 < layers; i++)
		layer_run(context, &weights->layers[i], &packed);
	if (encoder->config.pooling == POOLING_MEAN) {
		layer_run(context, &weights->layers[layers - 1], &packed);
		ops->mean_pool(stream, &packed, context->x, context->pooled);
	} else {
		layer_run_first(context, &weights->layers[layers - 1], &packed);
		ops->linear_tanh(stream, weights->pooler, context->first, packed.texts, context->pooled);
	}
	ops->linear_logits(stream, weights->heads, context->pooled, packed.texts, context->logits);
	return ops->download(stream, context->logits, packed.texts * encoder->outputs, logits, e);
}
