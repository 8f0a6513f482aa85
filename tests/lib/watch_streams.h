#ifndef TESTS_LIB_WATCH_STREAMS_H
#define TESTS_LIB_WATCH_STREAMS_H

#include "alerts/watch.h"
#include "daemon/base/clock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * For the properties of the core: streams of documents made from a number,
 * what a database would hold of their effects, and a run of the one into the
 * other that may stop and load anywhere.
 */

/* ---- made-up streams ---- */

enum { DOCUMENTS_MAX = 20000, TOPICS = 3, RULES = 3 };
#define START_US (INT64_C(1700000000) * SECOND_US)

static const char *const topic_names[TOPICS] = {"orbel", "lurex", "quill"};

static struct rule_spec rules[RULES] = {
	{.name = "spike", .metric = RULE_NEGATIVE_COUNT, .false_alarms_per_day = 1 / 30.4, .keep_firing_us = 6 * HOUR_US},
	{.name = "steady", .metric = RULE_NEGATIVE_COUNT, .for_us = 20 * MINUTE_US, .keep_firing_us = HOUR_US},
	{.name = "volume", .metric = RULE_VOLUME, .min_publishers = 2, .keep_firing_us = 2 * HOUR_US},
};

static struct watch_options usual(void)
{
	return (struct watch_options){.topics = topic_names, .topic_count = TOPICS, .rules = rules, .rule_count = RULES};
}

struct stream {
	struct watch_document documents[DOCUMENTS_MAX];
	uint32_t topics[DOCUMENTS_MAX][2];
	char titles[DOCUMENTS_MAX][48];
	size_t count;
};

static struct stream stream;
static unsigned long seed;

static unsigned pick(unsigned range)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % range;
}

static struct watch_document *add(int64_t published_us, uint32_t topic, enum polarity polarity)
{
	static const char *const publishers[] = {"Example Wire", "Daily Example", "Example Post", ""};
	struct watch_document *document = &stream.documents[stream.count];

	ck_assert_uint_lt(stream.count, DOCUMENTS_MAX);
	snprintf(stream.titles[stream.count], sizeof stream.titles[0], "Report %zu of %s", stream.count, topic_names[topic]);
	stream.topics[stream.count][0] = topic;
	*document = (struct watch_document){
		.id = (int64_t)stream.count + 1,
		.source = "wire",
		.published_us = published_us,
		.applied_us = published_us + SECOND_US,
		.polarity = polarity,
		.score = polarity == POLARITY_NEGATIVE ? -0.7f : 0.1f,
		.topics = stream.topics[stream.count],
		.topic_count = 1,
		.publisher = publishers[pick(4)],
		.title = stream.titles[stream.count],
		.url = "",
	};
	stream.count++;
	return document;
}

static void polish(void)
{
	int64_t applied_us = 0;

	for (size_t i = 0; i < stream.count; i++) {
		struct watch_document *document = &stream.documents[i];

		document->id = (int64_t)i + 1;
		if (document->applied_us < applied_us)
			document->applied_us = applied_us;
		applied_us = document->applied_us;
	}
}

