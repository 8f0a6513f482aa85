#ifndef TESTS_TINY_MODEL_H
#define TESTS_TINY_MODEL_H

#include "tests/lib/safetensors_writer.h"

#include <check.h>
#include <math.h>
#include <unistd.h>

/*
 * A Hugging Face directory with random weights in a temporary place: two layers
 * of 8, some words.  The fields bend it.
 */
struct tiny_model {
	const char *prefix;      /* "bert." or "" */
	bool old_norms;          /* gamma and beta */
	const char *labels;      /* id2label */
	const char *extra;       /* more keys of config.json: ", \"pooling\": \"mean\"" */
	int topics;              /* rows of a topic head; 0 = none */
	const char *left_out;    /* a tensor that is missing */
	const char *not_finite;  /* a tensor whose first value is a NaN */
	const char *misshapen;   /* a tensor with one row more */
	const char *vocab_extra; /* more lines of vocab.txt */
	const float *bias;       /* added to the polarity head's, one for each label; NULL = none */
	float sharp;             /* the polarity head's weights times this; 0 = as they are */
};

#define TINY_LABELS "{\"0\":\"negative\",\"1\":\"neutral\",\"2\":\"positive\"}"
#define TINY_MODEL (struct tiny_model){.prefix = "bert.", .labels = TINY_LABELS, .extra = "", .vocab_extra = ""}

enum { TINY_HIDDEN = 8, TINY_WIDE = 20, TINY_VOCAB = 40, TINY_POSITIONS = 24 };

static const char tiny_words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nshares\nof\norvane\nfall\nrise\nafter\nwarning\nprofit\n"
				 "bank\ncuts\nraises\noutlook\nthe\na\nand\n.\n,\n##s\n##ing\n";

static inline void tiny_write(const char *directory, const char *name, const void *data, size_t size)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

/* [rows, columns], or [columns] where rows is 0.  The values depend on the place in the file alone. */
static inline void tiny_tensor(const struct tiny_model *model, struct safetensors *file, const char *name, int rows,
			       int columns)
{
	char full[192];
	bool head = strstr(name, "classifier") != NULL;
	snprintf(full, sizeof full, "%s%s", head ? "" : model->prefix, name);
	if (model->left_out != NULL && strcmp(full, model->left_out) == 0)
		return;
	if (model->misshapen != NULL && strcmp(full, model->misshapen) == 0)
		rows++;
	int count = (rows == 0 ? 1 : rows) * columns;
	float *values = malloc((size_t)count * sizeof *values);
	uint64_t state = file->data_size;
	for (int i = 0; i < count; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		values[i] = (float)((double)(state >> 33) / (1u << 30) - 1.0);
	}
	if (model->not_finite != NULL && strcmp(full, model->not_finite) == 0)
		values[0] = NAN;
	for (int i = 0; i < count && model->bias != NULL && strcmp(full, "classifier.bias") == 0; i++)
		values[i] += model->bias[i];
	for (int i = 0; i < count && model->sharp > 0 && strcmp(full, "classifier.weight") == 0; i++)
		values[i] *= model->sharp;
	safetensors_add_floats(file, full, rows, columns, values);
	free(values);
}

static inline void tiny_linear(const struct tiny_model *model, struct safetensors *file, const char *base, int rows,
			       int columns)
{
	char name[160];
	snprintf(name, sizeof name, "%s.weight", base);
	tiny_tensor(model, file, name, rows, columns);
	snprintf(name, sizeof name, "%s.bias", base);
	tiny_tensor(model, file, name, 0, rows);
}

static inline void tiny_norm(const struct tiny_model *model, struct safetensors *file, const char *base)
{
	char name[160];
	snprintf(name, sizeof name, "%s.LayerNorm.%s", base, model->old_norms ? "gamma" : "weight");
	tiny_tensor(model, file, name, 0, TINY_HIDDEN);
	snprintf(name, sizeof name, "%s.LayerNorm.%s", base, model->old_norms ? "beta" : "bias");
	tiny_tensor(model, file, name, 0, TINY_HIDDEN);
}

static inline void tiny_layer(const struct tiny_model *model, struct safetensors *file, int layer)
{
	static const struct {
		const char *base;
		int rows, columns;
	} parts[] = {
		{"attention.self.query", TINY_HIDDEN, TINY_HIDDEN},  {"attention.self.key", TINY_HIDDEN, TINY_HIDDEN},
		{"attention.self.value", TINY_HIDDEN, TINY_HIDDEN},  {"attention.output.dense", TINY_HIDDEN, TINY_HIDDEN},
		{"intermediate.dense", TINY_WIDE, TINY_HIDDEN},	     {"output.dense", TINY_HIDDEN, TINY_WIDE},
	};
	char base[128];
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(base, sizeof base, "encoder.layer.%d.%s", layer, parts[i].base);
		tiny_linear(model, file, base, parts[i].rows, parts[i].columns);
	}
	snprintf(base, sizeof base, "encoder.layer.%d.attention.output", layer);
	tiny_norm(model, file, base);
	snprintf(base, sizeof base, "encoder.layer.%d.output", layer);
	tiny_norm(model, file, base);
}

/* The model.safetensors' bytes, malloc'ed. */
static inline void *tiny_weights(const struct tiny_model *model, size_t *size)
{
	struct safetensors file = {0};
	tiny_tensor(model, &file, "embeddings.word_embeddings.weight", TINY_VOCAB, TINY_HIDDEN);
	tiny_tensor(model, &file, "embeddings.position_embeddings.weight", TINY_POSITIONS, TINY_HIDDEN);
	tiny_tensor(model, &file, "embeddings.token_type_embeddings.weight", 2, TINY_HIDDEN);
	tiny_norm(model, &file, "embeddings");
	for (int layer = 0; layer < 2; layer++)
		tiny_layer(model, &file, layer);
	tiny_linear(model, &file, "pooler.dense", TINY_HIDDEN, TINY_HIDDEN);
	tiny_linear(model, &file, "classifier", 3, TINY_HIDDEN);
	if (model->topics > 0)
		tiny_linear(model, &file, "topic_classifier", model->topics, TINY_HIDDEN);
	return safetensors_finish(&file, size);
}

static inline void tiny_model_write(const struct tiny_model *model, const char *directory)
{
	char config[2048], vocab[4096];
	size_t size;
	void *weights = tiny_weights(model, &size);
	tiny_write(directory, "model.safetensors", weights, size);
	free(weights);
	int length = snprintf(config, sizeof config,
			      "{\"model_type\":\"bert\",\"hidden_size\":%d,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
			      "\"intermediate_size\":%d,\"vocab_size\":%d,\"max_position_embeddings\":%d,"
			      "\"type_vocab_size\":2,\"id2label\":%s%s}",
			      TINY_HIDDEN, TINY_WIDE, TINY_VOCAB, TINY_POSITIONS, model->labels, model->extra);
	tiny_write(directory, "config.json", config, (size_t)length);
	length = snprintf(vocab, sizeof vocab, "%s%s", tiny_words, model->vocab_extra);
	tiny_write(directory, "vocab.txt", vocab, (size_t)length);
}

/* `directory` is "/tmp/...-XXXXXX" and takes the name. */
static inline void tiny_model_make(const struct tiny_model *model, char *directory)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	tiny_model_write(model, directory);
}

static inline void tiny_model_remove(const char *directory)
{
	static const char *const names[] = {"config.json", "vocab.txt", "model.safetensors", "tokenizer_config.json"};
	char path[512];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

#endif
