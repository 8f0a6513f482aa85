#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

/*
 * Assertions for our own bugs, always compiled in.  Input is never asserted:
 * what comes from outside gets a struct err.
 */
#define CHECK(condition)                                                       \
	((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

_Noreturn void check_failed(const char *file, int line, const char *condition);

/* Allocation that ends the process when memory is exhausted (the daemon is restarted and resumes from its last
 * transaction).  For sizes that the outside controls use malloc and return an error. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *block, size_t size);
char *xstrdup(const char *text);

#endif
