/*
 * The steps of an alert and which of them are sent: at once, with the digest
 * of a backlog, by the leader of its group, or not at all in a silence.  Every
 * step is written down whether it is sent or not.
 */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

enum {
	UPDATE_CELLS = CELLS_AN_HOUR, /* between an update and the message before it */
	JOINS_TOLD = 8,               /* of a group that grows further each doubling is told: a market wrap names hundreds */
};

void put_state(const struct watch *watch, const struct rule_state *state, struct watch_effects *effects)
{
	char text[STATE_TEXT_SIZE];

	state_print(watch, state, text);
	effects_put_rule_state(effects, state->rule, state->topic, text);
}

static void record(struct watch *watch, struct rule_state *state, const struct change *change, const struct moment *now,
		   struct watch_effects *effects)
{
	state->event++;
	announce(watch, state, change, now, effects);
	put_state(watch, state, effects);
}

static struct change make_change(const struct watch *watch, const struct rule_state *state, enum alert_state to,
				 enum alert_change what, const struct moment *now)
{
	return (struct change){.to = to, .what = what, .late = is_late(watch, state, now->cell, now->applied_us)};
}

/* Which way a change of a leader goes.  The end of what was told live is never held: somebody waits for it. */
static void route(struct watch *watch, const struct rule_state *state, struct change *change, const struct moment *now,
		  struct watch_effects *effects)
{
	bool ends = change->what == CHANGE_RESOLVED && (state->told == TOLD_LIVE || state->told == TOLD_ALONE);

	if (is_silent(watch, &watch->topics[state->topic], now->applied_us))
		return;
	if (state->told == TOLD_DIGEST || (change->late && !ends)) {
		change->held = true;
		backlog_hold(watch, state->source, now->applied_us, effects);
	} else {
		change->notify = true;
	}
}

static void say_peak(struct rule_state *state, int32_t cell)
{
	state->said = state->peak;
	state->said_cell = cell;
}

/* An update of a group's leader: another topic has joined.  As late as what joined. */
static void tell_joined(struct watch *watch, struct rule_state *leader, const struct moment *now, bool late,
			struct watch_effects *effects)
{
	int32_t cell = now->cell > leader->changed ? now->cell : leader->changed;
	struct rule_verdict verdict = judge(watch, leader->topic, leader->rule, (struct rule_span){leader->since, cell});
	struct moment then = {cell, now->applied_us, &verdict};
	struct change change = {.to = ALERT_FIRING, .what = CHANGE_JOINED, .late = late};

	leader->changed = cell; /* its end comes behind this */
	if (leader->joined <= JOINS_TOLD || (leader->joined & (leader->joined - 1)) == 0)
		route(watch, leader, &change, &then, effects);
	say_peak(leader, cell);
	record(watch, leader, &change, &then, effects);
}

/* The first that is told of an alert: by the leader of a group that fires on its stories, or by itself. */
static void tell_first(struct watch *watch, struct rule_state *state, enum alert_change what, const struct moment *now,
		       struct watch_effects *effects)
{
	struct change change = make_change(watch, state, ALERT_FIRING, what, now);
	struct rule_state *leader = group_seek(watch, state, now);

	if (leader && what == CHANGE_FIRED && group_precedes(watch, state, leader)) {
		group_lead(watch, state, leader, effects);
		leader = NULL;
	}
	if (what == CHANGE_RENEWED) /* it is told as it is now, be its last document of hours ago */
		change.late = is_behind(watch, state->source, now->applied_us);
	if (leader) {
		group_join(state, leader);
		state->told = TOLD_LIVE;
	} else {
		route(watch, state, &change, now, effects);
		state->told = change.held ? TOLD_DIGEST : change.notify ? TOLD_LIVE : TOLD_NOT;
		if (state->told == TOLD_NOT)
			due_stir(watch);
	}
	say_peak(state, now->cell);
	record(watch, state, &change, now, effects);
	if (leader)
		tell_joined(watch, leader, now, change.late, effects);
}

void begin_pending(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects)
{
	struct change change = make_change(watch, state, ALERT_PENDING, CHANGE_PENDING, now);

	state->state = ALERT_PENDING;
	state->changed = now->cell;
	record(watch, state, &change, now, effects);
}

void fire(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects)
{
	state->state = ALERT_FIRING;
	state->changed = state->fired = now->cell;
	tell_first(watch, state, CHANGE_FIRED, now, effects);
}

void resolve(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects)
{
	struct change change = make_change(watch, state, ALERT_RESOLVED, CHANGE_RESOLVED, now);

	state->state = ALERT_OK;
	state->changed = now->cell;
	if (state->fired && state->told != TOLD_NOT) /* what nobody was told of may alarm yet */
		state->since = state->hot;
	deactivate(watch, state);
	if (state->told == TOLD_ALONE || (state->told != TOLD_NOT && leads(state)))
		route(watch, state, &change, now, effects);
	record(watch, state, &change, now, effects);
	if (!leads(state))
		group_release(watch, state, false, effects);
}

void escalate(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects)
{
	struct change change = make_change(watch, state, ALERT_FIRING, CHANGE_ESCALATED, now);

	if (state->state != ALERT_FIRING || state->told == TOLD_NOT)
		return;
	if (state->hot <= state->said_cell) { /* what else its cell brings was in the message, whatever the order */
		state->said = state->peak;
		return;
	}
	if (state->peak / 2 < state->said || now->cell - state->said_cell < UPDATE_CELLS ||
	    is_silent(watch, &watch->topics[state->topic], now->applied_us))
		return;
	if (!leads(state) && !group_shares(watch, state, now))
		group_release(watch, state, true, effects);
	if (leads(state))
		route(watch, state, &change, now, effects);
	say_peak(state, now->cell);
	record(watch, state, &change, now, effects);
}

/* ---- told later than it fired ---- */

static int32_t last_hot(const struct rule_state *state)
{
	return state->hot > state->changed ? state->hot : state->changed;
}

void break_silence(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects)
{
	struct rule_verdict verdict;
	struct moment now = {last_hot(state), applied_us, &verdict};

	if (state->state != ALERT_FIRING || state->told != TOLD_NOT ||
	    is_silent(watch, &watch->topics[state->topic], applied_us))
		return;
	verdict = judge(watch, state->topic, state->rule, (struct rule_span){state->since, now.cell});
	tell_first(watch, state, CHANGE_RENEWED, &now, effects);
}

void tell_again(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects)
{
	int32_t cell = last_hot(state);
	struct rule_verdict verdict;
	struct moment now = {cell, applied_us, &verdict};
	struct change change = make_change(watch, state, ALERT_FIRING, CHANGE_FIRED, &now);

	state->told = TOLD_NOT;
	if (is_silent(watch, &watch->topics[state->topic], applied_us)) {
		due_stir(watch);
		put_state(watch, state, effects); /* the end of the silence will tell it */
		return;
	}
	verdict = judge(watch, state->topic, state->rule, (struct rule_span){state->since, cell});
	change.late = is_behind(watch, state->source, applied_us);
	change.notify = true;
	state->told = leads(state) ? TOLD_LIVE : TOLD_ALONE;
	say_peak(state, cell);
	record(watch, state, &change, &now, effects);
}
