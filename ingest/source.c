/*
 * What all sources share: the thread, the way to stop it, health and counters,
 * and waiting on a full queue.
 *
 * Stopping is an eventfd besides a flag, because the threads block in different
 * things (poll, curl_multi_poll, librdkafka): a descriptor fits into all but
 * the last, which has `wake`.  What the thread changes for every document is
 * atomic; what people read (state, message, parts) is under one lock.
 */
#include "ingest/source_kind.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A blocked thread goes round at least this often, so that its heartbeat is fresh. */
#define BEAT_US (SECOND_US / 4)
#define LIFE_DEFAULT_US (5 * MINUTE_US)

struct source {
	char *name;
	const struct source_kind_ops *ops;
	void *state;
	struct queue *out;
	int stop_fd;
	pthread_t thread;
	bool started;
	int64_t life_us;
	int64_t pushed_us; /* monotonic: the last push; owned by the source's thread */

	atomic_bool stopping;
	atomic_bool ended; /* `run` returned */
	atomic_bool waiting;
	_Atomic int64_t heartbeat_us;
	_Atomic int64_t last_progress_us;
	_Atomic int64_t lag;
	_Atomic uint64_t documents;
	_Atomic uint64_t rejects;

	pthread_mutex_t lock;
	/* Guarded by lock. */
	enum source_state status;
	char message[sizeof((struct source_health){0}.message)];
	struct source_part *parts;
	size_t part_count, part_room;
};

static const struct source_kind_ops *const kinds[] = {
	[SOURCE_KAFKA] = &source_kafka_ops,
	[SOURCE_RSS] = &source_rss_ops,
	[SOURCE_FILE] = &source_file_ops,
};

struct source *source_open(const struct source_options *options, const struct saved_position *saved,
			   size_t saved_count, struct queue *out, struct err *e)
{
	struct source *source = xcalloc(1, sizeof(*source));

	source->stop_fd = -1;
	source->name = xstrdup(options->name);
	source->ops = kinds[options->kind];
	source->out = out;
	source->life_us = options->life_us > 0 ? options->life_us : LIFE_DEFAULT_US;
	atomic_init(&source->lag, -1);
	pthread_mutex_init(&source->lock, NULL);
	source->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (source->stop_fd < 0) {
		err_sys(e, errno, "source %s: cannot create an eventfd", source->name);
		goto fail;
	}
	source->state = source->ops->open(source, options, saved, saved_count, e);
	if (!source->state) {
		err_prefix(e, "source %s", source->name);
		goto fail;
	}
	return source;
fail:
	source_close(source);
	return NULL;
}

static void *source_main(void *argument)
{
	struct source *source = argument;

	source_beat(source);
	source->pushed_us = monotonic_us();
	source->ops->run(source->state);
	atomic_store(&source->ended, true);
	return NULL;
}

int source_start(struct source *source, struct err *e)
{
	sigset_t all, before;
	int failed;

	/* Signals are main's; a broken pipe inside a library must not end the process either. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	source_beat(source);
	failed = pthread_create(&source->thread, NULL, source_main, source);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return err_sys(e, failed, "source %s: cannot start a thread", source->name);
	source->started = true;
	return 0;
}

void source_committed(struct source *source, const char *stream, const char *next)
{
	if (source->ops->committed)
		source->ops->committed(source->state, stream, next);
}

void source_get_health(struct source *source, struct source_health *health)
{
	memset(health, 0, sizeof(*health));
	pthread_mutex_lock(&source->lock);
	health->state = source->status;
	memcpy(health->message, source->message, sizeof(health->message));
	pthread_mutex_unlock(&source->lock);
	health->last_progress_us = atomic_load(&source->last_progress_us);
	health->heartbeat_us = atomic_load(&source->ended) ? monotonic_us() : atomic_load(&source->heartbeat_us);
	health->lag = atomic_load(&source->lag);
	health->documents = atomic_load(&source->documents);
	health->rejects = atomic_load(&source->rejects);
	health->waiting = atomic_load(&source->waiting);
}

size_t source_get_parts(struct source *source, struct source_part *parts, size_t max)
{
	size_t count;

	pthread_mutex_lock(&source->lock);
	count = source->part_count;
	if (max && count)
		memcpy(parts, source->parts, (count < max ? count : max) * sizeof(*parts));
	pthread_mutex_unlock(&source->lock);
	return count;
}

void source_stop(struct source *source)
{
	if (!source->started)
		return;
	atomic_store(&source->stopping, true);
	/* The counter cannot overflow: one write a source. */
	CHECK(eventfd_write(source->stop_fd, 1) == 0);
	if (source->ops->wake)
		source->ops->wake(source->state);
	pthread_join(source->thread, NULL);
	source->started = false;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	source_stop(source);
	source->ops->close(source->state);
	if (source->stop_fd >= 0)
		close(source->stop_fd);
	pthread_mutex_destroy(&source->lock);
	free(source->parts);
	free(source->name);
	free(source);
}

void source_check(const struct source_options *options, source_report *report, void *context)
{
	kinds[options->kind]->check(options, report, context);
}

const char *source_name(const struct source *source)
{
	return source->name;
}

