/* The alerts that are open, in an order that is fixed, so that what happens to many at once is told in one way. */
#include "alerts/watch/state.h"

#include "daemon/base/check.h"

#include <string.h>

uint64_t order_of(const struct watch *watch, uint32_t rule, uint32_t topic)
{
	return hash_number(hash_text(0, watch->rules[rule].name), watch->topics[topic].key);
}

/* Position of a state in `active`, or where it belongs. */
static size_t place_of(const struct watch *watch, const struct rule_state *state)
{
	size_t low = 0, high = watch->active_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (watch->active[middle]->order < state->order)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void activate(struct watch *watch, struct rule_state *state)
{
	size_t place = place_of(watch, state);

	if (watch->active_count == watch->active_room) {
		watch->active_room = watch->active_room ? watch->active_room * 2 : 16;
		watch->active = xrealloc(watch->active, watch->active_room * sizeof *watch->active);
	}
	memmove(watch->active + place + 1, watch->active + place, (watch->active_count - place) * sizeof *watch->active);
	watch->active[place] = state;
	watch->active_count++;
	due_stir(watch);
}

void deactivate(struct watch *watch, const struct rule_state *state)
{
	size_t place = place_of(watch, state);

	while (place < watch->active_count && watch->active[place] != state)
		place++; /* names whose hashes are the same: never seen, harmless */
	CHECK(place < watch->active_count);
	watch->active_count--;
	memmove(watch->active + place, watch->active + place + 1, (watch->active_count - place) * sizeof *watch->active);
}
