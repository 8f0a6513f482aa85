/* The whole way from bytes to a checked configuration. */
#include "daemon/config.h"

static void ignore(void *context, const char *line)
{
	(void)context, (void)line;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	config_free(config_parse((const char *)data, size, "fuzz.yaml", ignore, NULL));
	return 0;
}
