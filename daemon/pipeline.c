/*
 * The thread: what it pops, when it takes a new configuration, and what it
 * does where the writer takes nothing more.  The batch itself is
 * daemon/scoring.c's.
 */
#include "daemon/pipeline.h"

#include "alerts/writer.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/scoring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FULL_ENOUGH 64       /* documents that need no more company */
#define IDLE_US (SECOND_US / 2)
#define ENTRY_OVERHEAD 256

struct pipeline {
	struct pipeline_options options;
	pthread_t thread;
	/* owned by the thread: */
	struct scoring *batch;
	bool marked; /* the batch had the marker in it */
	/* guarded by lock: */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct config *next_config;
	void (*between)(void *context);
	void *between_context;
	struct err failure;
	bool failed;
	/* any thread: */
	struct item *_Atomic marker; /* of pipeline_pass, NULL once all before it is in the output */
	_Atomic int64_t heartbeat_us;
	_Atomic int64_t drain_until_us; /* INT64_MAX until the daemon stops */
};

/* ---- configuration ---- */

static void take_new_config(struct pipeline *p)
{
	pthread_mutex_lock(&p->lock);
	if (p->next_config != NULL) {
		p->options.config = p->next_config;
		scoring_configure(p->batch, p->next_config);
		p->between(p->between_context);
		p->next_config = NULL;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
}

void pipeline_reconfigure(struct pipeline *p, const struct config *config, void (*between)(void *context), void *context)
{
	pthread_mutex_lock(&p->lock);
	p->next_config = config;
	p->between = between;
	p->between_context = context;
	while (p->next_config != NULL)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* ---- one batch ---- */

/* The marker goes no further than here. */
static void find_marker(struct pipeline *p)
{
	struct scoring *batch = p->batch;
	struct item *marker = atomic_load(&p->marker);
	p->marked = false;
	for (size_t i = 0; marker != NULL && i < batch->count && !p->marked; i++) {
		if (batch->items[i] != marker)
			continue;
		item_free(marker);
		batch->count--;
		memmove(batch->items + i, batch->items + i + 1, (batch->count - i) * sizeof *batch->items);
		p->marked = true;
	}
}

static void tell_of_marker(struct pipeline *p)
{
	if (!p->marked)
		return;
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->marker, NULL);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

bool pipeline_pass(struct pipeline *p, int64_t wait_us)
{
	int64_t until_us = monotonic_us() + wait_us;
	struct timespec until = {.tv_sec = until_us / SECOND_US, .tv_nsec = until_us % SECOND_US * 1000};
	if (atomic_load(&p->marker) != NULL)
		return false; /* that of a call before is still on its way */
	struct item *marker = item_create(&(struct item){.kind = ITEM_PROGRESS, .polarity = POLARITY_NONE,
							 .published_us = TIME_NONE});
	atomic_store(&p->marker, marker);
	if (queue_push(p->options.input, marker, marker->size, wait_us) != QUEUE_OK) {
		atomic_store(&p->marker, NULL);
		item_free(marker);
		return false;
	}
	int rc = 0;
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->marker) != NULL && rc == 0)
		rc = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	bool passed = atomic_load(&p->marker) == NULL;
	pthread_mutex_unlock(&p->lock);
	return passed;
}

/* Pops at least one item, then more until the batch is full enough or the linger is over. */
static enum queue_result gather(struct pipeline *p)
{
	struct scoring *batch = p->batch;
	void *popped[SCORING_MAX];
	size_t count;
	batch->count = 0;
	enum queue_result result = queue_pop(p->options.input, popped, SCORING_MAX, &count, IDLE_US);
	if (result != QUEUE_OK)
		return result;
	memcpy(batch->items, popped, count * sizeof *popped);
	batch->count = count;

