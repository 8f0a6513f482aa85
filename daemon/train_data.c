#include "daemon/train_data.h"

#include "daemon/base/check.h"
#include "daemon/train_pretrain.h"
#include "daemon/train_prune.h"
#include "daemon/train_unlabelled.h"
#include "model/train/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST_ROWS = 8, FEW_ROWS = 5, LONG_LINE = 1 << 20 };

/* A file that was read, while the rows are gathered. */
struct source_file {
	struct table table;
	enum task task;
	bool validation;
};

struct files {
	struct source_file list[5];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void warn(const struct train_data *data, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	data->warn(text);
}

static int base_open(struct train_data *data, const struct train_options *options, struct err *e)
{
	char path[4200];
	if (model_config_read_base(&data->base, options->base, e) < 0 || train_layers_choose(data, options->keep_layers, e) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/model.safetensors", options->base);
	data->weights = weights_open(path, e);
	if (data->weights == NULL || weights_hash(data->weights, 0, &data->base_hash, e) < 0)
		return -1;
	if (options->pooling != NULL)
		data->base.pooling = strcmp(options->pooling, "mean") == 0 ? POOLING_MEAN : POOLING_CLS;
	data->longest = data->base.max_tokens;
	if (options->max_tokens >= 2 && (size_t)options->max_tokens < data->longest)
		data->longest = (size_t)options->max_tokens;
	return 0;
}

static int file_read(struct train_data *data, struct files *files, const char *path, enum task task, bool validation,
		     const char *source, struct err *e)
{
	if (path == NULL)
		return 0;
	struct source_file *file = &files->list[files->count];
	*file = (struct source_file){.task = task, .validation = validation};
	if (table_read(&file->table, path, validation ? NULL : source, e) < 0)
		return -1;
	files->count++;
	if (task == TASK_POLARITY)
		train_corrections_oust(&data->corrections, &file->table);
	if (file->table.empty > 0)
		warn(data, "%s: %zu rows without a text are left out", path, file->table.empty);
	if (file->table.longest > LONG_LINE)
		warn(data, "%s:%zu: a line of %.1f MB; is a newline missing?  (%zu tokens of a text are read)", path,
		     file->table.longest_line, (double)file->table.longest / 1e6, data->longest);
	return 0;
}

/* Before the files, whose rows they may oust. */
static int corrections_open(struct train_data *data, struct files *files, const struct train_options *options, struct err *e)
{
	struct source_file *file = &files->list[files->count];
	if (options->database == NULL)
		return 0;
	*file = (struct source_file){.task = TASK_POLARITY};
	if (train_corrections_read(&data->corrections, options->database, &file->table, e) < 0)
		return -1;
	files->count++;
	return 0;
}

/* Different labels of a table must be two at least. */
static int classes_check(const struct source_file *file, const struct labels *labels, struct err *e)
{
	if (labels->count > 1)
		return 0;
	return err_set(e, "%s: all %zu rows have the label \"%s\": there is nothing to tell apart; add rows with another one",
		       file->table.path, file->table.count, labels->names[0]);
}

/* The base's topics are kept where they have all labels of the rows, so that its head is learnt further. */
static int topics_choose(struct train_data *data, const struct train_options *options, const struct source_file *file,
			 struct err *e)
{
	struct labels labels;
	if (labels_collect(&labels, &file->table, e) < 0)
		return -1;
	int result = classes_check(file, &labels, e);
	bool keep = !options->new_heads && data->base.topic_count > 0;
	for (size_t i = 0; i < labels.count && keep; i++) {
		keep = false;
		for (size_t k = 0; k < data->base.topic_count && !keep; k++)
			keep = strcmp(labels.names[i], data->base.topics[k]) == 0;
	}
	if (result == 0 && keep)
		result = labels_copy(&data->topics, data->base.topics, data->base.topic_count, e);
	else if (result == 0)
		result = labels_copy(&data->topics, labels.names, labels.count, e);
	data->fresh_topic = !keep;
	labels_clear(&labels);
	return result;
}

static int polarity_choose(struct train_data *data, const struct source_file *file, struct err *e)
{
	struct labels labels;
	if (labels_collect(&labels, &file->table, e) < 0)
		return -1;
	int result = 0;
	bool seen[3] = {false};
	size_t known = 0;
	for (size_t i = 0; i < labels.count; i++) {
		int polarity = polarity_find(labels.names[i], strlen(labels.names[i]));
		if (polarity >= 0 && !seen[polarity]) {
			seen[polarity] = true;
			known++;
		}
	}
	if (known == 1 && labels.count == 1 && !data->teachers.polarity)
		result = classes_check(file, &labels, e);
	else if (known == 2)
		warn(data, "%s: no row is %s; the model will hardly ever say it", file->table.path,
		     !seen[0] ? "negative" : !seen[1] ? "neutral" : "positive");
	labels_clear(&labels);
	return result;
}

/* Which heads there will be, and which of them are the base's. */
static int heads_choose(struct train_data *data, const struct train_options *options, const struct files *files,
			struct err *e)
{
	const struct source_file *of[2] = {NULL, NULL};
	struct layout shape = {.hidden = data->base.hidden};
	for (size_t i = 0; i < files->count; i++)
		if (!files->list[i].validation)
			of[files->list[i].task] = &files->list[i];
	bool has_polarity = data->base.polarity_row[0] >= 0 && params_has_head(&shape, data->weights, "classifier", 3);
	data->fresh_polarity = !has_polarity || (options->new_heads && of[TASK_POLARITY] != NULL);
	for (int i = 0; i < 3; i++)
		data->polarity_row[i] = has_polarity ? data->base.polarity_row[i] : i;
	if (of[TASK_POLARITY] == NULL && !has_polarity && !data->teachers.polarity)
		warn(data, "the base has no polarity head and there are no --polarity rows: polarity will be chance");
	if (of[TASK_POLARITY] != NULL && polarity_choose(data, of[TASK_POLARITY], e) < 0)
		return -1;
	if (!params_has_head(&shape, data->weights, "topic_classifier", data->base.topic_count)) {
		for (size_t i = 0; i < data->base.topic_count; i++)
			free(data->base.topics[i]);
		data->base.topic_count = 0;
	}
	if (of[TASK_TOPIC] != NULL)
		return topics_choose(data, options, of[TASK_TOPIC], e);
	const struct train_teacher *teacher = train_teachers_topic(&data->teachers);
	if (data->base.topic_count == 0 && teacher != NULL) {
		data->fresh_topic = true;
		return labels_copy(&data->topics, teacher->config.topics, teacher->config.topic_count, e);
	}
	return labels_copy(&data->topics, data->base.topics, data->base.topic_count, e);
}

static int sources_collect(struct train_data *data, const struct files *files, struct err *e)
{
	struct labels all = {0}, one;
	for (size_t i = 0; i < files->count; i++) {
		/* The same gathering as of labels, over another column. */
		struct table table = files->list[i].table;
		table.rows = xcalloc(table.count, sizeof *table.rows);
		size_t count = 0;
		for (size_t k = 0; k < table.count; k++) {
			const struct table_row *row = &files->list[i].table.rows[k];
			table.rows[count] = *row;
			table.rows[count].label = row->source;
			table.rows[count].label_length = row->source_length;
			count += row->source != NULL;
		}
		table.count = count;
		int result = labels_collect(&one, &table, e);
		free(table.rows);
		if (result < 0)
			return -1;
		for (size_t k = 0; k < one.count; k++)
			if (labels_find(&all, one.names[k], strlen(one.names[k])) < 0) {
				all.names = xrealloc(all.names, (all.count + 1) * sizeof *all.names);
				all.names[all.count++] = xstrdup(one.names[k]);
			}
		labels_clear(&one);
	}
	data->sources = all;
	return 0;
}

/* Rows of validation files come after the others, and are all of the validation. */
static int rows_add(struct train_data *data, const struct train_options *options, const struct files *files, struct err *e)
{
	struct tokenizer *tokenizer = tokenizer_open_model(options->base, e);
	if (tokenizer == NULL)
		return -1;
	int result = 0;
	if (tokenizer_vocab_size(tokenizer) > data->base.vocab_size)
		result = err_set(e, "%s: vocab.txt has %zu entries and config.json's vocab_size is %zu", options->base,
				 tokenizer_vocab_size(tokenizer), data->base.vocab_size);
	for (size_t i = 0; i < files->count && result == 0; i++) {
		const struct dataset_labels labels = {.task = files->list[i].task, .polarity_row = data->polarity_row,
						      .topics = &data->topics,
						      .sources = options->source != NULL ? &data->sources : NULL};
		struct dataset *to = &data->dataset;
		result = dataset_add(to, &files->list[i].table, &labels, tokenizer, data->longest, e);
		if (result == 0 && data->vary != NULL)
			result = vary_add(data->vary, &files->list[i].table, e);
	}
	tokenizer_free(tokenizer);
	if (result == 0 && data->dataset.cut > 0)
		warn(data, "%zu of %zu texts are longer than %zu tokens and are cut there", data->dataset.cut, data->dataset.count,
		     data->longest);
	return result;
}

static void few_warn(const struct train_data *data)
{
	size_t classes = 3 + data->topics.count, *rows = xcalloc(classes, sizeof *rows);
	static const char *const polarities[3] = {"negative", "neutral", "positive"};
	for (size_t i = 0; i < data->dataset.count; i++) {
		const struct trainer_text *text = &data->dataset.texts[i];
		if (text->polarity >= 0)
			rows[text->polarity]++;
		if (text->topic >= 0)
			rows[3 + text->topic]++;
	}
	for (int i = 0; i < 3; i++) {
		size_t count = rows[data->polarity_row[i]];
		if (count > 0 && count < FEW_ROWS)
			warn(data, "the label \"%s\" has %zu rows, too few to validate it", polarities[i], count);
	}
	for (size_t i = 3; i < classes; i++)
		if (rows[i] > 0 && rows[i] < FEW_ROWS)
			warn(data, "the label \"%s\" has %zu rows, too few to validate it", data->topics.names[i - 3], rows[i]);
	free(rows);
}

/* A task with a validation file of its own leaves its other rows to training. */
static int split_make(struct train_data *data, const struct train_options *options, size_t first_validation,
		      struct err *e)
{
	struct dataset_split *split = &data->split;
	bool own[2] = {options->polarity_validation != NULL, options->topic_validation != NULL};
	if (dataset_split(&data->dataset, options->validation, (uint64_t)options->seed, split, e) < 0)
		return -1;
	if (!own[0] && !own[1])
		return 0;
	size_t training = 0, validation = 0;
	uint32_t *all = xcalloc(data->dataset.count + 1, sizeof *all);
	bool *aside = xcalloc(data->dataset.count + 1, sizeof *aside);
	for (size_t i = 0; i < split->validation_count; i++)
		aside[split->validation[i]] = true;
	for (size_t i = 0; i < data->dataset.count; i++) {
		const struct trainer_text *text = &data->dataset.texts[i];
		bool task = text->polarity < 0;
		if (i >= first_validation || (aside[i] && !own[task]))
			split->validation[validation++] = (uint32_t)i;
		else
			all[training++] = (uint32_t)i;
	}
	memcpy(split->training, all, training * sizeof *all);
	split->training_count = training;
	split->validation_count = validation;
	free(all);
	free(aside);
	return 0;
}

static int rows_open(struct train_data *data, const struct train_options *options, struct files *files, struct err *e)
{
	bool own = options->polarity_validation != NULL || options->topic_validation != NULL;
	if (corrections_open(data, files, options, e) < 0 ||
	    file_read(data, files, options->polarity, TASK_POLARITY, false, options->source, e) < 0 ||
	    file_read(data, files, options->topic, TASK_TOPIC, false, options->source, e) < 0 ||
	    heads_choose(data, options, files, e) < 0 ||
	    (options->source != NULL && sources_collect(data, files, e) < 0))
		return -1;
	size_t first_validation = 0;
	for (size_t i = 0; i < files->count; i++)
		first_validation += files->list[i].table.count;
	if (file_read(data, files, options->polarity_validation, TASK_POLARITY, true, NULL, e) < 0 ||
	    file_read(data, files, options->topic_validation, TASK_TOPIC, true, NULL, e) < 0 ||
	    rows_add(data, options, files, e) < 0)
		return -1;
	if (first_validation < FEWEST_ROWS && options->unlabelled == NULL)
		return err_set(e, "%s: %zu rows are too few to learn from: %d are the least, some hundreds are a start",
			       options->polarity != NULL ? options->polarity
			       : options->topic != NULL	 ? options->topic
							 : options->database,
			       first_validation, FEWEST_ROWS);
	/* With validation files texts stay what they are: a text of both would be of training and of validation. */
	if (dataset_finish(&data->dataset, !own, e) < 0)
		return -1;
	few_warn(data);
	if (data->corrections.ousted > 0)
		warn(data, "%zu rows of the files are left out: the desk has corrected the same texts", data->corrections.ousted);
	return split_make(data, options, first_validation, e);
}

static int vary_prepare(struct train_data *data, const struct train_options *options, struct err *e)
{
	const struct vary_options how = {.base = options->base, .longest = data->longest, .batch = (size_t)options->batch,
					 .rate = options->noise, .seed = (uint64_t)options->seed};
	if (options->noise <= 0)
		return 0;
	data->vary = vary_open(&how, e);
	return data->vary != NULL ? 0 : -1;
}

int train_data_open(struct train_data *data, const struct train_options *options, struct err *e)
{
	struct files files = {0};
	int result = base_open(data, options, e);
	if (result == 0)
		result = vary_prepare(data, options, e);
	if (result == 0 && options->teacher != NULL)
		result = train_teachers_open(&data->teachers, options->teacher, options->base, e);
	if (result == 0 && (options->relations > 0 || options->hidden > 0) && data->teachers.count > 1)
		result = err_set(e, "--relations and --hidden take one teacher: of several, whose tokens would it be?");
	if (result == 0)
		result = rows_open(data, options, &files, e);
	if (result == 0)
		result = train_unlabelled_add(data, options, e);
	if (result == 0) { /* among all that there is to learn from */
		bool others = options->polarity != NULL || options->polarity_validation != NULL || options->topic_validation != NULL;
		result = train_corrections_weigh(&data->corrections, &data->dataset, options->database_share, others, &data->split, e);
	}
	if (result == 0)
		result = train_pretrain_read(data, options, e);
	if (result == 0 && data->vary != NULL)
		result = vary_bind(data->vary, data->dataset.hashes, data->dataset.count, e);
	for (size_t i = 0; i < files.count; i++)
		table_clear(&files.list[i].table);
	return result;
}

void train_data_close(struct train_data *data)
{
	model_config_clear(&data->base);
	free(data->layers);
	weights_close(data->weights);
	labels_clear(&data->topics);
	labels_clear(&data->sources);
	corrections_clear(&data->corrections.cases);
	vary_close(data->vary);
	dataset_clear(&data->dataset);
	dataset_clear(&data->unlabelled);
	dataset_clear(&data->pretrain);
	train_teachers_close(&data->teachers);
	dataset_split_clear(&data->split);
}

/* The rows [first, first + count) of the heads are one task's. */
static void balance(const size_t *rows, float *weights, size_t first, size_t count)
{
	size_t all = 0, classes = 0;
	for (size_t i = first; i < first + count; i++) {
		all += rows[i];
		classes += rows[i] > 0;
	}
	for (size_t i = first; i < first + count; i++)
		weights[i] = rows[i] > 0 ? (float)((double)all / ((double)classes * (double)rows[i])) : 1.0f;
}

void train_data_balance(const struct train_data *data, float *weights)
{
	size_t topics = data->topics.count, *rows = xcalloc(3 + topics, sizeof *rows);
	for (size_t i = 0; i < data->split.training_count; i++) {
		const struct trainer_text *text = &data->dataset.texts[data->split.training[i]];
		if (text->polarity >= 0)
			rows[text->polarity]++;
		if (text->topic >= 0)
			rows[3 + text->topic]++;
	}
	balance(rows, weights, 0, 3);
	balance(rows, weights, 3, topics);
	free(rows);
}
