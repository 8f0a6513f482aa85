/* An alert's change as the caller gets it, with the stories that stand behind it. */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

static int64_t time_or_none(int32_t cell)
{
	return cell ? cell_time(cell) : TIME_NONE;
}

static struct watch_alert describe(const struct rule_state *state, const struct change *change, const struct moment *now)
{
	const struct rule_verdict *verdict = now->verdict;
	struct watch_alert alert = {
		.event = state->event,
		.rule = state->rule,
		.topic = state->topic,
		.state = change->to,
		.notify = change->notify,
		.late = change->late,
		.at_us = cell_time(now->cell),
		.started_us = cell_time(state->began),
		.fired_us = time_or_none(state->fired),
		.resolved_us = change->to == ALERT_RESOLVED ? cell_time(now->cell) : TIME_NONE,
		.window_us = cell_time(verdict->cells),
		.count = verdict->count,
		.peak_count = state->peak,
		.expected = verdict->expected,
		.ratio = verdict->ratio,
		.p_value = verdict->p_value,
		.change = change->what,
		.held = change->held,
		.cause = verdict->cause,
		.stories = verdict->stories,
		.judged = verdict->judged,
		.stories_expected = verdict->stories_expected,
		.share = verdict->share,
		.share_expected = verdict->share_expected,
		.group = state->group,
	};

	memcpy(alert.id, state->id, ID_SIZE);
	return alert;
}

void announce(struct watch *watch, const struct rule_state *state, const struct change *change, const struct moment *now,
	      struct watch_effects *effects)
{
	const struct topic *topic = &watch->topics[state->topic];
	bool negative = watch->rules[state->rule].metric != RULE_VOLUME;
	int32_t after = now->cell - now->verdict->cells;
	struct tally tally = window_sum(&topic->recent, after, now->cell);
	struct watch_alert alert = describe(state, change, now);
	struct watch_evidence evidence[EVIDENCE_MAX];
	bool untold = change->what == CHANGE_JOINED && !change->notify && !change->held; /* of many that join */
	uint32_t *members = untold ? NULL : group_members(watch, state, change->to == ALERT_RESOLVED, &alert.member_count);

	alert.documents = negative ? tally.negative_documents : tally.documents;
	alert.publishers = memory_publishers(&topic->memory, negative, after);
	alert.evidence = evidence;
	alert.evidence_count = memory_evidence(&topic->memory, negative, after, evidence);
	alert.members = members;
	if (change->notify || change->held)
		alert.chart = chart_of(watch, state->rule, state->topic, now->cell);
	effects_add_alert(effects, &alert);
	free(members);
}
