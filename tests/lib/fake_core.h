#ifndef TESTS_LIB_FAKE_CORE_H
#define TESTS_LIB_FAKE_CORE_H

#include "alerts/watch.h"
#include "alerts/webhook.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * All of alerts/watch.h, small enough to foresee: for tests of what stands
 * around the core.  A document adds one to the hour of each of its topics; a
 * title that begins with "ALERT" raises an alert, whose id is made from the
 * document's; "RESOLVE" ends the last one.  The digest is made of all
 * documents seen, or loaded.
 *
 * One watch at a time; `fake` may be looked at while the writer is stopped.
 */
static struct {
	uint64_t documents, loaded, ticks, progress, reconfigured, digest;
	int64_t first_tick, last_tick, last_applied;
	int64_t silenced_until;
	char silenced[64], last_title[128];
	size_t topic_count;
	bool ticks_in_order;
	bool ticks_count; /* a tick counts in the last topic */
	/* What was handed to the webhook. */
	size_t delivered;
	struct delivery deliveries[64];
} fake;

struct watch {
	size_t topic_count;
};

struct watch_effects_private {
	size_t bucket_room;
};

static void fake_reset(void)
{
	for (size_t i = 0; i < fake.delivered; i++) {
		free(fake.deliveries[i].receiver);
		free(fake.deliveries[i].alert);
		free(fake.deliveries[i].payload);
	}
	memset(&fake, 0, sizeof fake);
	fake.ticks_in_order = true;
}

struct watch *watch_create(const struct watch_options *options)
{
	struct watch *watch = xcalloc(1, sizeof *watch);
	watch->topic_count = options->topic_count;
	return watch;
}

void watch_free(struct watch *watch)
{
	free(watch);
}

static void fake_count(struct watch_effects *effects, uint32_t topic, const struct watch_document *document)
{
	int64_t second = document->published_us / SECOND_US;
	if (effects->increment_count == effects->private->bucket_room) {
		effects->private->bucket_room = effects->private->bucket_room * 2 + 64;
		effects->increments = xrealloc(effects->increments, effects->private->bucket_room * sizeof *effects->increments);
	}
	effects->increments[effects->increment_count++] = (struct watch_bucket){
		.topic = topic, .width_s = 3600, .start_s = second - second % 3600, .total = 1,
		.negative = document->polarity == POLARITY_NEGATIVE, .score_sum = (double)document->score, .stories = 1};
}

static void fake_raise(struct watch_effects *effects, int64_t number, uint32_t event, enum alert_state state, int64_t at_us)
{
	effects->alerts = xrealloc(effects->alerts, (effects->alert_count + 1) * sizeof *effects->alerts);
	struct watch_alert *alert = &effects->alerts[effects->alert_count++];
	*alert = (struct watch_alert){.event = event, .state = state, .notify = true, .at_us = at_us, .started_us = at_us,
				      .fired_us = at_us, .resolved_us = state == ALERT_RESOLVED ? at_us : TIME_NONE,
				      .window_us = HOUR_US, .count = 1, .peak_count = 1};
	snprintf(alert->id, sizeof alert->id, "alert-%lld", (long long)number);
}

static void fake_digest(const struct watch_document *document, int64_t story)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)document->id ^ (uint64_t)story << 32;
	for (const char *c = document->title; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	hash += (uint64_t)document->published_us + document->flags + (uint64_t)document->polarity * 7;
	for (size_t i = 0; i < document->topic_count; i++)
		hash = hash * 31 + document->topics[i];
	fake.digest += hash;
}

int64_t watch_document(struct watch *watch, const struct watch_document *document, struct watch_effects *effects)
{
	static int64_t raised;
	fake.documents++;
	fake.last_applied = document->applied_us;
	snprintf(fake.last_title, sizeof fake.last_title, "%s", document->title);
	fake_digest(document, document->id);
	for (size_t i = 0; i < document->topic_count; i++) {
		CHECK(document->topics[i] < watch->topic_count);
		fake_count(effects, document->topics[i], document);
	}
	if (strncmp(document->title, "ALERT", 5) == 0)
		fake_raise(effects, raised = document->id, 1, ALERT_FIRING, document->published_us);
	else if (strncmp(document->title, "RESOLVE", 7) == 0)
		fake_raise(effects, raised, 2, ALERT_RESOLVED, document->published_us);
	return document->id;
}

