#include "model/train/layout.h"

#include "daemon/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tensors start at lines of the cache, but where several are one matrix to us. */
enum { ALIGNED = 16, EACH_LAYER = 16, OTHERS = 14 };

struct builder {
	struct layout *layout;
	size_t at;
};

__attribute__((format(printf, 4, 5))) static size_t add(struct builder *builder, size_t rows, size_t columns,
							const char *fmt, ...)
{
	struct layout_tensor *tensor = &builder->layout->tensors[builder->layout->tensor_count++];
	va_list args;
	va_start(args, fmt);
	vsnprintf(tensor->name, sizeof tensor->name, fmt, args);
	va_end(args);
	tensor->offset = builder->at;
	tensor->rows = rows;
	tensor->columns = columns;
	builder->at += (rows == 0 ? 1 : rows) * columns;
	return tensor->offset;
}

static void align(struct builder *builder)
{
	builder->at = (builder->at + ALIGNED - 1) / ALIGNED * ALIGNED;
}

__attribute__((format(printf, 4, 5))) static size_t add_aligned(struct builder *builder, size_t rows, size_t columns,
								const char *fmt, ...)
{
	char name[96];
	va_list args;
	va_start(args, fmt);
	vsnprintf(name, sizeof name, fmt, args);
	va_end(args);
	align(builder);
	return add(builder, rows, columns, "%s", name);
}

static const char *const projections[] = {"query", "key", "value"};

static void add_layer_matrices(struct builder *builder, size_t index)
{
	struct layout *layout = builder->layout;
	struct layout_layer *layer = &layout->layer[index];
	size_t hidden = layout->hidden;
	align(builder);
	layer->qkv = builder->at;
	for (size_t i = 0; i < 3; i++)
		add(builder, hidden, hidden, "encoder.layer.%zu.attention.self.%s.weight", index, projections[i]);
	layer->attended = add_aligned(builder, hidden, hidden, "encoder.layer.%zu.attention.output.dense.weight", index);
	layer->up = add_aligned(builder, layout->intermediate, hidden, "encoder.layer.%zu.intermediate.dense.weight", index);
	layer->down = add_aligned(builder, hidden, layout->intermediate, "encoder.layer.%zu.output.dense.weight", index);
}

/* gamma, and beta at a fixed distance from it */
static size_t add_norm(struct builder *builder, const char *base)
{
	size_t gamma = add_aligned(builder, 0, builder->layout->hidden, "%s.LayerNorm.weight", base);
	builder->layout->norm_step = add_aligned(builder, 0, builder->layout->hidden, "%s.LayerNorm.bias", base) - gamma;
	return gamma;
}

static void add_layer_small(struct builder *builder, size_t index)
{
	struct layout *layout = builder->layout;
	struct layout_layer *layer = &layout->layer[index];
	size_t hidden = layout->hidden;
	char base[64];
	align(builder);
	layer->qkv_bias = builder->at;
	for (size_t i = 0; i < 3; i++)
		add(builder, 0, hidden, "encoder.layer.%zu.attention.self.%s.bias", index, projections[i]);
	layer->attended_bias = add_aligned(builder, 0, hidden, "encoder.layer.%zu.attention.output.dense.bias", index);
	snprintf(base, sizeof base, "encoder.layer.%zu.attention.output", index);
	layer->attended_norm = add_norm(builder, base);
	layer->up_bias = add_aligned(builder, 0, layout->intermediate, "encoder.layer.%zu.intermediate.dense.bias", index);
	layer->down_bias = add_aligned(builder, 0, hidden, "encoder.layer.%zu.output.dense.bias", index);
	snprintf(base, sizeof base, "encoder.layer.%zu.output", index);
	layer->output_norm = add_norm(builder, base);
}

