#include "tests/cuda/emulation.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Which call fails, and what was made and not given back. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t live;
static bool has_failed;

struct plan {
	long after, calls;
	int error;
	bool lost;
};

/* Each device's, behind the one for all of them. */
static struct plan plans[1 + EMULATED_MOST] = {[0 ... EMULATED_MOST] = {.after = -1}};

void emulation_wrong(const char *what)
{
	fprintf(stderr, "emulation: %s\n", what);
	abort();
}

void emulation_fail_on(int device, long after, int error, bool lost)
{
	pthread_mutex_lock(&lock);
	plans[1 + device] = (struct plan){.after = after, .error = error, .lost = lost};
	has_failed = false;
	pthread_mutex_unlock(&lock);
}

void emulation_fail(long after, int error, bool lost)
{
	for (int device = 0; device < EMULATED_MOST; device++)
		emulation_fail_on(device, -1, 0, false);
	emulation_fail_on(NO_DEVICE, after, error, lost);
}

long emulation_calls(int device)
{
	return plans[1 + device].calls;
}

bool emulation_failed(void)
{
	return has_failed;
}

size_t emulation_live(void)
{
	return live;
}

void emulation_count(int step)
{
	pthread_mutex_lock(&lock);
	live += (size_t)step;
	pthread_mutex_unlock(&lock);
}

/* What the plan's next call returns. */
static int plan_step(struct plan *plan)
{
	long call = plan->calls++;
	bool due = plan->after >= 0 && (call == plan->after || (plan->lost && call > plan->after));
	return due ? plan->error : 0;
}

int emulation_fault(int device)
{
	pthread_mutex_lock(&lock);
	int error = plan_step(&plans[0]);
	if (device != NO_DEVICE) {
		int own = plan_step(&plans[1 + device]);
		error = error != 0 ? error : own;
	}
	has_failed |= error != 0;
	pthread_mutex_unlock(&lock);
	return error;
}
