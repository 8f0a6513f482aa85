#include "model/config.h"

#include "model/regular_file.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/*
 * A directory that we would compute wrongly is refused by the name of its key;
 * keys that do not change what is computed (dropout, initializer_range) are not
 * looked at.  Sizes are only checked for sense: the weights must agree with
 * them, and those are checked against the file.
 */
enum { MAX_SIZE = 1 << 20, MAX_TOPICS = 4096 };

static json_t *file_load(const char *path, struct err *e)
{
	uint64_t size;
	int fd = regular_file_open(path, &size, e);
	if (fd < 0) {
		err_prefix(e, "%s", path);
		return NULL;
	}
	/* model_max_length is often 10^30. */
	json_error_t why;
	json_t *json = json_loadfd(fd, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, &why);
	close(fd);
	if (json == NULL) {
		err_set(e, "%s:%d:%d: %s", path, why.line, why.column, why.text);
	} else if (!json_is_object(json)) {
		err_set(e, "%s: not a JSON object", path);
		json_decref(json);
		json = NULL;
	}
	return json;
}

/* An absent or null key leaves *out as it is. */
static int size_get(const json_t *json, const char *key, size_t *out, struct err *e)
{
	const json_t *value = json_object_get(json, key);
	if (value == NULL || json_is_null(value))
		return 0;
	double number = json_number_value(value);
	if (!json_is_number(value) || !(number >= 1 && number <= MAX_SIZE) || number != floor(number))
		return err_set(e, "%s must be a whole number from 1 to %d", key, MAX_SIZE);
	*out = (size_t)number;
	return 0;
}

static const char *string_get(const json_t *json, const char *key, const char *absent)
{
	const char *value = json_string_value(json_object_get(json, key));
	return value != NULL ? value : absent;
}

static int sizes_read(struct model_config *config, const json_t *json, struct err *e)
{
	const struct {
		const char *key;
		size_t *out;
		size_t absent;
	} sizes[] = {
		{"hidden_size", &config->hidden, 768},
		{"num_hidden_layers", &config->layers, 12},
		{"num_attention_heads", &config->heads, 12},
		{"intermediate_size", &config->intermediate, 3072},
		{"vocab_size", &config->vocab_size, 30522},
		{"max_position_embeddings", &config->positions, 512},
		{"type_vocab_size", &config->types, 2},
	};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		*sizes[i].out = sizes[i].absent;
		if (size_get(json, sizes[i].key, sizes[i].out, e) < 0)
			return -1;
	}
	if (config->hidden % config->heads != 0)
		return err_set(e, "hidden_size %zu is no multiple of num_attention_heads %zu", config->hidden,
			       config->heads);
	if (config->positions < 2)
		return err_set(e, "max_position_embeddings must be at least 2");

	const json_t *epsilon = json_object_get(json, "layer_norm_eps");
	config->norm_epsilon = epsilon != NULL ? (float)json_number_value(epsilon) : 1e-12f;
	if (epsilon != NULL && !(config->norm_epsilon >= 0 && config->norm_epsilon < 1))
		return err_set(e, "layer_norm_eps must be a number from 0 to 1");
	return 0;
}

static int kind_read(struct model_config *config, const json_t *json, struct err *e)
{
	static const struct {
		const char *name;
		enum activation activation;
	} activations[] = {
		{"gelu", ACTIVATION_GELU},
		{"gelu_new", ACTIVATION_GELU_TANH},
		{"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
		{"relu", ACTIVATION_RELU},
	};
	const char *type = string_get(json, "model_type", "bert");
	if (strcmp(type, "bert") != 0)
		return err_set(e, "model_type is \"%s\"; only \"bert\" is supported", type);
	snprintf(config->model_type, sizeof config->model_type, "%s", type);

	const char *position = string_get(json, "position_embedding_type", "absolute");
	if (strcmp(position, "absolute") != 0)
		return err_set(e, "position_embedding_type is \"%s\"; only \"absolute\" is supported", position);

	const char *pooling = string_get(json, "pooling", "cls");
	if (strcmp(pooling, "mean") != 0 && strcmp(pooling, "cls") != 0)
		return err_set(e, "pooling is \"%s\"; \"cls\" and \"mean\" are supported", pooling);
	config->pooling = strcmp(pooling, "mean") == 0 ? POOLING_MEAN : POOLING_CLS;

	const char *activation = string_get(json, "hidden_act", "gelu");
	for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
		if (strcmp(activation, activations[i].name) == 0) {
			config->activation = activations[i].activation;
			return 0;
		}
	}
	return err_set(e, "hidden_act is \"%s\"; \"gelu\", \"gelu_new\" and \"relu\" are supported", activation);
}

