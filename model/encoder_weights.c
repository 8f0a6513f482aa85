#include "model/encoder_weights.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A tensor is read into memory of its own, handed to the device, which copies
 * it into the form that it likes, and let go; so the most that is held twice is
 * one layer's matrix.  Shapes are checked before memory is asked for: config.json may
 * claim what it likes.
 *
 * Errors are sticky, so that a layer reads as a list of its parts: after the
 * first one everything returns NULL.
 */
enum { MAX_HELD = 8 };

struct loader {
	const struct ops *ops;
	struct device *device;
	const struct model_config *config;
	const struct weights *weights;
	const char *prefix; /* "bert." or "" */
	float *held[MAX_HELD];
	size_t held_count;
	size_t rotated; /* tensors since the last release that are integers, which lie rotated */
	bool failed;
	struct err *e;
};

static float *loader_hold(struct loader *loader, size_t count)
{
	float *values = loader->held_count < MAX_HELD ? malloc(count * sizeof *values) : NULL;
	if (values == NULL) {
		err_set(loader->e, "out of memory for %zu weights", count);
		loader->failed = true;
		return NULL;
	}
	loader->held[loader->held_count++] = values;
	return values;
}

static void loader_release(struct loader *loader)
{
	while (loader->held_count > 0)
		free(loader->held[--loader->held_count]);
	loader->rotated = 0;
}

/* One tensor of a group of `parts` equal ones, which become one matrix. */
static void read_part(struct loader *loader, const char *name, size_t rows, size_t columns, size_t part, size_t parts,
		      float **all)
{
	if (loader->failed || weights_check(loader->weights, name, rows, columns, loader->e) < 0) {
		loader->failed = true;
		return;
	}
	size_t count = (rows == 0 ? 1 : rows) * columns;
	if (*all == NULL)
		*all = loader_hold(loader, parts * count);
	if (*all == NULL)
		return;
	loader->rotated += weights_find(loader->weights, name)->type == WEIGHT_I8;
	if (weights_read(loader->weights, name, rows, columns, *all + part * count, loader->e) < 0)
		loader->failed = true;
}

static float *read_tensor(struct loader *loader, const char *name, size_t rows, size_t columns)
{
	float *values = NULL;
	read_part(loader, name, rows, columns, 0, 1, &values);
	return loader->failed ? NULL : values;
}

__attribute__((format(printf, 3, 4))) static void name_format(const struct loader *loader, char name[256],
							      const char *fmt, ...)
{
	int used = snprintf(name, 256, "%s", loader->prefix);
	va_list args;
	va_start(args, fmt);
	vsnprintf(name + used, 256 - (size_t)used, fmt, args);
	va_end(args);
}

/* Checkpoints that once came from TensorFlow call weight and bias gamma and beta. */
static struct norm_source read_norm(struct loader *loader, const char *base)
{
	char name[256];
	snprintf(name, sizeof name, "%s.gamma", base);
	bool old = weights_has(loader->weights, name);
	struct norm_source norm = {.epsilon = loader->config->norm_epsilon};
	snprintf(name, sizeof name, "%s.%s", base, old ? "gamma" : "weight");
	norm.gamma = read_tensor(loader, name, 0, loader->config->hidden);
	snprintf(name, sizeof name, "%s.%s", base, old ? "beta" : "bias");
	norm.beta = read_tensor(loader, name, 0, loader->config->hidden);
	return norm;
}

/* A matrix that was read in `parts` tensors. */
static struct linear *pack(struct loader *loader, struct linear_source *source, size_t parts)
{
	struct linear *linear = NULL;
	source->rotated = loader->rotated > 0;
	if (source->rotated && loader->rotated < parts) {
		err_set(loader->e, "the query, key and value of a layer must all be of type I8, or none of them");
		loader->failed = true;
	}
	if (!loader->failed) {
		linear = loader->ops->pack_linear(loader->device, source, loader->e);
		loader->failed = linear == NULL;
	}
	loader_release(loader);
	return linear;
}

