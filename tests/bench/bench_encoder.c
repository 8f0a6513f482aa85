/*
 * The classifier without a program around it: how its cost depends on the
 * texts of one call, and how long one text alone takes.
 *
 *   bench_encoder [OPTIONS] < TEXTS       one text a line
 *
 *     --model DIR --device D --precision P --threads N     as for `bellwether score`; the CPU where nothing is said
 *     --calls 1,8,64      texts a call
 *     --seconds S         of each call size (2)
 *
 * A first line says what runs; then, for each call size: texts a second, texts
 * a second of the CPU's time (which others on the machine disturb least), and
 * the microseconds of a call: the median and the fastest.
 */
#include "daemon/base/check.h"
#include "daemon/model_path.h"
#include "model/classifier.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_CALLS = 32, MAX_MEASURED = 1 << 16 };

struct options {
	struct classifier_options model;
	size_t calls[MAX_CALLS], call_count;
	double seconds;
};

struct texts {
	char *bytes;
	struct text *list;
	size_t count;
};

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t calls_parse(char *list, size_t *calls)
{
	size_t count = 0;
	for (char *part = strtok(list, ","); part != NULL && count < MAX_CALLS; part = strtok(NULL, ","))
		if ((calls[count] = strtoul(part, NULL, 10)) > 0)
			count++;
	return count;
}

static bool options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"model", required_argument, NULL, 'm'}, {"precision", required_argument, NULL, 'p'},
		{"threads", required_argument, NULL, 't'}, {"calls", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 's'}, {"device", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0},
	};
	*out = (struct options){.model = {.device = "cpu", .precision = "auto", .threads = 1},
				.calls = {1}, .call_count = 1, .seconds = 2};
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (c) {
		case 'm':
			out->model.path = optarg;
			break;
		case 'd':
			out->model.device = optarg;
			break;
		case 'p':
			out->model.precision = optarg;
			break;
		case 't':
			out->model.threads = atoi(optarg);
			break;
		case 'c':
			out->call_count = calls_parse(optarg, out->calls);
			break;
		case 's':
			out->seconds = atof(optarg);
			break;
		default:
			return false;
		}
	}
	return out->call_count > 0 && out->seconds > 0;
}

static void texts_read(struct texts *texts)
{
	size_t used = 0, capacity = 1 << 20;
	texts->bytes = xmalloc(capacity);
	for (size_t got; (got = fread(texts->bytes + used, 1, capacity - used, stdin)) > 0;) {
		used += got;
		if (used == capacity)
			texts->bytes = xrealloc(texts->bytes, capacity *= 2);
	}
	for (size_t i = 0; i < used; i++)
		texts->count += texts->bytes[i] == '\n';
	texts->list = xcalloc(texts->count + 1, sizeof *texts->list);
	char *line = texts->bytes;
	for (size_t i = 0; i < texts->count; i++) {
		char *end = memchr(line, '\n', used - (size_t)(line - texts->bytes));
		texts->list[i] = (struct text){line, (size_t)(end - line)};
		line = end + 1;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Calls of `size` texts, through the texts from the first on, again and again until the time is over. */
static int measure(struct classifier *classifier, const struct texts *texts, size_t size, double seconds, struct err *e)
{
	static double took[MAX_MEASURED];
	struct text *call = xcalloc(size, sizeof *call);
	struct score *scores = xcalloc(size, sizeof *scores);
	float *topics = xcalloc(size * classifier_get_info(classifier)->topic_count + 1, sizeof *topics);
	size_t next = 0, calls = 0;
	double sum = 0, cpu = 0;
	int result = 0;
	/* The first call is not counted: it touches the memory. */
	for (bool first = true; result == 0 && (first || (sum < seconds && calls < MAX_MEASURED)); first = false) {
		for (size_t i = 0; i < size; i++)
			call[i] = texts->list[next++ % texts->count];
		double began = now(CLOCK_MONOTONIC), cpu_began = now(CLOCK_PROCESS_CPUTIME_ID);
		result = classifier_run(classifier, call, size, scores, topics, e);
		if (first)
			continue;
		cpu += now(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
		took[calls] = now(CLOCK_MONOTONIC) - began;
		sum += took[calls++];
	}
	if (result == 0) {
		qsort(took, calls, sizeof *took, compare);
		double done = (double)(size * calls);
		printf("%zu\t%.1f\t%.1f\t%.1f\t%.1f\n", size, done / sum, done / cpu, took[calls / 2] * 1e6, took[0] * 1e6);
		fflush(stdout);
	}
	free(call);
	free(scores);
	free(topics);
	return result;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	char path[4096];
	struct options options;
	struct texts texts = {0};
	struct classifier *classifier = NULL;
	int status = 2;
	if (!options_parse(argc, argv, &options)) {
		fputs("usage: bench_encoder [--model DIR] [--precision P] [--threads N] [--calls 1,8] [--seconds S]\n", stderr);
		return status;
	}
	texts_read(&texts);
	if (texts.count > 0 && model_path_find(options.model.path, path, sizeof path, &e) == 0) {
		options.model.path = path;
		classifier = classifier_open(&options.model, &e);
	}
	if (classifier != NULL) {
		const struct classifier_info *info = classifier_get_info(classifier);
		printf("%s\t%s\t%s\n", info->version, info->precision, info->kernels);
		status = 0;
	}
	for (size_t i = 0; status == 0 && i < options.call_count; i++)
		if (measure(classifier, &texts, options.calls[i], options.seconds, &e) < 0)
			status = 1;
	if (status != 0)
		fprintf(stderr, "bench_encoder: %s\n", texts.count > 0 ? e.text : "no texts on standard input");
	classifier_close(classifier);
	free(texts.list);
	free(texts.bytes);
	return status;
}
