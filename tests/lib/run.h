#ifndef TESTS_LIB_RUN_H
#define TESTS_LIB_RUN_H

#include <check.h>
#include <stdlib.h>

/*
 * How a test's main ends: the exit status of a suite, which is freed.  CK_FORK=no in the environment runs it in one
 * process (debuggers, valgrind), CK_VERBOSITY=verbose names each test.
 */
static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same of a suite with one case. */
static inline int run_case(const char *name, TCase *tests)
{
	Suite *suite = suite_create(name);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}

#endif
