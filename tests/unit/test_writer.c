/* What the writer does with each kind of entry, around a core that can be foreseen. */
#include "tests/lib/run.h"
#include "tests/lib/writer_fixture.h"

static void set_up(void)
{
	fixture_make_directory();
	harness_now = NOON_US;
	harness_step = 0;
	harness.retain_documents_us = 0;
	harness_start();
}

static void tear_down(void)
{
	if (harness.writer != NULL)
		harness_stop();
	fixture_remove_directory();
}

static void restart(void)
{
	harness_stop();
	harness_start();
}

START_TEST(a_document_is_stored_with_its_position)
{
	harness_push_message(1, "m1", "Acme sinks");
	harness_push_message(2, "m2", "Acme floats");
	harness_flush();
	assert_answer("select id, external_id, title, polarity, score, topics, label, model, applied from documents_v",
		      "1|m1|Acme sinks|negative|-0.5|boeing,acme|Stock Movement|tiny-1|2026-01-05T12:00:00Z\n"
		      "2|m2|Acme floats|negative|-0.5|boeing,acme|Stock Movement|tiny-1|2026-01-05T12:00:00Z");
	assert_answer("select next from positions", "2");
	struct writer_status status = harness_status();
	ck_assert_uint_eq(status.documents, 2);
	ck_assert_int_gt(status.wal_bytes, 0);
	harness_stop();
	ck_assert_str_eq(harness.committed_next, "2");
	ck_assert_uint_eq(fake.documents, 2);
}
END_TEST

START_TEST(a_document_without_a_time_takes_when_it_was_received)
{
	struct item plain = {.kind = ITEM_DOCUMENT, .published_us = TIME_NONE, .received_us = NOON_US - MINUTE_US,
			     .source = "wire", .title = "timeless"};
	harness_push(item_create(&plain));
	harness_flush();
	assert_answer("select published from documents_v", "2026-01-05T11:59:00Z");
}
END_TEST

START_TEST(entries_of_feeds_are_dropped_where_known)
{
	const char *feed = "https://example.com/rss";
	for (int again = 0; again < 2; again++) {
		harness_push(fixture_item(ITEM_UNIQUE, feed, "", "", "e1", "Acme sinks"));
		harness_push(fixture_item(ITEM_UNIQUE, feed, "", "", "e1", "Acme sinks, updated"));
		harness_push(fixture_item(ITEM_UNIQUE, feed, "", "", "e2", "Acme floats"));
		harness_flush();
		ck_assert_uint_eq(harness_status().documents, again ? 0 : 2);
		ck_assert_uint_eq(harness_status().repeats, again ? 3 : 1);
		restart();
	}
	assert_answer("select external_id, title from documents_v", "e1|Acme sinks\ne2|Acme floats");
	assert_answer("select count(*) from rejected_v", "0");
	assert_answer("select sum(total) from trend_hourly", "4");
}
END_TEST

START_TEST(a_repeated_message_id_is_recorded_and_its_position_advances)
{
	harness_push_message(1, "m1", "Acme sinks");
	harness_push_message(2, "m1", "Acme sinks again, in the same batch");
	harness_flush();
	restart();
	harness_push_message(3, "m1", "Acme sinks again, later");
	harness_push_message(4, "", "without an id");
	harness_push_message(5, "", "without an id");
	harness_flush();
	assert_answer("select id, title from documents_v", "1|Acme sinks\n2|without an id\n3|without an id");
	assert_answer("select kind, reason, raw from rejected_v",
		      "repeat|repeat of document 1|Acme sinks again, in the same batch\n"
		      "repeat|repeat of document 1|Acme sinks again, later");
	assert_answer("select next from positions", "5");
	harness_stop();
	ck_assert_uint_eq(fake.documents, 2);
}
END_TEST

START_TEST(what_was_passed_comes_again_and_is_dropped)
{
	for (int64_t n = 1; n <= 5; n++)
		harness_push_message(n, "", "a");
	harness_flush();
	for (int64_t n = 3; n <= 7; n++)
		harness_push_message(n, "", "b");
	harness_flush();
	assert_answer("select count(*), (select next from positions) from documents", "7|7");
	ck_assert_uint_eq(harness_status().repeats, 3);
	ck_assert_int_eq(harness.fatal, 0);
}
END_TEST

