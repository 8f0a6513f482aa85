/* What is told of an alert while it lasts: growth, groups, backlogs, silences, sources that die. */
#include "alerts/watch.h"
#include "daemon/base/clock.h"
#include "tests/lib/run.h"
#include "tests/lib/watch_streams.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a watch that is fed by hand, restarted from what the database holds at every step where `restarts` ---- */

static struct watch *watch;
static struct watch_effects *effects;
static struct watch_options options;
static bool restarts;

/* All that was told, copied. */
static struct watch_alert told[400];
static char groups[400][32];
static uint32_t members[400][TOPICS];
static size_t told_count;
static struct watch_late lates[20];
static size_t late_count, late_after[20];

static void set_up(void)
{
	options = usual();
	watch = watch_create(&options);
	effects = watch_effects_create();
	memset(&database, 0, sizeof database);
	database.backlog_us = TIME_NONE;
	stream.count = 0;
	seed = 1;
	told_count = late_count = 0;
	restarts = false;
}

static void tear_down(void)
{
	watch_free(watch);
	watch_effects_free(effects);
}

static void note(const struct watch_alert *alert)
{
	ck_assert_uint_lt(told_count, 400);
	told[told_count] = *alert;
	snprintf(groups[told_count], sizeof groups[0], "%s", alert->group);
	told[told_count].group = groups[told_count];
	for (size_t m = 0; m < alert->member_count; m++)
		members[told_count][m] = alert->members[m];
	told[told_count].members = members[told_count];
	told_count++;
}

static void settle(void)
{
	keep(&database, effects);
	for (size_t i = 0; i < effects->late_count; i++) {
		late_after[late_count] = told_count + effects->lates[i].after;
		lates[late_count++] = effects->lates[i];
	}
	for (size_t i = 0; i < effects->alert_count; i++)
		note(&effects->alerts[i]);
	watch_effects_clear(effects);
	database.documents = stream.count;
	if (!restarts)
		return;
	uint64_t digest = watch_digest(watch);
	struct watch *loaded = load(&database);
	ck_assert_uint_eq(watch_digest(loaded), digest);
	watch_free(watch);
	watch = loaded;
}

/* A document of its own story on these topics. */
static void feed(const char *source, int64_t published_us, int64_t applied_us, unsigned topics, enum polarity polarity)
{
	struct watch_document *document = add(published_us, 0, polarity);
	size_t at = stream.count - 1, count = 0;

	for (uint32_t t = 0; t < TOPICS && count < 2; t++)
		if (topics & 1u << t)
			stream.topics[at][count++] = t;
	document->topic_count = count;
	document->source = source;
	document->applied_us = applied_us;
	document->publisher = at % 2 ? "Example Wire" : "Daily Example";
	database.stories[at] = watch_document(watch, document, effects);
	settle();
}

static void negative(int64_t at_us, unsigned topics)
{
	feed("wire", at_us, at_us + SECOND_US, topics, POLARITY_NEGATIVE);
}

static void tick_until(int64_t from_us, int64_t until_us)
{
	for (int64_t t = from_us - from_us % WATCH_TICK_US + WATCH_TICK_US; t <= until_us; t += WATCH_TICK_US) {
		if (t % HOUR_US == 0) /* it lives */
			watch_progress(watch, "wire", 0, TIME_NONE, t, effects);
		watch_tick(watch, t, effects);
		if (effects->alert_count + effects->late_count + effects->rule_state_count + effects->source_count)
			settle();
	}
}

/* Forty quiet days of these topics; returns their end. */
static int64_t quiet_days(unsigned topics)
{
	int64_t now_us = START_US;

	for (int day = 0; day < 40; day++, now_us += DAY_US)
		for (unsigned t = 0; t < TOPICS; t++)
			if (topics & 1u << t)
				negative(now_us + t * HOUR_US, 1u << t);
	return now_us;
}

/* One every `every_us`; returns the end. */
static int64_t storm(int64_t now_us, int count, int64_t every_us, unsigned topics)
{
	for (int i = 0; i < count; i++, now_us += every_us)
		negative(now_us, topics);
	return now_us;
}

