#ifndef MODEL_CLASSIFIER_H
#define MODEL_CLASSIFIER_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Texts in, scores out.  The classifier knows nothing of documents.
 *
 * It loads a Hugging Face directory (config.json, model.safetensors,
 * vocab.txt) with a polarity head and, where there is one, a topic head.  All
 * memory is allocated at open; classifier_run allocates nothing that grows
 * with the input.  Re-entrant: any number of threads may call classifier_run
 * on one classifier; calls share its worker threads.
 *
 * A text's scores do not depend on the texts beside it (to 1e-5).
 */
struct classifier_options {
	const char *path;      /* the model's directory */
	const char *device;    /* "auto", "cpu", "cuda", "cuda:0,1": as model/devices.h has it */
	const char *precision; /* "auto", "fp32", "bf16", "int8" */
	int threads;           /* 0 = one per CPU that the process may use; of several GPUs each needs one */
};

struct classifier_info {
	const char *version;      /* changes with the weights, vocabulary or labels: "minilm-3f2a9c1d" */
	const char *device;       /* what was chosen: "cpu" */
	const char *precision;    /* "fp32" */
	const char *kernels;      /* the ops table: "cpu-avx512-vnni"; of several GPUs each with its number */
	const char *why_cpu;      /* one line: why "auto" did not take a GPU; NULL where it did or was not asked */
	const char *const *topics; /* in the order of config.json; NULL without a topic head */
	size_t topic_count;
	size_t max_tokens;        /* longer texts are cut, as Hugging Face's truncation does */
};

struct score {
	bool can_judge;           /* false: a script that the model was not trained for; polarity means nothing */
	float polarity[3];        /* probabilities: negative, neutral, positive (whatever the model's own order) */
	float polarity_logits[3]; /* in the same order */
};

struct text {
	const char *data; /* UTF-8; invalid bytes are read as U+FFFD */
	size_t length;
};

struct classifier;

struct classifier *classifier_open(const struct classifier_options *options, struct err *e);
void classifier_close(struct classifier *classifier);
const struct classifier_info *classifier_get_info(const struct classifier *classifier);

/* One line from when on a GPU was left, for others or the CPU, its batch done again: the last one left; NULL before.  Any thread. */
const char *classifier_trouble(const struct classifier *classifier);

/* Score `count` texts.  `topic_logits` (or NULL) takes count x topic_count floats, row-major; softmax_row turns a row into
 * probabilities.  Fails only where the CPU cannot take over from a device that failed. */
int classifier_run(struct classifier *classifier, const struct text *texts, size_t count, struct score *scores,
		   float *topic_logits, struct err *e);

/* In place: logits to probabilities. */
void softmax_row(float *row, size_t count);

/* Score in [-1, 1] as stored and printed: P(positive) - P(negative). */
static inline float score_value(const struct score *score)
{
	return score->polarity[2] - score->polarity[0];
}

/* The most probable polarity: 0, 1, 2. */
int score_polarity(const struct score *score);

#endif
