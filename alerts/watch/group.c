/*
 * Topics that fire on the same stories: "the airline" and "the maker of its
 * aircraft".  Whoever fires first leads; another topic of the same rule whose
 * alert rests on the same stories joins, and the desk gets one line of
 * messages.  The leader fires until the last of them is quiet, so that its
 * resolution is that of the group.
 *
 * Of those who fire in one minute, the one leads whose topic comes first in the
 * order of their names' hashes, in which a document of several topics is judged.
 * Where another one's document came sooner and it was told, it becomes a member
 * whose end is told as well.
 */
#include "alerts/watch/state.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
	SHARED_LEAST = 2,  /* stories: one alone may be about anything */
	LOOKED_AT = 1000,  /* alerts that fire, when another one begins */
};

bool leads(const struct rule_state *state)
{
	return memcmp(state->group, state->id, ID_SIZE) == 0;
}

static struct rule_state *leader_of(const struct watch *watch, const struct rule_state *state)
{
	for (size_t i = 0; i < watch->active_count; i++)
		if (watch->active[i]->rule == state->rule && memcmp(watch->active[i]->id, state->group, ID_SIZE) == 0)
			return watch->active[i];
	return NULL;
}

/* The stories that an alert rests on: the negative ones where it is about them and there are any. */
static size_t stories_of(const struct watch *watch, const struct rule_state *state, const struct moment *now,
			 int64_t stories[EVIDENCE_MAX])
{
	bool negative = watch->rules[state->rule].metric != RULE_VOLUME;
	struct watch_evidence evidence[EVIDENCE_MAX];
	size_t count = 0, found = memory_evidence(&watch->topics[state->topic].memory, negative,
						  now->cell - now->verdict->cells, evidence);

	for (size_t i = 0; i < found; i++) { /* negative ones come first */
		if (negative && count && evidence[i].polarity != POLARITY_NEGATIVE)
			break;
		stories[count++] = evidence[i].story;
	}
	return count;
}

static bool shares(const struct watch *watch, const struct rule_state *other, const int64_t *stories, size_t count,
		   int32_t after)
{
	uint64_t key = watch->topics[other->topic].key;
	size_t shared = 0;

	for (size_t i = 0; i < count && 2 * (shared + count - i) >= count; i++) /* while it may be half of them yet */
		shared += pairs_seen(&watch->pairs, key, stories[i], after);
	return shared >= SHARED_LEAST && 2 * shared >= count;
}

/* Whoever fired first; of one minute, whose topic is judged first. */
static bool is_before(const struct watch *watch, const struct rule_state *a, const struct rule_state *b)
{
	uint64_t x = watch->topics[a->topic].key, y = watch->topics[b->topic].key;

	return a->fired != b->fired ? a->fired < b->fired : x != y ? x < y : memcmp(a->id, b->id, ID_SIZE) < 0;
}

struct rule_state *group_seek(struct watch *watch, const struct rule_state *state, const struct moment *now)
{
	int64_t stories[EVIDENCE_MAX];
	size_t count, looked = 0;
	struct rule_state *best = NULL;

	if (state->followers || is_silent(watch, &watch->topics[state->topic], now->applied_us))
		return NULL;
	count = stories_of(watch, state, now, stories);
	for (size_t i = 0; count >= SHARED_LEAST && i < watch->active_count && looked < LOOKED_AT; i++) {
		struct rule_state *other = watch->active[i], *leader;

		if (other == state || other->rule != state->rule || other->state != ALERT_FIRING || other->told == TOLD_NOT)
			continue;
		looked++;
		if (!shares(watch, other, stories, count, now->cell - now->verdict->cells))
			continue;
		leader = leads(other) ? other : leader_of(watch, other);
		if (leader && leader != state && !is_silent(watch, &watch->topics[leader->topic], now->applied_us) &&
		    (!best || is_before(watch, leader, best)))
			best = leader;
	}
	return best;
}

bool group_shares(struct watch *watch, const struct rule_state *state, const struct moment *now)
{
	int64_t stories[EVIDENCE_MAX];
	size_t count = stories_of(watch, state, now, stories);
	int32_t after = now->cell - now->verdict->cells;

	for (size_t i = 0; i < watch->active_count; i++) {
		const struct rule_state *other = watch->active[i];

		if (other != state && other->rule == state->rule && memcmp(other->group, state->group, ID_SIZE) == 0 &&
		    shares(watch, other, stories, count, after))
			return true;
	}
	return false;
}

