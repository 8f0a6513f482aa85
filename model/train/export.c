#include "model/train/export.h"

#include "model/train/params.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *labels_json(const struct export_options *options, json_t **ids)
{
	static const char *const names[3] = {"negative", "neutral", "positive"};
	json_t *labels = json_object();
	*ids = json_object();
	for (int row = 0; row < 3; row++) {
		for (int i = 0; i < 3; i++) {
			char key[16];
			snprintf(key, sizeof key, "%d", row);
			if (options->polarity_row[i] != row)
				continue;
			json_object_set_new(labels, key, json_string(names[i]));
			json_object_set_new(*ids, names[i], json_integer(row));
		}
	}
	return labels;
}

static void config_change(const struct export_options *options, json_t *config)
{
	const char *type = strcmp(options->type, "F16") == 0 ? "float16" : "float32";
	json_t *ids, *labels = labels_json(options, &ids), *topics = json_array();
	json_object_set_new(config, "architectures", json_pack("[s]", "BertForSequenceClassification"));
	json_object_set_new(config, "model_type", json_string("bert"));
	json_object_set_new(config, "num_hidden_layers", json_integer((json_int_t)options->layout->layers));
	json_object_set_new(config, "id2label", labels);
	json_object_set_new(config, "label2id", ids);
	for (size_t i = 0; i < options->layout->topics; i++)
		json_array_append_new(topics, json_string(options->topics[i]));
	if (options->layout->topics > 0)
		json_object_set(config, "topic_labels", topics);
	else
		json_object_del(config, "topic_labels");
	json_decref(topics);
	if (options->layout->pooling == POOLING_MEAN || json_object_get(config, "pooling") != NULL)
		json_object_set_new(config, "pooling",
				    json_string(options->layout->pooling == POOLING_MEAN ? "mean" : "cls"));
	json_object_set_new(config, json_object_get(config, "dtype") != NULL ? "dtype" : "torch_dtype", json_string(type));
}

static int config_write(const struct export_options *options, const struct publish *publish, struct err *e)
{
	char from[4200], to[4200];
	json_error_t why;
	snprintf(from, sizeof from, "%s/config.json", options->base);
	snprintf(to, sizeof to, "%s/config.json", publish->path);
	json_t *config = json_load_file(from, 0, &why);
	if (!json_is_object(config)) {
		json_decref(config);
		return err_set(e, "%s:%d: %s", from, why.line, why.text);
	}
	config_change(options, config);
	FILE *out = fopen(to, "wxe");
	int failure = out == NULL || json_dumpf(config, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF ? errno : 0;
	if (out != NULL && fclose(out) != 0 && failure == 0)
		failure = errno;
	json_decref(config);
	return failure != 0 ? err_sys(e, failure, "cannot write %s", to) : 0;
}

static int weights_write(const struct export_options *options, const struct publish *publish, struct err *e)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/model.safetensors", publish->path);
	FILE *out = fopen(path, "wxe");
	if (out == NULL)
		return err_sys(e, errno, "%s", path);
	int result = params_write(options->layout, options->values, options->type, options->program, out, e);
	if (result < 0)
		err_prefix(e, "%s", path);
	if (fclose(out) != 0 && result == 0)
		result = err_sys(e, errno, "cannot write %s", path);
	return result;
}

int export_model(const struct export_options *options, const struct publish *publish, struct err *e)
{
	static const char *const copied[] = {"vocab.txt", "tokenizer_config.json", "tokenizer.json", "special_tokens_map.json",
					     "added_tokens.json", "LICENSE", "LICENSE.txt", "NOTICE"};
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		if (publish_copy(publish, options->base, copied[i], e) < 0)
			return -1;
	if (config_write(options, publish, e) < 0)
		return -1;
	return weights_write(options, publish, e);
}
