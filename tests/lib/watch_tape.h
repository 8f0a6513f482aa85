#ifndef TESTS_LIB_WATCH_TAPE_H
#define TESTS_LIB_WATCH_TAPE_H

#include "alerts/payload.h"
#include "alerts/store.h"
#include "alerts/watch.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * For the properties of what is alerted: a tape of events made from a seed, and
 * a run of it through the core that writes down every alert as the payload
 * that receivers get, so that whatever an alert says is compared.
 *
 * A run may order the configuration as it likes, cut batches anywhere, leave
 * ticks out, and stop and load from a real database after any batch.  Topics
 * and rules of the tape that a run does not configure are not there for it.
 */

/* ---- the world ---- */

enum { TAPE_TOPICS = 5, TAPE_RULES = 4, TAPE_DAYS = 30 };
#define TAPE_START_US (INT64_C(1698710400) * SECOND_US) /* 2023-10-31: clocks go back in America on the fifth day */

static const char *const tape_topics[TAPE_TOPICS] = {"orbel", "lurex", "quill", "ruritania", "zembla"};
static const struct rule_spec tape_rules[TAPE_RULES] = {
	{.name = "spike", .metric = RULE_NEGATIVE_COUNT, .false_alarms_per_day = 1 / 30.4, .keep_firing_us = 6 * HOUR_US},
	{.name = "steady", .metric = RULE_NEGATIVE_COUNT, .for_us = 20 * MINUTE_US, .keep_firing_us = HOUR_US},
	{.name = "volume", .metric = RULE_VOLUME, .min_publishers = 2, .keep_firing_us = 2 * HOUR_US},
	{.name = "share", .metric = RULE_NEGATIVE_SHARE, .window_us = 3 * HOUR_US, .keep_firing_us = 30 * MINUTE_US},
};

enum tape_kind { TAPE_DOCUMENT, TAPE_PROGRESS, TAPE_SILENCE };

struct tape_event {
	enum tape_kind kind;
	bool bystander;                  /* of a source that has nothing on any topic */
	struct watch_document document;  /* progress: source, flags and times alone; a silence: published = until */
	uint32_t topics[2];              /* indices of tape_topics */
	char title[64];
};

struct tape {
	struct tape_event *events;
	size_t count, capacity;
	uint64_t state;
};

static unsigned tape_draw(struct tape *tape, unsigned below)
{
	tape->state = tape->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(tape->state >> 33) % below;
}

/* What a stream may be like. */
struct tape_habits {
	bool prompt;    /* every document comes as it is published */
	bool own_clock; /* of one source, that plays by its documents' times */
	bool quiet;     /* no silences, no progress: documents alone */
};

static struct tape_event *tape_add(struct tape *tape, enum tape_kind kind, int64_t at_us)
{
	struct tape_event *event;

	if (tape->count == tape->capacity) {
		tape->capacity = tape->capacity ? tape->capacity * 2 : 1024;
		tape->events = xrealloc(tape->events, tape->capacity * sizeof *tape->events);
	}
	event = &tape->events[tape->count++];
	*event = (struct tape_event){
		.kind = kind,
		.document = {.source = "wire", .published_us = at_us, .applied_us = at_us, .polarity = POLARITY_NONE},
	};
	return event;
}

/* The title of a document shortly before. */
static void tape_copy_title(const struct tape *tape, struct tape_event *event)
{
	const struct tape_event *other = event - 3;

	if (tape->count > 3 && other->kind == TAPE_DOCUMENT && !other->bystander)
		memcpy(event->title, other->title, sizeof event->title);
}

