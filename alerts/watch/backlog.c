/*
 * What an outage leaves: documents of hours ago, and alerts that were due then.
 * One after the other they would be a storm of messages that are too late
 * anyway, so they are held and told by one digest: once the sources that
 * brought them are no longer behind, or after two minutes.
 *
 * It ends at a tick, by the writer's stamp: whatever the batches were, the same
 * changes are in the same digest.
 */
#include "alerts/watch/effects.h"
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

#include <stdio.h>

#define GATHER_US (2 * MINUTE_US)

/* So much later than its event time is late: what the lateness allows is still news, and so is the last hour. */
static int64_t late_us(const struct watch *watch)
{
	return watch->lateness_us > HOUR_US ? watch->lateness_us : HOUR_US;
}

bool is_late(const struct watch *watch, const struct rule_state *state, int32_t cell, int64_t applied_us)
{
	return !watch->sources[state->source].own_clock && applied_us - cell_time(cell) > late_us(watch);
}

bool is_behind(const struct watch *watch, uint32_t source, int64_t applied_us)
{
	const struct source_mark *mark = &watch->sources[source];

	return !mark->own_clock && mark->advanced_us - mark->watermark_us > late_us(watch) &&
	       applied_us - mark->watermark_us > late_us(watch);
}

static void put_backlog(const struct watch *watch, struct watch_effects *effects)
{
	effects_put_backlog(effects, &(struct watch_backlog_state){.since_us = watch->backlog_us});
}

void backlog_hold(struct watch *watch, uint32_t source, int64_t applied_us, struct watch_effects *effects)
{
	if (watch->backlog_us == TIME_NONE) {
		watch->backlog_us = applied_us;
		put_backlog(watch, effects);
	}
	if (watch->sources[source].behind)
		return;
	watch->sources[source].behind = true;
	put_source(watch, source, effects);
}

static bool is_caught_up(const struct watch *watch, int64_t applied_us)
{
	for (size_t i = 0; i < watch->source_count; i++)
		if (watch->sources[i].behind && applied_us - watch->sources[i].watermark_us > late_us(watch))
			return false;
	return true;
}

static void add_digest(const struct watch *watch, int64_t applied_us, struct watch_effects *effects)
{
	struct watch_late late = {.at_us = applied_us, .after = effects->alert_count};

	snprintf(late.id, sizeof late.id, "digest-%016llx",
		 (unsigned long long)hash_number(0, (uint64_t)watch->backlog_us));
	effects_add_late(effects, &late);
}

void backlog_tick(struct watch *watch, int64_t applied_us, struct watch_effects *effects)
{
	if (watch->backlog_us == TIME_NONE ||
	    (applied_us - watch->backlog_us < GATHER_US && !is_caught_up(watch, applied_us)))
		return;
	add_digest(watch, applied_us, effects);
	watch->backlog_us = TIME_NONE;
	put_backlog(watch, effects);
	for (uint32_t i = 0; i < watch->source_count; i++) {
		if (!watch->sources[i].behind)
			continue;
		watch->sources[i].behind = false;
		put_source(watch, i, effects);
	}
	for (size_t i = 0; i < watch->active_count; i++)
		if (watch->active[i]->told == TOLD_DIGEST)
			tell_again(watch, watch->active[i], applied_us, effects);
}

void watch_load_backlog(struct watch *watch, const struct watch_backlog_state *backlog)
{
	watch->backlog_us = backlog->since_us;
}
