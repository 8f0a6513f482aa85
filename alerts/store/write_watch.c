/*
 * The rows of a batch that came from the core: trend buckets, states, alerts
 * with their events and deliveries.
 */
#include "alerts/store/private.h"

#include "alerts/payload.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdlib.h>

static int write_buckets(struct store *store, const struct store_batch *batch)
{
	const struct watch_effects *effects = batch->effects;
	for (size_t i = 0; i < effects->increment_count; i++) {
		const struct watch_bucket *bucket = &effects->increments[i];
		CHECK(bucket->topic < store->topics.count);
		struct bound add = store_bind(store, STMT_ADD_BUCKET);
		bind_integer(&add, bucket->width_s);
		bind_integer(&add, bucket->start_s);
		bind_integer(&add, store->topics.ids[bucket->topic]);
		bind_integer(&add, bucket->total);
		bind_integer(&add, bucket->negative);
		bind_integer(&add, bucket->neutral);
		bind_integer(&add, bucket->positive);
		bind_integer(&add, bucket->unjudged);
		bind_real(&add, bucket->score_sum);
		bind_integer(&add, bucket->stories);
		bind_integer(&add, bucket->judged_stories);
		bind_integer(&add, bucket->negative_stories);
		bind_real(&add, bucket->story_score_sum);
		bind_integer(&add, batch->applied_us / SECOND_US);
		int rc = store_run(&add);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

int write_rule_state(struct store *store, int64_t rule, int64_t topic, const char *state)
{
	struct bound replace = store_bind(store, STMT_SET_RULE_STATE);
	bind_integer(&replace, rule);
	bind_integer(&replace, topic);
	bind_text(&replace, state);
	return store_run(&replace);
}

static int write_rule_states(struct store *store, const struct watch_effects *effects)
{
	for (size_t i = 0; i < effects->rule_state_count; i++) {
		const struct watch_rule_state *state = &effects->rule_states[i];
		CHECK(state->rule < store->rules.count && state->topic < store->topics.count);
		int rc = write_rule_state(store, store->rules.ids[state->rule], store->topics.ids[state->topic], state->state);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int write_sources(struct store *store, const struct watch_effects *effects)
{
	for (size_t i = 0; i < effects->source_count; i++) {
		const struct watch_source_state *source = &effects->sources[i];
		int64_t id;
		int rc = names_find(store, NAME_SOURCE, 0, source->source, true, &id);
		if (rc != SQLITE_OK)
			return rc;
		struct bound replace = store_bind(store, STMT_SET_SOURCE_STATE);
		bind_integer(&replace, id);
		bind_time(&replace, source->watermark_us);
		bind_time(&replace, source->advanced_us);
		bind_time(&replace, source->seen_us);
		bind_integer(&replace, source->own_clock);
		rc = store_run(&replace);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int write_silences(struct store *store, const struct watch_effects *effects)
{
	for (size_t i = 0; i < effects->silence_count; i++) {
		const struct watch_silence_state *silence = &effects->silences[i];
		CHECK(silence->topic == UINT32_MAX || silence->topic < store->topics.count);
		struct bound replace = store_bind(store, STMT_SET_SILENCE);
		bind_integer(&replace, silence->topic == UINT32_MAX ? 0 : store->topics.ids[silence->topic]);
		bind_time(&replace, silence->until_us);
		int rc = store_run(&replace);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* ---- alerts ---- */

static void bind_finite(struct bound *bound, double value)
{
	isfinite(value) ? bind_real(bound, value) : bind_null(bound);
}

static int write_alert_row(struct store *store, const struct stored_alert *of, const char *evidence, int64_t applied_us)
{
	const struct watch_alert *alert = of->alert;
	struct bound row = store_bind(store, STMT_SET_ALERT);
	bind_text(&row, alert->id);
	bind_integer(&row, of->rule);
	bind_integer(&row, of->topic);
	bind_integer(&row, alert->event);
	bind_integer(&row, alert->state);
	bind_integer(&row, alert->late);
	bind_time(&row, alert->at_us);
	bind_time(&row, alert->started_us);
	bind_time(&row, alert->fired_us);
	bind_time(&row, alert->resolved_us);
	bind_integer(&row, alert->window_us);
	bind_integer(&row, alert->count);
	bind_integer(&row, alert->peak_count);
	bind_finite(&row, alert->expected);
	bind_finite(&row, alert->ratio);
	bind_finite(&row, alert->p_value);
	bind_integer(&row, alert->documents);
	bind_integer(&row, alert->publishers);
	bind_text(&row, evidence);
	bind_time(&row, applied_us);
	return store_run(&row);
}

static int write_event_row(struct store *store, const struct watch_alert *alert, const char *payload, int64_t applied_us)
{
	struct bound row = store_bind(store, STMT_INSERT_EVENT);
	bind_text(&row, alert->id);
	bind_integer(&row, alert->event);
	bind_integer(&row, alert->state);
	bind_time(&row, alert->at_us);
	bind_time(&row, applied_us);
	bind_integer(&row, alert->notify);
	bind_text(&row, payload);
	return store_run(&row);
}

static int write_delivery_rows(struct store *store, const struct watch_alert *alert, int64_t applied_us)
{
	for (size_t i = 0; alert->notify && i < store->receivers.count; i++) {
		struct bound row = store_bind(store, STMT_INSERT_DELIVERY);
		bind_text(&row, alert->id);
		bind_integer(&row, alert->event);
		bind_integer(&row, store->receivers.ids[i]);
		bind_time(&row, applied_us);
		int rc = store_run(&row);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

int write_alert(struct store *store, const struct stored_alert *of, int64_t applied_us)
{
	const struct watch_alert *alert = of->alert;
	char *evidence = payload_write_evidence(alert->evidence, alert->evidence_count);
	char *payload = payload_write_event(alert, of->rule_name, of->topic_name, (const char *const *)store->topics.names);
	int rc = write_alert_row(store, of, evidence, applied_us);
	if (rc == SQLITE_OK)
		rc = write_event_row(store, alert, payload, applied_us);
	if (rc == SQLITE_OK)
		rc = write_delivery_rows(store, alert, applied_us);
	free(payload);
	free(evidence);
	return rc;
}

static int write_alerts(struct store *store, const struct watch_effects *effects, int64_t applied_us)
{
	for (size_t i = 0; i < effects->alert_count; i++) {
		const struct watch_alert *alert = &effects->alerts[i];
		CHECK(alert->rule < store->rules.count && alert->topic < store->topics.count);
		struct stored_alert of = {alert, store->rules.ids[alert->rule], store->topics.ids[alert->topic],
					  store->rules.names[alert->rule], store->topics.names[alert->topic]};
		int rc = write_alert(store, &of, applied_us);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

int write_effects(struct store *store, const struct store_batch *batch)
{
	const struct watch_effects *effects = batch->effects;
	if (effects == NULL)
		return SQLITE_OK;
	int rc = write_buckets(store, batch);
	if (rc == SQLITE_OK)
		rc = write_rule_states(store, effects);
	if (rc == SQLITE_OK)
		rc = write_sources(store, effects);
	if (rc == SQLITE_OK)
		rc = write_silences(store, effects);
	return rc == SQLITE_OK ? write_alerts(store, effects, batch->applied_us) : rc;
}
