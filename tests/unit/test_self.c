/* Alerts on the daemon itself: the states of a subject, and what makes one bad or good. */
#include "alerts/self.h"
#include "daemon/base/clock.h"
#include "daemon/self_check.h"
#include "tests/lib/run.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define START_US (INT64_C(1767614400) * SECOND_US)

static struct self *self;
static struct self_check *check;
static int64_t now;

static void set_up(void)
{
	now = START_US;
	self = self_create();
	check = self_check_create(now);
}

static void tear_down(void)
{
	self_free(self);
	self_check_free(check);
}

/* What was told since the last call: "fired disk#1 resolved disk#2". */
static const char *told(void)
{
	static char text[1024];
	static const char *const names[] = {[CHANGE_FIRED] = "fired", [CHANGE_ESCALATED] = "escalated",
					    [CHANGE_RESOLVED] = "resolved"};
	size_t count, at = 0;
	const struct self_change *changes = self_changes(self, &count);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %s#%u", i > 0 ? " " : "",
				       names[changes[i].alert.change], changes[i].subject, changes[i].alert.event);
	self_clear(self);
	return text;
}

static void observe(enum self_verdict verdict, int64_t raise_after_us, int64_t clear_after_us, uint32_t level)
{
	self_observe(self, &(struct self_observation){"disk", verdict, raise_after_us, clear_after_us, level, "Room runs out."}, now);
	self_end_round(self, now);
}

/* ---- the states ---- */

START_TEST(what_is_bad_for_a_moment_is_not_told)
{
	for (int i = 0; i < 10; i++) {
		observe(SELF_BAD, MINUTE_US, 0, 1);
		now += 59 * SECOND_US;
		observe(SELF_BAD, MINUTE_US, 0, 1);
		now += SECOND_US / 2;
		observe(SELF_GOOD, MINUTE_US, 0, 1);
		ck_assert_str_eq(told(), "");
	}
}
END_TEST

START_TEST(what_stays_bad_is_told_once_and_resolves_once)
{
	observe(SELF_BAD, MINUTE_US, MINUTE_US, 1);
	for (int i = 0; i < 100; i++, now += 10 * SECOND_US)
		observe(SELF_BAD, MINUTE_US, MINUTE_US, 1);
	ck_assert_str_eq(told(), "fired disk#1");
	/* About its limit: nothing, for however long. */
	for (int i = 0; i < 100; i++, now += 10 * SECOND_US)
		observe(i % 2 == 0 ? SELF_GOOD : SELF_BAD, MINUTE_US, MINUTE_US, 1);
	ck_assert_str_eq(told(), "");
	for (int i = 0; i < 100; i++, now += 10 * SECOND_US)
		observe(SELF_GOOD, MINUTE_US, MINUTE_US, 1);
	ck_assert_str_eq(told(), "resolved disk#2");
}
END_TEST

