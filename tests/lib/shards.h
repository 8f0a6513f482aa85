#ifndef TESTS_SHARDS_H
#define TESTS_SHARDS_H

#include "tests/lib/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tests that mostly wait, run side by side: each shard is a process with every n-th of them. */
struct shard_test {
	const TTest *test;
	int loops; /* 0 = no loop test */
};

struct shard_suite {
	const char *name;
	int timeout_s;
	void (*setup)(void);
	void (*teardown)(void);
};

#define SHARDS_MAX 16

static inline pid_t shard_start(const struct shard_suite *suite, const struct shard_test *tests, size_t count,
				size_t shard, size_t shards)
{
	pid_t child = fork();
	if (child != 0)
		return child;
	TCase *cases = tcase_create(suite->name);
	tcase_set_timeout(cases, suite->timeout_s);
	tcase_add_checked_fixture(cases, suite->setup, suite->teardown);
	for (size_t i = shard; i < count; i += shards) {
		if (tests[i].loops > 0)
			tcase_add_loop_test(cases, tests[i].test, 0, tests[i].loops);
		else
			tcase_add_test(cases, tests[i].test);
	}
	exit(run_case(suite->name, cases));
}

/* Returns EXIT_SUCCESS where every test of every shard passed. */
static inline int shards_run(const struct shard_suite *suite, const struct shard_test *tests, size_t count, size_t shards)
{
	pid_t children[SHARDS_MAX];
	bool good = true;
	for (size_t i = 0; i < shards; i++)
		children[i] = shard_start(suite, tests, count, i, shards);
	for (size_t i = 0; i < shards; i++) {
		int status;
		good &= children[i] > 0 && waitpid(children[i], &status, 0) == children[i] && status == 0;
	}
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