/* The nth change of this kind, from 0; NULL = there are fewer. */
static const struct watch_alert *find(uint32_t rule, enum alert_change change, size_t n)
{
	for (size_t i = 0; i < told_count; i++)
		if (told[i].rule == rule && told[i].change == change && n-- == 0)
			return &told[i];
	return NULL;
}

static const struct watch_alert *find_of(uint32_t rule, uint32_t topic, enum alert_change change)
{
	for (size_t i = 0; i < told_count; i++)
		if (told[i].rule == rule && told[i].topic == topic && told[i].change == change)
			return &told[i];
	return NULL;
}

/* Events of one alert count up without a gap. */
static void events_are_in_order(void)
{
	for (size_t i = 0; i < told_count; i++) {
		uint32_t before = 0;
		for (size_t j = 0; j < i; j++)
			if (strcmp(told[j].id, told[i].id) == 0)
				before = told[j].event;
		ck_assert_uint_eq(told[i].event, before + 1);
	}
}

/* ---- escalation ---- */

START_TEST(growth_is_told_once_an_hour_at_most)
{
	restarts = _i;
	int64_t now_us = storm(quiet_days(1), 200, 2 * MINUTE_US, 1);
	const struct watch_alert *before = find(0, CHANGE_FIRED, 0), *update;
	size_t updates = 0;

	tick_until(now_us, now_us + 8 * HOUR_US);
	ck_assert(before && before->notify && before->event == 1);
	for (; (update = find(0, CHANGE_ESCALATED, updates)); updates++) {
		ck_assert(update->notify);
		ck_assert_int_eq(update->state, ALERT_FIRING);
		ck_assert_str_eq(update->id, before->id);
		ck_assert_uint_gt(update->event, before->event);
		ck_assert_uint_ge(update->peak_count, 2 * before->peak_count);
		ck_assert_int_ge(update->at_us - before->at_us, HOUR_US);
		ck_assert_int_eq(update->fired_us, find(0, CHANGE_FIRED, 0)->fired_us);
		before = update;
	}
	ck_assert_uint_ge(updates, 2);
	ck_assert_ptr_nonnull(find(0, CHANGE_RESOLVED, 0));
	events_are_in_order();
}
END_TEST

START_TEST(what_only_goes_on_is_not_told_again)
{
	int64_t now_us = storm(quiet_days(1), 8, 5 * MINUTE_US, 1);
	const struct watch_alert *fired = find(0, CHANGE_FIRED, 0);

	ck_assert_ptr_nonnull(fired);
	storm(now_us, 4, 100 * MINUTE_US, 1); /* a trickle keeps it firing */
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_FIRING);
	for (size_t i = 0; find(0, CHANGE_ESCALATED, i); i++)
		ck_assert_uint_ge(find(0, CHANGE_ESCALATED, i)->peak_count, 2 * fired->peak_count);
	ck_assert_ptr_null(find(0, CHANGE_ESCALATED, 1));
}
END_TEST

/* ---- what has been told ---- */

START_TEST(the_morning_after_alarms_by_its_own_stories_alone)
{
	restarts = _i;
	int64_t now_us = storm(quiet_days(1), 30, 5 * MINUTE_US, 1), morning_us = now_us + 16 * HOUR_US;
	const struct watch_alert *first, *second;

	tick_until(now_us, morning_us);
	ck_assert_ptr_nonnull(find(0, CHANGE_RESOLVED, 0));
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_OK);
	for (int i = 0; i < 2; i++) { /* the old stories would be in the longest window yet */
		negative(morning_us, 1);
		feed("wire", morning_us + MINUTE_US, morning_us + MINUTE_US, 1, POLARITY_NEUTRAL);
		tick_until(morning_us + MINUTE_US, morning_us + 13 * HOUR_US);
		morning_us += 13 * HOUR_US;
	}
	ck_assert_ptr_null(find(0, CHANGE_FIRED, 1));
	storm(morning_us, 30, 5 * MINUTE_US, 1);
	first = find(0, CHANGE_FIRED, 0);
	second = find(0, CHANGE_FIRED, 1);
	ck_assert_ptr_nonnull(second);
	ck_assert_str_ne(second->id, first->id);
	ck_assert_int_gt(second->at_us, morning_us);
	events_are_in_order();
}
END_TEST

