/*
 * A sorted array of cumulative counts.  A document is nearly always of the
 * newest slot or a new one, so adding is O(1) and a sum over any window is two
 * binary searches and a subtraction, however long the window is.  A late
 * document shifts the points after it.  Cumulative counts may wrap: only
 * differences are ever used.
 */
#include "alerts/window.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

void window_init(struct window *window, int32_t span)
{
	memset(window, 0, sizeof *window);
	window->span = span;
}

void window_reset(struct window *window)
{
	free(window->points);
	window_init(window, window->span);
}

size_t window_size(const struct window *window)
{
	return window->end - window->first;
}

int32_t window_slot(const struct window *window, size_t i)
{
	return window->points[window->first + i].slot;
}

int32_t window_newest(const struct window *window)
{
	return window->points[window->end - 1].slot;
}

int32_t window_oldest(const struct window *window)
{
	return window->points[window->first].slot;
}

size_t window_bytes(const struct window *window)
{
	return window->capacity * sizeof *window->points;
}

/* Array index of the first point later than `slot`.  Slots are whole numbers that ascend: so many points at most lie behind
 * it, or before it, as slots do.  Where something happens in each of them nothing is left to search. */
static uint32_t find_after(const struct window *window, int32_t slot)
{
	uint32_t low = window->first, high = window->end;
	int64_t behind, before;

	if (low == high || window->points[high - 1].slot <= slot)
		return high;
	behind = (int64_t)window->points[high - 1].slot - slot;
	before = (int64_t)slot - window->points[low].slot + 1;
	if (before <= 0)
		return low;
	if (before < high - low)
		high = low + (uint32_t)before;
	if (behind < window->end - low)
		low = window->end - (uint32_t)behind;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (window->points[middle].slot <= slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t window_after(const struct window *window, int32_t slot)
{
	return find_after(window, slot) - window->first;
}

/* Later minus earlier, where `before` may be NULL for "nothing yet". */
static struct tally difference(const struct window_point *upto, const struct window_point *before)
{
	static const struct window_point nothing;
	const struct window_point *b = before ? before : &nothing;

	return (struct tally){
		.documents = upto->documents - b->documents,
		.negative_documents = upto->negative_documents - b->negative_documents,
		.stories = upto->stories - b->stories,
		.judged = upto->judged - b->judged,
		.negative = upto->negative - b->negative,
		.score = upto->score - b->score,
	};
}

/*
 * Points that were forgotten may still stand before `first`; the cumulative
 * base is the point just before, if there is one, or zero at the array's start.
 */
static const struct window_point *point_before(const struct window *window, uint32_t index)
{
	return index > 0 ? &window->points[index - 1] : NULL;
}

struct tally window_range(const struct window *window, size_t from, size_t to)
{
	if (from >= to)
		return (struct tally){0};
	return difference(&window->points[window->first + to - 1], point_before(window, window->first + (uint32_t)from));
}

struct tally window_sum(const struct window *window, int32_t after, int32_t upto)
{
	return window_range(window, window_after(window, after), window_after(window, upto));
}

struct tally window_at(const struct window *window, size_t i)
{
	return window_range(window, i, i + 1);
}

static void add_counts(struct window_point *point, const struct tally *counts)
{
	point->documents += counts->documents;
	point->negative_documents += counts->negative_documents;
	point->stories += counts->stories;
	point->judged += counts->judged;
	point->negative += counts->negative;
	point->score += counts->score;
}

void window_fetch(const struct window *window)
{
	if (window->end == window->first)
		return;
	__builtin_prefetch(&window->points[window->first]);
	__builtin_prefetch(&window->points[window->end - 1], 1);
	__builtin_prefetch(&window->points[(window->first + window->end) / 2]);
}

/* Move the points in use to the array's start, keeping the one before them as their base. */
static void compact(struct window *window)
{
	uint32_t base = window->first - 1;

	memmove(window->points, window->points + base, (window->end - base) * sizeof *window->points);
	window->first = 1;
	window->end -= base;
}

static void make_room(struct window *window)
{
	if (window->end < window->capacity)
		return;
	if (window->first > 1 && window->first > window->capacity / 4) {
		compact(window);
		return;
	}
	window->capacity = window->capacity ? window->capacity + window->capacity / 2 + 1 : 4;
	window->points = xrealloc(window->points, window->capacity * sizeof *window->points);
}

static void insert(struct window *window, uint32_t index, int32_t slot)
{
	const struct window_point *before;
	struct window_point point = {0};

	memmove(window->points + index + 1, window->points + index, (window->end - index) * sizeof *window->points);
	before = point_before(window, index);
	if (before)
		point = *before;
	point.slot = slot;
	window->points[index] = point;
	window->end++;
}

void window_add(struct window *window, int32_t slot, const struct tally *counts)
{
	uint32_t index;

	if (window->end > window->first && (int64_t)slot <= (int64_t)window_newest(window) - window->span)
		return;
	index = find_after(window, slot);
	if (index == window->first || window->points[index - 1].slot != slot) {
		uint32_t offset = index - window->first;

		make_room(window);
		index = window->first + offset;
		insert(window, index, slot);
	} else {
		index--;
	}
	for (uint32_t i = index; i < window->end; i++)
		add_counts(&window->points[i], counts);
	while ((int64_t)window->points[window->first].slot <= (int64_t)window_newest(window) - window->span)
		window->first++;
}
