/*
 * Steps of training alone: tokens a second, and the memory.
 *
 *   bench_train [--model DIR] [--threads N] [--batch N] [--precision P] [--steps N] [--longest N] [--exact] < TEXTS
 *
 * Texts, one a line, are taken in their order in batches of N, each with a
 * polarity and a topic that are its line's number.  The first three steps are
 * not counted.  One line: texts, tokens, seconds, tokens a second, tokens a second
 * of the CPU's time, the peak of memory in MB, the last loss.  --exact: without dropout, and a line of loss and norm of the
 * gradient for each step from the first on, before it.
 */
#include "daemon/base/check.h"
#include "daemon/model_path.h"
#include "model/config.h"
#include "model/tokenizer.h"
#include "model/train/params.h"
#include "model/train/trainer.h"
#include "model/weights.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MOST_TEXTS = 1 << 16, WARM = 3 };

struct bench {
	const char *model;
	size_t batch, steps;
	bool exact;
	struct trainer_options options;
	struct trainer_text *texts;
	size_t count;
};

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void options_parse(int argc, char **argv, struct bench *bench)
{
	static const struct option known[] = {
		{"model", required_argument, NULL, 'm'},     {"threads", required_argument, NULL, 't'},
		{"batch", required_argument, NULL, 'b'},     {"precision", required_argument, NULL, 'p'},
		{"steps", required_argument, NULL, 's'},     {"longest", required_argument, NULL, 'l'},
		{"batch-tokens", required_argument, NULL, 'k'}, {"exact", no_argument, NULL, 'x'}, {NULL, 0, NULL, 0},
	};
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (c) {
		case 'm': bench->model = optarg; break;
		case 't': bench->options.threads = strtoul(optarg, NULL, 10); break;
		case 'b': bench->batch = strtoul(optarg, NULL, 10); break;
		case 'p': bench->options.precision = optarg; break;
		case 's': bench->steps = strtoul(optarg, NULL, 10); break;
		case 'l': bench->options.longest = strtoul(optarg, NULL, 10); break;
		case 'k': bench->options.batch_tokens = strtoul(optarg, NULL, 10); break;
		case 'x': bench->exact = true; bench->options.dropout = 0; break;
		default: exit(2);
		}
	}
}

static void texts_read(struct bench *bench, const char *directory, size_t topics, struct err *e)
{
	struct tokenizer *tokenizer = tokenizer_open_model(directory, e);
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;
	bench->texts = xcalloc(MOST_TEXTS, sizeof *bench->texts);
	while (tokenizer != NULL && bench->count < MOST_TEXTS && (length = getline(&line, &capacity, stdin)) > 0) {
		struct trainer_text *text = &bench->texts[bench->count];
		int32_t *ids = xcalloc(bench->options.longest, sizeof *ids);
		*text = (struct trainer_text){.ids = ids, .source = -1, .polarity = (int)(bench->count % 3),
					      .topic = topics > 0 ? (int)(bench->count % topics) : -1};
		text->length = tokenizer_encode(tokenizer, line, (size_t)length - 1, ids, bench->options.longest);
		bench->count++;
	}
	free(line);
	tokenizer_free(tokenizer);
}

static struct trainer *model_load(const struct bench *bench, const char *directory, struct model_config *config, struct err *e)
{
	char path[4200];
	struct layout layout;
	bool drew;
	snprintf(path, sizeof path, "%s/model.safetensors", directory);
	struct weights *weights = weights_open(path, e);
	struct trainer *trainer = NULL;
	if (weights != NULL && layout_make(&layout, config, config->topic_count, 0, e) == 0)
		trainer = trainer_open(&layout, &bench->options, e);
	if (trainer != NULL && params_read(trainer_layout(trainer), weights, &(struct params_fresh){0},
					   trainer_state(trainer).values, &drew, e) == 0)
		trainer_restart(trainer);
	weights_close(weights);
	return trainer;
}

static int measure(const struct bench *bench, struct trainer *trainer, struct err *e)
{
	struct trainer_result result = {0};
	size_t at = 0, tokens = 0, texts = 0;
	double began = 0, cpu = 0;
	for (size_t step = 0; step < bench->steps + WARM; step++) {
		if (step == WARM) {
			began = now(CLOCK_MONOTONIC);
			cpu = now(CLOCK_PROCESS_CPUTIME_ID);
			tokens = texts = 0;
		}
		if (at + bench->batch > bench->count)
			at = 0;
		if (trainer_step(trainer, bench->texts + at, bench->batch, 2e-5, &result, e) < 0)
			return -1;
		if (bench->exact)
			printf("%.7f\t%.7f\n", result.loss, result.norm);
		at += bench->batch;
		texts += bench->batch;
		tokens += result.tokens;
	}
	double seconds = now(CLOCK_MONOTONIC) - began, busy = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("%zu\t%zu\t%.3f\t%.0f\t%.0f\t%ld\t%.5f\n", texts, tokens, seconds, (double)tokens / seconds,
	       (double)tokens / busy, usage.ru_maxrss / 1024, result.loss);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	char directory[4096];
	struct bench bench = {.batch = 32, .steps = 30, .options = trainer_defaults()};
	struct model_config config = {0};
	bench.options.threads = 2;
	bench.options.longest = 128;
	options_parse(argc, argv, &bench);
	struct trainer *trainer = NULL;
	int status = 1;
	if (model_path_find(bench.model, directory, sizeof directory, &e) == 0 &&
	    model_config_read(&config, directory, &e) == 0 &&
	    (trainer = model_load(&bench, directory, &config, &e)) != NULL) {
		texts_read(&bench, directory, config.topic_count, &e);
		if (bench.count < bench.batch)
			err_set(&e, "%zu texts on standard input are less than a batch", bench.count);
		else
			status = measure(&bench, trainer, &e) == 0 ? 0 : 1;
	}
	if (status != 0)
		fprintf(stderr, "bench_train: %s\n", e.text);
	trainer_close(trainer);
	model_config_clear(&config);
	for (size_t i = 0; i < bench.count; i++)
		free((int32_t *)(uintptr_t)bench.texts[i].ids);
	free(bench.texts);
	return status;
}
