#include "daemon/base/check.h"

#include "daemon/base/log.h"

#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *file, int line, const char *condition)
{
	log_error("%s:%d: bug: (%s) does not hold", file, line, condition);
	abort();
}

static void *or_die(void *block)
{
	if (block == NULL) {
		log_error("out of memory");
		abort();
	}
	return block;
}

void *xmalloc(size_t size)
{
	return or_die(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *block, size_t size)
{
	return or_die(realloc(block, size ? size : 1));
}

char *xstrdup(const char *text)
{
	return or_die(strdup(text));
}
