#include "daemon/train_answers.h"

#include "daemon/base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void train_answers_weigh(const struct train_options *options, struct trainer_options *how)
{
	bool taught = options->teacher != NULL;
	how->soft = taught ? 1 : options->keep;
	how->hard = taught ? options->hard : 1;
	how->temperature = taught ? options->temperature : 1;
}

/* Polarity and topics: a head's rows in the block, and how many teachers answer for it. */
struct head {
	size_t first, rows;
	size_t teachers;
	bool held; /* to the base's answers: nobody teaches it and it has no rows */
};

/* All that fills the block: [texts, outputs]. */
struct sheet {
	size_t outputs;
	struct head heads[2];
	double temperature;
	size_t *column; /* [outputs]: which of a model's logits is the block's */
	float *block;
};

/* out[rows] += share x the softmax of a text's columns at the temperature */
static void target_add(const struct sheet *sheet, const struct head *head, const float *logits, double share, float *out)
{
	const size_t *column = sheet->column + head->first;
	double top = -INFINITY, sum = 0;
	for (size_t i = 0; i < head->rows; i++)
		top = fmax(top, (double)logits[column[i]]);
	for (size_t i = 0; i < head->rows; i++)
		sum += exp(((double)logits[column[i]] - top) / sheet->temperature);
	for (size_t i = 0; i < head->rows; i++)
		out[i] += (float)(share * exp(((double)logits[column[i]] - top) / sheet->temperature) / sum);
}

/* Columns of a teacher's logits in the order of the student's rows; false where they are not the same topics. */
static bool topics_match(const struct train_data *data, const struct train_teacher *teacher, size_t *column)
{
	const struct model_config *config = &teacher->config;
	if (!teacher->topic || data->topics.count == 0 || config->topic_count != data->topics.count)
		return false;
	for (size_t i = 0; i < data->topics.count; i++) {
		size_t k = 0;
		while (k < config->topic_count && strcmp(config->topics[k], data->topics.names[i]) != 0)
			k++;
		if (k == config->topic_count)
			return false;
		column[3 + i] = 3 + k;
	}
	return true;
}

/* Which heads a teacher answers for; the sheet gets the columns of its logits. */
static void teacher_match(struct sheet *sheet, const struct train_data *data, const struct train_teacher *teacher,
			  bool answers[2])
{
	for (int i = 0; i < 3 && teacher->polarity; i++)
		sheet->column[data->polarity_row[i]] = (size_t)teacher->config.polarity_row[i];
	answers[0] = teacher->polarity;
	answers[1] = topics_match(data, teacher, sheet->column);
}

static void heads_make(struct sheet *sheet, const struct train_data *data, const struct train_options *options)
{
	bool keep = options->keep > 0, answers[2];
	sheet->heads[0] = (struct head){.first = 0, .rows = 3};
	sheet->heads[1] = (struct head){.first = 3, .rows = sheet->outputs - 3};
	for (size_t i = 0; i < data->teachers.count; i++) {
		teacher_match(sheet, data, &data->teachers.list[i], answers);
		for (int head = 0; head < 2; head++)
			sheet->heads[head].teachers += answers[head];
	}
	sheet->heads[0].held = keep && sheet->heads[0].teachers == 0 && options->polarity == NULL && !data->fresh_polarity;
	sheet->heads[1].held = keep && sheet->heads[1].teachers == 0 && options->topic == NULL && data->topics.count > 0 &&
			       !data->fresh_topic;
}

static void warn_untaught(const struct train_data *data, const struct sheet *sheet)
{
	size_t teachers = data->teachers.count;
	if (teachers == 0)
		return;
	if (sheet->heads[0].teachers == 0)
		data->warn("no teacher has a polarity head: polarity is learnt from the labels alone");
	if (sheet->heads[1].teachers == 0 && data->topics.count > 0)
		data->warn("no teacher's topics are those of the new model: topics are learnt from the labels alone");
	else if (sheet->heads[1].teachers < teachers && data->topics.count > 0)
		data->warn("some teachers have no topics or other ones: the others alone teach topics");
	if (sheet->heads[0].teachers > 0 && sheet->heads[0].teachers < teachers)
		data->warn("some teachers have no polarity head: the others alone teach polarity");
}

