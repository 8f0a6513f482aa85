#ifndef TESTS_LEARNED_MODEL_H
#define TESTS_LEARNED_MODEL_H

#include "model/train/params.h"
#include "model/train/trainer.h"
#include "model/weights.h"
#include "tests/lib/one_in.h"
#include "tests/lib/safetensors_writer.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/*
 * A small encoder with two heads, which learns a language of 97 words in some
 * seconds.  Labels of a model that knows nothing are ties, which any rounding
 * decides: what compares labels needs one that has learnt.
 */
enum { HIDDEN = 128, HEADS = 4, WIDE = 256, LAYERS = 2, VOCAB = 97, POSITIONS = 512, TOPICS = 5, OUTPUTS = 3 + TOPICS };

static const struct model_config config = {
	.model_type = "bert", .hidden = HIDDEN, .layers = LAYERS, .heads = HEADS, .intermediate = WIDE,
	.vocab_size = VOCAB, .positions = POSITIONS, .types = 2, .norm_epsilon = 1e-12f, .activation = ACTIVATION_GELU,
	.pooling = POOLING_CLS, .polarity_row = {0, 1, 2}, .topic_count = TOPICS, .max_tokens = POSITIONS};

static uint64_t state;

static inline float next_float(void)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (float)((double)(state >> 33) / (1u << 30) - 1.0);
}

/* As BERT's begin: around `middle` with deviation 0.02; [rows, columns], or [columns] where rows is 0. */
static inline void add_tensor(struct safetensors *file, const char *name, int rows, int columns, float middle)
{
	int count = (rows == 0 ? 1 : rows) * columns;
	float *values = malloc((size_t)count * sizeof *values);
	for (int i = 0; i < count; i++)
		values[i] = middle + 0.035f * next_float();
	safetensors_add_floats(file, name, rows, columns, values);
	free(values);
}

static inline void add_pair(struct safetensors *file, const char *base, int rows, int columns)
{
	char name[192];
	snprintf(name, sizeof name, "%s.weight", base);
	add_tensor(file, name, rows, columns, rows == 0); /* a norm's is around 1 */
	snprintf(name, sizeof name, "%s.bias", base);
	add_tensor(file, name, 0, rows > 0 ? rows : columns, 0);
}

static inline void add_layer(struct safetensors *file, int layer)
{
	static const struct {
		const char *base;
		int rows, columns;
	} parts[] = {
		{"attention.self.query", HIDDEN, HIDDEN},  {"attention.self.key", HIDDEN, HIDDEN},
		{"attention.self.value", HIDDEN, HIDDEN},  {"attention.output.dense", HIDDEN, HIDDEN},
		{"attention.output.LayerNorm", 0, HIDDEN}, {"intermediate.dense", WIDE, HIDDEN},
		{"output.dense", HIDDEN, WIDE},		   {"output.LayerNorm", 0, HIDDEN},
	};
	char base[128];
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(base, sizeof base, "encoder.layer.%d.%s", layer, parts[i].base);
		add_pair(file, base, parts[i].rows, parts[i].columns);
	}
}

/* Such a file, opened; it is gone when the weights are closed. */
static inline struct weights *file_open(const void *bytes, size_t size)
{
	char path[] = "/tmp/bellwether-gpu-XXXXXX";
	struct err e = {0};
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	unlink(path);
	return weights;
}

static inline struct weights *model_make(void)
{
	struct safetensors file = {0};
	size_t size;
	state = 42;
	add_tensor(&file, "embeddings.word_embeddings.weight", VOCAB, HIDDEN, 0);
	add_tensor(&file, "embeddings.position_embeddings.weight", POSITIONS, HIDDEN, 0);
	add_tensor(&file, "embeddings.token_type_embeddings.weight", 2, HIDDEN, 0);
	add_pair(&file, "embeddings.LayerNorm", 0, HIDDEN);
	for (int layer = 0; layer < LAYERS; layer++)
		add_layer(&file, layer);
	add_pair(&file, "pooler.dense", HIDDEN, HIDDEN);
	add_pair(&file, "classifier", 3, HIDDEN);
	add_pair(&file, "topic_classifier", TOPICS, HIDDEN);
	void *bytes = safetensors_finish(&file, &size);
	struct weights *weights = file_open(bytes, size);
	free(bytes);
	return weights;
}