static int by_applied(const void *a, const void *b)
{
	const struct watch_document *x = a, *y = b;

	if (x->applied_us != y->applied_us)
		return x->applied_us < y->applied_us ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Forty days of quiet topics with a few storms; copies, late documents, backfill, a second source that lags. */
static void make_stream(unsigned number)
{
	int64_t now_us = START_US;

	seed = number;
	stream.count = 0;
	while (now_us < START_US + 40 * DAY_US) {
		bool storm = (now_us - START_US) % (10 * DAY_US) > 9 * DAY_US + 20 * HOUR_US;
		uint32_t topic = storm ? (uint32_t)((now_us - START_US) / (10 * DAY_US) % TOPICS) : pick(TOPICS);
		struct watch_document *document;

		now_us += (int64_t)pick(storm ? 600 : 8 * 3600) * SECOND_US;
		document = add(now_us, topic, pick(3) ? POLARITY_NEUTRAL : POLARITY_NEGATIVE);
		if (storm)
			document->polarity = POLARITY_NEGATIVE;
		if (pick(20) == 0)
			document->polarity = POLARITY_NONE;
		if (pick(10) == 0)
			document->published_us -= (int64_t)pick(10 * 3600) * SECOND_US;
		if (pick(30) == 0)
			document->flags = ITEM_BACKFILL;
		if (pick(4) == 0)
			document->source = "feeds";
		if (pick(5) == 0) {
			stream.topics[stream.count - 1][1] = topic + 1;
			document->topic_count = topic + 1 < TOPICS ? 2 : 1;
		}
		if (pick(4) == 0 && stream.count > 2) /* a copy */
			story_sign(stream.titles[stream.count - 2], strlen(stream.titles[stream.count - 2]),
				   &document->signature);
		else
			story_sign(document->title, strlen(document->title), &document->signature);
	}
	qsort(stream.documents, stream.count, sizeof *stream.documents, by_applied);
	polish();
}

/* ---- what the database would hold ---- */

enum { BUCKETS_MAX = 60000, ALERTS_MAX = 2000 };

struct database {
	struct watch_bucket buckets[BUCKETS_MAX];
	size_t bucket_count;
	char states[RULES][TOPICS][1100];
	struct watch_source_state sources[4];
	char source_names[4][32];
	size_t source_count;
	int64_t silences[TOPICS + 1];
	int64_t stories[DOCUMENTS_MAX];
	uint64_t counted[DOCUMENTS_MAX];
	size_t documents;              /* of the stream, so far */
	int64_t heard[TOPICS][4];      /* by source */
	int64_t backlog_us;
	char alerts[ALERTS_MAX][320];
	size_t alert_count;
	size_t escalated, joined, held, digests;
};

static struct database database, other;

static void keep_bucket(struct database *db, const struct watch_bucket *more)
{
	struct watch_bucket *bucket = NULL;

	for (size_t i = db->bucket_count; i-- > 0 && !bucket;)
		if (db->buckets[i].start_s == more->start_s && db->buckets[i].topic == more->topic &&
		    db->buckets[i].width_s == more->width_s)
			bucket = &db->buckets[i];
	if (!bucket) {
		ck_assert_uint_lt(db->bucket_count, BUCKETS_MAX);
		db->buckets[db->bucket_count++] = *more;
		return;
	}
	bucket->total += more->total;
	bucket->negative += more->negative;
	bucket->neutral += more->neutral;
	bucket->positive += more->positive;
	bucket->unjudged += more->unjudged;
	bucket->score_sum += more->score_sum;
	bucket->stories += more->stories;
	bucket->judged_stories += more->judged_stories;
	bucket->negative_stories += more->negative_stories;
	bucket->story_score_sum += more->story_score_sum;
}

static void keep_source(struct database *db, const struct watch_source_state *state)
{
	size_t i = 0;

	while (i < db->source_count && strcmp(db->source_names[i], state->source) != 0)
		i++;
	if (i == db->source_count)
		db->source_count++;
	db->sources[i] = *state;
	snprintf(db->source_names[i], sizeof db->source_names[i], "%s", state->source);
	db->sources[i].source = db->source_names[i];
}

static void keep_alert(struct database *db, const struct watch_alert *alert)
{
	char members[40] = "";

	ck_assert_uint_lt(db->alert_count, ALERTS_MAX);
	for (size_t i = 0; i < alert->member_count; i++)
		snprintf(members + strlen(members), sizeof members - strlen(members), " +%u", alert->members[i]);
	snprintf(db->alerts[db->alert_count++], sizeof db->alerts[0],
		 "%s %u rule %u topic %u state %d at %lld count %u expected %.6f documents %u change %d group %s%s%s%s", alert->id,
		 alert->event, alert->rule, alert->topic, (int)alert->state, (long long)(alert->at_us / SECOND_US), alert->count,
		 alert->expected, alert->documents, (int)alert->change, alert->group, members, alert->notify ? " notify" : "",
		 alert->held ? " held" : "");
	ck_assert(!alert->notify || !alert->held);
	db->escalated += alert->change == CHANGE_ESCALATED;
	db->joined += alert->change == CHANGE_JOINED;
	db->held += alert->held;
}

static void keep_alerts(struct database *db, const struct watch_effects *effects)
{
	size_t late = 0;

	for (size_t i = 0; i <= effects->alert_count; i++) {
		for (; late < effects->late_count && effects->lates[late].after == i; late++, db->digests++)
			snprintf(db->alerts[db->alert_count++], sizeof db->alerts[0], "%s at %lld", effects->lates[late].id,
				 (long long)(effects->lates[late].at_us / SECOND_US));
		if (i < effects->alert_count)
			keep_alert(db, &effects->alerts[i]);
	}
	ck_assert_uint_eq(late, effects->late_count);
}

static size_t source_index(const struct database *db, const char *name)
{
	size_t i = 0;

	while (i < db->source_count && strcmp(db->source_names[i], name) != 0)
		i++;
	ck_assert_uint_lt(i, db->source_count);
	return i;
}

static void keep(struct database *db, const struct watch_effects *effects)
{
	for (size_t i = 0; i < effects->increment_count; i++)
		keep_bucket(db, &effects->increments[i]);
	for (size_t i = 0; i < effects->rule_state_count; i++)
		snprintf(db->states[effects->rule_states[i].rule][effects->rule_states[i].topic], sizeof db->states[0][0],
			 "%s", effects->rule_states[i].state);
	for (size_t i = 0; i < effects->source_count; i++)
		keep_source(db, &effects->sources[i]);
	for (size_t i = 0; i < effects->silence_count; i++)
		db->silences[effects->silences[i].topic < TOPICS ? effects->silences[i].topic : TOPICS] =
			effects->silences[i].until_us;
	for (size_t i = 0; i < effects->topic_source_count; i++)
		db->heard[effects->topic_sources[i].topic][source_index(db, effects->topic_sources[i].source)] =
			effects->topic_sources[i].noted_us;
	if (effects->backlog)
		db->backlog_us = effects->backlog->since_us;
	keep_alerts(db, effects);
}

static struct watch *load(const struct database *db)
{
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);
	int64_t last_us = db->documents ? stream.documents[db->documents - 1].applied_us : 0;

	for (size_t i = 0; i < db->bucket_count; i++)
		watch_load_bucket(watch, &db->buckets[i]);
	for (size_t i = 0; i < db->source_count; i++)
		watch_load_source(watch, &db->sources[i]);
	for (uint32_t r = 0; r < RULES; r++)
		for (uint32_t t = 0; t < TOPICS; t++)
			if (db->states[r][t][0])
				ck_assert_int_eq(watch_load_rule_state(watch, &(struct watch_rule_state){r, t, db->states[r][t]}), 0);
	for (uint32_t t = 0; t <= TOPICS; t++)
		if (db->silences[t])
			watch_load_silence(watch, &(struct watch_silence_state){t < TOPICS ? t : UINT32_MAX, db->silences[t]});
	for (uint32_t t = 0; t < TOPICS; t++)
		for (size_t i = 0; i < db->source_count; i++)
			if (db->heard[t][i])
				watch_load_topic_source(
					watch, &(struct watch_topic_source){t, db->source_names[i], db->heard[t][i]});
	watch_load_backlog(watch, &(struct watch_backlog_state){db->backlog_us});
	for (size_t i = 0; i < db->documents; i++)
		if (stream.documents[i].applied_us >= last_us - WATCH_RECALL_US)
			watch_load_document(watch, &stream.documents[i], db->stories[i], db->counted[i]);
	return watch;
}

