#include "alerts/watch.h"
#include "daemon/base/clock.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"
#include "tests/lib/watch_streams.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- properties ---- */

START_TEST(batches_make_no_difference)
{
	uint64_t digest;

	make_stream((unsigned)_i + 1);
	digest = run(&database, 1, 0);
	ck_assert_uint_gt(database.alert_count, 5);
	ck_assert_uint_eq(run(&other, 7 + (size_t)_i * 13, 0), digest);
	same_alerts(&database, &other);
}
END_TEST

START_TEST(a_restart_anywhere_makes_no_difference)
{
	uint64_t digest;

	make_stream((unsigned)_i + 100);
	digest = run(&database, 1, 0);
	ck_assert_uint_gt(database.alert_count, 5);
	ck_assert_uint_eq(run(&other, 1, 17 + (size_t)_i * 11), digest);
	same_alerts(&database, &other);
}
END_TEST

START_TEST(trends_are_a_recount)
{
	uint32_t total = 0, negative = 0, stories = 0, expected = 0, expected_negative = 0;
	double score = 0, expected_score = 0;

	make_stream((unsigned)_i + 200);
	run(&database, 50, 0);
	for (size_t i = 0; i < stream.count; i++) {
		expected += stream.documents[i].topic_count;
		if (stream.documents[i].polarity == POLARITY_NEGATIVE)
			expected_negative += stream.documents[i].topic_count;
		if (stream.documents[i].polarity != POLARITY_NONE)
			expected_score += (double)stream.documents[i].topic_count * stream.documents[i].score;
	}
	for (int w = 0; w < 3; w++) {
		total = negative = stories = 0;
		score = 0;
		for (size_t i = 0; i < database.bucket_count; i++) {
			const struct watch_bucket *bucket = &database.buckets[i];

			if (bucket->width_s != (int[]){900, 3600, 86400}[w])
				continue;
			ck_assert_int_eq(bucket->start_s % bucket->width_s, 0);
			ck_assert_uint_eq(bucket->negative + bucket->neutral + bucket->positive + bucket->unjudged,
					  bucket->total);
			total += bucket->total;
			negative += bucket->negative;
			stories += bucket->stories;
			score += bucket->score_sum;
		}
		ck_assert_uint_eq(total, expected);
		ck_assert_uint_eq(negative, expected_negative);
		ck_assert_double_eq_tol(score, expected_score, 0.05);
		ck_assert_uint_lt(stories, total);
		ck_assert_uint_gt(stories, total / 2);
	}
}
END_TEST

/* Ids, states and cells of an alert, not what had been counted when it began. */
static void same_alerts_in_outline(const struct database *a, const struct database *b)
{
	ck_assert_uint_eq(a->alert_count, b->alert_count);
	for (size_t i = 0; i < a->alert_count; i++)
		ck_assert_int_eq(strncmp(a->alerts[i], b->alerts[i], (size_t)(strstr(a->alerts[i], " count") - a->alerts[i])), 0);
}

START_TEST(order_within_a_cell_makes_no_difference)
{
	size_t swapped = 0;

	make_stream((unsigned)_i + 300);
	for (size_t i = 0; i < stream.count; i++) { /* whole minutes, one source, known polarities, all on time */
		struct watch_document *document = &stream.documents[i];

		document->source = "wire";
		document->publisher = "Example Wire";
		document->flags = 0;
		document->published_us = document->applied_us -= document->applied_us % (5 * MINUTE_US);
		story_sign("", 0, &document->signature);
	}
	run(&database, 1, 0);
	for (size_t i = 0; i + 1 < stream.count; i++) {
		struct watch_document a = stream.documents[i], b = stream.documents[i + 1];

		if (a.published_us != b.published_us || !pick(2))
			continue;
		stream.documents[i] = b;
		stream.documents[i + 1] = a;
		swapped++;
	}
	polish();
	ck_assert_uint_gt(swapped, 5);
	run(&other, 1, 0);
	ck_assert_uint_gt(database.alert_count, 5);
	same_alerts_in_outline(&database, &other);
}
END_TEST