START_TEST(a_hole_in_the_chain_ends_the_writer)
{
	harness_push_message(1, "", "a");
	harness_flush();
	harness_push_message(3, "", "c");
	harness_push_message(4, "", "d");
	ck_assert(!writer_flush(harness.writer, 10 * SECOND_US));
	ck_assert_int_eq(harness.fatal, 1);
	ck_assert_msg(strstr(harness.fatal_message, "news/0") != NULL, "%s", harness.fatal_message);
	for (int i = 0; i < 1000; i++) /* nobody waits on it for ever */
		harness_push_message(5, "", "e");
	harness_stop();
	assert_answer("select count(*), (select next from positions) from documents", "1|1");
}
END_TEST

START_TEST(somebody_else_who_moves_a_position_fences_the_writer)
{
	char command[256];
	harness_push_message(1, "", "a");
	harness_flush();
	snprintf(command, sizeof command, "sqlite3 %s \"update positions set next = '9'\"", fixture_path);
	ck_assert_int_eq(system(command), 0);
	harness_push_message(2, "", "b");
	ck_assert(!writer_flush(harness.writer, 10 * SECOND_US));
	ck_assert_int_eq(harness.fatal, 1);
	ck_assert_msg(strstr(harness.fatal_message, "somebody else") != NULL, "%s", harness.fatal_message);
	assert_answer("select count(*), (select next from positions) from documents", "1|9");
}
END_TEST

static void push_kind(enum item_kind kind, const char *previous, const char *next, int64_t published_us, const char *reason)
{
	struct item plain = {.kind = kind, .published_us = published_us, .received_us = NOON_US, .source = "wire",
			     .position = {"news/0", previous, next}, .coordinates = "news/0@7", .body = "{raw", .reason = reason};
	harness_push(item_create(&plain));
}

START_TEST(progress_rejects_and_gaps_move_the_position)
{
	push_kind(ITEM_PROGRESS, "", "1", TIME_NONE, "");
	push_kind(ITEM_PROGRESS, "1", "2", NOON_US, "");
	push_kind(ITEM_REJECT, "2", "3", TIME_NONE, "not JSON");
	push_kind(ITEM_GAP, "3", "9", TIME_NONE, "offsets 3 to 8 are gone");
	harness_flush();
	assert_answer("select kind, reason, coordinates, raw from rejected_v",
		      "unreadable|not JSON|news/0@7|{raw\ngap|offsets 3 to 8 are gone|news/0@7|{raw");
	assert_answer("select gaps, last_gap from source_health", "1|offsets 3 to 8 are gone");
	assert_answer("select next from positions", "9");
	ck_assert_uint_eq(harness_status().rejects, 2);
	harness_stop();
	ck_assert_uint_eq(fake.progress, 2); /* with a time or without: the source is alive */
	ck_assert_uint_eq(fake.documents, 0);
}
END_TEST

/* ---- time ---- */

START_TEST(ticks_fall_on_a_grid_and_are_not_repeated)
{
	harness_now = NOON_US + 7;
	harness_push_message(1, "", "a");
	harness_flush();
	harness_now = NOON_US + 4 * WATCH_TICK_US + 1;
	harness_push_message(2, "", "b");
	harness_flush();
	harness_stop();
	ck_assert_uint_eq(fake.ticks, 4);
	ck_assert_int_eq(fake.first_tick, NOON_US + WATCH_TICK_US);
	ck_assert_int_eq(fake.last_tick, NOON_US + 4 * WATCH_TICK_US);

	harness_now = NOON_US + 1000 * WATCH_TICK_US;
	harness_start();
	harness_push_message(3, "", "c");
	harness_flush();
	harness_stop();
	ck_assert_uint_eq(fake.ticks, 996);
	ck_assert_int_eq(fake.first_tick, NOON_US + 5 * WATCH_TICK_US);
	ck_assert(fake.ticks_in_order);
	harness_start();
}
END_TEST

START_TEST(the_stamp_never_goes_back)
{
	harness_push_message(1, "", "a");
	harness_flush();
	harness_now = NOON_US - DAY_US;
	harness_push_message(2, "", "b");
	harness_flush();
	restart();
	harness_push_message(3, "", "c");
	harness_flush();
	assert_answer("select distinct applied from documents_v", "2026-01-05T12:00:00Z");
}
END_TEST

/* ---- alerts ---- */

static void push_result(int64_t delivery, enum delivery_state state)
{
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_DELIVERY_RESULT;
	entry->result = (struct webhook_result){.delivery = delivery, .state = state, .attempts = 1};
	harness_push_entry(entry);
}