static void tape_add_document(struct tape *tape, const struct tape_habits *habits, int64_t at_us, uint32_t topic, bool storm)
{
	static const char *const publishers[] = {"Example Wire", "Daily Example", "Example Post", ""};
	static const char *const news[TAPE_TOPICS] = {"as talks go on", "as talks go on", "after a long night of rain",
						      "before shops open their doors", "with songs, games and two bears"};
	struct tape_event *event = tape_add(tape, TAPE_DOCUMENT, at_us);
	struct watch_document *document = &event->document;

	snprintf(event->title, sizeof event->title, "%s reports %zu %s", tape_topics[topic], tape->count, news[topic]);
	if (tape_draw(tape, 4) == 0) /* a copy */
		tape_copy_title(tape, event);
	story_sign(event->title, strlen(event->title), &document->signature);
	document->publisher = publishers[tape_draw(tape, 4)];
	document->polarity = storm || tape_draw(tape, 3) == 0 ? POLARITY_NEGATIVE : POLARITY_NEUTRAL;
	document->score = document->polarity == POLARITY_NEGATIVE ? -0.7f : 0.1f;
	if (tape_draw(tape, 20) == 0)
		document->polarity = POLARITY_NONE;
	event->topics[0] = topic;
	document->topic_count = tape_draw(tape, 12) ? 1 : 0;
	/* The last topic shares no document with another: it may be configured or not. */
	if (document->topic_count == 1 && topic + 2 < TAPE_TOPICS && tape_draw(tape, 5) == 0) {
		event->topics[1] = topic + 1;
		document->topic_count = 2;
	}
	if (habits->own_clock)
		document->flags = ITEM_OWN_CLOCK;
	if (habits->own_clock || habits->prompt)
		return;
	if (tape_draw(tape, 4) == 0)
		document->source = "feeds";
	if (tape_draw(tape, 10) == 0)
		document->published_us -= (int64_t)tape_draw(tape, 10 * 3600) * SECOND_US;
	if (tape_draw(tape, 30) == 0)
		document->flags = ITEM_BACKFILL;
}

/* What is no document: sources that say that they live, one with nothing of interest, and the desk's silences. */
static void tape_add_rest(struct tape *tape, int64_t at_us)
{
	struct tape_event *event;

	switch (tape_draw(tape, 24)) {
	case 0:
		tape_add(tape, TAPE_PROGRESS, at_us)->document.published_us = tape_draw(tape, 2) ? at_us : TIME_NONE;
		return;
	case 1: case 2:
		event = tape_add(tape, tape_draw(tape, 2) ? TAPE_DOCUMENT : TAPE_PROGRESS, at_us);
		snprintf(event->title, sizeof event->title, "Weather number %zu", tape->count);
		story_sign(event->title, strlen(event->title), &event->document.signature);
		event->document.source = "bystander";
		event->document.publisher = "Example Weather";
		event->document.published_us -= (int64_t)tape_draw(tape, 7200) * SECOND_US;
		event->bystander = true;
		return;
	case 3:
		if (tape_draw(tape, 8) != 0)
			return;
		event = tape_add(tape, TAPE_SILENCE, at_us);
		event->topics[0] = tape_draw(tape, TAPE_TOPICS + 1); /* the last: everything */
		event->document.published_us = at_us + (int64_t)tape_draw(tape, 36) * HOUR_US / 4;
		return;
	default:
		return;
	}
}

/* Quiet topics, and a storm of three hours on one of them every four days; one in three storms takes its neighbour along. */
static struct tape tape_make(unsigned seed, struct tape_habits habits)
{
	struct tape tape = {.state = seed * 2654435761u + 1};
	int64_t now_us = TAPE_START_US;

	while (now_us < TAPE_START_US + TAPE_DAYS * DAY_US) {
		int64_t day = (now_us - TAPE_START_US) / DAY_US, hour = (now_us - TAPE_START_US) / HOUR_US % 24;
		bool storm = day % 4 == 3 && hour >= 20 && hour < 23;
		uint32_t topic = storm ? (uint32_t)(day / 4 + seed) % TAPE_TOPICS : tape_draw(&tape, TAPE_TOPICS);

		now_us += (int64_t)(1 + tape_draw(&tape, storm ? 700 : 2 * 3600)) * SECOND_US;
		tape_add_document(&tape, &habits, now_us, topic, storm && tape_draw(&tape, 5) > 0);
		if (!habits.quiet)
			tape_add_rest(&tape, now_us);
	}
	return tape;
}

static void tape_free(struct tape *tape)
{
	free(tape->events);
}

