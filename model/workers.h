#ifndef MODEL_WORKERS_H
#define MODEL_WORKERS_H

#include "daemon/base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A fixed set of threads that share out the pieces of whatever work its callers
 * bring.  Several callers may have work in it at once; the oldest is finished
 * first.
 */
struct workers;

/* `count` units to be done in pieces, in any order and by any worker.  The first group is the caller's, who embeds this
 * struct in its own; the rest is the pool's, zero at the start. */
struct work {
	size_t count;
	/* How many units, at least 1, from `first` on make the next piece?  Called under the pool's lock. */
	size_t (*piece)(const struct work *work, size_t first);
	/* Do them, on thread `worker` (0 to workers - 1). */
	int (*run)(struct work *work, size_t worker, size_t first, size_t count, struct err *e);

	struct work *later;
	size_t taken, finished;
	bool failed;
	struct err *e;
	pthread_cond_t done;
};

/* One for each CPU that this process may run on. */
size_t workers_default(void);

struct workers *workers_start(size_t count, struct err *e);

/* No call may be under way. */
void workers_stop(struct workers *workers);

/* Returns when all units are done; -1 with the first failure's message when one failed (the rest is not begun then). */
int workers_run(struct workers *workers, struct work *work, struct err *e);

#endif