START_TEST(alerts_reach_the_webhook_and_what_is_pending_does_again)
{
	harness_push_message(1, "", "ALERT");
	harness_flush();
	wait_until(harness_status().outbox_pending == 2);
	ck_assert_int_eq(harness_status().outbox_oldest_us, NOON_US);
	push_result(1, DELIVERY_SENT);
	harness_push_message(2, "", "RESOLVE");
	harness_flush();
	wait_until(harness_status().outbox_pending == 3);
	harness_stop();
	ck_assert_uint_eq(fake.delivered, 4);
	ck_assert_str_eq(fake.deliveries[0].receiver, "desk");
	ck_assert_str_eq(fake.deliveries[0].alert, "alert-1");
	ck_assert(!fake.deliveries[1].resolved && fake.deliveries[3].resolved);

	harness_start();
	harness_stop();
	ck_assert_uint_eq(fake.delivered, 3);
	ck_assert_str_eq(fake.deliveries[0].receiver, "chat");
	ck_assert_uint_eq(fake.deliveries[0].event, 1);
	ck_assert_uint_eq(fake.deliveries[2].event, 2);
	harness_start();
}
END_TEST

static void leave(const char *verb, const char *subject, const char *argument)
{
	struct err e = {0};
	struct store_command command = {.verb = (char *)verb, .subject = (char *)subject, .argument = (char *)argument,
					.why = "a reason", .until_us = NOON_US + HOUR_US};
	struct store *desk = store_open(fixture_path, STORE_WRITE, 0, &e);
	ck_assert_msg(desk != NULL && store_add_command(desk, &command, &e) == 0, "%s", e.text);
	store_close(desk);
}

static bool commands_are_done(void)
{
	char *answer = fixture_ask("select count(*) from commands_v where done is null");
	bool done = strcmp(answer, "0") == 0;
	free(answer);
	return done;
}

START_TEST(commands_are_carried_out_within_a_moment)
{
	harness_push_message(1, "", "ALERT");
	push_result(1, DELIVERY_SENT);
	push_result(2, DELIVERY_DEAD);
	harness_flush();
	leave("silence", "rates", "");
	leave("label", "1", "positive");
	leave("redeliver", "alert-1", "");
	wait_until(commands_are_done());
	wait_until(harness_status().outbox_pending == 2);
	assert_answer("select polarity, was from corrections_v", "positive|negative");
	leave("silence", "*", "");
	harness_stop();
	harness_start(); /* left while none ran, or just before the end */
	wait_until(commands_are_done());
	harness_stop();
	ck_assert_str_eq(fake.silenced, "all");
	ck_assert_int_eq(fake.silenced_until, NOON_US + HOUR_US);
	ck_assert_uint_eq(fake.delivered, 2);
	ck_assert_str_eq(fake.deliveries[0].alert, "alert-1");
}
END_TEST

/* ---- reload, health, retention ---- */

static void taken(void *context)
{
	(*(atomic_int *)context)++;
}

START_TEST(a_configuration_takes_its_place_between_items)
{
	static const char *const topics[] = {"acme", "new one", "boeing", "fourth"};
	atomic_int done = 0;
	struct watch_options watch = {.topics = topics, .topic_count = 4, .rules = harness_rules, .rule_count = 1};
	struct writer_configuration configuration = {&watch, fixture_receivers, 1, 0, 0, taken, &done};
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_CONFIGURATION;
	entry->configuration = &configuration;
	harness_push_message(1, "", "before");
	harness_push_entry(entry);
	harness_push_message(2, "", "ALERT behind");
	harness_flush();
	ck_assert_int_eq(done, 1);
	ck_assert_uint_eq(fake.loaded, 1); /* a topic more: what the database knows of it came with all else */
	assert_answer("select title, topics from documents_v", "before|boeing,acme\nALERT behind|acme,boeing");
	assert_answer("select topic from watch_status order by 1", "acme\nboeing\nfourth\nnew one");
	assert_answer("select receiver from delivery_status", "desk");
}
END_TEST

/* Ticks fall due at any moment: what they bring is written under the names that the core had then. */
START_TEST(a_tick_beside_a_configuration_keeps_its_names)
{
	static const char *const topics[] = {"acme"};
	atomic_int done = 0;
	struct watch_options watch = {.topics = topics, .topic_count = 1, .rules = harness_rules, .rule_count = 1};
	struct writer_configuration configuration = {&watch, fixture_receivers, 1, 0, 0, taken, &done};
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_CONFIGURATION;
	entry->configuration = &configuration;
	harness_push_message(1, "", "before");
	harness_flush();
	fake.ticks_count = true;
	harness_step = WATCH_TICK_US;
	harness_push_entry(entry);
	wait_until(done == 1);
	harness_step = 0;
	harness_flush();
	ck_assert_int_eq(harness.fatal, 0);
	/* boeing and acme by the document; acme, the last topic of both, by the ticks. */
	assert_answer("select topic, sum(total) > 1 from trend_hourly group by topic order by topic", "acme|1\nboeing|0");
}
END_TEST