/* ---- what a run tells ---- */

struct tape_told {
	char *full;         /* the payload */
	char outline[160];  /* which alert, which change, when, how many: without the stories behind it */
	uint32_t topic, rule; /* of the tape; UINT32_MAX = an alert about something else */
};

struct telling {
	struct tape_told *changes;
	size_t count, capacity;
};

static void telling_free(struct telling *telling)
{
	for (size_t i = 0; i < telling->count; i++)
		free(telling->changes[i].full);
	free(telling->changes);
	*telling = (struct telling){0};
}

/* ---- a run ---- */

struct tape_run {
	const uint32_t *topics, *rules;   /* which, in this order; NULL = all as they stand */
	size_t topic_count, rule_count;
	unsigned batch;                   /* most documents in one; 0 = 1 */
	unsigned leave_ticks;             /* most ticks left out in a row */
	unsigned restart;                 /* one in so many batches is followed by a restart; needs `path` */
	const char *path;                 /* of the database; NULL = none */
	bool without_bystander;
	unsigned seed;                    /* of what is drawn in the run */
	/* the run's own */
	const struct tape *tape;
	struct tape dice;
	uint32_t places[TAPE_TOPICS];     /* the tape's topic -> the configuration's, or UINT32_MAX */
	const char *names[TAPE_TOPICS], *rule_names[TAPE_RULES];
	struct rule_spec specs[TAPE_RULES];
	struct watch_options options;
	struct watch *watch;
	struct watch_effects *effects;
	struct store *store;
	struct store_document *documents;
	struct item **items;
	uint32_t (*listed)[2];
	size_t document_count;
	int64_t applied_us, tick_us;
	size_t restarts;
};

static void tape_configure(struct tape_run *run)
{
	if (!run->topics)
		run->topic_count = TAPE_TOPICS;
	if (!run->rules)
		run->rule_count = TAPE_RULES;
	memset(run->places, 0xff, sizeof run->places);
	for (uint32_t t = 0; t < run->topic_count; t++) {
		uint32_t topic = run->topics ? run->topics[t] : t;

		run->names[t] = tape_topics[topic];
		run->places[topic] = t;
	}
	for (uint32_t r = 0; r < run->rule_count; r++) {
		run->specs[r] = tape_rules[run->rules ? run->rules[r] : r];
		run->rule_names[r] = run->specs[r].name;
	}
	run->options = (struct watch_options){.topics = run->names, .topic_count = run->topic_count, .rules = run->specs,
					      .rule_count = run->rule_count};
}

static void tape_open_store(struct tape_run *run)
{
	struct store_names names = {run->names, run->topic_count, run->rule_names, run->rule_count, NULL, 0};
	struct err e = {0};

	run->store = store_open(run->path, STORE_DAEMON, 0, &e);
	ck_assert_msg(run->store && store_set_names(run->store, &names, &e) == STORE_DONE, "%s", e.text);
}

static void tape_restart(struct tape_run *run)
{
	uint64_t digest = watch_digest(run->watch);
	struct err e = {0};

	store_close(run->store);
	watch_free(run->watch);
	tape_open_store(run);
	run->watch = watch_create(&run->options);
	ck_assert_msg(store_load_watch(run->store, run->watch, &e) == 0, "%s", e.text);
	ck_assert_msg(watch_digest(run->watch) == digest, "seed %u: another state after restart %zu, document %lld", run->seed,
		      run->restarts, (long long)run->documents[run->document_count - 1].id);
	run->restarts++;
}

static uint32_t tape_index(const char *const *names, size_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return UINT32_MAX;
}

static struct tape_told *telling_add(struct telling *telling)
{
	if (telling->count == telling->capacity) {
		telling->capacity = telling->capacity ? telling->capacity * 2 : 64;
		telling->changes = xrealloc(telling->changes, telling->capacity * sizeof *telling->changes);
	}
	return &telling->changes[telling->count++];
}