/* The language: the first word and the last one; ten good words, ten bad ones, three that turn the next one around; eight
 * words of each topic; and others. */
enum { BEGIN = 0, END = 1, GOOD = 2, BAD = 12, TURN = 22, THEMES = 25, OTHERS = THEMES + 8 * TOPICS };

static inline int32_t next_below(int32_t count)
{
	return (int32_t)((double)(next_float() + 1) / 2 * count) % count;
}

/* A text of `length` words, and its labels: the polarity of most good or bad words, and the one topic's. */
static inline void text_make(int32_t *ids, int32_t length, int *polarity, int *topic)
{
	int sum = 0, sign = 1;
	*topic = next_below(TOPICS);
	*polarity = 1;
	for (int32_t i = 0; i < length; i++)
		ids[i] = OTHERS + next_below(VOCAB - OTHERS);
	if (length < 4)
		return;
	ids[0] = BEGIN;
	for (int32_t i = 1; i < length - 2; i++) {
		int32_t kind = next_below(16);
		if (kind < 2) {
			ids[i] = (kind == 0 ? GOOD : BAD) + next_below(BAD - GOOD);
			sum += kind == 0 ? sign : -sign;
		} else if (kind == 2) {
			ids[i] = TURN + next_below(THEMES - TURN);
		} else if (kind == 3) {
			ids[i] = THEMES + 8 * *topic + next_below(8);
		}
		sign = kind == 2 ? -1 : 1;
	}
	ids[length - 2] = THEMES + 8 * *topic + next_below(8);
	ids[length - 1] = END;
	*polarity = (sum > 0) - (sum < 0) + 1;
}

static inline int32_t headline_length(void)
{
	return 4 + next_below(28);
}

/* What the others open: bytes of a model.safetensors. */
static char *trained;
static size_t trained_size;

/* Sanitizers look for other things than what it has learnt. */
static inline int learning_steps(void)
{
	return one_in() > 5 ? 20 : 1500;
}

static inline void train(struct trainer *trainer)
{
	enum { BATCH = 32, LONGEST = 32 };
	const int steps = learning_steps();
	struct err e = {0};
	struct trainer_result result;
	static int32_t words[BATCH][LONGEST];
	struct trainer_text texts[BATCH];
	for (int step = 0; step < steps; step++) {
		for (size_t i = 0; i < BATCH; i++) {
			texts[i] = (struct trainer_text){.ids = words[i], .source = -1};
			texts[i].length = (size_t)headline_length();
			text_make(words[i], (int32_t)texts[i].length, &texts[i].polarity, &texts[i].topic);
		}
		double rate = 1e-3 * fmin(10.0 * step, (steps - step) / 0.9) / steps;
		ck_assert_msg(trainer_step(trainer, texts, BATCH, rate, &result, &e) == 0, "%s", e.text);
	}
}

/* Once, before the tests. */
static inline void learn(void)
{
	struct err e = {0};
	struct layout layout;
	bool drew;
	struct weights *weights = model_make();
	struct trainer_options options = trainer_defaults();
	options.longest = POSITIONS;
	options.dropout = 0;
	options.smoothing = 0.1;
	ck_assert_int_eq(layout_make(&layout, &config, TOPICS, 0, &e), 0);
	struct trainer *trainer = trainer_open(&layout, &options, &e);
	ck_assert_msg(trainer != NULL, "%s", e.text);
	float *values = trainer_state(trainer).values;
	ck_assert_int_eq(params_read(trainer_layout(trainer), weights, &(struct params_fresh){0}, values, &drew, &e), 0);
	weights_close(weights);
	trainer_restart(trainer);
	train(trainer);
	FILE *out = open_memstream(&trained, &trained_size);
	ck_assert_int_eq(params_write(trainer_layout(trainer), values, "F32", "test", out, &e), 0);
	ck_assert_int_eq(fclose(out), 0);
	trainer_close(trainer);
}

static inline void forget(void)
{
	free(trained);
}

#endif