START_TEST(a_rule_that_was_taken_out_has_told_what_it_told)
{
	int64_t now_us = storm(quiet_days(1), 30, 5 * MINUTE_US, 1);
	struct watch_options none = options;
	struct watch_alert end;
	char text[WATCH_STATE_SIZE];

	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_FIRING);
	ck_assert_int_eq(watch_retire_state(watch, database.states[0][0], now_us, &end, text), 1);
	memcpy(database.states[0][0], text, sizeof text);
	none.rule_count = 0;
	ck_assert(!watch_reconfigure(watch, &none, effects));
	ck_assert(watch_reconfigure(watch, &options, effects)); /* back: to be loaded */
	ck_assert(!watch_reconfigure(watch, &options, effects));
	watch_free(watch);
	watch = load(&database);
	told_count = 0;
	negative(now_us + 20 * MINUTE_US, 1);
	ck_assert_ptr_null(find(0, CHANGE_FIRED, 0));
	storm(now_us + HOUR_US, 30, 5 * MINUTE_US, 1);
	ck_assert_ptr_nonnull(find(0, CHANGE_FIRED, 0));
}
END_TEST

/* ---- groups ---- */

START_TEST(topics_on_the_same_stories_are_one_group)
{
	restarts = _i;
	int64_t now_us = storm(quiet_days(3), 12, 5 * MINUTE_US, 3);
	const struct watch_alert *joined = find(0, CHANGE_JOINED, 0), *leader = NULL, *member = NULL, *end;

	ck_assert_ptr_nonnull(joined);
	ck_assert_ptr_null(find(0, CHANGE_JOINED, 1));
	leader = find_of(0, joined->topic, CHANGE_FIRED);
	member = find_of(0, 1 - joined->topic, CHANGE_FIRED);
	ck_assert(leader && member);
	ck_assert(leader->notify && joined->notify && !member->notify && !member->held);
	ck_assert_str_eq(joined->id, leader->id);
	ck_assert_str_ne(member->id, leader->id);
	ck_assert_str_eq(member->group, leader->id);
	ck_assert_str_eq(joined->group, leader->id);
	ck_assert_uint_eq(leader->member_count, 0);
	ck_assert_uint_eq(joined->member_count, 2);
	ck_assert_uint_eq(joined->members[0], leader->topic);
	ck_assert_uint_eq(joined->members[1], member->topic);

	/* The member goes on alone; the leader's end is that of the group. */
	now_us = storm(now_us, 30, 10 * MINUTE_US, 1u << member->topic);
	tick_until(now_us, now_us + 8 * HOUR_US);
	end = find_of(0, leader->topic, CHANGE_RESOLVED);
	ck_assert(end && end->notify);
	events_are_in_order();
}
END_TEST

/* How many stories, one a minute, make a topic fire. */
static int stories_to_fire(void)
{
	int64_t now_us = quiet_days(3);
	int count = 0;

	for (; !find(0, CHANGE_FIRED, 0); count++)
		negative(now_us + count * MINUTE_US, 3);
	tear_down();
	set_up();
	return count;
}

/* Stories that both topics have had, and then one minute that makes both fire: each by documents of its own, in any order. */
START_TEST(who_leads_a_minute_is_not_of_its_order)
{
	static const unsigned orders[][4] = {{1, 2, 1, 2}, {2, 1, 2, 1}, {1, 1, 2, 2}, {2, 2, 1, 1}, {1, 2, 2, 1}, {2, 1, 1, 2}};
	const struct watch_alert *first, *second;
	int64_t now_us;
	int shared = stories_to_fire() - 1;

	restarts = _i % 2;
	now_us = quiet_days(3);
	now_us = storm(now_us - now_us % MINUTE_US, shared, MINUTE_US, 3);
	ck_assert_ptr_null(find(0, CHANGE_FIRED, 0));
	for (int i = 0; i < 4; i++)
		negative(now_us + i * SECOND_US, orders[_i / 2][i]);
	ck_assert(find_of(0, 0, CHANGE_FIRED) && find_of(0, 1, CHANGE_FIRED));
	now_us = storm(now_us + 2 * HOUR_US, 40, SECOND_US, 3); /* both grow, and say whose group they are in */
	first = find_of(0, 0, CHANGE_ESCALATED);
	second = find_of(0, 1, CHANGE_ESCALATED);
	ck_assert(first && second);
	ck_assert_str_eq(first->group, second->group);
	ck_assert(first->notify != second->notify);
	ck_assert_str_eq((first->notify ? first : second)->group, (first->notify ? first : second)->id);
	ck_assert_str_eq(topic_names[first->notify ? 0 : 1], "lurex");
	/* Whoever was told by itself is told to have ended. */
	tick_until(now_us, now_us + 8 * HOUR_US);
	for (uint32_t t = 0; t < 2; t++)
		ck_assert(!find_of(0, t, CHANGE_FIRED)->notify || find_of(0, t, CHANGE_RESOLVED)->notify);
	events_are_in_order();
}
END_TEST

