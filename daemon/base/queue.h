#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A bounded queue of pointers between threads.  Bounded twice: by count and by
 * the weight (bytes) that each push states.  A push moves ownership to the
 * queue, a pop to the popper.  Any number of pushers and poppers.
 *
 * Shutdown is close, then drain: after queue_close pushes are refused, pops go
 * on until the queue is empty and then say QUEUE_CLOSED.
 */
struct queue;

enum queue_result {
	QUEUE_OK,
	QUEUE_TIMED_OUT, /* full (push) or empty (pop) until the time-out */
	QUEUE_CLOSED,
};

#define QUEUE_FOREVER INT64_C(-1)

struct queue *queue_create(size_t max_count, size_t max_weight);

/* The queue must be empty and without users. */
void queue_free(struct queue *queue);

/* Waits until there is room, `timeout_us` at most (0 = do not wait).  On anything but QUEUE_OK the caller still owns
 * `entry`.  An entry heavier than the whole queue enters when the queue is empty. */
enum queue_result queue_push(struct queue *queue, void *entry, size_t weight, int64_t timeout_us);

/* Waits until at least one entry is there, then takes up to `max` that are there, in order. */
enum queue_result queue_pop(struct queue *queue, void **entries, size_t max, size_t *count, int64_t timeout_us);

void queue_close(struct queue *queue);

/* Entries in the queue now (for metrics). */
size_t queue_depth(struct queue *queue);

#endif