/* id2label in any order and case; the rows are numbered by its keys. */
static int polarity_read(struct model_config *config, json_t *json, struct err *e)
{
	static const char *const names[3] = {"negative", "neutral", "positive"};
	json_t *labels = json_object_get(json, "id2label");
	if (json_object_size(labels) != 3)
		return err_set(e, "id2label must name three labels: negative, neutral, positive (it has %zu)",
			       json_object_size(labels));
	for (int i = 0; i < 3; i++)
		config->polarity_row[i] = -1;
	for (int row = 0; row < 3; row++) {
		char key[16];
		snprintf(key, sizeof key, "%d", row);
		const char *label = json_string_value(json_object_get(labels, key));
		if (label == NULL)
			return err_set(e, "id2label has no label for \"%s\"", key);
		int polarity = 0;
		while (polarity < 3 && strcasecmp(label, names[polarity]) != 0)
			polarity++;
		if (polarity == 3 || config->polarity_row[polarity] >= 0)
			return err_set(e, "id2label %s is \"%s\"; negative, neutral and positive, once each, are needed", key,
				       label);
		config->polarity_row[polarity] = row;
	}
	return 0;
}

static int topics_read(struct model_config *config, const json_t *json, struct err *e)
{
	const json_t *labels = json_object_get(json, "topic_labels");
	if (labels == NULL || json_is_null(labels))
		return 0;
	size_t count = json_array_size(labels);
	if (count == 0 || count > MAX_TOPICS)
		return err_set(e, "topic_labels must be a list of 1 to %d names", MAX_TOPICS);
	config->topics = calloc(count, sizeof *config->topics);
	if (config->topics == NULL)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const char *label = json_string_value(json_array_get(labels, i));
		if (label == NULL || *label == '\0')
			return err_set(e, "topic_labels: entry %zu is no name", i);
		config->topics[i] = strdup(label);
		if (config->topics[i] == NULL)
			return err_set(e, "out of memory");
		config->topic_count = i + 1;
	}
	return 0;
}

static int heads_read(struct model_config *config, json_t *json, bool base, struct err *e)
{
	if (polarity_read(config, json, base ? NULL : e) < 0) {
		if (!base)
			return -1;
		for (int i = 0; i < 3; i++)
			config->polarity_row[i] = -1;
	}
	return topics_read(config, json, e);
}

static int encoder_read(struct model_config *config, const char *path, bool base, struct err *e)
{
	json_t *json = file_load(path, e);
	if (json == NULL)
		return -1;
	int result = -1;
	if (kind_read(config, json, e) < 0 || sizes_read(config, json, e) < 0 || heads_read(config, json, base, e) < 0)
		err_prefix(e, "%s", path);
	else
		result = 0;
	json_decref(json);
	return result;
}

/* The tokeniser reads its own keys of this file. */
static int length_read(struct model_config *config, const char *path, struct err *e)
{
	config->max_tokens = config->positions;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	json_t *json = file_load(path, e);
	if (json == NULL)
		return -1;
	const json_t *length = json_object_get(json, "model_max_length");
	double most = json_is_number(length) ? json_number_value(length) : (double)config->positions;
	json_decref(json);
	if (!(most >= 2))
		return err_set(e, "%s: model_max_length must be at least 2", path);
	if (most < (double)config->positions)
		config->max_tokens = (size_t)most;
	return 0;
}

static int directory_read(struct model_config *config, const char *directory, bool base, struct err *e)
{
	char path[4096];
	*config = (struct model_config){0};
	snprintf(path, sizeof path, "%s/config.json", directory);
	if (encoder_read(config, path, base, e) < 0)
		goto fail;
	snprintf(path, sizeof path, "%s/tokenizer_config.json", directory);
	if (length_read(config, path, e) < 0)
		goto fail;
	return 0;

fail:
	model_config_clear(config);
	return -1;
}

int model_config_read(struct model_config *config, const char *directory, struct err *e)
{
	return directory_read(config, directory, false, e);
}

int model_config_read_base(struct model_config *config, const char *directory, struct err *e)
{
	return directory_read(config, directory, true, e);
}

void model_config_clear(struct model_config *config)
{
	for (size_t i = 0; i < config->topic_count; i++)
		free(config->topics[i]);
	free(config->topics);
	*config = (struct model_config){0};
}
