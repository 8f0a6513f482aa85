#include "daemon/eval_model.h"

#include "daemon/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All rows are scored as `score` would score them, at the precision that is asked for. */
enum { BATCH = 256 };

static const char *const polarities[3] = {"negative", "neutral", "positive"};

int eval_model_open(struct eval_model *model, const struct classifier_options *options, enum task task, struct err *e)
{
	*model = (struct eval_model){.classifier = classifier_open(options, e), .task = task};
	if (model->classifier == NULL)
		return -1;
	const struct classifier_info *info = classifier_get_info(model->classifier);
	model->names = task == TASK_TOPIC ? info->topics : polarities;
	model->classes = task == TASK_TOPIC ? info->topic_count : 3;
	return model->classes > 0 ? 0 : err_set(e, "%s: the model has no topic head", options->path);
}

void eval_model_close(struct eval_model *model)
{
	classifier_close(model->classifier);
	*model = (struct eval_model){0};
}

int eval_model_run(const struct eval_model *model, const struct text *texts, size_t count, float *logits, struct err *e)
{
	struct score scores[BATCH];
	bool topic = model->task == TASK_TOPIC;
	size_t topics = classifier_get_info(model->classifier)->topic_count, size = model->classes * sizeof *logits;
	float *topic_logits = xcalloc(BATCH, (topics + 1) * sizeof *topic_logits);
	int result = 0;
	for (size_t first = 0, some; first < count && result == 0; first += some) {
		some = count - first < BATCH ? count - first : BATCH;
		result = classifier_run(model->classifier, texts + first, some, scores, topic_logits, e);
		for (size_t i = 0; i < some && result == 0; i++)
			memcpy(logits + (first + i) * model->classes,
			       topic ? topic_logits + i * topics : scores[i].polarity_logits, size);
	}
	free(topic_logits);
	return result;
}

void eval_answers(const float *logits, size_t rows, size_t classes, int *answers)
{
	for (size_t i = 0; i < rows; i++, logits += classes) {
		size_t best = 0;
		for (size_t k = 1; k < classes; k++)
			best = logits[k] > logits[best] ? k : best;
		answers[i] = (int)best;
	}
}

double eval_loss(const float *logits, size_t classes, int class)
{
	double top = -INFINITY, sum = 0;
	for (size_t i = 0; i < classes; i++)
		top = fmax(top, (double)logits[i]);
	for (size_t i = 0; i < classes; i++)
		sum += exp((double)logits[i] - top);
	return log(sum) - ((double)logits[class] - top);
}