START_TEST(the_leader_fires_until_the_last_member_is_quiet)
{
	restarts = _i;
	int64_t now_us = storm(quiet_days(3), 12, 5 * MINUTE_US, 3);
	const struct watch_alert *joined = find(0, CHANGE_JOINED, 0);
	uint32_t leader, member;

	ck_assert_ptr_nonnull(joined);
	leader = joined->topic;
	member = 1 - leader;
	now_us = storm(now_us + 4 * HOUR_US, 2, 5 * MINUTE_US, 1u << member); /* keeps the member firing for longer */
	ck_assert_int_eq(watch_get_state(watch, 0, member), ALERT_FIRING);
	tick_until(now_us, now_us + 5 * HOUR_US);
	ck_assert_int_eq(watch_get_state(watch, 0, leader), ALERT_FIRING); /* six hours after its last document */
	tick_until(now_us + 5 * HOUR_US, now_us + 7 * HOUR_US);
	ck_assert_int_eq(watch_get_state(watch, 0, leader), ALERT_OK);
	const struct watch_alert *first = find_of(0, member, CHANGE_RESOLVED), *last = find_of(0, leader, CHANGE_RESOLVED);
	ck_assert(first && last && first < last);
	ck_assert(!first->notify && !first->held && last->notify);
	ck_assert_int_eq(first->at_us, last->at_us);
	ck_assert_uint_eq(last->member_count, 2);
}
END_TEST

START_TEST(other_stories_are_no_group)
{
	int64_t now_us = quiet_days(3);

	for (int i = 0; i < 24; i++, now_us += 3 * MINUTE_US)
		negative(now_us, 1u + (unsigned)i % 2);
	ck_assert(find_of(0, 0, CHANGE_FIRED)->notify && find_of(0, 1, CHANGE_FIRED)->notify);
	ck_assert_ptr_null(find(0, CHANGE_JOINED, 0));
	ck_assert_str_eq(find_of(0, 1, CHANGE_FIRED)->group, find_of(0, 1, CHANGE_FIRED)->id);
}
END_TEST

/* Of a silenced leader nobody would hear: the other topic speaks for itself.  So does a topic whose silence is over. */
START_TEST(nobody_is_hidden_behind_a_silence)
{
	int64_t now_us = quiet_days(3);

	watch_silence(watch, topic_names[_i], now_us + 50 * MINUTE_US, effects);
	now_us = storm(now_us, 8, 5 * MINUTE_US, 3);
	const struct watch_alert *heard = find_of(0, 1 - (uint32_t)_i, CHANGE_FIRED),
				 *silenced = find_of(0, (uint32_t)_i, CHANGE_FIRED);
	ck_assert(heard->notify && !silenced->notify);
	ck_assert_str_eq(silenced->group, silenced->id);
	ck_assert_ptr_null(find(0, CHANGE_JOINED, 0));
	storm(now_us, 8, 5 * MINUTE_US, 3);
	/* It ran out: one message, of the group. */
	const struct watch_alert *joined = find(0, CHANGE_JOINED, 0), *renewed = find(0, CHANGE_RENEWED, 0);
	ck_assert(joined && renewed);
	ck_assert(joined->notify && !renewed->notify);
	ck_assert_str_eq(joined->id, heard->id);
	ck_assert_str_eq(renewed->id, silenced->id);
	ck_assert_str_eq(renewed->group, heard->id);
}
END_TEST

