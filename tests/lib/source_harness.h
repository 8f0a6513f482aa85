#ifndef TESTS_SOURCE_HARNESS_H
#define TESTS_SOURCE_HARNESS_H

#include "daemon/base/clock.h"
#include "daemon/base/item.h"
#include "daemon/base/queue.h"
#include "ingest/source.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A source under test and what it pushed. */
struct harness {
	struct queue *queue;
	struct source *source;
	struct item *items[4096];
	size_t count;
};

static inline void harness_open(struct harness *h, const struct source_options *options,
				const struct saved_position *saved, size_t saved_count, size_t room)
{
	struct err e;

	memset(h, 0, sizeof(*h));
	h->queue = queue_create(room, (size_t)64 << 20);
	h->source = source_open(options, saved, saved_count, h->queue, &e);
	ck_assert_msg(h->source, "%s", e.text);
	ck_assert_int_eq(source_start(h->source, &e), 0);
}

/* Pop what comes until `count` items are there or `timeout_us` is over; true where they came. */
static inline bool harness_pop(struct harness *h, size_t count, int64_t timeout_us)
{
	int64_t end_us = monotonic_us() + timeout_us;

	while (h->count < count) {
		void *entry;
		size_t got = 0;
		int64_t left_us = end_us - monotonic_us();

		if (left_us <= 0 || queue_pop(h->queue, &entry, 1, &got, left_us) != QUEUE_OK)
			return false;
		ck_assert_uint_lt(h->count, sizeof(h->items) / sizeof(*h->items));
		h->items[h->count++] = entry;
	}
	return true;
}

/* The same until an item of that kind is the last; returns it. */
static inline struct item *harness_pop_kind(struct harness *h, enum item_kind kind, int64_t timeout_us)
{
	int64_t end_us = monotonic_us() + timeout_us;

	do {
		if (!harness_pop(h, h->count + 1, end_us - monotonic_us()))
			return NULL;
	} while (h->items[h->count - 1]->kind != kind);
	return h->items[h->count - 1];
}

static inline void harness_forget(struct harness *h)
{
	while (h->count)
		item_free(h->items[--h->count]);
}

/* Wait until the health has that state. */
static inline bool harness_wait_state(struct harness *h, enum source_state state, int64_t timeout_us)
{
	int64_t end_us = monotonic_us() + timeout_us;
	struct source_health health;

	do {
		source_get_health(h->source, &health);
		if (health.state == state)
			return true;
		usleep(5000);
	} while (monotonic_us() < end_us);
	return false;
}

/* Stop, drain, free.  Returns how long the stop took. */
static inline int64_t harness_close(struct harness *h)
{
	int64_t start_us = monotonic_us(), took_us;
	size_t got;
	void *entry;

	source_stop(h->source);
	took_us = monotonic_us() - start_us;
	queue_close(h->queue);
	while (queue_pop(h->queue, &entry, 1, &got, 0) == QUEUE_OK)
		item_free(entry);
	harness_forget(h);
	source_close(h->source);
	queue_free(h->queue);
	return took_us;
}

#endif
