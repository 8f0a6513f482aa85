#include "daemon/base/fault.h"

#include "daemon/base/log.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const fault_names[FAULT_COUNT] = {
#define X(id, name) name,
	FAULT_POINTS(X)
#undef X
};

static int armed = FAULT_COUNT;
static long armed_pass;
static bool armed_fails;
static atomic_long passes;

void fault_init(void)
{
	const char *spec = getenv("BELLWETHER_FAULT");
	if (spec == NULL)
		return;
	size_t name_length = strcspn(spec, ":");
	for (int i = 0; i < FAULT_COUNT; i++)
		if (strlen(fault_names[i]) == name_length && strncmp(fault_names[i], spec, name_length) == 0)
			armed = i;
	if (armed == FAULT_COUNT) {
		log_warning("BELLWETHER_FAULT=%s names no fault point", spec);
		return;
	}
	char *end = NULL;
	armed_pass = spec[name_length] == ':' ? strtol(spec + name_length + 1, &end, 10) : 1;
	armed_fails = end != NULL && strcmp(end, ":fail") == 0;
}

int fault_point(enum fault fault)
{
	if ((int)fault != armed)
		return 0;
	long pass = atomic_fetch_add(&passes, 1) + 1;
	if (armed_fails)
		return pass >= armed_pass ? -1 : 0;
	if (pass == armed_pass)
		raise(SIGKILL);
	return 0;
}