START_TEST(a_member_that_grows_beyond_its_group_stands_alone)
{
	restarts = _i;
	int64_t now_us = storm(quiet_days(3), 6, 5 * MINUTE_US, 3);
	const struct watch_alert *joined = find(0, CHANGE_JOINED, 0), *update;
	uint32_t member;

	ck_assert_ptr_nonnull(joined);
	member = 1 - joined->topic;
	now_us = storm(now_us, 80, 2 * MINUTE_US, 1u << member);
	update = find_of(0, member, CHANGE_ESCALATED);
	ck_assert(update && update->notify);
	ck_assert_str_eq(update->group, update->id);
	tick_until(now_us, now_us + 8 * HOUR_US);
	ck_assert(find_of(0, member, CHANGE_RESOLVED)->notify && find_of(0, joined->topic, CHANGE_RESOLVED)->notify);
	ck_assert(find_of(0, joined->topic, CHANGE_RESOLVED) < find_of(0, member, CHANGE_RESOLVED));
	events_are_in_order();
}
END_TEST

/* ---- a backlog ---- */

START_TEST(a_backlog_is_told_by_one_digest)
{
	restarts = _i;
	int64_t now_us = quiet_days(3), back_us = now_us + 5 * HOUR_US;

	/* Five hours away; then what was written comes within a minute: a storm on each of two topics. */
	for (int i = 0; i < 12; i++)
		feed("wire", now_us + i * 5 * MINUTE_US, back_us + i * SECOND_US, 1, POLARITY_NEGATIVE);
	for (int i = 0; i < 12; i++)
		feed("wire", now_us + HOUR_US + i * 5 * MINUTE_US, back_us + (12 + i) * SECOND_US, 2, POLARITY_NEGATIVE);
	ck_assert_uint_ge(told_count, 2);
	for (size_t i = 0; i < told_count; i++)
		ck_assert(!told[i].notify && (told[i].change == CHANGE_PENDING || told[i].held));
	ck_assert(find(0, CHANGE_FIRED, 0)->late);
	ck_assert_uint_eq(late_count, 0);

	/* The source has caught up. */
	feed("wire", back_us + MINUTE_US, back_us + MINUTE_US, 4, POLARITY_NEUTRAL);
	tick_until(back_us + MINUTE_US, back_us + 5 * MINUTE_US);
	ck_assert_uint_eq(late_count, 1);
	ck_assert(strncmp(lates[0].id, "digest-", 7) == 0);
	ck_assert_int_eq(lates[0].at_us, back_us + MINUTE_US - (back_us + MINUTE_US) % WATCH_TICK_US + WATCH_TICK_US);
	/* Behind it, what still fires: once each, and nothing else. */
	size_t live = 0;
	for (size_t i = late_after[0]; i < told_count; i++, live++) {
		ck_assert(told[i].notify && told[i].change == CHANGE_FIRED && told[i].state == ALERT_FIRING);
		ck_assert_uint_ge(told[i].event, 2);
		ck_assert_int_eq(watch_get_state(watch, told[i].rule, told[i].topic), ALERT_FIRING);
	}
	ck_assert_uint_ge(live, 1);
	tick_until(back_us + 5 * MINUTE_US, back_us + 9 * HOUR_US);
	ck_assert_uint_eq(late_count, 1);
	for (size_t i = late_after[0] + live; i < told_count; i++)
		ck_assert(told[i].change == CHANGE_RESOLVED && told[i].notify);
	events_are_in_order();
}
END_TEST

START_TEST(what_ended_in_the_backlog_is_in_the_digest_alone)
{
	int64_t now_us = quiet_days(1), back_us = now_us + 20 * HOUR_US;

	for (int i = 0; i < 12; i++)
		feed("wire", now_us + i * 5 * MINUTE_US, back_us + i * SECOND_US, 1, POLARITY_NEGATIVE);
	feed("wire", now_us + 19 * HOUR_US, back_us + 30 * SECOND_US, 4, POLARITY_NEUTRAL);
	const struct watch_alert *fired = find(0, CHANGE_FIRED, 0), *ended = find(0, CHANGE_RESOLVED, 0);
	ck_assert(fired && ended && fired->held && ended->held && !ended->notify);
	feed("wire", back_us + MINUTE_US, back_us + MINUTE_US, 4, POLARITY_NEUTRAL);
	tick_until(back_us + MINUTE_US, back_us + 5 * MINUTE_US);
	ck_assert_uint_eq(late_count, 1);
	ck_assert_uint_eq(late_after[0], told_count);
}
END_TEST

