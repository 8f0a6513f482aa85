#include "daemon/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, const char *fmt, ...)
{
	if (e == NULL)
		return -1;
	e->busy = false;
	va_list args;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *e, int number, const char *fmt, ...)
{
	if (e == NULL)
		return -1;
	e->busy = false;
	va_list args;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, args);
	va_end(args);

	char buffer[128];
	const char *reason = strerror_r(number, buffer, sizeof buffer);
	size_t used = strlen(e->text);
	snprintf(e->text + used, sizeof e->text - used, ": %s", reason);
	return -1;
}

int err_busy(struct err *e)
{
	if (e != NULL)
		e->busy = true;
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	if (e == NULL)
		return -1;
	struct err inner = *e;
	va_list args;
	va_start(args, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, args);
	va_end(args);

	size_t used = strlen(e->text);
	snprintf(e->text + used, sizeof e->text - used, ": %s", inner.text);
	return -1;
}
