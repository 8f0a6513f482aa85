/*
 * What time alone brings: from pending to firing, and down.  Each alert knows
 * the cell in which something falls due, and it happens when that cell has
 * closed, be it seen by a tick or by the next document.  So how often ticks
 * come makes no difference, and an alert is not kept firing by an old count
 * that slides out of a long window: it resolves when for `keep_firing_for` no
 * document has come that found the count high.
 *
 * Every document moves its source's clock, and most of them bring nothing due.
 * So a source knows until when that is sure: what an alert waits for moves on
 * as documents come, never back, but for the few events that call due_stir.
 */
#include "alerts/watch/state.h"

static int32_t cells_of(int64_t duration_us)
{
	return (int32_t)((duration_us + RULE_CELL_US - 1) / RULE_CELL_US);
}

int32_t due_cell(const struct watch *watch, const struct rule_state *state)
{
	const struct rule_spec *spec = &watch->rules[state->rule];
	int32_t due = state->state == ALERT_PENDING ? state->began + cells_of(spec->for_us)
						    : state->hot + cells_of(spec->keep_firing_us);

	if (state->followers)
		return INT32_MAX; /* it leads a group that fires */
	return due < state->changed ? state->changed : due;
}

void step_due(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects)
{
	int32_t due = due_cell(watch, state);
	struct rule_verdict verdict = judge(watch, state->topic, state->rule, (struct rule_span){state->since, due});
	struct moment now = {due, applied_us, &verdict};

	if (state->state == ALERT_PENDING && verdict.hold) {
		state->hot = due;
		fire(watch, state, &now, effects);
	} else {
		resolve(watch, state, &now, effects);
	}
}

/* What is due first, of what follows this source; NULL where nothing is due before `cell`. */
static struct rule_state *first_due(const struct watch *watch, uint32_t source, int32_t cell)
{
	struct rule_state *first = NULL;
	int32_t first_cell = cell;

	for (size_t i = 0; i < watch->active_count; i++) {
		struct rule_state *state = watch->active[i];
		int32_t due = due_cell(watch, state);

		if (state->source == source && due < first_cell) {
			first = state;
			first_cell = due;
		}
	}
	return first;
}

/* All sources: it is called rarely, and one that is stirred for nothing looks once. */
void due_stir(struct watch *watch)
{
	for (size_t i = 0; i < watch->source_count; i++)
		watch->sources[i].calm_until = INT32_MIN;
}

/* Nothing is due before this cell; INT32_MIN where the end of a silence may come at any time. */
static int32_t find_calm(const struct watch *watch, uint32_t source)
{
	int32_t calm = INT32_MAX;

	for (size_t i = 0; i < watch->active_count; i++) {
		const struct rule_state *state = watch->active[i];
		int32_t due = due_cell(watch, state);

		if (state->source != source)
			continue;
		if (state->state == ALERT_FIRING && state->told == TOLD_NOT)
			return INT32_MIN;
		if (due < calm)
			calm = due;
	}
	return calm;
}

void judge_due(struct watch *watch, uint32_t source, int32_t cell, int64_t applied_us, struct watch_effects *effects)
{
	struct rule_state *due;

	if (cell <= watch->sources[source].calm_until)
		return;
	while ((due = first_due(watch, source, cell)))
		step_due(watch, due, applied_us, effects);
	for (size_t i = 0; i < watch->active_count; i++)
		if (watch->active[i]->source == source)
			break_silence(watch, watch->active[i], applied_us, effects);
	watch->sources[source].calm_until = find_calm(watch, source);
}