	int64_t deadline = monotonic_us() + p->options.config->model.linger_us;
	while (batch->count < FULL_ENOUGH) {
		int64_t left = deadline - monotonic_us();
		if (left <= 0 ||
		    queue_pop(p->options.input, popped, SCORING_MAX - batch->count, &count, left) != QUEUE_OK)
			break;
		memcpy(batch->items + batch->count, popped, count * sizeof *popped);
		batch->count += count;
	}
	return QUEUE_OK;
}

/* Waits for room.  False when the writer takes nothing more, or the time to drain is over. */
static bool push(struct pipeline *p, struct writer_entry *entry)
{
	size_t weight = entry->item->size + ENTRY_OVERHEAD;
	enum queue_result result = QUEUE_TIMED_OUT;
	while (result == QUEUE_TIMED_OUT && monotonic_us() <= atomic_load(&p->drain_until_us))
		result = queue_push(p->options.output, entry, weight, IDLE_US);
	return result == QUEUE_OK;
}

static void hand_on(struct pipeline *p)
{
	struct scoring *batch = p->batch;
	size_t i = 0;
	atomic_store(&p->heartbeat_us, INT64_MAX); /* a full queue is the writer's matter */
	while (i < batch->count && push(p, batch->entries[i]))
		i++;
	/* None behind one that is dropped may pass, or its stream's position would move over it. */
	for (; i < batch->count; i++)
		scoring_free_entry(batch->entries[i]);
}

/* Nothing of the batch has moved a position: it will be read again after a restart. */
static void drop_items(struct scoring *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		item_free(batch->items[i]);
}

static void drop(struct scoring *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		scoring_free_entry(batch->entries[i]);
}

static void fail(struct pipeline *p, const struct err *e)
{
	log_error("classifier: %s", e->text);
	pthread_mutex_lock(&p->lock);
	p->failure = *e;
	p->failed = true;
	pthread_mutex_unlock(&p->lock);
}

static void *run(void *context)
{
	struct pipeline *p = context;
	struct err e;
	bool failed = false;
	for (;;) {
		atomic_store(&p->heartbeat_us, INT64_MAX);
		take_new_config(p);
		enum queue_result result = gather(p);
		if (result == QUEUE_CLOSED)
			break;
		if (result == QUEUE_TIMED_OUT)
			continue;
		find_marker(p);
		if (monotonic_us() > atomic_load(&p->drain_until_us)) {
			drop_items(p->batch);
			continue;
		}
		atomic_store(&p->heartbeat_us, monotonic_us());
		scoring_match(p->batch);
		/* After a failure the queue is drained into nothing until the daemon has ended. */
		if (!failed && scoring_score(p->batch, &p->heartbeat_us, &e) != 0) {
			fail(p, &e);
			failed = true;
		}
		if (failed)
			drop(p->batch);
		else
			hand_on(p);
		tell_of_marker(p);
	}
	take_new_config(p);
	return NULL;
}

struct pipeline *pipeline_start(const struct pipeline_options *options)
{
	struct pipeline *p = xcalloc(1, sizeof *p);
	p->options = *options;
	CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	CHECK(pthread_cond_init(&p->changed, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	atomic_init(&p->heartbeat_us, INT64_MAX);
	atomic_init(&p->drain_until_us, INT64_MAX);
	p->batch = scoring_create(options->classifier, options->config);
	CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
	return p;
}

int64_t pipeline_heartbeat_us(struct pipeline *p)
{
	return atomic_load(&p->heartbeat_us);
}

const char *pipeline_failure(struct pipeline *p)
{
	pthread_mutex_lock(&p->lock);
	const char *failure = p->failed ? p->failure.text : NULL;
	pthread_mutex_unlock(&p->lock);
	return failure;
}

void pipeline_stop(struct pipeline *p, int64_t drain_us)
{
	atomic_store(&p->drain_until_us, monotonic_us() + drain_us);
	CHECK(pthread_join(p->thread, NULL) == 0);
	scoring_free(p->batch);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
