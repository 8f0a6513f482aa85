/*
 * The tokeniser alone: texts of standard input, one a line, through
 * model/tokenizer.h again and again, on one thread or several.
 *
 *   bench_tokenizer VOCAB_DIRECTORY THREADS SECONDS < TEXTS
 *
 * Prints passes over the texts a second in the best pass of all threads
 * together, and how many ids one pass has.  With one thread the seconds are
 * the CPU's, which others on the machine disturb least.
 */
#include "daemon/base/check.h"
#include "model/tokenizer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 256, MAX_IDS = 1 << 16 };

struct input {
	char *bytes;
	size_t used;
};

struct job {
	const struct tokenizer *tokenizer;
	const char *begin, *end; /* of whole lines */
	size_t ids;
};

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct input input_read(void)
{
	struct input input = {.bytes = xmalloc(1 << 20)};
	size_t capacity = 1 << 20;
	for (size_t got; (got = fread(input.bytes + input.used, 1, capacity - input.used, stdin)) > 0;) {
		input.used += got;
		if (input.used == capacity)
			input.bytes = xrealloc(input.bytes, capacity *= 2);
	}
	return input;
}

static void *job_run(void *argument)
{
	static _Thread_local int32_t ids[MAX_IDS];
	struct job *job = argument;
	job->ids = 0;
	for (const char *line = job->begin; line < job->end;) {
		const char *newline = memchr(line, '\n', (size_t)(job->end - line));
		const char *end = newline != NULL ? newline : job->end;
		job->ids += tokenizer_encode(job->tokenizer, line, (size_t)(end - line), ids, MAX_IDS);
		line = end + 1;
	}
	return NULL;
}

/* Parts of about equal size, cut after a line. */
static void jobs_divide(struct job *jobs, size_t count, const struct tokenizer *tokenizer, const struct input *input)
{
	const char *begin = input->bytes, *end = input->bytes + input->used;
	for (size_t i = 0; i < count; i++) {
		const char *cut = input->bytes + input->used / count * (i + 1);
		if (cut < begin)
			cut = begin;
		const char *newline = i + 1 < count ? memchr(cut, '\n', (size_t)(end - cut)) : NULL;
		jobs[i] = (struct job){.tokenizer = tokenizer, .begin = begin, .end = newline != NULL ? newline + 1 : end};
		begin = jobs[i].end;
	}
}

static double pass_seconds(struct job *jobs, size_t count)
{
	pthread_t threads[MAX_THREADS];
	clockid_t clock = count == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
	double began = now(clock);
	for (size_t i = 1; i < count; i++)
		CHECK(pthread_create(&threads[i], NULL, job_run, &jobs[i]) == 0);
	job_run(&jobs[0]);
	for (size_t i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
	return now(clock) - began;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	size_t threads = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	double seconds = argc == 4 ? atof(argv[3]) : 0;
	if (threads < 1 || threads > MAX_THREADS || seconds <= 0) {
		fputs("usage: bench_tokenizer VOCAB_DIRECTORY THREADS SECONDS < TEXTS\n", stderr);
		return 2;
	}
	struct tokenizer *tokenizer = tokenizer_open_model(argv[1], &e);
	if (tokenizer == NULL) {
		fprintf(stderr, "bench_tokenizer: %s\n", e.text);
		return 2;
	}
	struct input input = input_read();
	static struct job jobs[MAX_THREADS];
	jobs_divide(jobs, threads, tokenizer, &input);
	double best = 1e9;
	for (double sum = 0; sum < seconds;) {
		double took = pass_seconds(jobs, threads);
		best = took < best ? took : best;
		sum += took;
	}
	size_t ids = 0;
	for (size_t i = 0; i < threads; i++)
		ids += jobs[i].ids;
	printf("%.6f\t%zu\n", 1 / best, ids);
	free(input.bytes);
	tokenizer_free(tokenizer);
	return 0;
}
