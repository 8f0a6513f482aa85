#include "daemon/train_record.h"

#include "daemon/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void option_add(void *json, const char *name, const char *value, bool is_text)
{
	if (value == NULL)
		json_object_set_new(json, name, json_null());
	else if (is_text)
		json_object_set_new(json, name, json_string(value));
	else
		json_object_set_new(json, name, json_loads(value, JSON_DECODE_ANY, NULL));
}

static json_t *task_json(const struct fit_task *task)
{
	if (task->rows == 0)
		return json_null();
	return json_pack("{s:I, s:f, s:f, s:f, s:f}", "rows", (json_int_t)task->rows, "accuracy", task->accuracy, "macro_f1",
			 task->macro_f1, "loss", task->loss, "ece", task->calibration);
}

static json_t *hex_json(uint64_t value)
{
	char text[32];
	snprintf(text, sizeof text, "%016" PRIx64, value);
	return json_string(text);
}

static json_t *result_json(const struct train_record *record)
{
	const struct fit_outcome *outcome = record->outcome;
	return json_pack("{s:f, s:I, s:I, s:f, s:f, s:{s:f, s:f}, s:o, s:o}", "lr", outcome->rate, "epoch", (json_int_t)outcome->epoch,
			 "steps", (json_int_t)outcome->steps, "seconds", outcome->seconds, "tokens_per_second",
			 outcome->seconds > 0 ? outcome->tokens / outcome->seconds : 0, "temperature", "polarity",
			 record->calibration.polarity, "topic", record->calibration.topic, "polarity",
			 task_json(&outcome->figures.polarity), "topic", task_json(&outcome->figures.topic));
}

static json_t *rows_json(const struct train_data *data)
{
	json_t *topics = json_array();
	for (size_t i = 0; i < data->topics.count; i++)
		json_array_append_new(topics, json_string(data->topics.names[i]));
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:{s:I, s:I}}", "training", (json_int_t)data->split.training_count,
			 "validation", (json_int_t)data->split.validation_count, "cut", (json_int_t)data->dataset.cut, "hash",
			 hex_json(dataset_hash(&data->dataset)), "topics", topics, "corrections", "texts",
			 (json_int_t)data->corrections.cases.count, "times", (json_int_t)data->corrections.times);
}

/* What the run began with beside the base: null where it had none of it. */
static void origins_add(const struct train_record *record, json_t *json)
{
	const struct train_data *data = record->data;
	const struct pretrain_outcome *words = record->pretrained;
	json_t *layers = json_array();
	for (size_t i = 0; i < data->base.layers; i++)
		json_array_append_new(layers, json_integer((json_int_t)data->layers[i]));
	json_object_set_new(json, "layers", layers);
	json_object_set_new(json, "teacher", data->teachers.count == 0 ? json_null() : json_pack("{s:o, s:I, s:I}", "hash",
		hex_json(data->teachers.hash), "models",
		(json_int_t)data->teachers.count, "unlabelled_texts", (json_int_t)data->unlabelled.count));
	json_object_set_new(json, "pretraining", words->steps == 0 ? json_null() :
		json_pack("{s:I, s:I, s:f, s:f, s:f}", "texts", (json_int_t)data->pretrain.count, "steps",
			  (json_int_t)words->steps, "first_loss", words->first_loss, "last_loss", words->last_loss,
			  "seconds", words->seconds));
}

int train_record_write(const struct train_record *record, const char *path, struct err *e)
{
	char now[40];
	json_t *options = json_object();
	train_options_each(record->options, option_add, options);
	json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:b, s:b, s:s, s:I, s:b, s:o}",
				 "program", record->program, "finished",
				 time_format_iso(clock_now_us(&wall_clock), now, sizeof now),
				 "version", record->version, "options", options, "data", rows_json(record->data), "base_hash",
				 hex_json(record->data->base_hash), "fingerprint", hex_json(record->fingerprint), "parameters",
				 (json_int_t)record->parameters, "new_polarity_head", record->data->fresh_polarity,
				 "new_topic_head", record->data->fresh_topic, "kernels", record->kernels, "threads",
				 (json_int_t)record->threads, "resumed", record->outcome->resumed, "result",
				 result_json(record));
	if (json == NULL)
		return err_set(e, "run.json: out of memory, or a path that is not UTF-8");
	origins_add(record, json);
	FILE *out = fopen(path, "wxe");
	int failure = out == NULL || json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) < 0 ||
				      fputc('\n', out) == EOF
			      ? errno
			      : 0;
	if (out != NULL && fclose(out) != 0 && failure == 0)
		failure = errno;
	json_decref(json);
	return failure != 0 ? err_sys(e, failure, "cannot write %s", path) : 0;
}

int train_record_print(const struct train_record *record, struct err *e)
{
	json_t *json = json_pack("{s:s, s:s}", "out", record->options->out, "version", record->version), *result;
	result = result_json(record);
	json_object_update(json, result);
	json_decref(result);
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	json_decref(json);
	if (text != NULL)
		puts(text);
	free(text);
	return text == NULL || fflush(stdout) != 0 ? err_sys(e, errno, "cannot write the result") : 0;
}
