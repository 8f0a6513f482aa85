#include "daemon/eval_against.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

/* The class of the other model that has the name, or -1. */
static int class_find(const struct eval_model *model, const char *name)
{
	for (size_t i = 0; i < model->classes; i++)
		if (strcmp(model->names[i], name) == 0)
			return (int)i;
	return -1;
}

int eval_against_open(struct eval_against *against, const struct eval_model *model,
		      const struct classifier_options *options, struct err *e)
{
	if (eval_model_open(&against->model, options, model->task, e) < 0)
		return -1;
	for (size_t i = 0; i < model->classes; i++)
		if (class_find(&against->model, model->names[i]) < 0)
			return err_set(e, "%s: the model there does not know the topic \"%s\": there is nothing to compare",
				       options->path, model->names[i]);
	if (against->model.classes != model->classes)
		return err_set(e, "%s: the model there knows %zu topics and this one %zu: there is nothing to compare",
			       options->path, against->model.classes, model->classes);
	return 0;
}

int eval_against_run(struct eval_against *against, const struct eval_rows *rows, const struct text *texts, struct err *e)
{
	size_t classes = rows->model->classes;
	float *logits = xcalloc(rows->count, classes * sizeof *logits), *row = xcalloc(classes, sizeof *row);
	int result = eval_model_run(&against->model, texts, rows->count, logits, e);
	for (size_t i = 0; i < rows->count && result == 0; i++) {
		memcpy(row, logits + i * classes, classes * sizeof *row);
		for (size_t k = 0; k < classes; k++)
			logits[i * classes + k] = row[class_find(&against->model, rows->model->names[k])];
	}
	if (result == 0) {
		against->answers = xcalloc(rows->count, sizeof *against->answers);
		eval_answers(logits, rows->count, classes, against->answers);
		result = comparison_make(&against->comparison, rows->truth, against->answers, rows->answers, rows->count, classes,
					 rows->samples, rows->seed, e);
	}
	free(logits);
	free(row);
	return result;
}

void eval_against_close(struct eval_against *against)
{
	eval_model_close(&against->model);
	free(against->answers);
	*against = (struct eval_against){0};
}