START_TEST(a_backlog_that_goes_on_is_told_every_two_minutes)
{
	int64_t now_us = quiet_days(1), back_us = now_us + 20 * HOUR_US;

	for (int i = 0; i < 12; i++)
		feed("wire", now_us + i * 5 * MINUTE_US, back_us + i * SECOND_US, 1, POLARITY_NEGATIVE);
	tick_until(back_us + 12 * SECOND_US, back_us + 110 * SECOND_US);
	ck_assert_uint_eq(late_count, 0);
	tick_until(back_us + 110 * SECOND_US, back_us + 200 * SECOND_US);
	ck_assert_uint_eq(late_count, 1);
}
END_TEST

START_TEST(the_end_of_what_was_told_live_is_not_held)
{
	int64_t now_us = storm(quiet_days(1), 12, 5 * MINUTE_US, 1);

	ck_assert(find(0, CHANGE_FIRED, 0)->notify);
	/* No tick in between: the process was away. */
	feed("wire", now_us + 10 * HOUR_US, now_us + 30 * HOUR_US, 4, POLARITY_NEUTRAL);
	const struct watch_alert *ended = find(0, CHANGE_RESOLVED, 0);
	ck_assert(ended && ended->late && ended->notify && !ended->held);
}
END_TEST

START_TEST(a_recording_has_no_backlog)
{
	int64_t now_us = quiet_days(1), real_us = now_us + 3000 * DAY_US;

	for (int i = 0; i < 12; i++) {
		struct watch_document *document = add(now_us + i * 5 * MINUTE_US, 0, POLARITY_NEGATIVE);
		document->source = "tape";
		document->flags = ITEM_OWN_CLOCK;
		document->applied_us = real_us + i * SECOND_US;
		watch_document(watch, document, effects);
	}
	for (size_t i = 0; i < effects->alert_count; i++)
		ck_assert(!effects->alerts[i].late && !effects->alerts[i].held);
	ck_assert_uint_ge(effects->alert_count, 1);
}
END_TEST

/* ---- silences of the configuration ---- */

START_TEST(a_configured_silence_covers_its_spans_and_topics)
{
	static const char *const silenced[] = {"orbel"};
	int64_t now_us = quiet_days(3);
	struct watch_span spans[] = {{now_us - DAY_US, now_us - DAY_US + HOUR_US}, {now_us, now_us + 50 * MINUTE_US},
				     {now_us + DAY_US, now_us + 2 * DAY_US}};
	struct watch_quiet quiets[] = {{.name = "q", .topics = _i ? silenced : NULL, .topic_count = (size_t)_i, .spans = spans,
					.span_count = 3}};

	options.quiets = quiets;
	options.quiet_count = 1;
	watch_reconfigure(watch, &options, effects);
	memset(spans, 0, sizeof spans); /* it was copied */
	for (int i = 0; i < 16; i++)
		negative(now_us + i * 3 * MINUTE_US, 1u + (unsigned)i % 2);
	ck_assert(!find_of(0, 0, CHANGE_FIRED)->notify);
	ck_assert(find_of(0, 1, CHANGE_FIRED)->notify == (_i == 1));
	for (int i = 16; i < 24; i++)
		negative(now_us + i * 3 * MINUTE_US, 1u + (unsigned)i % 2);
	const struct watch_alert *renewed = find_of(0, 0, CHANGE_RENEWED);
	ck_assert(renewed && renewed->notify && renewed->event == 2);
	ck_assert_int_eq(renewed->state, ALERT_FIRING);
	ck_assert((find_of(0, 1, CHANGE_RENEWED) != NULL) == (_i == 0));
}
END_TEST

/* ---- sources ---- */