void group_join(struct rule_state *state, struct rule_state *leader)
{
	memcpy(state->group, leader->id, ID_SIZE);
	leader->followers++;
	leader->joined++;
}

bool group_precedes(const struct watch *watch, const struct rule_state *state, const struct rule_state *leader)
{
	return state->fired == leader->fired && is_before(watch, state, leader);
}

void group_lead(struct watch *watch, struct rule_state *state, struct rule_state *leader, struct watch_effects *effects)
{
	char group[ID_SIZE];

	memcpy(group, leader->group, ID_SIZE);
	for (size_t i = 0; i < watch->active_count; i++) {
		struct rule_state *other = watch->active[i];

		if (other->rule != state->rule || memcmp(other->group, group, ID_SIZE) != 0)
			continue;
		memcpy(other->group, state->id, ID_SIZE);
		if (other == leader && other->told == TOLD_LIVE)
			other->told = TOLD_ALONE;
		state->followers++;
		state->joined++;
		put_state(watch, other, effects);
	}
	leader->followers = 0;
	due_stir(watch);
}

void group_release(struct watch *watch, struct rule_state *state, bool leaves, struct watch_effects *effects)
{
	struct rule_state *leader = leader_of(watch, state);

	if (leaves)
		memcpy(state->group, state->id, ID_SIZE);
	if (!leader)
		return;
	CHECK(leader->followers > 0);
	leader->followers--;
	due_stir(watch);
	if (leaves || state->hot <= leader->hot)
		return;
	leader->hot = state->hot; /* the group is quiet when its last one is */
	put_state(watch, leader, effects);
}

/* ---- who belongs to it ---- */

struct member {
	uint32_t topic;
	const char *name; /* NULL = the leader's */
};

static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (!x->name || !y->name)
		return (x->name != NULL) - (y->name != NULL);
	return strcmp(x->name, y->name);
}

static const struct rule_state *state_of(const struct topic *topic, uint32_t rule)
{
	for (size_t i = 0; i < topic->rule_count; i++)
		if (topic->rules[i] == rule)
			return topic->states[i];
	return NULL;
}

/* Every topic has a look at its state: only for groups that were more than one. */
static size_t find_members(const struct watch *watch, const struct rule_state *state, bool all, struct member *members)
{
	size_t count = 0;

	for (uint32_t t = 0; t < watch->topic_count; t++) {
		const struct rule_state *other = state_of(&watch->topics[t], state->rule);
		bool is_leader;

		if (!other || memcmp(other->group, state->group, ID_SIZE) != 0)
			continue;
		is_leader = leads(other);
		if (is_leader || all || other->state == ALERT_FIRING)
			members[count++] = (struct member){t, is_leader ? NULL : watch->topics[t].name};
	}
	return count;
}

uint32_t *group_members(const struct watch *watch, const struct rule_state *state, bool all, size_t *count)
{
	uint32_t *topics;
	struct member *members;

	*count = 0;
	if (leads(state) && !state->joined)
		return NULL;
	members = xcalloc(watch->topic_count, sizeof *members);
	*count = find_members(watch, state, all, members);
	qsort(members, *count, sizeof *members, by_name);
	topics = xcalloc(*count + 1, sizeof *topics);
	for (size_t i = 0; i < *count; i++)
		topics[i] = members[i].topic;
	free(members);
	return topics;
}

/* ---- after a load, or a reload ---- */

void groups_settle(struct watch *watch, int64_t applied_us, struct watch_effects *effects)
{
	if (!watch->groups_stale)
		return;
	watch->groups_stale = false;
	due_stir(watch);
	for (size_t i = 0; i < watch->active_count; i++)
		watch->active[i]->followers = 0;
	for (size_t i = 0; i < watch->active_count; i++) {
		struct rule_state *state = watch->active[i], *leader = leads(state) ? NULL : leader_of(watch, state);

		if (leader)
			leader->followers++;
		else if (!leads(state)) {
			memcpy(state->group, state->id, ID_SIZE);
			tell_again(watch, state, applied_us, effects);
		}
	}
}
