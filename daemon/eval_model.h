#ifndef DAEMON_EVAL_MODEL_H
#define DAEMON_EVAL_MODEL_H

#include "model/classifier.h"
#include "model/train/dataset.h"

/* A classifier as one of its tasks sees it: texts in, logits of the task's classes out. */
struct eval_model {
	struct classifier *classifier;
	enum task task;
	const char *const *names; /* of the classes; the classifier's own for topics */
	size_t classes;
};

/* Fails where there is no such model, or it has no head for the task. */
int eval_model_open(struct eval_model *model, const struct classifier_options *options, enum task task, struct err *e);
void eval_model_close(struct eval_model *model);

/* logits[count, classes] */
int eval_model_run(const struct eval_model *model, const struct text *texts, size_t count, float *logits, struct err *e);

/* The most probable class of each row. */
void eval_answers(const float *logits, size_t rows, size_t classes, int *answers);

/* -log p(class) of one row. */
double eval_loss(const float *logits, size_t classes, int class);

#endif