/* Adds a model's answers to all texts for the heads of `which`. */
static int answers_add(const struct sheet *sheet, const struct train_data *data, struct trainer *trainer, const bool which[2],
		       struct err *e)
{
	size_t count = data->dataset.count, stride = trainer_layout(trainer)->outputs;
	float *logits = calloc(count, stride * sizeof *logits);
	if (logits == NULL)
		return err_set(e, "out of memory for the answers to %zu texts", count);
	int result = trainer_run(trainer, false, data->dataset.texts, count, logits, e);
	for (size_t i = 0; i < count && result == 0; i++)
		for (int h = 0; h < 2; h++) {
			const struct head *head = &sheet->heads[h];
			double share = head->teachers > 0 ? 1.0 / (double)head->teachers : 1; /* the base alone holds */
			if (which[h])
				target_add(sheet, head, logits + i * stride, share, sheet->block + i * sheet->outputs + head->first);
		}
	free(logits);
	return result;
}

static int teacher_add(struct sheet *sheet, const struct train_data *data, const struct train_teacher *teacher,
		       const struct trainer_options *how, struct err *e)
{
	bool answers[2];
	teacher_match(sheet, data, teacher, answers);
	if (!answers[0] && !answers[1])
		return 0;
	if (how->teacher != NULL) /* open already, for its relations and states */
		return answers_add(sheet, data, how->teacher, answers, e);
	struct trainer *trainer = train_teacher_trainer(teacher, how, e);
	int result = trainer != NULL ? answers_add(sheet, data, trainer, answers, e) : -1;
	trainer_close(trainer);
	return result;
}

static void targets_set(struct train_data *data, const struct sheet *sheet)
{
	for (size_t i = 0; i < data->dataset.count; i++) {
		struct trainer_text *text = &data->dataset.texts[i];
		const float *row = sheet->block + i * sheet->outputs;
		/* Nobody's answer weakens what the desk has said. */
		if ((sheet->heads[0].teachers > 0 || sheet->heads[0].held) &&
		    !train_corrections_has(&data->corrections, &data->dataset, i))
			text->polarity_target = row;
		if (sheet->heads[1].teachers > 0 || sheet->heads[1].held)
			text->topic_target = row + sheet->heads[1].first;
	}
}

static int sheet_fill(struct sheet *sheet, struct train_data *data, const struct trainer_options *how, struct trainer *base,
		      struct err *e)
{
	const bool held[2] = {sheet->heads[0].held, sheet->heads[1].held};
	if (sheet->heads[0].teachers == 0 && sheet->heads[1].teachers == 0 && !held[0] && !held[1])
		return 0;
	sheet->block = calloc(data->dataset.count, sheet->outputs * sizeof *sheet->block);
	if (sheet->block == NULL)
		return err_set(e, "out of memory for the answers to %zu texts", data->dataset.count);
	for (size_t i = 0; i < data->teachers.count; i++)
		if (teacher_add(sheet, data, &data->teachers.list[i], how, e) < 0)
			return -1;
	for (size_t i = 0; i < sheet->outputs; i++)
		sheet->column[i] = i;
	if ((held[0] || held[1]) && answers_add(sheet, data, base, held, e) < 0)
		return -1;
	targets_set(data, sheet);
	return 0;
}

int train_answers_make(struct train_data *data, const struct train_options *options, const struct trainer_options *how,
		       struct trainer *base, float **block, struct err *e)
{
	struct sheet sheet = {.outputs = trainer_layout(base)->outputs, .temperature = how->temperature};
	sheet.column = xcalloc(sheet.outputs, sizeof *sheet.column);
	heads_make(&sheet, data, options);
	warn_untaught(data, &sheet);
	if ((sheet.heads[0].held || sheet.heads[1].held) && (data->base.layers < data->base_layers || options->prune_heads > 0))
		data->warn("a head without rows is held to what is left of the base; --teacher BASE holds it to the whole one");
	int result = sheet_fill(&sheet, data, how, base, e);
	free(sheet.column);
	*block = sheet.block;
	return result;
}
