/*
 * The end of an alert whose rule or topic was taken out of the configuration:
 * nothing will ever judge it again, and a desk that was told of it must not
 * wait for ever.  It ends where its source has been read to.
 */
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

#include <string.h>

static int64_t fired_or_none(const struct rule_state *state)
{
	return state->fired ? cell_time(state->fired) : TIME_NONE;
}

int watch_retire_state(struct watch *watch, const char *stored, int64_t applied_us, struct watch_alert *alert,
		       char text[WATCH_STATE_SIZE])
{
	struct rule_state state = {0};
	int64_t watermark_us;
	bool told;

	if (state_parse(watch, stored, &state) < 0)
		return -1;
	if (state.state == ALERT_OK)
		return 0;
	watermark_us = watch->sources[state.source].watermark_us;
	if (watermark_us != INT64_MIN && cell_of(watermark_us) > state.changed)
		state.changed = cell_of(watermark_us);
	state.state = ALERT_OK;
	if (state.fired && state.told != TOLD_NOT)
		state.since = state.hot;
	state.event++;
	told = (leads(&state) || state.told == TOLD_ALONE) && !is_all_silent(watch, applied_us);
	*alert = (struct watch_alert){
		.event = state.event,
		.state = ALERT_RESOLVED,
		.notify = told && (state.told == TOLD_LIVE || state.told == TOLD_ALONE),
		.held = told && state.told == TOLD_DIGEST,
		.at_us = cell_time(state.changed),
		.started_us = cell_time(state.began),
		.fired_us = fired_or_none(&state),
		.resolved_us = cell_time(state.changed),
		.peak_count = state.peak,
		.change = CHANGE_RESOLVED,
	};
	memcpy(alert->id, state.id, ID_SIZE);
	state_print(watch, &state, text);
	return 1;
}

bool watch_has_rule(const struct watch *watch, uint32_t rule, uint32_t topic)
{
	const struct topic *t;

	if (topic >= watch->topic_count)
		return false;
	t = &watch->topics[topic];
	for (size_t i = 0; i < t->rule_count; i++)
		if (t->rules[i] == rule)
			return true;
	return false;
}