START_TEST(health_is_stored_when_it_says_something_new)
{
	struct store_source_health rows[] = {{"wire", "", "ok", "", NOON_US, 1}, {"wire", "news/0", "ok", "", NOON_US, 1}};
	struct store_source_health feeds = {"feeds", "", "down", "no route", TIME_NONE, -1};
	writer_put_health(harness.writer, rows, 2);
	writer_put_health(harness.writer, &feeds, 1);
	harness_flush();
	wait_until(harness_status().batches == 1);
	assert_answer("select source, stream, state, message, lag from source_health order by 1, 2",
		      "feeds||down|no route|\nwire||ok||1\nwire|news/0|ok||1");
	rows[0].lag = 2;
	writer_put_health(harness.writer, rows, 2);
	writer_put_health(harness.writer, &feeds, 1);
	harness_flush();
	ck_assert_uint_eq(harness_status().batches, 1); /* nothing that could not wait */
	rows[0].state = "warning";
	writer_put_health(harness.writer, rows, 1);
	wait_until(harness_status().batches == 2);
	assert_answer("select source, stream, state, lag from source_health order by 1, 2", "feeds||down|\nwire||warning|2");
}
END_TEST

START_TEST(a_notice_is_stored_and_sent_by_itself)
{
	char payload[] = "{\"state\":\"firing\"}";
	struct watch_alert alert = fixture_alert(1, ALERT_FIRING, true);
	const char *receivers[] = {"chat"};
	struct store_notice notice = {.subject = "disk", .alert = &alert, .payload = payload, .receivers = receivers,
				      .receiver_count = 1};
	writer_put_notice(harness.writer, &notice);
	memset(payload, 'x', sizeof payload - 1); /* it was copied */
	memset(&alert, 0, sizeof alert);
	wait_until(harness_status().outbox_pending == 1);
	assert_answer("select topic, rule, state from alert_history", "disk|bellwether|firing");
	assert_answer("select payload from alert_events", "{\"state\":\"firing\"}");
	harness_stop();
	ck_assert_uint_eq(fake.delivered, 1);
	ck_assert_str_eq(fake.deliveries[0].receiver, "chat");
	ck_assert_str_eq(fake.deliveries[0].payload, "{\"state\":\"firing\"}");
}
END_TEST

START_TEST(retention_comes_by_itself)
{
	for (int64_t n = 1; n <= 3000; n++)
		harness_push_message(n, "", "old");
	harness_flush();
	harness_stop();
	harness.retain_documents_us = 90 * DAY_US;
	harness_now = NOON_US + 91 * DAY_US;
	harness_start();
	struct item *item = fixture_item(0, "news/0", "3000", "3001", "", "new");
	item->received_us = harness_now;
	harness_push(item);
	harness_flush();
	for (int i = 0; i < 400; i++) {
		char *left = fixture_ask("select group_concat(title) from documents_v");
		bool done = strcmp(left, "new") == 0;
		free(left);
		if (done)
			break;
		usleep(50000);
	}
	assert_answer("select id, title from documents_v", "3001|new");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("writer");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_document_is_stored_with_its_position);
	tcase_add_test(tcase, a_document_without_a_time_takes_when_it_was_received);
	tcase_add_test(tcase, entries_of_feeds_are_dropped_where_known);
	tcase_add_test(tcase, a_repeated_message_id_is_recorded_and_its_position_advances);
	tcase_add_test(tcase, what_was_passed_comes_again_and_is_dropped);
	tcase_add_test(tcase, a_hole_in_the_chain_ends_the_writer);
	tcase_add_test(tcase, somebody_else_who_moves_a_position_fences_the_writer);
	tcase_add_test(tcase, progress_rejects_and_gaps_move_the_position);
	tcase_add_test(tcase, ticks_fall_on_a_grid_and_are_not_repeated);
	tcase_add_test(tcase, the_stamp_never_goes_back);
	tcase_add_test(tcase, alerts_reach_the_webhook_and_what_is_pending_does_again);
	tcase_add_test(tcase, commands_are_carried_out_within_a_moment);
	tcase_add_test(tcase, a_configuration_takes_its_place_between_items);
	tcase_add_test(tcase, a_tick_beside_a_configuration_keeps_its_names);
	tcase_add_test(tcase, health_is_stored_when_it_says_something_new);
	tcase_add_test(tcase, a_notice_is_stored_and_sent_by_itself);
	tcase_add_test(tcase, retention_comes_by_itself);
	return run_case("writer", tcase);
}