bool source_stopping(const struct source *source)
{
	return atomic_load(&source->stopping);
}

int source_stop_fd(const struct source *source)
{
	return source->stop_fd;
}

bool source_wait(struct source *source, int64_t timeout_us)
{
	int64_t end_us = monotonic_us() + timeout_us;

	while (!source_stopping(source)) {
		struct pollfd stop = {.fd = source->stop_fd, .events = POLLIN};
		int64_t left_us = end_us - monotonic_us();
		struct timespec span;

		source_beat(source);
		if (left_us <= 0)
			return true;
		if (left_us > BEAT_US)
			left_us = BEAT_US;
		span.tv_sec = left_us / SECOND_US;
		span.tv_nsec = left_us % SECOND_US * 1000;
		ppoll(&stop, 1, &span, NULL);
	}
	return false;
}

void source_beat(struct source *source)
{
	atomic_store(&source->heartbeat_us, monotonic_us());
}

void source_progress(struct source *source)
{
	atomic_store(&source->last_progress_us, clock_now_us(&wall_clock));
}

enum queue_result source_try_push(struct source *source, struct item *item, int64_t timeout_us)
{
	/* The item is the popper's from the moment of the push. */
	enum item_kind kind = item->kind;
	enum queue_result result = queue_push(source->out, item, item->size, timeout_us);

	atomic_store(&source->waiting, result == QUEUE_TIMED_OUT);
	if (result != QUEUE_OK)
		return result;
	source->pushed_us = monotonic_us();
	if (kind == ITEM_DOCUMENT)
		atomic_fetch_add(&source->documents, 1);
	else if (kind == ITEM_REJECT)
		atomic_fetch_add(&source->rejects, 1);
	return QUEUE_OK;
}

int source_push(struct source *source, struct item *item)
{
	enum queue_result result = source_try_push(source, item, 0);

	while (result == QUEUE_TIMED_OUT && !source_stopping(source)) {
		source_beat(source);
		result = source_try_push(source, item, BEAT_US);
	}
	if (result == QUEUE_OK)
		return 0;
	item_free(item);
	return -1;
}

void source_show_life(struct source *source)
{
	struct item life = {
		.kind = ITEM_PROGRESS,
		.polarity = POLARITY_NONE,
		.published_us = TIME_NONE,
		.received_us = clock_now_us(&wall_clock),
		.source = source->name,
	};
	struct item *item;

	if (monotonic_us() - source->pushed_us < source->life_us)
		return;
	item = item_create(&life);
	if (source_try_push(source, item, 0) != QUEUE_OK)
		item_free(item);
}

static void log_state(const struct source *source, enum source_state state, const char *message)
{
	const char *blank = message[0] ? ": " : "";

	switch (state) {
	case SOURCE_STARTING:
	case SOURCE_OK:
	case SOURCE_DONE:
		log_info("source %s: %s%s%s", source->name,
			 state == SOURCE_OK     ? "ok"
			 : state == SOURCE_DONE ? "read to its end"
						: "starting",
			 blank, message);
		break;
	case SOURCE_WARNING:
		log_warning("source %s%s%s", source->name, blank, message);
		break;
	case SOURCE_DOWN:
		log_warning("source %s is down%s%s", source->name, blank, message);
		break;
	case SOURCE_FATAL:
		log_error("source %s ended%s%s", source->name, blank, message);
		break;
	}
}

void source_set_state(struct source *source, enum source_state state, const char *fmt, ...)
{
	char message[sizeof(source->message)];
	bool changed;
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(message, sizeof(message), fmt, arguments);
	va_end(arguments);
	pthread_mutex_lock(&source->lock);
	changed = source->status != state;
	source->status = state;
	memcpy(source->message, message, sizeof(message));
	pthread_mutex_unlock(&source->lock);
	if (changed)
		log_state(source, state, message);
}

void source_set_lag(struct source *source, int64_t lag)
{
	atomic_store(&source->lag, lag);
}

/* The index of that stream's part, or part_count.  Parts are few and change rarely: a scan is enough. */
static size_t find_part(const struct source *source, const char *stream)
{
	size_t i;

	for (i = 0; i < source->part_count; i++)
		if (strcmp(source->parts[i].stream, stream) == 0)
			break;
	return i;
}

void source_set_part(struct source *source, const struct source_part *part)
{
	size_t i;

	pthread_mutex_lock(&source->lock);
	i = find_part(source, part->stream);
	if (i == source->part_count) {
		if (i == source->part_room) {
			source->part_room = i ? 2 * i : 8;
			source->parts = xrealloc(source->parts, source->part_room * sizeof(*source->parts));
		}
		source->part_count++;
	}
	source->parts[i] = *part;
	pthread_mutex_unlock(&source->lock);
}

void source_drop_part(struct source *source, const char *stream)
{
	size_t i;

	pthread_mutex_lock(&source->lock);
	i = find_part(source, stream);
	if (i < source->part_count)
		memmove(&source->parts[i], &source->parts[i + 1],
			(--source->part_count - i) * sizeof(*source->parts));
	pthread_mutex_unlock(&source->lock);
}
