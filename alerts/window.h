#ifndef ALERTS_WINDOW_H
#define ALERTS_WINDOW_H

#include <stddef.h>
#include <stdint.h>

/*
 * Counts on a grid of time, sparse, within a span: what a topic's sliding
 * windows and its history are summed from.  A slot is a whole number of grid
 * steps since 1970 (minutes, hours); slots further back than `span` from the
 * newest one are forgotten.
 *
 * Whatever order the same counts are added in, the same window comes out: sums
 * are integers, and what is kept depends on the newest slot alone.
 */
struct tally {
	uint32_t documents, negative_documents;
	uint32_t stories, judged, negative; /* stories: all, with a polarity, negative */
	int64_t score;                      /* of judged stories, in millionths */
};

struct window_point {
	int32_t slot;
	uint32_t documents, negative_documents, stories, judged, negative;
	int64_t score; /* all counts cumulative: up to and with this slot */
};

/* Embedded in its owner; the fields are private to window.c. */
struct window {
	struct window_point *points;
	uint32_t first, end, capacity; /* points[first .. end) are in use */
	int32_t span;
};

void window_init(struct window *window, int32_t span);
void window_reset(struct window *window); /* frees; as after window_init */

/* Adds to a slot.  Nothing happens where the slot is out of the span already. */
void window_add(struct window *window, int32_t slot, const struct tally *counts);

/* Counts of the slots in (after, upto]. */
struct tally window_sum(const struct window *window, int32_t after, int32_t upto);

/* Asks the memory for where a search begins: the ends and the middle. */
void window_fetch(const struct window *window);

/* Slots in use, oldest first. */
size_t window_size(const struct window *window);
int32_t window_slot(const struct window *window, size_t i);
struct tally window_at(const struct window *window, size_t i);
/* Counts of the slots in use from index `from` up to, not with, `to`. */
struct tally window_range(const struct window *window, size_t from, size_t to);
/* Index of the first slot in use that is later than `slot` (window_size where there is none). */
size_t window_after(const struct window *window, int32_t slot);

/* Newest and oldest slot; only where window_size > 0. */
int32_t window_newest(const struct window *window);
int32_t window_oldest(const struct window *window);

size_t window_bytes(const struct window *window);

#endif