/* A storm on a topic with forty quiet days behind it; returns when it ended. */
static int64_t make_storm(unsigned flags)
{
	int64_t now_us = START_US;

	stream.count = 0;
	for (int day = 0; day < 40; day++, now_us += DAY_US)
		add(now_us, 0, POLARITY_NEGATIVE)->flags = flags;
	for (int i = 0; i < 12; i++, now_us += 5 * MINUTE_US)
		add(now_us, 0, POLARITY_NEGATIVE)->flags = flags;
	return now_us;
}

static bool has_alert(const struct watch_effects *effects, uint32_t rule, enum alert_state state, struct watch_alert *out)
{
	for (size_t i = 0; i < effects->alert_count; i++) {
		if (effects->alerts[i].rule != rule || effects->alerts[i].state != state)
			continue;
		if (out)
			*out = effects->alerts[i];
		return true;
	}
	return false;
}

static struct watch *watch_stream(struct watch_effects *effects)
{
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);

	for (size_t i = 0; i < stream.count; i++)
		watch_document(watch, &stream.documents[i], effects);
	return watch;
}

START_TEST(a_storm_fires_with_its_evidence)
{
	struct watch_effects *effects = watch_effects_create();
	struct watch_alert alert, pending;
	struct watch *watch;

	make_storm(0);
	watch = watch_stream(effects);
	ck_assert(has_alert(effects, 0, ALERT_FIRING, &alert));
	ck_assert(alert.notify && !alert.late);
	ck_assert_uint_eq(alert.event, 1);
	ck_assert_uint_eq(strlen(alert.id), 16);
	ck_assert_uint_ge(alert.count, 2);
	ck_assert_uint_ge(alert.evidence_count, 2);
	ck_assert_int_eq(alert.evidence[0].polarity, POLARITY_NEGATIVE);
	ck_assert_int_ge(alert.evidence[0].published_us, alert.evidence[1].published_us); /* newest first */
	ck_assert_ptr_nonnull(strstr(alert.evidence[0].title, "orbel"));
	ck_assert_int_eq(alert.at_us, alert.started_us);
	ck_assert_int_eq(alert.at_us, alert.fired_us);
	ck_assert_int_eq(alert.resolved_us, TIME_NONE);

	/* The rule with `for` is pending first, and fires under the same id. */
	ck_assert(has_alert(effects, 1, ALERT_PENDING, &pending));
	ck_assert(!pending.notify);
	ck_assert(has_alert(effects, 1, ALERT_FIRING, &alert));
	ck_assert_str_eq(alert.id, pending.id);
	ck_assert_uint_eq(alert.event, 2);
	ck_assert_int_eq(alert.fired_us - alert.started_us, 20 * MINUTE_US);
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_FIRING);
	ck_assert_int_eq(watch_get_state(watch, 0, 1), ALERT_OK);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