void watch_progress(struct watch *watch, const char *source, unsigned flags, int64_t published_us, int64_t applied_us,
		    struct watch_effects *effects)
{
	(void)watch, (void)source, (void)flags, (void)published_us, (void)applied_us, (void)effects;
	fake.progress++;
}

void watch_tick(struct watch *watch, int64_t applied_us, struct watch_effects *effects)
{
	struct watch_document nothing = {.published_us = applied_us};
	if (fake.ticks_count)
		fake_count(effects, (uint32_t)watch->topic_count - 1, &nothing);
	if (fake.ticks++ == 0)
		fake.first_tick = applied_us;
	else if (applied_us != fake.last_tick + WATCH_TICK_US)
		fake.ticks_in_order = false;
	fake.last_tick = applied_us;
}

void watch_silence(struct watch *watch, const char *topic, int64_t until_us, struct watch_effects *effects)
{
	(void)watch, (void)effects;
	snprintf(fake.silenced, sizeof fake.silenced, "%s", topic != NULL ? topic : "all");
	fake.silenced_until = until_us;
}

struct watch_effects *watch_effects_create(void)
{
	struct watch_effects *effects = xcalloc(1, sizeof *effects);
	effects->private = xcalloc(1, sizeof *effects->private);
	return effects;
}

void watch_effects_clear(struct watch_effects *effects)
{
	effects->increment_count = 0;
	effects->alert_count = 0;
}

void watch_effects_free(struct watch_effects *effects)
{
	free(effects->increments);
	free(effects->alerts);
	free(effects->private);
	free(effects);
}

void watch_load_bucket(struct watch *watch, const struct watch_bucket *bucket)
{
	(void)watch, (void)bucket;
}

void watch_load_bucket_before(struct watch *watch, const struct watch_bucket *bucket, const struct watch_switch *switches,
			      size_t count)
{
	(void)watch, (void)bucket, (void)switches, (void)count;
}

void watch_load_switch(struct watch *watch, const struct watch_switch *model_switch, struct watch_span span)
{
	(void)watch, (void)model_switch, (void)span;
}

int watch_load_rule_state(struct watch *watch, const struct watch_rule_state *state)
{
	(void)watch, (void)state;
	return 0;
}

void watch_load_source(struct watch *watch, const struct watch_source_state *source)
{
	(void)watch, (void)source;
}

void watch_load_silence(struct watch *watch, const struct watch_silence_state *silence)
{
	(void)watch, (void)silence;
}

void watch_load_topic_source(struct watch *watch, const struct watch_topic_source *source)
{
	(void)watch, (void)source;
}

void watch_load_backlog(struct watch *watch, const struct watch_backlog_state *backlog)
{
	(void)watch, (void)backlog;
}

void watch_fetch(const struct watch *watch, const struct watch_document *document, bool near)
{
	(void)watch, (void)document, (void)near;
}

uint64_t watch_counted(const struct watch *watch)
{
	(void)watch;
	return 0;
}

void watch_load_document(struct watch *watch, const struct watch_document *document, int64_t story, uint64_t counted)
{
	(void)watch, (void)counted;
	fake.loaded++;
	fake_digest(document, story);
}

int watch_retire_state(struct watch *watch, const char *state, int64_t applied_us, struct watch_alert *alert,
		       char text[WATCH_STATE_SIZE])
{
	(void)watch, (void)state, (void)applied_us, (void)alert, (void)text;
	return 0;
}

bool watch_has_rule(const struct watch *watch, uint32_t rule, uint32_t topic)
{
	(void)watch, (void)rule, (void)topic;
	return true;
}

bool watch_reconfigure(struct watch *watch, const struct watch_options *options, struct watch_effects *effects)
{
	bool grown = options->topic_count > watch->topic_count;

	(void)effects;
	watch->topic_count = options->topic_count;
	fake.topic_count = options->topic_count;
	fake.reconfigured++;
	return grown;
}

void webhook_add(struct webhook *webhook, struct delivery *deliveries, size_t count)
{
	(void)webhook;
	for (size_t i = 0; i < count; i++) {
		CHECK(fake.delivered < 64);
		fake.deliveries[fake.delivered++] = deliveries[i];
	}
	free(deliveries);
}

#endif
