/*
 * Nothing here decides anything: documents go into alerts/watch, and what comes
 * out of it is kept in mind.
 *
 * Effects are cleared after many documents, not after each: clearing costs as
 * much as counting one.
 */
#include "daemon/replay.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/replay_tracks.h"

#include <stdlib.h>
#include <string.h>

#define CLEAR_AFTER 512 /* documents */

struct replay {
	struct replay_options options;
	struct watch *watch;
	struct watch_effects *effects;
	struct replay_tracks *tracks;
	int64_t applied_us, tick_us; /* the last event; the last tick of the grid; TIME_NONE = none yet */
	int64_t event_us;            /* how far the stream has come in its own time (see event_time); TIME_NONE = nowhere */
	bool by_wall;                /* a document came that was read as it was published */
	size_t uncleared;            /* documents since effects were cleared */
	/* gathered */
	struct replay_alert *alerts;
	size_t alert_count, alert_room;
	size_t *open;                /* [rule, topic]: 1 + index of the alert that fires; 0 = none */
	uint64_t *topic_documents;
	struct replay_span span;
};

struct replay *replay_create(const struct replay_options *options)
{
	const struct config *config = options->config;
	struct replay *replay = xcalloc(1, sizeof *replay);

	replay->options = *options;
	replay->watch = watch_create(&config->watch);
	replay->effects = watch_effects_create();
	replay->tracks = options->tracks ? replay_tracks_create(config, options->since_us) : NULL;
	replay->open = xcalloc(config->rule_count * config->topic_count + 1, sizeof *replay->open);
	replay->topic_documents = xcalloc(config->topic_count + 1, sizeof *replay->topic_documents);
	replay->applied_us = replay->tick_us = replay->event_us = TIME_NONE;
	replay->span = (struct replay_span){TIME_NONE, TIME_NONE, 0};
	return replay;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	for (size_t i = 0; i < replay->alert_count; i++)
		free(replay->alerts[i].headline);
	replay_tracks_free(replay->tracks);
	watch_free(replay->watch);
	watch_effects_free(replay->effects);
	free(replay->alerts);
	free(replay->open);
	free(replay->topic_documents);
	free(replay);
}

/* ---- gathering ---- */

static size_t *open_alert(struct replay *replay, const struct watch_alert *alert)
{
	return &replay->open[alert->rule * replay->options.config->topic_count + alert->topic];
}

static void begin_alert(struct replay *replay, const struct watch_alert *change)
{
	struct replay_alert *alert;

	if (replay->alert_count == replay->alert_room) {
		replay->alert_room = replay->alert_room ? replay->alert_room * 2 : 64;
		replay->alerts = xrealloc(replay->alerts, replay->alert_room * sizeof *replay->alerts);
	}
	alert = &replay->alerts[replay->alert_count++];
	*alert = (struct replay_alert){
		.rule = change->rule,
		.topic = change->topic,
		.started_us = change->started_us,
		.fired_us = change->at_us,
		.resolved_us = TIME_NONE,
		.expected = change->expected,
		.ratio = change->ratio,
		.headline = change->evidence_count ? xstrdup(change->evidence[0].title) : NULL,
	};
	memcpy(alert->id, change->id, sizeof alert->id);
	*open_alert(replay, change) = replay->alert_count;
}

static void gather(struct replay *replay, const struct watch_alert *change)
{
	size_t *open = open_alert(replay, change);
	struct replay_alert *alert;

	if (change->state == ALERT_FIRING && !*open && change->fired_us >= replay->options.since_us)
		begin_alert(replay, change);
	if (!*open)
		return; /* pending only, or it fired before what is told of */
	alert = &replay->alerts[*open - 1];
	alert->peak = change->peak_count;
	alert->told |= change->notify;
	if (change->state != ALERT_RESOLVED)
		return;
	alert->resolved_us = change->at_us;
	*open = 0;
}

/* Take note of what the last events did. */
static int drain(struct replay *replay, struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < replay->effects->alert_count && result == 0; i++) {
		const struct watch_alert *alert = &replay->effects->alerts[i];

		if (alert->at_us < replay->options.since_us)
			continue;
		gather(replay, alert);
		if (replay->options.changed)
			result = replay->options.changed(replay->options.context, alert, e);
	}
	if (replay->tracks)
		replay_tracks_add(replay->tracks, replay->effects);
	watch_effects_clear(replay->effects);
	replay->uncleared = 0;
	return result;
}

