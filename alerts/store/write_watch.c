/* The rows of a batch that came from the core: trend buckets, states, and alerts in the order in which they came. */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

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
		if (rc == SQLITE_OK && bucket->width_s == 3600)
			rc = pack_drop(store, bucket->start_s);
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
		bind_integer(&replace, source->behind);
		rc = store_run(&replace);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int write_topic_sources(struct store *store, const struct watch_effects *effects)
{
	for (size_t i = 0; i < effects->topic_source_count; i++) {
		const struct watch_topic_source *heard = &effects->topic_sources[i];
		int64_t source;
		CHECK(heard->topic < store->topics.count);
		int rc = names_find(store, NAME_SOURCE, 0, heard->source, true, &source);
		if (rc != SQLITE_OK)
			return rc;
		struct bound replace = store_bind(store, STMT_SET_TOPIC_SOURCE);
		bind_integer(&replace, store->topics.ids[heard->topic]);
		bind_integer(&replace, source);
		bind_time(&replace, heard->noted_us);
		rc = store_run(&replace);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int write_silences(struct store *store, const struct watch_effects *effects, int64_t applied_us)
{
	for (size_t i = 0; i < effects->silence_count; i++) {
		const struct watch_silence_state *silence = &effects->silences[i];
		CHECK(silence->topic == UINT32_MAX || silence->topic < store->topics.count);
		struct bound replace = store_bind(store, STMT_SET_SILENCE);
		bind_integer(&replace, silence->topic == UINT32_MAX ? 0 : store->topics.ids[silence->topic]);
		bind_time(&replace, silence->until_us);
		bind_time(&replace, applied_us);
		int rc = store_run(&replace);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int write_one_alert(struct store *store, const struct watch_alert *alert, int64_t applied_us)
{
	CHECK(alert->rule < store->rules.count && alert->topic < store->topics.count);
	struct stored_alert of = {.alert = alert,
				  .rule = store->rules.ids[alert->rule],
				  .topic = store->topics.ids[alert->topic],
				  .rule_name = store->rules.names[alert->rule],
				  .topic_name = store->topics.names[alert->topic]};
	return write_alert(store, &of, applied_us);
}

/* A digest takes what was held until then, and no more. */
static int write_alerts(struct store *store, const struct watch_effects *effects, int64_t applied_us)
{
	int rc = SQLITE_OK;
	size_t late = 0;
	for (size_t i = 0; rc == SQLITE_OK && i <= effects->alert_count; i++) {
		for (; rc == SQLITE_OK && late < effects->late_count && effects->lates[late].after == i; late++)
			rc = write_late(store, &effects->lates[late], applied_us);
		if (rc == SQLITE_OK && i < effects->alert_count)
			rc = write_one_alert(store, &effects->alerts[i], applied_us);
	}
	return rc;
}

static int write_backlog(struct store *store, const struct watch_effects *effects)
{
	if (effects->backlog == NULL)
		return SQLITE_OK;
	struct bound update = store_bind(store, STMT_SET_BACKLOG);
	bind_time(&update, effects->backlog->since_us);
	return store_run(&update);
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
		rc = write_topic_sources(store, effects);
	if (rc == SQLITE_OK)
		rc = write_silences(store, effects, batch->applied_us);
	if (rc == SQLITE_OK)
		rc = write_alerts(store, effects, batch->applied_us);
	return rc == SQLITE_OK ? write_backlog(store, effects) : rc;
}
