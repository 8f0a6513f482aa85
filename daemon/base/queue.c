/*
 * A ring under one mutex.  Wake-ups are sent only where somebody waits: at a
 * hundred thousand entries a second an idle pthread_cond_signal is already
 * noise, a system call a push would not be.
 */
#include "daemon/base/queue.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct slot {
	void *entry;
	size_t weight;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty, not_full;
	/* guarded by lock: */
	struct slot *ring;
	size_t capacity, first, count;
	size_t weight, max_weight;
	unsigned waiting_poppers, waiting_pushers;
	bool closed;
};

static void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	CHECK(pthread_cond_init(condition, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
}

struct queue *queue_create(size_t max_count, size_t max_weight)
{
	CHECK(max_count > 0);
	struct queue *queue = xcalloc(1, sizeof *queue);
	CHECK(pthread_mutex_init(&queue->lock, NULL) == 0);
	condition_init(&queue->not_empty);
	condition_init(&queue->not_full);
	queue->ring = xcalloc(max_count, sizeof *queue->ring);
	queue->capacity = max_count;
	queue->max_weight = max_weight;
	return queue;
}

void queue_free(struct queue *queue)
{
	if (queue == NULL)
		return;
	CHECK(queue->count == 0);
	pthread_cond_destroy(&queue->not_full);
	pthread_cond_destroy(&queue->not_empty);
	pthread_mutex_destroy(&queue->lock);
	free(queue->ring);
	free(queue);
}

static struct timespec deadline_after(int64_t timeout_us)
{
	int64_t at = monotonic_us() + timeout_us;
	return (struct timespec){.tv_sec = at / SECOND_US, .tv_nsec = at % SECOND_US * 1000};
}

/* Wait on `condition` until woken or the deadline; false = the deadline has passed. */
static bool wait_until(struct queue *queue, pthread_cond_t *condition, unsigned *waiting, int64_t timeout_us,
		       const struct timespec *deadline)
{
	if (timeout_us == 0)
		return false;
	(*waiting)++;
	int rc = timeout_us == QUEUE_FOREVER ? pthread_cond_wait(condition, &queue->lock)
					     : pthread_cond_timedwait(condition, &queue->lock, deadline);
	(*waiting)--;
	return rc == 0;
}

static bool has_room(const struct queue *queue, size_t weight)
{
	if (queue->count == 0)
		return true;
	return queue->count < queue->capacity && queue->weight + weight <= queue->max_weight;
}

enum queue_result queue_push(struct queue *queue, void *entry, size_t weight, int64_t timeout_us)
{
	struct timespec deadline = {0};
	if (timeout_us > 0)
		deadline = deadline_after(timeout_us);
	enum queue_result result = QUEUE_OK;

	pthread_mutex_lock(&queue->lock);
	while (!queue->closed && !has_room(queue, weight))
		if (!wait_until(queue, &queue->not_full, &queue->waiting_pushers, timeout_us, &deadline)) {
			if (!has_room(queue, weight))
				result = QUEUE_TIMED_OUT;
			break;
		}
	if (queue->closed)
		result = QUEUE_CLOSED;
	if (result == QUEUE_OK) {
		queue->ring[(queue->first + queue->count++) % queue->capacity] = (struct slot){entry, weight};
		queue->weight += weight;
		if (queue->waiting_poppers > 0)
			pthread_cond_signal(&queue->not_empty);
	}
	pthread_mutex_unlock(&queue->lock);
	return result;
}

static size_t take(struct queue *queue, void **entries, size_t max)
{
	size_t count = 0;
	for (; count < max && queue->count > 0; count++, queue->count--) {
		struct slot *slot = &queue->ring[queue->first];
		entries[count] = slot->entry;
		queue->weight -= slot->weight;
		queue->first = (queue->first + 1) % queue->capacity;
	}
	return count;
}

enum queue_result queue_pop(struct queue *queue, void **entries, size_t max, size_t *count, int64_t timeout_us)
{
	struct timespec deadline = {0};
	if (timeout_us > 0)
		deadline = deadline_after(timeout_us);
	*count = 0;

	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0 && !queue->closed)
		if (!wait_until(queue, &queue->not_empty, &queue->waiting_poppers, timeout_us, &deadline))
			break;
	*count = take(queue, entries, max);
	enum queue_result result = *count > 0 ? QUEUE_OK : queue->closed ? QUEUE_CLOSED : QUEUE_TIMED_OUT;
	if (*count > 0 && queue->waiting_pushers > 0)
		pthread_cond_broadcast(&queue->not_full);
	pthread_mutex_unlock(&queue->lock);
	return result;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->not_empty);
	pthread_cond_broadcast(&queue->not_full);
	pthread_mutex_unlock(&queue->lock);
}

size_t queue_depth(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	size_t depth = queue->count;
	pthread_mutex_unlock(&queue->lock);
	return depth;
}
