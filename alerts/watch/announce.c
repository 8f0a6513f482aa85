/* An alert's change as the caller gets it, with the stories that stand behind it. */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

#include <string.h>

/* A change told this long after its event time is late: after an outage, or from a source that lags. */
#define LATE_US HOUR_US

static int64_t time_or_none(int32_t cell)
{
	return cell ? cell_time(cell) : TIME_NONE;
}

void announce(const struct watch *watch, const struct rule_state *state, const struct change *change,
	      struct watch_effects *effects)
{
	const struct topic *topic = &watch->topics[state->topic];
	const struct rule_verdict *verdict = change->verdict;
	int32_t after = change->cell - verdict->cells;
	bool negative = watch->rules[state->rule].metric != RULE_VOLUME;
	struct tally tally = window_sum(&topic->recent, after, change->cell);
	struct watch_evidence evidence[EVIDENCE_MAX];
	struct watch_alert alert = {
		.event = state->event,
		.rule = state->rule,
		.topic = state->topic,
		.state = change->to,
		.notify = change->notify,
		.late = !watch->sources[state->source].own_clock && change->applied_us - cell_time(change->cell) > LATE_US,
		.at_us = cell_time(change->cell),
		.started_us = cell_time(state->began),
		.fired_us = time_or_none(state->fired),
		.resolved_us = change->to == ALERT_RESOLVED ? cell_time(change->cell) : TIME_NONE,
		.window_us = cell_time(verdict->cells),
		.count = verdict->count,
		.peak_count = state->peak,
		.expected = verdict->expected,
		.ratio = verdict->ratio,
		.p_value = verdict->p_value,
		.documents = negative ? tally.negative_documents : tally.documents,
		.publishers = memory_publishers(&topic->memory, negative, after),
		.evidence = evidence,
		.evidence_count = memory_evidence(&topic->memory, negative, after, evidence),
	};

	memcpy(alert.id, state->id, ID_SIZE);
	effects_add_alert(effects, &alert);
}
