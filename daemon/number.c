#include "daemon/number.h"

#include <errno.h>
#include <stdlib.h>

bool number_parse(const char *text, unsigned long least, unsigned long most, unsigned long *out)
{
	char *end;
	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out >= least && *out <= most;
}
