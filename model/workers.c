#include "model/workers.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/*
 * One lock, one condition for idle workers and one for each caller.  A piece
 * is milliseconds of work, so the lock is never contended.
 */
struct worker {
	struct workers *pool;
	size_t index;
	pthread_t thread;
};

struct workers {
	size_t count; /* threads that were started */

	/* guarded by lock */
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct work *oldest, **newest; /* work with units that nobody has taken */
	bool stopping;

	struct worker workers[];
};

/* Nobody shall take more of this work.  The lock is held. */
static void work_unlist(struct workers *pool, struct work *work)
{
	for (struct work **at = &pool->oldest; *at != NULL; at = &(*at)->later) {
		if (*at != work)
			continue;
		*at = work->later;
		if (pool->newest == &work->later)
			pool->newest = at;
		return;
	}
}

/* The next piece of the oldest work; waits for one.  NULL when the pool stops.  The lock is held. */
static struct work *piece_take(struct workers *pool, size_t *first, size_t *count)
{
	while (pool->oldest == NULL) {
		if (pool->stopping)
			return NULL;
		pthread_cond_wait(&pool->wanted, &pool->lock);
	}
	struct work *work = pool->oldest;
	*first = work->taken;
	*count = work->piece(work, work->taken);
	work->taken += *count;
	if (work->taken == work->count)
		work_unlist(pool, work);
	return work;
}

/* The lock is held.  After a failure the units that nobody has taken count as finished. */
static void piece_finish(struct workers *pool, struct work *work, size_t count, const struct err *failure)
{
	work->finished += count;
	if (failure != NULL && !work->failed) {
		work->failed = true;
		if (work->e != NULL)
			*work->e = *failure;
		work->finished += work->count - work->taken;
		work->taken = work->count;
		work_unlist(pool, work);
	}
	if (work->finished == work->count)
		pthread_cond_signal(&work->done);
}

static void *worker_loop(void *argument)
{
	struct worker *worker = argument;
	struct workers *pool = worker->pool;
	struct work *work;
	size_t first, count;
	pthread_mutex_lock(&pool->lock);
	while ((work = piece_take(pool, &first, &count)) != NULL) {
		pthread_mutex_unlock(&pool->lock);
		struct err e;
		int result = work->run(work, worker->index, first, count, &e);
		pthread_mutex_lock(&pool->lock);
		piece_finish(pool, work, count, result < 0 ? &e : NULL);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

size_t workers_default(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return count > 0 ? (size_t)count : 1;
}

struct workers *workers_start(size_t count, struct err *e)
{
	struct workers *pool = calloc(1, sizeof *pool + count * sizeof *pool->workers);
	if (pool == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wanted, NULL);
	pool->newest = &pool->oldest;

	/* Signals are for the program's main thread. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = 0;
	while (pool->count < count && error == 0) {
		struct worker *worker = &pool->workers[pool->count];
		*worker = (struct worker){.pool = pool, .index = pool->count};
		error = pthread_create(&worker->thread, NULL, worker_loop, worker);
		pool->count += error == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		err_sys(e, error, "cannot start thread %zu of %zu", pool->count + 1, count);
		workers_stop(pool);
		return NULL;
	}
	return pool;
}

void workers_stop(struct workers *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->wanted);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->count; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pthread_cond_destroy(&pool->wanted);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

int workers_run(struct workers *pool, struct work *work, struct err *e)
{
	if (work->count == 0)
		return 0;
	work->e = e;
	pthread_cond_init(&work->done, NULL);
	pthread_mutex_lock(&pool->lock);
	*pool->newest = work;
	pool->newest = &work->later;
	pthread_cond_broadcast(&pool->wanted);
	while (work->finished < work->count)
		pthread_cond_wait(&work->done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_destroy(&work->done);
	return work->failed ? -1 : 0;
}
