/*
 * What time alone brings: from pending to firing, and down.  Each alert knows
 * the cell in which something falls due, and it happens when that cell has
 * closed, be it seen by a tick or by the next document.  So how often ticks
 * come makes no difference, and an alert is not kept firing by an old count
 * that slides out of a long window: it resolves when for `keep_firing_for` no
 * document has come that found the count high.
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

void judge_due(struct watch *watch, uint32_t source, int32_t cell, int64_t applied_us, struct watch_effects *effects)
{
	struct rule_state *due;

	while ((due = first_due(watch, source, cell)))
		step_due(watch, due, applied_us, effects);
	for (size_t i = 0; i < watch->active_count; i++)
		if (watch->active[i]->source == source)
			break_silence(watch, watch->active[i], applied_us, effects);
}