/* An alert that resolves in the cell where it began; a source that lags brings more of the same cell. */
START_TEST(no_two_alerts_have_one_id)
{
	static const struct rule_spec hasty[] = {{.name = "hasty", .metric = RULE_NEGATIVE_COUNT}};
	struct watch_options options = {.topics = topic_names, .topic_count = TOPICS, .rules = hasty, .rule_count = 1};
	struct watch *watch = watch_create(&options);
	struct watch_effects *effects = watch_effects_create();
	char ids[16][32];
	size_t began = 0;

	make_storm(0);
	for (size_t i = 0; i < stream.count; i++) {
		struct watch_document *document = &stream.documents[i], behind = *document;

		watch_document(watch, document, effects);
		watch_tick(watch, document->applied_us + 2 * MINUTE_US, effects);
		behind.source = "feeds";
		behind.id = 1000 + (int64_t)i;
		behind.applied_us += 2 * MINUTE_US;
		watch_document(watch, &behind, effects);
	}
	for (size_t i = 0; i < effects->alert_count; i++) {
		if (effects->alerts[i].event != 1)
			continue;
		ck_assert_uint_lt(began, 16);
		for (size_t other_id = 0; other_id < began; other_id++)
			ck_assert_str_ne(effects->alerts[i].id, ids[other_id]);
		memcpy(ids[began++], effects->alerts[i].id, sizeof ids[0]);
	}
	ck_assert_uint_ge(began, 2);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(silence_of_the_world_resolves)
{
	struct watch_effects *effects = watch_effects_create();
	int64_t end_us = make_storm(0);
	struct watch *watch = watch_stream(effects);
	struct watch_alert firing, resolved;

	ck_assert(has_alert(effects, 1, ALERT_FIRING, &firing));
	watch_effects_clear(effects);
	for (int64_t t = end_us; t < end_us + 2 * HOUR_US; t += WATCH_TICK_US)
		watch_tick(watch, t, effects);
	ck_assert(has_alert(effects, 1, ALERT_RESOLVED, &resolved)); /* keeps an hour */
	ck_assert(!has_alert(effects, 0, ALERT_RESOLVED, NULL));     /* keeps six */
	ck_assert_str_eq(resolved.id, firing.id);
	ck_assert_uint_eq(resolved.event, 3);
	ck_assert(resolved.notify);
	ck_assert_int_eq(resolved.resolved_us, resolved.at_us);
	ck_assert_int_eq(watch_get_state(watch, 1, 0), ALERT_OK);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(how_often_ticks_come_makes_no_difference)
{
	struct watch_effects *often = watch_effects_create(), *once = watch_effects_create();
	int64_t end_us = make_storm(0);
	struct watch *a = watch_stream(often), *b = watch_stream(once);
	struct watch_alert x, y;

	for (int64_t t = end_us; t <= end_us + 7 * HOUR_US; t += WATCH_TICK_US) {
		if ((t - end_us) % HOUR_US == 0) /* the source is read, and there is nothing */
			watch_progress(a, "wire", 0, TIME_NONE, t, often);
		watch_tick(a, t, often);
	}
	watch_progress(b, "wire", 0, TIME_NONE, end_us + 7 * HOUR_US, once);
	watch_tick(b, end_us + 7 * HOUR_US, once);
	for (uint32_t rule = 0; rule < 2; rule++) {
		ck_assert(has_alert(often, rule, ALERT_RESOLVED, &x) && has_alert(once, rule, ALERT_RESOLVED, &y));
		ck_assert_int_eq(x.at_us, y.at_us);
		ck_assert_str_eq(x.id, y.id);
	}
	watch_free(a);
	watch_free(b);
	watch_effects_free(often);
	watch_effects_free(once);
}
END_TEST

START_TEST(a_dead_source_resolves_nothing)
{
	struct watch_effects *effects = watch_effects_create();
	int64_t end_us = make_storm(0);
	struct watch *watch = watch_stream(effects);

	watch_effects_clear(effects);
	/* The first tick after a night in which the process stood still: the source has not been heard since. */
	watch_tick(watch, end_us + 12 * HOUR_US, effects);
	ck_assert(!has_alert(effects, 0, ALERT_RESOLVED, NULL));
	watch_progress(watch, "wire", 0, TIME_NONE, end_us + 12 * HOUR_US, effects);
	watch_tick(watch, end_us + 12 * HOUR_US + WATCH_TICK_US, effects);
	ck_assert(has_alert(effects, 0, ALERT_RESOLVED, NULL));
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(backfill_and_late_documents_never_alert)
{
	struct watch_effects *effects = watch_effects_create();
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);
	uint32_t total = 0, stories = 0;

	make_storm(0);
	for (size_t i = 40; i < stream.count; i++) {
		if (_i == 0)
			stream.documents[i].flags = ITEM_BACKFILL;
		else
			stream.documents[i].published_us -= 3 * HOUR_US;
	}
	if (_i == 1) { /* something on time first, so that the others are late */
		stream.documents[40].published_us = stream.documents[40].applied_us;
		stream.documents[40].polarity = POLARITY_NEUTRAL;
	}
	for (size_t i = 0; i < stream.count; i++)
		watch_document(watch, &stream.documents[i], effects);
	ck_assert_uint_eq(effects->alert_count, 0);
	for (size_t i = 0; i < effects->increment_count; i++) {
		total += effects->increments[i].width_s == 3600 ? effects->increments[i].total : 0;
		stories += effects->increments[i].width_s == 3600 ? effects->increments[i].stories : 0;
	}
	ck_assert_uint_eq(total, stream.count);
	ck_assert_uint_eq(stories, _i == 0 ? 40 : stream.count);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(evidence_is_cut_between_characters)
{
	enum { LONG = 1 << 20 };
	struct watch_effects *effects = watch_effects_create();
	char *title = malloc(LONG + 1), *url = malloc(LONG + 1);
	struct watch_alert alert;
	struct watch *watch;
	size_t length;

	for (size_t i = 0; i < LONG; i++)
		title[i] = "\xe2\x82\xac"[i % 3]; /* the euro's sign, in three bytes */
	memset(url, 'u', LONG);
	title[LONG] = url[LONG] = '\0';
	make_storm(0);
	for (size_t i = 0; i < stream.count; i++) {
		stream.documents[i].title = title;
		stream.documents[i].url = i % 2 ? url : "https://example.com/";
		stream.documents[i].publisher = title;
	}
	watch = watch_stream(effects);
	ck_assert(has_alert(effects, 0, ALERT_FIRING, &alert));
	ck_assert_uint_gt(alert.evidence_count, 1);
	for (size_t i = 0; i < alert.evidence_count; i++) {
		length = strlen(alert.evidence[i].title);
		ck_assert(length > 300 && length < 600 && length % 3 == 0);
		length = strlen(alert.evidence[i].publisher);
		ck_assert(length > 100 && length < 300 && length % 3 == 0);
		ck_assert_str_eq(alert.evidence[i].url, alert.evidence[i].document % 2 ? "https://example.com/" : "");
	}
	watch_free(watch);
	watch_effects_free(effects);
	free(title);
	free(url);
}
END_TEST

START_TEST(copies_are_one_story)
{
	struct watch_effects *effects = watch_effects_create();
	struct watch *watch;

	make_storm(0);
	for (size_t i = 40; i < stream.count; i++)
		story_sign("Orbel recalls every battery it sold", 35, &stream.documents[i].signature);
	watch = watch_stream(effects);
	ck_assert_uint_eq(effects->alert_count, 0);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(one_account_is_no_crowd)
{
	for (int publishers = 1; publishers <= 2; publishers++) {
		struct watch_effects *effects = watch_effects_create();
		struct watch *watch;

		make_storm(0);
		for (size_t i = 0; i < stream.count; i++)
			stream.documents[i].publisher = publishers == 2 && i % 2 ? "Daily Example" : "Example Wire";
		watch = watch_stream(effects);
		ck_assert_int_eq(has_alert(effects, 2, ALERT_FIRING, NULL), publishers == 2);
		watch_free(watch);
		watch_effects_free(effects);
	}
}
END_TEST

START_TEST(a_future_time_is_capped)
{
	struct watch_effects *effects = watch_effects_create();
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);
	struct watch_document document = {.id = 1, .source = "wire", .published_us = START_US + 5000 * DAY_US, .applied_us = START_US};

	watch_document(watch, &document, effects);
	ck_assert_int_eq(effects->sources[0].watermark_us, START_US);
	document.flags = ITEM_OWN_CLOCK;
	document.source = "typo"; /* a recording's line of another century */
	watch_document(watch, &document, effects);
	ck_assert_int_eq(effects->sources[1].watermark_us, START_US);
	document.source = "tape";
	document.published_us = START_US + 300 * DAY_US;
	watch_document(watch, &document, effects);
	ck_assert_int_eq(effects->sources[2].watermark_us, START_US + 300 * DAY_US);
	ck_assert(effects->sources[2].own_clock);
	/* Times that no calendar has do no harm. */
	document.published_us = INT64_MAX;
	watch_document(watch, &document, effects);
	document.published_us = -5;
	watch_document(watch, &document, effects);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

/* The same old documents, live at sixty times their speed, by their own clock, and as they were: the same alerts. */
START_TEST(an_old_stream_played_live_is_as_it_was)
{
	int64_t real_us = START_US + 1000 * DAY_US;

	make_stream((unsigned)_i + 400);
	for (size_t i = 0; i < stream.count; i++) {
		/* In order: whether a late document comes before or after a tick is no property of the stream. */
		stream.documents[i].published_us = stream.documents[i].applied_us;
		stream.documents[i].flags |= ITEM_OWN_CLOCK;
		stream.documents[i].source = "tape";
	}
	run(&database, 1, 0);
	for (size_t i = 0; i < stream.count; i++)
		stream.documents[i].applied_us = real_us + (stream.documents[i].applied_us - START_US) / 60;
	run(&other, 1, 0);
	ck_assert_uint_gt(database.alert_count, 5);
	same_alerts(&database, &other);
}
END_TEST

START_TEST(a_clock_that_jumps_does_no_harm)
{
	struct watch_effects *effects = watch_effects_create();
	int64_t end_us = make_storm(0);
	struct watch *watch = watch_stream(effects);

	watch_effects_clear(effects);
	watch_tick(watch, end_us - 30 * DAY_US, effects); /* back */
	ck_assert_uint_eq(effects->alert_count, 0);
	watch_progress(watch, "wire", 0, end_us - 30 * DAY_US, end_us - 30 * DAY_US, effects);
	watch_tick(watch, end_us + 5 * MINUTE_US, effects);
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_FIRING);
	watch_progress(watch, "wire", 0, end_us + 3000 * DAY_US, end_us + 3000 * DAY_US, effects); /* and far ahead */
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_OK);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(a_silenced_topic_is_told_when_the_silence_ends)
{
	struct watch_effects *effects = watch_effects_create();
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);
	int64_t end_us = make_storm(0);
	struct watch_alert alert;

	watch_silence(watch, _i ? "orbel" : NULL, end_us + HOUR_US, effects);
	ck_assert_uint_eq(effects->silence_count, 1);
	ck_assert_uint_eq(effects->silences[0].topic, _i ? 0 : UINT32_MAX);
	for (size_t i = 0; i < stream.count; i++)
		watch_document(watch, &stream.documents[i], effects);
	ck_assert(has_alert(effects, 0, ALERT_FIRING, &alert));
	ck_assert(!alert.notify);
	watch_effects_clear(effects);
	for (int64_t t = end_us; t < end_us + 2 * HOUR_US; t += WATCH_TICK_US)
		watch_tick(watch, t, effects);
	ck_assert(has_alert(effects, 0, ALERT_FIRING, &alert));
	ck_assert(alert.notify);
	ck_assert_uint_eq(alert.event, 2);
	ck_assert(has_alert(effects, 1, ALERT_RESOLVED, &alert));
	ck_assert(!alert.notify); /* fired and went during the silence: never told */
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(a_reload_keeps_what_keeps_its_name)
{
	static const char *const names[] = {"new", "orbel"};
	static const struct rule_spec new_rules[] = {
		{.name = "other", .metric = RULE_VOLUME, .topics = names, .topic_count = 1},
		{.name = "spike", .metric = RULE_NEGATIVE_COUNT, .keep_firing_us = HOUR_US},
	};
	struct watch_options options = {.topics = names, .topic_count = 2, .rules = new_rules, .rule_count = 2};
	struct watch_effects *effects = watch_effects_create();
	int64_t end_us = make_storm(0);
	struct watch *watch = watch_stream(effects);
	struct watch_alert before, after;

	ck_assert(has_alert(effects, 0, ALERT_FIRING, &before));
	char id[32];
	memcpy(id, before.id, sizeof id);
	watch_effects_clear(effects);
	watch_reconfigure(watch, &options, effects);
	ck_assert_int_eq(watch_get_state(watch, 1, 1), ALERT_FIRING);
	ck_assert_int_eq(watch_get_state(watch, 1, 0), ALERT_OK);
	ck_assert_int_eq(watch_get_state(watch, 0, 1), ALERT_OK);
	watch_tick(watch, end_us + 2 * HOUR_US, effects);
	ck_assert(has_alert(effects, 1, ALERT_RESOLVED, &after));
	ck_assert_str_eq(after.id, id);
	ck_assert_uint_eq(after.topic, 1);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

START_TEST(states_that_are_not_ours_are_refused)
{
	static const char *const wrong[] = {
		"", "1", "2 f 0123456789abcdef 1 1 1 1 1 1 1 wire", "1 x 0123456789abcdef 1 1 1 1 1 1 1 wire",
		"1 f 0123 1 1 1 1 1 1 1 wire", "1 f 0123456789ABCDEF 1 1 1 1 1 1 1 wire",
		"1 f 0123456789abcdef 1 1 1 1 1 1 7 wire", "1 f 0123456789abcdef 1 1 1 1 one 1 1 wire",
	};
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_int_eq(watch_load_rule_state(watch, &(struct watch_rule_state){0, 0, wrong[i]}), -1);
	ck_assert_int_eq(watch_load_rule_state(watch, &(struct watch_rule_state){0, TOPICS, "x"}), -1);
	ck_assert_int_eq(
		watch_load_rule_state(watch, &(struct watch_rule_state){0, 0, "1 f 0123456789abcdef 1 1 1 1 1 1 1 a b"}), 0);
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_FIRING);
	watch_free(watch);
}
END_TEST

START_TEST(memory_is_bounded_by_what_a_rule_needs)
{
	struct watch_effects *effects = watch_effects_create();
	struct watch_options options = usual();
	struct watch *watch = watch_create(&options);
	struct watch_document document = {.source = "wire", .topics = (uint32_t[]){1}, .topic_count = 1, .title = "t"};

	for (int i = 0; i < 200000; i += (int)one_in()) { /* a year of it */
		document.id = i + 1;
		document.published_us = document.applied_us = START_US + i * (365 * DAY_US / 200000);
		watch_document(watch, &document, effects);
		watch_effects_clear(effects);
	}
	ck_assert_uint_gt(watch_digest(watch), 0);
	watch_free(watch);
	watch_effects_free(effects);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("watch");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, batches_make_no_difference, 0, 4);
	tcase_add_loop_test(tcase, a_restart_anywhere_makes_no_difference, 0, 16);
	tcase_add_loop_test(tcase, trends_are_a_recount, 0, 2);
	tcase_add_loop_test(tcase, order_within_a_cell_makes_no_difference, 0, 6);
	tcase_add_test(tcase, a_storm_fires_with_its_evidence);
	tcase_add_test(tcase, no_two_alerts_have_one_id);
	tcase_add_test(tcase, silence_of_the_world_resolves);
	tcase_add_test(tcase, how_often_ticks_come_makes_no_difference);
	tcase_add_test(tcase, a_dead_source_resolves_nothing);
	tcase_add_loop_test(tcase, backfill_and_late_documents_never_alert, 0, 2);
	tcase_add_test(tcase, evidence_is_cut_between_characters);
	tcase_add_test(tcase, copies_are_one_story);
	tcase_add_test(tcase, one_account_is_no_crowd);
	tcase_add_test(tcase, a_future_time_is_capped);
	tcase_add_loop_test(tcase, an_old_stream_played_live_is_as_it_was, 0, 10);
	tcase_add_test(tcase, a_clock_that_jumps_does_no_harm);
	tcase_add_loop_test(tcase, a_silenced_topic_is_told_when_the_silence_ends, 0, 2);
	tcase_add_test(tcase, a_reload_keeps_what_keeps_its_name);
	tcase_add_test(tcase, states_that_are_not_ours_are_refused);
	tcase_add_test(tcase, memory_is_bounded_by_what_a_rule_needs);
	return run_case("watch", tcase);
}