START_TEST(an_alert_leaves_a_dead_source)
{
	restarts = _i;
	int64_t now_us = quiet_days(1);

	feed("feeds", now_us - HOUR_US, now_us - HOUR_US, 1, POLARITY_NEUTRAL);
	now_us = storm(now_us, 12, 5 * MINUTE_US, 1);
	/* "wire" is never heard of again; "feeds" is, once an hour, and speaks of this topic too. */
	for (int64_t t = now_us; t < now_us + 14 * HOUR_US; t += WATCH_TICK_US) {
		if (t % HOUR_US < WATCH_TICK_US)
			watch_progress(watch, "feeds", 0, t, t, effects);
		watch_tick(watch, t, effects);
		if (effects->alert_count)
			settle();
	}
	ck_assert_ptr_nonnull(find(0, CHANGE_RESOLVED, 0));
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_OK);
}
END_TEST

START_TEST(a_source_that_speaks_of_other_things_is_no_help)
{
	int64_t now_us = quiet_days(1);

	feed("feeds", now_us - HOUR_US, now_us - HOUR_US, 4, POLARITY_NEUTRAL);
	now_us = storm(now_us, 12, 5 * MINUTE_US, 1);
	for (int64_t t = now_us; t < now_us + 14 * HOUR_US; t += WATCH_TICK_US) {
		if (t % HOUR_US < WATCH_TICK_US)
			watch_progress(watch, "feeds", 0, t, t, effects);
		watch_tick(watch, t, effects);
	}
	ck_assert_int_eq(watch_get_state(watch, 0, 0), ALERT_FIRING); /* held: nothing is known */
}
END_TEST

/* ---- what a message shows ---- */

START_TEST(a_chart_shows_two_days_and_the_growth)
{
	storm(quiet_days(1), 12, 5 * MINUTE_US, 1);
	const struct watch_alert *fired = find(0, CHANGE_FIRED, 0);
	const struct watch_chart *chart = &fired->chart;
	ck_assert_uint_eq(chart->count, WATCH_CHART_POINTS);
	ck_assert_int_eq(chart->step_s, 3600);
	ck_assert_int_eq(chart->start_s % 3600, 0);
	int64_t last_s = chart->start_s + 48 * 3600;
	ck_assert_int_le(last_s, fired->at_us / SECOND_US);
	ck_assert_int_lt(fired->at_us / SECOND_US, last_s + 3600);
	ck_assert_double_eq((double)chart->counts[48], fired->count);
	for (size_t i = 0; i < chart->count; i++)
		ck_assert(chart->expected[i] >= 0 && chart->limit[i] > chart->expected[i]);
	ck_assert_int_ne(fired->cause, RULE_CAUSE_NONE);
	ck_assert_uint_ge(fired->stories, fired->count);
}
END_TEST

/* ---- states that an older version wrote ---- */

