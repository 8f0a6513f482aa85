#include "daemon/train_answers.h"

#include "daemon/base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a head's answers come from: column `column[i]` of `logits` is the head's row i. */
struct answers {
	const float *logits;
	size_t stride;
	const size_t *column;
};

void train_answers_weigh(const struct train_options *options, struct trainer_options *how)
{
	bool taught = options->teacher != NULL;
	how->soft = taught ? 1 : options->keep;
	how->hard = taught ? options->hard : 1;
	how->temperature = taught ? options->temperature : 1;
}

/* out[rows] = softmax of a text's columns at the temperature */
static void target_make(const struct answers *answers, size_t text, size_t rows, double temperature, float *out)
{
	const float *logits = answers->logits + text * answers->stride;
	double top = -INFINITY, sum = 0;
	for (size_t i = 0; i < rows; i++)
		top = fmax(top, (double)logits[answers->column[i]]);
	for (size_t i = 0; i < rows; i++)
		sum += exp(((double)logits[answers->column[i]] - top) / temperature);
	for (size_t i = 0; i < rows; i++)
		out[i] = (float)(exp(((double)logits[answers->column[i]] - top) / temperature) / sum);
}

/* Columns of the teacher's logits in the order of the student's rows; false where they are not the same topics. */
static bool topics_match(const struct train_data *data, size_t *column)
{
	const struct model_config *teacher = &data->teacher.config;
	if (!data->teacher.topic || teacher->topic_count != data->topics.count)
		return false;
	for (size_t i = 0; i < data->topics.count; i++) {
		size_t k = 0;
		while (k < teacher->topic_count && strcmp(teacher->topics[k], data->topics.names[i]) != 0)
			k++;
		if (k == teacher->topic_count)
			return false;
		column[3 + i] = 3 + k;
	}
	return true;
}

/* All that fills the block: for each head whose it is, and from where. */
struct sheet {
	size_t outputs;
	bool taught[2], held[2]; /* polarity, topic */
	size_t *teacher_column, *own_column; /* [outputs] */
};

static void sheet_fill(struct sheet *sheet, const struct train_data *data, const struct train_options *options)
{
	for (size_t i = 0; i < sheet->outputs; i++)
		sheet->own_column[i] = i;
	if (data->teacher.weights != NULL) {
		sheet->taught[0] = data->teacher.polarity;
		sheet->taught[1] = data->topics.count > 0 && topics_match(data, sheet->teacher_column);
		for (int i = 0; i < 3 && sheet->taught[0]; i++)
			sheet->teacher_column[data->polarity_row[i]] = (size_t)data->teacher.config.polarity_row[i];
	}
	bool keep = options->keep > 0;
	sheet->held[0] = keep && !sheet->taught[0] && options->polarity == NULL && !data->fresh_polarity;
	sheet->held[1] = keep && !sheet->taught[1] && options->topic == NULL && data->topics.count > 0 && !data->fresh_topic;
}

static void warn_untaught(const struct train_data *data, const struct sheet *sheet)
{
	if (data->teacher.weights == NULL)
		return;
	if (!sheet->taught[0])
		data->warn("the teacher has no polarity head: polarity is learnt from the labels alone");
	if (!sheet->taught[1] && data->topics.count > 0)
		data->warn("the teacher's topics are not those of the new model: topics are learnt from the labels alone");
}

static void targets_set(struct train_data *data, const struct sheet *sheet, const float *taught, size_t taught_stride,
			const float *own, double temperature, float *block)
{
	const size_t first[2] = {0, 3}, rows[2] = {3, sheet->outputs - 3};
	for (size_t i = 0; i < data->dataset.count; i++) {
		struct trainer_text *text = &data->dataset.texts[i];
		const float **targets[2] = {&text->polarity_target, &text->topic_target};
		for (int head = 0; head < 2; head++) {
			if (!sheet->taught[head] && !sheet->held[head])
				continue;
			if (head == 0 && train_corrections_has(&data->corrections, &data->dataset, i))
				continue; /* nobody's answer weakens what the desk has said */
			const struct answers answers = {
				.logits = sheet->taught[head] ? taught : own,
				.stride = sheet->taught[head] ? taught_stride : sheet->outputs,
				.column = (sheet->taught[head] ? sheet->teacher_column : sheet->own_column) + first[head],
			};
			float *out = block + i * sheet->outputs + first[head];
			target_make(&answers, i, rows[head], temperature, out);
			*targets[head] = out;
		}
	}
}

/* The answers of a trainer to all texts, to be freed. */
static float *logits_make(struct trainer *trainer, const struct train_data *data, struct err *e)
{
	size_t count = data->dataset.count;
	float *logits = calloc(count, trainer_layout(trainer)->outputs * sizeof *logits);
	if (logits == NULL) {
		err_set(e, "out of memory for the answers to %zu texts", count);
		return NULL;
	}
	if (trainer_run(trainer, false, data->dataset.texts, count, logits, e) == 0)
		return logits;
	free(logits);
	return NULL;
}

static int answers_fill(struct train_data *data, const struct sheet *sheet, struct trainer *base, struct trainer *teacher,
			double temperature, float **block, struct err *e)
{
	bool teaches = sheet->taught[0] || sheet->taught[1], holds = sheet->held[0] || sheet->held[1];
	float *taught = NULL, *own = NULL;
	int result = -1;
	if (!teaches && !holds)
		return 0;
	*block = calloc(data->dataset.count, sheet->outputs * sizeof **block);
	if (*block == NULL) {
		err_set(e, "out of memory for the answers to %zu texts", data->dataset.count);
		goto done;
	}
	if ((teaches && (taught = logits_make(teacher, data, e)) == NULL) || (holds && (own = logits_make(base, data, e)) == NULL))
		goto done;
	targets_set(data, sheet, taught, teaches ? trainer_layout(teacher)->outputs : 0, own, temperature, *block);
	result = 0;
done:
	free(taught);
	free(own);
	return result;
}

int train_answers_make(struct train_data *data, const struct train_options *options, struct trainer *base,
		       struct trainer *teacher, float **block, struct err *e)
{
	struct sheet sheet = {.outputs = trainer_layout(base)->outputs};
	struct trainer_options how;
	*block = NULL;
	sheet.teacher_column = xcalloc(sheet.outputs, sizeof *sheet.teacher_column);
	sheet.own_column = xcalloc(sheet.outputs, sizeof *sheet.own_column);
	sheet_fill(&sheet, data, options);
	warn_untaught(data, &sheet);
	if ((sheet.held[0] || sheet.held[1]) && (data->base.layers < data->base_layers || options->prune_heads > 0))
		data->warn("a head without rows is held to what is left of the base; --teacher BASE holds it to the whole one");
	train_answers_weigh(options, &how);
	int result = answers_fill(data, &sheet, base, teacher, how.temperature, block, e);
	free(sheet.teacher_column);
	free(sheet.own_column);
	return result;
}
