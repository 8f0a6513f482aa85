#include "daemon/drift_weeks.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

static int64_t number_of(int64_t time_us)
{
	int64_t since = time_us - DRIFT_MONDAY_US, week = since / (7 * DAY_US);
	return since % (7 * DAY_US) < 0 ? week - 1 : week;
}

/* The first place whose week is not before this one. */
static size_t place_of(const struct drift_weeks *weeks, int64_t number)
{
	size_t low = 0, high = weeks->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (weeks->each[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void drift_weeks_add(struct drift_weeks *weeks, int64_t time_us)
{
	int64_t number = number_of(time_us);
	size_t at = place_of(weeks, number);
	if (at < weeks->count && weeks->each[at].number == number) {
		weeks->each[at].texts++;
		return;
	}
	if (weeks->count == weeks->capacity) {
		weeks->capacity = weeks->capacity > 0 ? 2 * weeks->capacity : 16;
		weeks->each = xrealloc(weeks->each, weeks->capacity * sizeof *weeks->each);
	}
	memmove(weeks->each + at + 1, weeks->each + at, (weeks->count - at) * sizeof *weeks->each);
	weeks->each[at] = (struct drift_week){number, 1};
	weeks->count++;
}

void drift_weeks_keep(struct drift_weeks *weeks, size_t most)
{
	if (weeks->count <= most)
		return;
	memmove(weeks->each, weeks->each + weeks->count - most, most * sizeof *weeks->each);
	weeks->count = most;
}

size_t drift_weeks_find(const struct drift_weeks *weeks, int64_t time_us)
{
	int64_t number = number_of(time_us);
	size_t at = place_of(weeks, number);
	return at < weeks->count && weeks->each[at].number == number ? at : SIZE_MAX;
}

void drift_weeks_clear(struct drift_weeks *weeks)
{
	free(weeks->each);
	*weeks = (struct drift_weeks){0};
}