/* Runs the stream; a batch ends after `batch` documents, and after `restart` of them the watch is made anew from the
 * database (0 = never).  Ticks come as the writer makes them. */
static uint64_t run(struct database *db, size_t batch, size_t restart)
{
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);
	struct watch_effects *effects = watch_effects_create();
	int64_t tick_us = 0;
	uint64_t digest;

	memset(db, 0, sizeof *db);
	db->backlog_us = TIME_NONE;
	for (size_t i = 0; i < stream.count; i++) {
		const struct watch_document *document = &stream.documents[i];

		if (!tick_us)
			tick_us = document->applied_us - document->applied_us % WATCH_TICK_US;
		for (; tick_us <= document->applied_us; tick_us += WATCH_TICK_US)
			watch_tick(watch, tick_us, effects);
		db->stories[i] = watch_document(watch, document, effects);
		db->counted[i] = watch_counted(watch);
		if ((i + 1) % batch && i + 1 < stream.count)
			continue;
		keep(db, effects);
		watch_effects_clear(effects);
		db->documents = i + 1;
		if (restart && (i + 1) % restart < batch) {
			digest = watch_digest(watch);
			watch_free(watch);
			watch = load(db);
			ck_assert_uint_eq(watch_digest(watch), digest);
		}
	}
	digest = watch_digest(watch);
	watch_free(watch);
	watch_effects_free(effects);
	return digest;
}

static void same_alerts(const struct database *a, const struct database *b)
{
	for (size_t i = 0; i < a->alert_count && i < b->alert_count; i++)
		ck_assert_str_eq(a->alerts[i], b->alerts[i]);
	ck_assert_uint_eq(a->alert_count, b->alert_count);
}

#endif
