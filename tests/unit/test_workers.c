#include "model/workers.h"
#include "tests/lib/run.h"

#include <check.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { UNITS = 1000, WORKERS = 4 };

struct job {
	struct work work; /* first */
	atomic_int done[UNITS];
	atomic_int begun;
	size_t size, fails_at;
};

static size_t job_piece(const struct work *work, size_t first)
{
	const struct job *job = (const struct job *)work;
	return work->count - first < job->size ? work->count - first : job->size;
}

static int job_run(struct work *work, size_t worker, size_t first, size_t count, struct err *e)
{
	struct job *job = (struct job *)work;
	if (worker >= WORKERS)
		abort();
	atomic_fetch_add(&job->begun, 1);
	for (size_t i = first; i < first + count; i++) {
		if (i == job->fails_at)
			return err_set(e, "unit %zu", i);
		atomic_fetch_add(&job->done[i], 1);
	}
	sched_yield();
	return 0;
}

static void job_init(struct job *job, size_t count, size_t size)
{
	*job = (struct job){.work = {.count = count, .piece = job_piece, .run = job_run}, .size = size,
			    .fails_at = SIZE_MAX};
}

START_TEST(does_every_unit_once)
{
	static struct job job;
	struct workers *workers = workers_start(WORKERS, NULL);
	for (size_t size = 1; size <= UNITS; size = size * 3 + 1) {
		job_init(&job, UNITS, size);
		ck_assert_int_eq(workers_run(workers, &job.work, NULL), 0);
		for (size_t i = 0; i < UNITS; i++)
			ck_assert_int_eq(atomic_load(&job.done[i]), 1);
	}
	job_init(&job, 0, 1);
	ck_assert_int_eq(workers_run(workers, &job.work, NULL), 0);
	ck_assert_int_eq(atomic_load(&job.begun), 0);
	workers_stop(workers);
	workers_stop(NULL);
}
END_TEST

START_TEST(a_failure_ends_the_work_and_says_why)
{
	static struct job job;
	struct workers *workers = workers_start(WORKERS, NULL);
	for (size_t at = 0; at < UNITS; at += 99) {
		struct err e = {0};
		job_init(&job, UNITS, 1);
		job.fails_at = at;
		ck_assert_int_eq(workers_run(workers, &job.work, &e), -1);
		char wanted[32];
		snprintf(wanted, sizeof wanted, "unit %zu", at);
		ck_assert_str_eq(e.text, wanted);
		/* The pool is as good as new. */
		job_init(&job, 10, 3);
		ck_assert_int_eq(workers_run(workers, &job.work, &e), 0);
	}
	workers_stop(workers);
}
END_TEST

static void *call_often(void *argument)
{
	struct workers *workers = argument;
	struct job *job = malloc(sizeof *job);
	for (size_t round = 0; round < 100; round++) {
		job_init(job, 50 + round, 7);
		job->fails_at = round % 10 == 3 ? round / 2 : SIZE_MAX;
		int result = workers_run(workers, &job->work, NULL);
		if ((result < 0) != (round % 10 == 3))
			abort();
	}
	free(job);
	return NULL;
}

START_TEST(takes_work_of_many_callers)
{
	pthread_t callers[8];
	struct workers *workers = workers_start(WORKERS, NULL);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&callers[i], NULL, call_often, workers), 0);
	for (size_t i = 0; i < 8; i++)
		pthread_join(callers[i], NULL);
	workers_stop(workers);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("workers");
	tcase_add_test(tests, does_every_unit_once);
	tcase_add_test(tests, a_failure_ends_the_work_and_says_why);
	tcase_add_test(tests, takes_work_of_many_callers);
	return run_case("workers", tests);
}