static void add_matrices(struct builder *builder)
{
	struct layout *layout = builder->layout;
	size_t hidden = layout->hidden;
	layout->word = add_aligned(builder, layout->words, hidden, "embeddings.word_embeddings.weight");
	layout->position = add_aligned(builder, layout->positions, hidden, "embeddings.position_embeddings.weight");
	layout->type = add_aligned(builder, layout->types, hidden, "embeddings.token_type_embeddings.weight");
	for (size_t i = 0; i < layout->layers; i++)
		add_layer_matrices(builder, i);
	if (layout->masked) {
		layout->transform = add_aligned(builder, hidden, hidden, "cls.predictions.transform.dense.weight");
		return;
	}
	if (layout->pooling == POOLING_CLS)
		layout->pooler = add_aligned(builder, hidden, hidden, "pooler.dense.weight");
	layout->head = add_aligned(builder, 3, hidden, "classifier.weight");
	if (layout->topics > 0)
		add(builder, layout->topics, hidden, "topic_classifier.weight");
	if (layout->projected > 0)
		layout->projection = add_aligned(builder, layout->projected, hidden, "%s", "");
}

static void add_small(struct builder *builder)
{
	struct layout *layout = builder->layout;
	layout->embedding_norm = add_norm(builder, "embeddings");
	for (size_t i = 0; i < layout->layers; i++)
		add_layer_small(builder, i);
	if (layout->masked) {
		layout->transform_bias = add_aligned(builder, 0, layout->hidden, "cls.predictions.transform.dense.bias");
		layout->transform_norm = add_norm(builder, "cls.predictions.transform");
		layout->word_bias = add_aligned(builder, 0, layout->words, "cls.predictions.bias");
		return;
	}
	if (layout->pooling == POOLING_CLS)
		layout->pooler_bias = add_aligned(builder, 0, layout->hidden, "pooler.dense.bias");
	layout->head_bias = add_aligned(builder, 0, 3, "classifier.bias");
	if (layout->topics > 0)
		add(builder, 0, layout->topics, "topic_classifier.bias");
	if (layout->sources > 0)
		layout->source_bias = add_aligned(builder, layout->sources, layout->outputs, "%s", "");
	if (layout->projected > 0)
		layout->projection_bias = add_aligned(builder, 0, layout->projected, "%s", "");
}

static struct layout shape_of(const struct model_config *config)
{
	return (struct layout){
		.hidden = config->hidden,
		.layers = config->layers,
		.heads = config->heads,
		.intermediate = config->intermediate,
		.words = config->vocab_size,
		.positions = config->positions,
		.types = config->types,
		.epsilon = config->norm_epsilon,
		.activation = config->activation,
		.pooling = config->pooling,
	};
}

static int layout_build(struct layout *layout, struct err *e)
{
	layout->layer = calloc(layout->layers, sizeof *layout->layer);
	layout->tensors = calloc(EACH_LAYER * layout->layers + OTHERS, sizeof *layout->tensors);
	if (layout->layer == NULL || layout->tensors == NULL) {
		layout_clear(layout);
		return err_set(e, "out of memory");
	}
	struct builder builder = {.layout = layout};
	add_matrices(&builder);
	align(&builder);
	layout->small = builder.at;
	add_small(&builder);
	align(&builder);
	layout->total = builder.at;
	return 0;
}

int layout_make(struct layout *layout, const struct model_config *config, size_t topics, size_t sources, struct err *e)
{
	*layout = shape_of(config);
	layout->topics = topics;
	layout->outputs = 3 + topics;
	layout->sources = sources;
	return layout_build(layout, e);
}

/* Any token may be asked for, so the last layer is to have them all. */
int layout_make_masked(struct layout *layout, const struct model_config *config, struct err *e)
{
	*layout = shape_of(config);
	layout->masked = true;
	layout->pooling = POOLING_MEAN;
	return layout_build(layout, e);
}

int layout_project(struct layout *layout, size_t width, struct err *e)
{
	CHECK(!layout->masked);
	free(layout->layer);
	free(layout->tensors);
	layout->tensor_count = 0;
	layout->projected = width;
	return layout_build(layout, e);
}

void layout_clear(struct layout *layout)
{
	free(layout->layer);
	free(layout->tensors);
	*layout = (struct layout){0};
}

bool layout_is_head(const struct layout_tensor *tensor)
{
	return strncmp(tensor->name, "classifier.", 11) == 0 || strncmp(tensor->name, "topic_classifier.", 17) == 0 ||
	       strncmp(tensor->name, "cls.predictions.", 16) == 0;
}
