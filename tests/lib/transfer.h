#ifndef TESTS_LIB_TRANSFER_H
#define TESTS_LIB_TRANSFER_H

#include "model/config.h"
#include "model/train/params.h"
#include "model/train/trainer.h"
#include "model/weights.h"
#include "tests/lib/draw_values.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A small model and PyTorch's numbers (make_transfer_fixture.py) for the tests of what is learnt beside labels. */
enum { MAX_TEXTS = 32, MAX_IDS = 1024 };

struct texts {
	size_t count, used, floats;
	struct trainer_text list[MAX_TEXTS];
	int32_t ids[MAX_IDS], words[MAX_IDS];
	float targets[MAX_IDS];
};

static inline void config_read(struct model_config *config)
{
	struct err e = {0};
	ck_assert_msg(model_config_read(config, TEST_DATA "/parity/cls-gelu-f32", &e) == 0, "%s", e.text);
}

static inline struct weights *weights_read_file(const char *path)
{
	struct err e = {0};
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	return weights;
}

static inline struct trainer_options exact_options(void)
{
	struct trainer_options options = trainer_defaults();
	options.longest = 16;
	options.dropout = 0;
	return options;
}

/* The parity model with another pooling, with the head that guesses words, or with some of its layers. */
struct shape {
	enum pooling pooling;
	bool masked;
	const size_t *layers;
	size_t layer_count;
};

/* `shape`: NULL as it is. */
static inline struct trainer *model_open(const struct trainer_options *options, const struct shape *shape)
{
	struct err e = {0};
	struct model_config config;
	struct layout layout;
	bool drew;
	config_read(&config);
	if (shape != NULL)
		config.pooling = shape->pooling;
	if (shape != NULL && shape->layers != NULL)
		config.layers = shape->layer_count;
	if (shape != NULL && shape->masked)
		ck_assert_int_eq(layout_make_masked(&layout, &config, &e), 0);
	else
		ck_assert_int_eq(layout_make(&layout, &config, config.topic_count, 0, &e), 0);
	struct trainer *trainer = trainer_open(&layout, options, &e);
	ck_assert_msg(trainer != NULL, "%s", e.text);
	struct weights *weights = weights_read_file(TEST_DATA "/parity/cls-gelu-f32/model.safetensors");
	const struct params_fresh fresh = {.layers = shape != NULL ? shape->layers : NULL, .seed = 5};
	ck_assert_msg(params_read(trainer_layout(trainer), weights, &fresh, trainer_state(trainer).values, &drew, &e) == 0, "%s",
		      e.text);
	trainer_restart(trainer);
	weights_close(weights);
	model_config_clear(&config);
	return trainer;
}

static inline size_t count_of(const struct layout_tensor *tensor)
{
	return (tensor->rows == 0 ? 1 : tensor->rows) * tensor->columns;
}

static inline double distance(const float *a, const float *b, size_t count)
{
	double apart = 0, length = 0;
	for (size_t i = 0; i < count; i++) {
		apart += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
		length += (double)b[i] * (double)b[i];
	}
	return sqrt(apart) / (sqrt(length) + 1e-12);
}

/* Every tensor of a block against PREFIX.NAME of the fixture.  A key's bias changes no softmax: its gradient is rounding. */
static inline void expect_block(const struct layout *layout, const struct weights *fixture, const char *prefix, const float *block)
{
	double worst = 0;
	for (size_t i = 0; i < layout->tensor_count; i++) {
		const struct layout_tensor *tensor = &layout->tensors[i];
		char name[200];
		struct err e = {0};
		snprintf(name, sizeof name, "%s.%s%s", prefix, layout_is_head(tensor) ? "" : "bert.", tensor->name);
		if (strstr(name, "attention.self.key.bias") != NULL)
			continue;
		float *wanted = calloc(count_of(tensor), sizeof *wanted);
		ck_assert_msg(weights_read(fixture, name, tensor->rows, tensor->columns, wanted, &e) == 0, "%s", e.text);
		double apart = distance(block + tensor->offset, wanted, count_of(tensor));
		worst = fmax(worst, apart);
		ck_assert_msg(apart < 1e-4, "%s: relative distance %.3g", name, apart);
		free(wanted);
	}
	printf("%s: at most %.2g apart\n", prefix, worst);
}

static inline json_t *fixture_read(void)
{
	json_t *json = json_load_file(TEST_DATA "/train/transfer.json", 0, NULL);
	ck_assert(json != NULL);
	return json;
}

static inline int label_read(const json_t *label)
{
	return json_is_integer(label) ? (int)json_integer_value(label) : -1;
}

static const float *target_read(struct texts *texts, const json_t *target)
{
	float *out = texts->targets + texts->floats;
	for (size_t i = 0; i < json_array_size(target); i++)
		texts->targets[texts->floats++] = (float)json_number_value(json_array_get(target, i));
	return json_is_array(target) ? out : NULL;
}

static inline void texts_read(const json_t *rows, struct texts *texts)
{
	*texts = (struct texts){0};
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i), *ids = json_object_get(row, "ids");
		const json_t *words = json_object_get(row, "words");
		struct trainer_text *text = &texts->list[texts->count++];
		*text = (struct trainer_text){.ids = texts->ids + texts->used, .length = json_array_size(ids), .source = -1,
					      .words = json_is_array(words) ? texts->words + texts->used : NULL,
					      .polarity = label_read(json_object_get(row, "polarity")),
					      .topic = label_read(json_object_get(row, "topic"))};
		text->polarity_target = target_read(texts, json_object_get(row, "polarity_target"));
		text->topic_target = target_read(texts, json_object_get(row, "topic_target"));
		for (size_t k = 0; k < text->length; k++, texts->used++) {
			texts->ids[texts->used] = (int32_t)json_integer_value(json_array_get(ids, k));
			texts->words[texts->used] = (int32_t)json_integer_value(json_array_get(words, k));
		}
	}
}

/* A frozen model of the parity model's words, with values by chance. */
struct teacher_shape {
	size_t width, layers, heads;
	enum pooling pooling;
};

/* `how`: the student's options. */
static inline struct trainer *teacher_open_like(const struct trainer_options *how, const struct teacher_shape *shape)
{
	struct err e = {0};
	const struct model_config config = {.hidden = shape->width, .layers = shape->layers, .heads = shape->heads, .intermediate = 56,
					    .vocab_size = 25, .positions = 16, .types = 2, .norm_epsilon = 1e-12f,
					    .activation = ACTIVATION_RELU, .pooling = shape->pooling};
	struct trainer_options options = *how;
	struct layout layout;
	options.frozen = true;
	ck_assert_int_eq(layout_make(&layout, &config, 0, 0, &e), 0);
	struct trainer *teacher = trainer_open(&layout, &options, &e);
	ck_assert_msg(teacher != NULL, "%s", e.text);
	draw_values(teacher, 4, 0.3f);
	return teacher;
}

#endif