START_TEST(what_is_not_known_changes_nothing)
{
	observe(SELF_BAD, MINUTE_US, MINUTE_US, 1);
	now += MINUTE_US / 2;
	observe(SELF_UNSURE, MINUTE_US, MINUTE_US, 1);
	now += MINUTE_US / 2;
	observe(SELF_BAD, MINUTE_US, MINUTE_US, 1);
	ck_assert_str_eq(told(), "fired disk#1");
	for (int i = 0; i < 10; i++, now += HOUR_US)
		observe(SELF_UNSURE, MINUTE_US, MINUTE_US, 1);
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(worse_is_told_again_once_an_hour)
{
	observe(SELF_BAD, 0, 0, 1);
	ck_assert_str_eq(told(), "fired disk#1");
	for (int i = 0; i < 59; i++, now += MINUTE_US)
		observe(SELF_BAD, 0, 0, 2 + (uint32_t)i);
	ck_assert_str_eq(told(), "");
	now += MINUTE_US;
	observe(SELF_BAD, 0, 0, 80);
	ck_assert_str_eq(told(), "escalated disk#2");
	now += 2 * HOUR_US;
	observe(SELF_BAD, 0, 0, 80);
	ck_assert_str_eq(told(), "");
	observe(SELF_GOOD, 0, 0, 1);
	ck_assert_str_eq(told(), "resolved disk#3");
}
END_TEST

START_TEST(a_subject_that_is_gone_ends_its_alert)
{
	observe(SELF_BAD, 0, 0, 1);
	ck_assert_str_eq(told(), "fired disk#1");
	self_end_round(self, now);
	ck_assert_str_eq(told(), "resolved disk#2");
	self_end_round(self, now);
	ck_assert_str_eq(told(), "");
}
END_TEST

/* The clock is set back by a day: the alert comes after the time that is asked for, not after a day. */
START_TEST(a_clock_set_back_delays_nothing)
{
	observe(SELF_BAD, MINUTE_US, 0, 1);
	now -= DAY_US;
	observe(SELF_BAD, MINUTE_US, 0, 1);
	now += MINUTE_US;
	observe(SELF_BAD, MINUTE_US, 0, 1);
	ck_assert_str_eq(told(), "fired disk#1");
}
END_TEST

/* What was stored is what goes on: the same id, the next event, nothing told twice. */
START_TEST(a_restart_neither_repeats_nor_forgets)
{
	size_t count;
	observe(SELF_BAD, 0, 0, 3);
	struct watch_alert stored = self_changes(self, &count)->alert;
	ck_assert_uint_eq(count, 1);
	self_free(self);
	self = self_create();
	self_load(self, "disk", &stored);
	now += MINUTE_US;
	observe(SELF_BAD, 0, 0, 3);
	ck_assert_str_eq(told(), "");
	observe(SELF_GOOD, 0, 0, 1);
	const struct self_change *change = self_changes(self, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(change->alert.id, stored.id);
	ck_assert_int_eq(change->alert.started_us, stored.started_us);
	ck_assert_str_eq(told(), "resolved disk#2");
}
END_TEST

START_TEST(another_time_has_another_id)
{
	char id[32];
	size_t count;
	observe(SELF_BAD, 0, 0, 1);
	snprintf(id, sizeof id, "%s", self_changes(self, &count)->alert.id);
	self_clear(self);
	observe(SELF_GOOD, 0, 0, 1);
	self_clear(self);
	now += SECOND_US;
	observe(SELF_BAD, 0, 0, 1);
	ck_assert_str_ne(self_changes(self, &count)->alert.id, id);
}
END_TEST

START_TEST(the_payload_has_every_key_that_alerts_have)
{
	static const char *const keys[] = {"id", "event", "rule", "topic", "state", "at", "started", "fired", "resolved",
					   "window_s", "count", "peak_count", "expected", "ratio", "p_value", "documents",
					   "publishers", "late", "evidence", "change", "message"};
	size_t count, at = 0;
	observe(SELF_BAD, 0, 0, 1);
	char *payload = self_write_payload(self_changes(self, &count));
	json_t *json = json_loads(payload, 0, NULL), *value;
	const char *key;
	ck_assert_ptr_nonnull(json);
	json_object_foreach(json, key, value)
		ck_assert_str_eq(key, keys[at++]);
	ck_assert_uint_eq(at, sizeof keys / sizeof *keys);
	ck_assert_str_eq(json_string_value(json_object_get(json, "rule")), "bellwether");
	ck_assert_str_eq(json_string_value(json_object_get(json, "topic")), "disk");
	ck_assert_str_eq(json_string_value(json_object_get(json, "state")), "firing");
	ck_assert_str_eq(json_string_value(json_object_get(json, "change")), "fired");
	ck_assert_str_eq(json_string_value(json_object_get(json, "message")), "Room runs out.");
	ck_assert_uint_eq(json_array_size(json_object_get(json, "evidence")), 0);
	json_decref(json);
	free(payload);
}
END_TEST

/* ---- sources ---- */

static const struct self_limits limits = {
	.source_down_us = 15 * MINUTE_US,
	.silent_us = 2 * DAY_US,
	.lag_us = 15 * MINUTE_US,
	.outbox_age_us = 15 * MINUTE_US,
	.clock_us = 10 * MINUTE_US,
	.wal_bytes = 1 << 30,
	.disk_free_bytes = 1 << 30,
	.gap = true,
	.hold_us = MINUTE_US,
};

static struct source_health health;

static void look_at(const struct source_part *parts, size_t count, int64_t interval_us)
{
	struct self_source seen = {"wire", &health, parts, count, interval_us};
	self_check_source(check, self, &limits, &seen, now);
	self_end_round(self, now);
}

/* A look every five seconds. */
static void pass(int64_t span_us)
{
	for (int64_t until = now + span_us; now < until; now += 5 * SECOND_US)
		look_at(NULL, 0, 0);
}

START_TEST(a_broker_restart_of_a_minute_wakes_nobody)
{
	for (int i = 0; i < 20; i++) {
		health = (struct source_health){.state = SOURCE_OK, .lag = 0, .documents = 10};
		pass(10 * MINUTE_US);
		health = (struct source_health){.state = SOURCE_DOWN, .lag = -1, .documents = 10};
		pass(MINUTE_US);
	}
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(a_dead_source_is_told_after_its_time)
{
	health = (struct source_health){.state = SOURCE_DOWN, .lag = -1, .message = "no broker can be reached"};
	pass(15 * MINUTE_US);
	ck_assert_str_eq(told(), "");
	pass(10 * SECOND_US);
	size_t count;
	const struct self_change *change = self_changes(self, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_nonnull(strstr(change->message, "no broker can be reached"));
	ck_assert_str_eq(told(), "fired source wire#1");
	health.state = SOURCE_STARTING;
	pass(HOUR_US);
	ck_assert_str_eq(told(), "");
	health.state = SOURCE_OK;
	pass(2 * MINUTE_US);
	ck_assert_str_eq(told(), "resolved source wire#2");
}
END_TEST

START_TEST(a_consumer_without_partitions_is_as_good_as_down)
{
	health = (struct source_health){.state = SOURCE_WARNING, .lag = -1, .message = "not in group yet"};
	pass(16 * MINUTE_US);
	ck_assert_str_eq(told(), "fired source wire#1");
}
END_TEST

START_TEST(dead_feeds_are_told_together)
{
	struct source_part parts[3] = {{.stream = "https://a/", .state = SOURCE_DOWN, .message = "HTTP 500"},
				       {.stream = "https://b/", .state = SOURCE_OK},
				       {.stream = "https://c/", .state = SOURCE_OK}};
	health = (struct source_health){.state = SOURCE_WARNING, .lag = -1, .documents = 1};
	for (int i = 0; i < 60; i++, now += MINUTE_US)
		look_at(parts, 3, 5 * MINUTE_US);
	ck_assert_str_eq(told(), "fired feeds wire#1");
	/* One more is worse; all of them are the source's matter. */
	parts[1].state = SOURCE_DOWN;
	parts[1].last_progress_us = now;
	for (int i = 0; i < 60; i++, now += MINUTE_US)
		look_at(parts, 3, 5 * MINUTE_US);
	ck_assert_str_eq(told(), "escalated feeds wire#2");
	parts[2].state = SOURCE_DOWN;
	health.state = SOURCE_DOWN;
	for (int i = 0; i < 60; i++, now += MINUTE_US)
		look_at(parts, 3, 5 * MINUTE_US);
	ck_assert_str_eq(told(), "fired source wire#1");
}
END_TEST

/* A feed that is asked once a day is not dead because it failed an hour ago. */
START_TEST(patience_is_two_polls_at_least)
{
	struct source_part parts[2] = {{.stream = "https://a/", .state = SOURCE_DOWN}, {.state = SOURCE_OK}};
	health = (struct source_health){.state = SOURCE_WARNING, .lag = -1, .documents = 1};
	for (int i = 0; i < 47; i++, now += HOUR_US)
		look_at(parts, 2, DAY_US);
	ck_assert_str_eq(told(), "");
	for (int i = 0; i < 3; i++, now += HOUR_US)
		look_at(parts, 2, DAY_US);
	ck_assert_str_eq(told(), "fired feeds wire#1 fired silent wire#1");
}
END_TEST

START_TEST(silence_counts_from_before_the_start)
{
	self_check_past(check, &(struct store_source_past){"wire", START_US - 2 * DAY_US + HOUR_US, TIME_NONE, ""});
	health = (struct source_health){.state = SOURCE_OK};
	pass(59 * MINUTE_US);
	ck_assert_str_eq(told(), "");
	pass(2 * MINUTE_US);
	ck_assert_str_eq(told(), "fired silent wire#1");
	health.documents = 1;
	pass(10 * SECOND_US);
	ck_assert_str_eq(told(), "resolved silent wire#2");
}
END_TEST

/* `rate` messages come a second and `speed` are read. */
static void stream(int64_t span_us, int64_t rate, int64_t speed)
{
	for (int64_t until = now + span_us; now < until; now += 5 * SECOND_US) {
		look_at(NULL, 0, 0);
		int64_t behind = health.lag + 5 * rate, read = behind < 5 * speed ? behind : 5 * speed;
		health.documents += (uint64_t)read;
		health.lag = behind - read;
	}
}

START_TEST(a_busy_stream_is_no_lag)
{
	health = (struct source_health){.state = SOURCE_OK};
	stream(2 * HOUR_US, 1000, 2000);
	/* A constant handful is always on its way. */
	for (int64_t until = now + 2 * HOUR_US; now < until; now += 5 * SECOND_US) {
		health.documents += 5000;
		health.lag = 300;
		look_at(NULL, 0, 0);
	}
	/* A backlog that is read within minutes. */
	health.lag = 600000;
	stream(HOUR_US, 100, 2000);
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(old_messages_are_a_lag)
{
	health = (struct source_health){.state = SOURCE_OK, .lag = 3600000};
	stream(14 * MINUTE_US, 0, 1000);
	ck_assert_str_eq(told(), "");
	stream(3 * MINUTE_US, 0, 1000);
	ck_assert_str_eq(told(), "fired lag wire#1");
	stream(50 * MINUTE_US, 0, 1000);
	ck_assert_str_eq(told(), "resolved lag wire#2");
}
END_TEST

START_TEST(a_lag_that_grows_is_told_before_it_is_old)
{
	health = (struct source_health){.state = SOURCE_OK};
	stream(50 * MINUTE_US, 1010, 1000);
	ck_assert_str_eq(told(), "fired lag wire#1");
	ck_assert_int_lt(health.lag, 15 * 60 * 1000);
	stream(HOUR_US, 100, 1000);
	ck_assert_str_eq(told(), "resolved lag wire#2");
}
END_TEST

START_TEST(a_gap_is_told_at_once_and_once)
{
	health = (struct source_health){.state = SOURCE_OK};
	self_check_gap(check, "wire", "the log starts at 1000, not at 200", now);
	look_at(NULL, 0, 0);
	size_t count;
	ck_assert_ptr_nonnull(strstr(self_changes(self, &count)->message, "not at 200"));
	ck_assert_str_eq(told(), "fired gap wire#1");
	pass(59 * MINUTE_US);
	ck_assert_str_eq(told(), "");
	pass(2 * MINUTE_US);
	ck_assert_str_eq(told(), "resolved gap wire#2");
}
END_TEST

/* Stored, and the process died before it told: it tells now.  One that was told long ago is over. */
START_TEST(a_gap_of_before_the_start_is_told_while_it_is_fresh)
{
	health = (struct source_health){.state = SOURCE_OK};
	self_check_past(check, &(struct store_source_past){"wire", now, now - 2 * HOUR_US, "old"});
	look_at(NULL, 0, 0);
	ck_assert_str_eq(told(), "");
	self_check_past(check, &(struct store_source_past){"wire", now, now - MINUTE_US, "fresh"});
	look_at(NULL, 0, 0);
	ck_assert_str_eq(told(), "fired gap wire#1");
}
END_TEST

/* ---- the database ---- */

static void look_at_database(struct writer_status *status, int64_t free_bytes, int64_t span_us)
{
	for (int64_t until = now + span_us; now < until; now += 5 * SECOND_US) {
		self_check_database(self, &limits, &(struct self_database){status, free_bytes}, now);
		self_end_round(self, now);
	}
}

START_TEST(a_disk_has_two_limits)
{
	struct writer_status status = {.outbox_oldest_us = TIME_NONE};
	const int64_t limit = limits.disk_free_bytes;
	look_at_database(&status, 2 * limit, HOUR_US);
	look_at_database(&status, limit - 1, MINUTE_US / 2);
	look_at_database(&status, limit + limit / 8, HOUR_US);
	look_at_database(&status, 2 * limit, MINUTE_US);
	ck_assert_str_eq(told(), "");
	look_at_database(&status, limit - 1, 2 * MINUTE_US);
	ck_assert_str_eq(told(), "fired disk#1");
	look_at_database(&status, limit + limit / 8, HOUR_US);
	ck_assert_str_eq(told(), "");
	look_at_database(&status, 2 * limit, 2 * MINUTE_US);
	ck_assert_str_eq(told(), "resolved disk#2");
}
END_TEST

START_TEST(a_database_that_cannot_be_written_is_a_disk_alert)
{
	struct writer_status status = {.outbox_oldest_us = TIME_NONE, .waiting = true, .message = "database or disk is full"};
	look_at_database(&status, -1, 2 * MINUTE_US);
	size_t count;
	ck_assert_ptr_nonnull(strstr(self_changes(self, &count)->message, "database or disk is full"));
	ck_assert_str_eq(told(), "fired disk#1");
	status.waiting = false;
	look_at_database(&status, 2 * limits.disk_free_bytes, 2 * MINUTE_US);
	ck_assert_str_eq(told(), "resolved disk#2");
}
END_TEST

START_TEST(wal_and_outbox_have_their_own)
{
	struct writer_status status = {.outbox_oldest_us = now, .outbox_pending = 7, .wal_bytes = limits.wal_bytes + 1};
	look_at_database(&status, 2 * limits.disk_free_bytes, 20 * MINUTE_US);
	ck_assert_str_eq(told(), "fired wal#1 fired outbox#1");
	status.wal_bytes = limits.wal_bytes / 2 + 1;
	status.outbox_oldest_us = now - 10 * MINUTE_US;
	look_at_database(&status, 2 * limits.disk_free_bytes, MINUTE_US);
	ck_assert_str_eq(told(), "");
	status.wal_bytes = 0;
	status.outbox_oldest_us = TIME_NONE;
	look_at_database(&status, 2 * limits.disk_free_bytes, 2 * MINUTE_US);
	ck_assert_str_eq(told(), "resolved wal#2 resolved outbox#2");
}
END_TEST

START_TEST(a_clock_behind_the_database_is_told)
{
	struct writer_status status = {.outbox_oldest_us = TIME_NONE, .applied_us = now + 5 * HOUR_US};
	look_at_database(&status, 2 * limits.disk_free_bytes, 2 * MINUTE_US);
	size_t count;
	ck_assert_ptr_nonnull(strstr(self_changes(self, &count)->message, "hours behind what was stored last"));
	ck_assert_str_eq(told(), "fired clock#1");
	status.applied_us = now;
	look_at_database(&status, 2 * limits.disk_free_bytes, 2 * MINUTE_US);
	ck_assert_str_eq(told(), "resolved clock#2");
	status.applied_us = TIME_NONE;
	look_at_database(&status, 2 * limits.disk_free_bytes, 2 * MINUTE_US);
	ck_assert_str_eq(told(), "");
}
END_TEST


START_TEST(a_gpu_that_was_left_is_told_at_once_and_once)
{
	for (int i = 0; i < 3; i++, now += 5 * SECOND_US) {
		self_check_gpu(self, NULL, now);
		self_end_round(self, now);
	}
	ck_assert_str_eq(told(), "");
	self_check_gpu(self, "the CPU has taken over from cuda-sm90: it was lost", now);
	size_t count;
	const struct self_change *change = self_changes(self, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(change->message, "The model runs more slowly until the daemon is started again: the CPU has taken over "
					  "from cuda-sm90: it was lost.");
	ck_assert_str_eq(told(), "fired gpu#1");
	self_check_gpu(self, "the CPU has taken over from cuda-sm90: it was lost", now + HOUR_US);
	ck_assert_str_eq(told(), "");
	self_check_gpu(self, NULL, now + 2 * HOUR_US); /* another start */
	ck_assert_str_eq(told(), "resolved gpu#2");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("self");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_clock_behind_the_database_is_told);
	tcase_add_test(tcase, what_is_bad_for_a_moment_is_not_told);
	tcase_add_test(tcase, what_stays_bad_is_told_once_and_resolves_once);
	tcase_add_test(tcase, what_is_not_known_changes_nothing);
	tcase_add_test(tcase, worse_is_told_again_once_an_hour);
	tcase_add_test(tcase, a_subject_that_is_gone_ends_its_alert);
	tcase_add_test(tcase, a_clock_set_back_delays_nothing);
	tcase_add_test(tcase, a_restart_neither_repeats_nor_forgets);
	tcase_add_test(tcase, another_time_has_another_id);
	tcase_add_test(tcase, the_payload_has_every_key_that_alerts_have);
	tcase_add_test(tcase, a_broker_restart_of_a_minute_wakes_nobody);
	tcase_add_test(tcase, a_dead_source_is_told_after_its_time);
	tcase_add_test(tcase, a_consumer_without_partitions_is_as_good_as_down);
	tcase_add_test(tcase, dead_feeds_are_told_together);
	tcase_add_test(tcase, patience_is_two_polls_at_least);
	tcase_add_test(tcase, silence_counts_from_before_the_start);
	tcase_add_test(tcase, a_busy_stream_is_no_lag);
	tcase_add_test(tcase, old_messages_are_a_lag);
	tcase_add_test(tcase, a_lag_that_grows_is_told_before_it_is_old);
	tcase_add_test(tcase, a_gap_is_told_at_once_and_once);
	tcase_add_test(tcase, a_gap_of_before_the_start_is_told_while_it_is_fresh);
	tcase_add_test(tcase, a_disk_has_two_limits);
	tcase_add_test(tcase, a_database_that_cannot_be_written_is_a_disk_alert);
	tcase_add_test(tcase, wal_and_outbox_have_their_own);
	tcase_add_test(tcase, a_gpu_that_was_left_is_told_at_once_and_once);
	return run_case("self", tcase);
}