/* base.weight [outputs, inputs] and base.bias, and the norm that follows them where there is one. */
static struct linear *load_linear(struct loader *loader, enum linear_use use, const char *base, size_t outputs,
				  size_t inputs, const char *norm_base)
{
	char name[256];
	struct norm_source norm;
	struct linear_source source = {.use = use, .outputs = outputs, .inputs = inputs};
	snprintf(name, sizeof name, "%s.weight", base);
	source.weight = read_tensor(loader, name, outputs, inputs);
	snprintf(name, sizeof name, "%s.bias", base);
	source.bias = read_tensor(loader, name, 0, outputs);
	if (norm_base != NULL) {
		norm = read_norm(loader, norm_base);
		source.norm = &norm;
	}
	return pack(loader, &source, 1);
}

/* Several projections of layer `layer` side by side. */
static struct linear *load_projections(struct loader *loader, size_t layer, const char *const *parts, size_t count)
{
	size_t hidden = loader->config->hidden;
	float *weight = NULL, *bias = NULL;
	for (size_t i = 0; i < count; i++) {
		char name[256];
		name_format(loader, name, "encoder.layer.%zu.attention.self.%s.weight", layer, parts[i]);
		read_part(loader, name, hidden, hidden, i, count, &weight);
		name_format(loader, name, "encoder.layer.%zu.attention.self.%s.bias", layer, parts[i]);
		read_part(loader, name, 0, hidden, i, count, &bias);
	}
	return pack(loader, &(struct linear_source){
				    .weight = weight, .bias = bias, .outputs = count * hidden, .inputs = hidden},
		    count);
}

static void load_layer(struct loader *loader, size_t index, struct encoder_layer *layer)
{
	static const char *const parts[] = {"query", "key", "value"};
	const struct model_config *config = loader->config;
	if (index + 1 == config->layers && config->pooling == POOLING_CLS) {
		layer->query = load_projections(loader, index, parts, 1);
		layer->key_value = load_projections(loader, index, parts + 1, 2);
	} else {
		layer->qkv = load_projections(loader, index, parts, 3);
	}
	char base[256], norm[256];
	name_format(loader, base, "encoder.layer.%zu.attention.output.dense", index);
	name_format(loader, norm, "encoder.layer.%zu.attention.output.LayerNorm", index);
	layer->attended = load_linear(loader, LINEAR_HIDDEN, base, config->hidden, config->hidden, norm);
	name_format(loader, base, "encoder.layer.%zu.intermediate.dense", index);
	layer->up = load_linear(loader, LINEAR_HIDDEN, base, config->intermediate, config->hidden, NULL);
	name_format(loader, base, "encoder.layer.%zu.output.dense", index);
	name_format(loader, norm, "encoder.layer.%zu.output.LayerNorm", index);
	layer->down = load_linear(loader, LINEAR_HIDDEN, base, config->hidden, config->intermediate, norm);
}

struct table_context {
	const struct weights *weights;
	const struct weight_tensor *tensor;
	size_t width;
};

static int read_table(const struct table_source *source, size_t first, size_t count, void *out, struct err *e)
{
	const struct table_context *context = source->context;
	return weights_read_rows(context->weights, context->tensor, context->width, first, count, out, e);
}

/* The words are most of a small model's bytes: the device reads them straight into its own memory. */
static struct table_source find_table(struct loader *loader, const char *name, size_t rows,
				      struct table_context *context)
{
	struct table_source source = {.read = read_table, .context = context};
	if (loader->failed || weights_check(loader->weights, name, rows, loader->config->hidden, loader->e) < 0) {
		loader->failed = true;
		return source;
	}
	const struct weight_tensor *tensor = weights_find(loader->weights, name);
	*context = (struct table_context){loader->weights, tensor, loader->config->hidden};
	switch (tensor->type) {
	case WEIGHT_F16:
		source.type = TABLE_F16;
		break;
	case WEIGHT_BF16:
		source.type = TABLE_BF16;
		break;
	case WEIGHT_F32:
		source.type = TABLE_F32;
		break;
	case WEIGHT_I8:
	case WEIGHT_OTHER:
		err_set(loader->e, "tensor %s is of type %s; F32, F16 or BF16 is needed", name, tensor->type_name);
		loader->failed = true;
		break;
	}
	return source;
}