/* ---- events ---- */

static void tick_until(struct replay *replay, int64_t applied_us)
{
	if (replay->tick_us == TIME_NONE) {
		replay->tick_us = applied_us - applied_us % WATCH_TICK_US;
		return;
	}
	for (; replay->tick_us + WATCH_TICK_US <= applied_us; replay->tick_us += WATCH_TICK_US)
		watch_tick(replay->watch, replay->tick_us + WATCH_TICK_US, replay->effects);
}

/* When a document counts as seen: as it was applied or, of a recording, as it was published. */
static int64_t event_time(const struct watch_document *document)
{
	return document->flags & ITEM_OWN_CLOCK ? document->published_us : document->applied_us;
}

/* `applied` moves on, never back. */
static void move_to(struct replay *replay, int64_t applied_us)
{
	if (applied_us <= replay->applied_us)
		return;
	if (replay->options.ticks)
		tick_until(replay, applied_us);
	replay->applied_us = applied_us;
}

/* So does the stream's own time; charts take what was expected until then before anything new is counted. */
static int pass_time(struct replay *replay, int64_t event_us, struct err *e)
{
	if (event_us <= replay->event_us)
		return 0;
	if (replay->tracks && replay_tracks_due(replay->tracks, event_us)) {
		if (drain(replay, e) < 0)
			return -1;
		replay_tracks_close(replay->tracks, replay->watch, event_us);
	}
	replay->event_us = event_us;
	if (replay->span.first_us != TIME_NONE)
		replay->span.last_us = event_us;
	return 0;
}

static void count(struct replay *replay, const struct watch_document *document)
{
	if (event_time(document) < replay->options.since_us)
		return;
	if (replay->span.first_us == TIME_NONE)
		replay->span.first_us = replay->span.last_us = replay->event_us;
	replay->span.documents++;
	for (size_t i = 0; i < document->topic_count; i++)
		replay->topic_documents[document->topics[i]]++;
}

int64_t replay_document(struct replay *replay, const struct watch_document *document, struct err *e)
{
	int64_t story;

	move_to(replay, document->applied_us);
	if (pass_time(replay, event_time(document), e) < 0)
		return -1;
	replay->by_wall |= !(document->flags & ITEM_OWN_CLOCK);
	story = watch_document(replay->watch, document, replay->effects);
	count(replay, document);
	if (!replay->effects->alert_count && ++replay->uncleared < CLEAR_AFTER)
		return story;
	return drain(replay, e) < 0 ? -1 : story;
}

void replay_fetch(const struct replay *replay, const struct watch_document *document, bool near)
{
	watch_fetch(replay->watch, document, near);
}

int replay_silence(struct replay *replay, const char *topic, int64_t until_us, int64_t applied_us, struct err *e)
{
	move_to(replay, applied_us);
	watch_silence(replay->watch, topic, until_us, replay->effects);
	return drain(replay, e);
}

int replay_switch(struct replay *replay, const struct watch_switch *model_switch, struct err *e)
{
	move_to(replay, model_switch->at_us);
	watch_switch_model(replay->watch, model_switch);
	return drain(replay, e);
}

int replay_finish(struct replay *replay, int64_t applied_us, struct err *e)
{
	if (replay->applied_us != TIME_NONE)
		move_to(replay, applied_us);
	if ((replay->by_wall && pass_time(replay, applied_us, e) < 0) || drain(replay, e) < 0)
		return -1;
	if (replay->tracks && replay->event_us != TIME_NONE)
		replay_tracks_end(replay->tracks, replay->watch, replay->event_us);
	return 0;
}

/* ---- looking ---- */

const struct replay_alert *replay_alerts(const struct replay *replay, size_t *count)
{
	*count = replay->alert_count;
	return replay->alerts;
}

const struct config *replay_config(const struct replay *replay)
{
	return replay->options.config;
}

struct replay_span replay_span(const struct replay *replay)
{
	return replay->span;
}

uint64_t replay_topic_documents(const struct replay *replay, uint32_t topic)
{
	return replay->topic_documents[topic];
}

const struct replay_tracks *replay_get_tracks(const struct replay *replay)
{
	return replay->tracks;
}
