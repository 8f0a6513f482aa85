#ifndef TESTS_ONE_IN_H
#define TESTS_ONE_IN_H

#include <stddef.h>
#include <stdlib.h>

/*
 * One in how many steps of a long loop to take: all of them (1), unless
 * BELLWETHER_TEST_ONE_IN says otherwise.  tests/lib/test_all.py says so for
 * sanitizers and valgrind: what they look for does not need every step, and
 * each costs ten to fifty times as much.  The number is odd, so that a stride
 * of it meets every remainder of a power of two.
 */
static inline unsigned one_in(void)
{
	const char *number = getenv("BELLWETHER_TEST_ONE_IN");
	unsigned long value = number != NULL ? strtoul(number, NULL, 10) : 1;
	return value > 0 ? (unsigned)value | 1 : 1;
}

#endif