static struct embedding *load_embedding(struct loader *loader)
{
	const struct model_config *config = loader->config;
	char name[256];
	struct table_context words;
	struct embedding_source source = {
		.word_count = config->vocab_size, .position_count = config->positions, .width = config->hidden};
	name_format(loader, name, "embeddings.word_embeddings.weight");
	source.words = find_table(loader, name, config->vocab_size, &words);
	name_format(loader, name, "embeddings.position_embeddings.weight");
	source.positions = read_tensor(loader, name, config->positions, config->hidden);
	name_format(loader, name, "embeddings.token_type_embeddings.weight");
	source.type = read_tensor(loader, name, config->types, config->hidden);
	name_format(loader, name, "embeddings.LayerNorm");
	source.norm = read_norm(loader, name);
	struct embedding *embedding = NULL;
	if (!loader->failed) {
		embedding = loader->ops->pack_embedding(loader->device, &source, loader->e);
		loader->failed = embedding == NULL;
	}
	loader_release(loader);
	return embedding;
}

/* Both heads read the same row, so they are one matrix: polarity's three rows, then the topics'. */
static struct linear *load_heads(struct loader *loader)
{
	size_t hidden = loader->config->hidden, topics = loader->config->topic_count;
	float *weight = loader_hold(loader, (3 + topics) * hidden), *bias = loader_hold(loader, 3 + topics);
	if (loader->failed)
		goto done;
	const struct weights *from = loader->weights;
	struct err *e = loader->e;
	loader->failed = weights_read(from, "classifier.weight", 3, hidden, weight, e) < 0 ||
			 weights_read(from, "classifier.bias", 0, 3, bias, e) < 0;
	if (!loader->failed && topics > 0)
		loader->failed =
			weights_read(from, "topic_classifier.weight", topics, hidden, weight + 3 * hidden, e) < 0 ||
			weights_read(from, "topic_classifier.bias", 0, topics, bias + 3, e) < 0;
done:
	return pack(loader, &(struct linear_source){.use = LINEAR_EXACT, .weight = weight, .bias = bias,
						    .outputs = 3 + topics, .inputs = hidden},
		    1);
}

int encoder_weights_pack(struct encoder_weights *out, const struct ops *ops, struct device *device,
			 const struct model_config *config, const struct weights *weights, struct err *e)
{
	struct loader loader = {.ops = ops, .device = device, .config = config, .weights = weights, .e = e};
	loader.prefix = weights_has(weights, "embeddings.word_embeddings.weight") ? "" : "bert.";
	*out = (struct encoder_weights){.layers = calloc(config->layers, sizeof *out->layers)};
	if (out->layers == NULL)
		return err_set(e, "out of memory");
	out->embedding = load_embedding(&loader);
	for (size_t i = 0; i < config->layers && !loader.failed; i++)
		load_layer(&loader, i, &out->layers[i]);
	if (config->pooling == POOLING_CLS) {
		char base[256];
		name_format(&loader, base, "pooler.dense");
		out->pooler = load_linear(&loader, LINEAR_EXACT, base, config->hidden, config->hidden, NULL);
	}
	out->heads = load_heads(&loader);
	return loader.failed ? -1 : 0;
}

void encoder_weights_clear(struct encoder_weights *weights)
{
	free(weights->layers);
	*weights = (struct encoder_weights){0};
}

enum encoder_part encoder_weights_part(const char *name)
{
	static const char *const linear[] = {".self.query.weight", ".self.key.weight", ".self.value.weight",
					     ".output.dense.weight", ".intermediate.dense.weight"};
	if (strncmp(name, "bert.", 5) == 0)
		name += 5;
	if (strcmp(name, "embeddings.word_embeddings.weight") == 0)
		return ENCODER_WORDS;
	for (size_t i = 0; i < sizeof linear / sizeof *linear; i++)
		if (strncmp(name, "encoder.layer.", 14) == 0 && weights_name_ends(name, linear[i]))
			return ENCODER_LINEAR;
	return ENCODER_OTHER;
}