static void tape_tell_late(const struct watch_late *late, struct telling *telling)
{
	struct tape_told *told = telling_add(telling);

	*told = (struct tape_told){.full = xstrdup(late->id), .topic = UINT32_MAX, .rule = UINT32_MAX};
	snprintf(told->outline, sizeof told->outline, "%s at %lld", late->id, (long long)(late->at_us / SECOND_US));
}

static void tape_tell(const struct tape_run *run, const struct watch_alert *alert, struct telling *telling)
{
	const char *rule = alert->rule < run->rule_count ? run->rule_names[alert->rule] : "bellwether";
	const char *topic = alert->topic < run->topic_count ? run->names[alert->topic] : "";
	struct tape_told *told = telling_add(telling);

	*told = (struct tape_told){.full = payload_write_event(alert, rule, topic, run->names), .topic = UINT32_MAX, .rule = UINT32_MAX};
	if (alert->topic < run->topic_count)
		told->topic = tape_index(tape_topics, TAPE_TOPICS, topic);
	for (uint32_t r = 0; r < TAPE_RULES; r++)
		if (strcmp(tape_rules[r].name, rule) == 0)
			told->rule = r;
	snprintf(told->outline, sizeof told->outline, "%s %u %s %s %s state %d at %lld count %u peak %u%s", alert->id,
		 alert->event, rule, topic, alert_change_name(alert->change), (int)alert->state,
		 (long long)(alert->at_us / SECOND_US), alert->count, alert->peak_count, alert->notify ? " notify" : "");
}

static void tape_commit(struct tape_run *run, struct telling *telling)
{
	struct store_batch batch = {.applied_us = run->applied_us, .documents = run->documents,
				    .document_count = run->document_count, .effects = run->effects};
	struct err e = {0};

	for (size_t i = 0, late = 0; i <= run->effects->alert_count; i++) {
		for (; late < run->effects->late_count && run->effects->lates[late].after == i; late++)
			tape_tell_late(&run->effects->lates[late], telling);
		if (i < run->effects->alert_count)
			tape_tell(run, &run->effects->alerts[i], telling);
	}
	if (run->store)
		ck_assert_msg(store_write(run->store, &batch, &e) == STORE_DONE, "%s", e.text);
	watch_effects_clear(run->effects);
	if (run->store && run->restart && run->document_count && tape_draw(&run->dice, run->restart) == 0)
		tape_restart(run);
	for (size_t i = 0; i < run->document_count; i++)
		item_free(run->items[i]);
	run->document_count = 0;
}

static void tape_feed_document(struct tape_run *run, const struct tape_event *event, int64_t id)
{
	struct watch_document document = event->document;
	uint32_t *topics = run->listed[run->document_count];
	size_t count = 0;
	int64_t story;

	for (size_t i = 0; i < document.topic_count; i++)
		if (run->places[event->topics[i]] != UINT32_MAX)
			topics[count++] = run->places[event->topics[i]];
	if (count == 2 && topics[0] > topics[1]) {
		uint32_t first = topics[1];

		topics[1] = topics[0];
		topics[0] = first;
	}
	document.id = id;
	document.topics = topics;
	document.topic_count = count;
	document.title = event->title;
	document.url = "";
	story = watch_document(run->watch, &document, run->effects);
	run->items[run->document_count] = run->store ? item_create(&(struct item){
		.kind = ITEM_DOCUMENT, .flags = document.flags, .polarity = POLARITY_NONE, .published_us = document.published_us,
		.received_us = document.applied_us, .source = document.source, .publisher = document.publisher,
		.title = document.title}) : NULL;
	run->documents[run->document_count] = (struct store_document){
		.id = id, .item = run->items[run->document_count], .published_us = document.published_us,
		.polarity = document.polarity, .score = document.polarity == POLARITY_NONE ? 0 : document.score,
		.topics = topics, .topic_count = count, .story = story,
		.counted = watch_counted(run->watch)};
	run->document_count++;
}