START_TEST(states_of_the_first_version_are_read)
{
	struct watch *old = watch_create(&options), *unread = watch_create(&options);
	char text[128];

	for (int notified = 0; notified < 2; notified++) {
		snprintf(text, sizeof text, "1 f 0123456789abcdef 3 29000000 29000000 29000000 29000000 7 %d wire", notified);
		ck_assert_int_eq(watch_load_rule_state(old, &(struct watch_rule_state){0, (uint32_t)notified, text}), 0);
		ck_assert_int_eq(watch_get_state(old, 0, (uint32_t)notified), ALERT_FIRING);
	}
	/* What was silenced then is told now, what was told is not. */
	watch_load_source(old, &(struct watch_source_state){.source = "wire", .watermark_us = 29000001 * MINUTE_US,
							    .advanced_us = 29000001 * MINUTE_US, .seen_us = 29000001 * MINUTE_US});
	watch_tick(old, 29000001 * MINUTE_US, effects);
	ck_assert_uint_eq(effects->alert_count, 1);
	ck_assert_int_eq(effects->alerts[0].change, CHANGE_RENEWED);
	ck_assert_uint_eq(effects->alerts[0].topic, 0);
	ck_assert_uint_eq(effects->alerts[0].event, 4);
	static const char *const wrong[] = {
		"2 f 0123456789abcdef 3 1 1 1 1 7 4 7 1 0 0123456789abcdef wire", "2 f 0123456789abcdef 3 1 1 1 1 7 1 wire",
		"2 f 0123456789abcdef 3 1 1 1 1 7 1 7 1 0 0123 wire", "4 f 0123456789abcdef 3 1 1 1 1 7 1 7 1 0 0123456789abcdef 5 wire",
		"3 f 0123456789abcdef 3 1 1 1 1 7 1 7 1 0 0123456789abcdef wire",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_int_eq(watch_load_rule_state(unread, &(struct watch_rule_state){0, 0, wrong[i]}), -1);
	watch_free(old);
	watch_free(unread);
}
END_TEST

/* ---- properties: outages in made-up streams ---- */

/* Every third day from 15:00 to 23:30 nothing is taken; then all of it comes within a minute. */
static void make_outages(void)
{
	int64_t applied_us = 0;

	for (size_t i = 0; i < stream.count; i++) {
		struct watch_document *document = &stream.documents[i];
		int64_t day = document->applied_us / DAY_US, from_us = day * DAY_US + 15 * HOUR_US, until_us = from_us + 17 * HOUR_US / 2;

		if (day % 3 == 0 && document->applied_us >= from_us && document->applied_us < until_us)
			document->applied_us = until_us + (document->applied_us - from_us) / 600;
		if (document->applied_us < applied_us)
			document->applied_us = applied_us;
		applied_us = document->applied_us;
	}
}

START_TEST(a_restart_in_a_backlog_makes_no_difference)
{
	uint64_t digest;

	make_stream((unsigned)_i + 700);
	for (size_t i = 0; i < stream.count; i++) /* half of the storms are about two topics */
		if (stream.topics[i][0] == 0 && stream.documents[i].topics == stream.topics[i] && i % 2) {
			stream.topics[i][1] = 1;
			stream.documents[i].topic_count = 2;
		}
	make_outages();
	digest = run(&database, 1, 0);
	ck_assert_uint_gt(database.alert_count, 5);
	ck_assert_uint_eq(run(&other, 1 + (size_t)_i % 3, 5 + (size_t)_i * 3), digest);
	same_alerts(&database, &other);
	ck_assert_uint_eq(database.held, other.held);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("watch_lifecycle");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, growth_is_told_once_an_hour_at_most, 0, 2);
	tcase_add_test(tcase, what_only_goes_on_is_not_told_again);
	tcase_add_test(tcase, a_rule_that_was_taken_out_has_told_what_it_told);
	tcase_add_loop_test(tcase, the_morning_after_alarms_by_its_own_stories_alone, 0, 2);
	tcase_add_loop_test(tcase, topics_on_the_same_stories_are_one_group, 0, 2);
	tcase_add_loop_test(tcase, who_leads_a_minute_is_not_of_its_order, 0, 12);
	tcase_add_loop_test(tcase, the_leader_fires_until_the_last_member_is_quiet, 0, 2);
	tcase_add_test(tcase, other_stories_are_no_group);
	tcase_add_loop_test(tcase, nobody_is_hidden_behind_a_silence, 0, 2);
	tcase_add_loop_test(tcase, a_member_that_grows_beyond_its_group_stands_alone, 0, 2);
	tcase_add_loop_test(tcase, a_backlog_is_told_by_one_digest, 0, 2);
	tcase_add_test(tcase, what_ended_in_the_backlog_is_in_the_digest_alone);
	tcase_add_test(tcase, a_backlog_that_goes_on_is_told_every_two_minutes);
	tcase_add_test(tcase, the_end_of_what_was_told_live_is_not_held);
	tcase_add_test(tcase, a_recording_has_no_backlog);
	tcase_add_loop_test(tcase, a_configured_silence_covers_its_spans_and_topics, 0, 2);
	tcase_add_loop_test(tcase, an_alert_leaves_a_dead_source, 0, 2);
	tcase_add_test(tcase, a_source_that_speaks_of_other_things_is_no_help);
	tcase_add_test(tcase, a_chart_shows_two_days_and_the_growth);
	tcase_add_test(tcase, states_of_the_first_version_are_read);
	tcase_add_loop_test(tcase, a_restart_in_a_backlog_makes_no_difference, 0, 12);
	return run_case("watch_lifecycle", tcase);
}