static void tape_feed(struct tape_run *run, const struct tape_event *event, int64_t id)
{
	const struct watch_document *document = &event->document;
	unsigned left = 0;

	if (!run->tick_us)
		run->tick_us = document->applied_us - document->applied_us % WATCH_TICK_US;
	for (; run->tick_us <= document->applied_us; run->tick_us += WATCH_TICK_US) {
		left = left > 0 ? left - 1 : run->leave_ticks ? tape_draw(&run->dice, run->leave_ticks + 1) : 0;
		if (left == 0)
			watch_tick(run->watch, run->tick_us, run->effects);
	}
	run->applied_us = document->applied_us;
	if (event->kind == TAPE_DOCUMENT)
		tape_feed_document(run, event, id);
	else if (event->kind == TAPE_PROGRESS)
		watch_progress(run->watch, document->source, document->flags, document->published_us, document->applied_us,
			       run->effects);
	else if (event->topics[0] == TAPE_TOPICS)
		watch_silence(run->watch, NULL, document->published_us, run->effects);
	else
		watch_silence(run->watch, tape_topics[event->topics[0]], document->published_us, run->effects);
}

/* Plays a tape: what was alerted, in order. */
static struct telling tape_play(const struct tape *tape, struct tape_run run)
{
	struct telling telling = {0};
	unsigned most = run.batch ? run.batch : 1, size = 1;

	run.tape = tape;
	run.dice = (struct tape){.state = run.seed + 77};
	tape_configure(&run);
	if (run.path)
		tape_open_store(&run);
	run.watch = watch_create(&run.options);
	run.effects = watch_effects_create();
	run.documents = xcalloc(most, sizeof *run.documents);
	run.items = xcalloc(most, sizeof *run.items);
	run.listed = xcalloc(most, sizeof *run.listed);
	for (size_t i = 0; i < tape->count; i++) {
		if (run.without_bystander && tape->events[i].bystander)
			continue;
		tape_feed(&run, &tape->events[i], (int64_t)i + 1);
		if (run.document_count < size && i + 1 < tape->count)
			continue;
		tape_commit(&run, &telling);
		size = 1 + tape_draw(&run.dice, most);
	}
	ck_assert_msg(!run.restart || run.restarts > 0, "seed %u: never restarted", run.seed);
	free(run.documents);
	free(run.items);
	free(run.listed);
	watch_effects_free(run.effects);
	watch_free(run.watch);
	store_close(run.store);
	return telling;
}

/* ---- comparing ---- */

static int told_in_order(const void *a, const void *b)
{
	return strcmp(((const struct tape_told *)a)->outline, ((const struct tape_told *)b)->outline);
}

/* Where what is told in one moment may come in any order. */
static void telling_sort(struct telling *telling)
{
	qsort(telling->changes, telling->count, sizeof *telling->changes, told_in_order);
}

/* Leave out what is about other topics and rules than these. */
static void telling_keep(struct telling *telling, uint32_t topics, uint32_t rules)
{
	size_t kept = 0;

	for (size_t i = 0; i < telling->count; i++) {
		if (telling->changes[i].topic < topics && telling->changes[i].rule < rules)
			telling->changes[kept++] = telling->changes[i];
		else
			free(telling->changes[i].full);
	}
	telling->count = kept;
}

/* Says where they part. */
static void assert_same_text(unsigned seed, const char *a, const char *b)
{
	size_t same = 0, from;

	while (a[same] && a[same] == b[same])
		same++;
	from = same > 150 ? same - 150 : 0;
	ck_assert_msg(strcmp(a, b) == 0, "seed %u: %.80s ... %.300s\nbecame\n%.300s", seed, a, a + from, b + from);
}

/* Both are freed. */
static void assert_same_telling(unsigned seed, struct telling *a, struct telling *b)
{
	ck_assert_msg(a->count >= 8, "seed %u: only %zu changes: this shows nothing", seed, a->count);
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		ck_assert_msg(strcmp(a->changes[i].outline, b->changes[i].outline) == 0, "seed %u: \"%s\" became \"%s\"", seed,
			      a->changes[i].outline, b->changes[i].outline);
		assert_same_text(seed, a->changes[i].full, b->changes[i].full);
	}
	ck_assert_msg(a->count == b->count, "seed %u: %zu changes became %zu", seed, a->count, b->count);
	telling_free(a);
	telling_free(b);
}

#endif
