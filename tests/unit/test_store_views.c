/* What SQL shows of what was written; the outbox, commands and retention. */
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"

static struct store *store;

static void set_up(void)
{
	fixture_make_directory();
	store = fixture_open();
}

static void tear_down(void)
{
	store_close(store);
	fixture_remove_directory();
}

static void put(int64_t id, const char *external, enum polarity polarity)
{
	struct item *item = fixture_item(0, "news/0", "", "", external, "Acme sinks");
	struct store_document document = fixture_document(id, item);
	document.polarity = polarity;
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US + id, .documents = &document, .document_count = 1});
	item_free(item);
}

/* ---- columns ---- */

static const struct {
	const char *view, *columns;
} promised[] = {
	{"documents_v", "id,source,external_id,publisher,published,received,applied,title,url,polarity,score,topics,label,story,model"},
	{"trend_hourly", "topic,bucket,total,negative,neutral,positive,mean_score,stories"},
	{"trend_daily", "topic,bucket,total,negative,neutral,positive,mean_score,stories"},
	{"alert_history", "id,rule,topic,state,started,fired,resolved,peak_count,expected,evidence"},
	{"delivery_status", "alert_id,receiver,state,attempts,last_error,next_try"},
	{"top_stories", "topic,story,title,url,publisher,documents,publishers"},
	{"watch_status", "topic,state,rule,alert,since,count,peak_count,expected,ratio,silenced_until"},
	{"source_health", "source,stream,state,message,last_progress,lag,updated,gaps"},
	{"rejected_v", "id,source,stream,kind,coordinates,external_id,reason,received,applied,raw"},
	{"corrections_v", "document,polarity,was,at,title"},
	{"silences_v", "kind,name,topic,starts,until,active,why,weekly,timezone"},
	{"commands_v", "id,verb,subject,argument,why,until,created,done,problem"},
};

START_TEST(views_begin_with_the_promised_columns)
{
	char sql[128];
	snprintf(sql, sizeof sql, "select group_concat(name) from pragma_table_info('%s')", promised[_i].view);
	char *columns = fixture_ask(sql);
	size_t length = strlen(promised[_i].columns);
	ck_assert_msg(strncmp(columns, promised[_i].columns, length) == 0 && (columns[length] == '\0' || columns[length] == ','),
		      "%s: %s", promised[_i].view, columns);
	free(columns);
}
END_TEST

START_TEST(a_document_reads_as_it_was_written)
{
	put(7, "m1", POLARITY_NEGATIVE);
	put(8, "", POLARITY_NONE);
	assert_answer("select * from documents_v",
		      "7|wire|m1|Example Wire|2026-01-05T11:00:00Z|2026-01-05T12:00:00Z|2026-01-05T12:00:00Z|Acme sinks|"
		      "https://example.com/1|negative|-0.5|boeing,acme|Earnings|7|tiny-1\n"
		      "8|wire||Example Wire|2026-01-05T11:00:00Z|2026-01-05T12:00:00Z|2026-01-05T12:00:00Z|Acme sinks|"
		      "https://example.com/1|||boeing,acme|Earnings|8|tiny-1");
}
END_TEST

START_TEST(buckets_add_up)
{
	struct watch_bucket buckets[] = {
		{.topic = 0, .width_s = 3600, .start_s = NOON_US / SECOND_US, .total = 3, .negative = 1, .positive = 1, .unjudged = 1,
		 .score_sum = 0.25, .stories = 2, .judged_stories = 2, .negative_stories = 1},
		{.topic = 2, .width_s = 86400, .start_s = NOON_US / SECOND_US - 43200, .total = 1, .unjudged = 1},
	};
	struct watch_effects effects = {.increments = buckets, .increment_count = 2};
	for (int i = 0; i < 2; i++)
		fixture_write(store, &(struct store_batch){.applied_us = NOON_US + i, .effects = &effects});
	assert_answer("select * from trend_hourly", "boeing|2026-01-05T12:00:00Z|6|2|0|2|0.125|4");
	assert_answer("select * from trend_daily", "acme|2026-01-05T00:00:00Z|2|0|0|0||0");
}
END_TEST

static void put_story(int64_t id, int64_t story, const char *publisher, int64_t applied_us)
{
	struct item plain = {.kind = ITEM_DOCUMENT, .published_us = NOON_US, .received_us = applied_us, .source = "wire",
			     .position = {"news/0", "", ""}, .publisher = publisher, .title = id == story ? "The first" : "A copy"};
	struct item *item = item_create(&plain);
	struct store_document document = fixture_document(id, item);
	document.story = story;
	document.topic_count = 1;
	fixture_write(store, &(struct store_batch){.applied_us = applied_us, .documents = &document, .document_count = 1});
	item_free(item);
}

START_TEST(top_stories_count_copies_and_publishers)
{
	put_story(1, 1, "Old Wire", NOON_US - 2 * DAY_US);
	put_story(2, 2, "Example Wire", NOON_US);
	put_story(3, 3, "Solo", NOON_US);
	put_story(4, 2, "Other Wire", NOON_US);
	put_story(5, 2, "Other Wire", NOON_US + HOUR_US);
	assert_answer("select topic, story, title, publisher, documents, publishers from top_stories",
		      "boeing|2|The first|Example Wire|3|2\nboeing|3|The first|Solo|1|1");
}
END_TEST

/* ---- rejects and health ---- */

static void reject(enum reject_kind kind, const char *reason, int64_t first)
{
	struct item plain = {.kind = ITEM_REJECT, .received_us = NOON_US, .source = "wire", .position = {"news/0", "", ""},
			     .external_id = "m1", .coordinates = "news/0@9", .title = "A title", .body = "{broken",
			     .reason = reason};
	struct item *item = item_create(&plain);
	struct store_reject one = {kind, item, first};
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .rejects = &one, .reject_count = 1});
	item_free(item);
}

START_TEST(what_made_no_document_is_shown)
{
	reject(REJECT_UNREADABLE, "not JSON", 0);
	reject(REJECT_GAP, "offsets 5 to 9 are gone", 0);
	reject(REJECT_REPEAT, "", 17);
	assert_answer("select id, source, stream, kind, coordinates, external_id, reason, raw from rejected_v",
		      "1|wire|news/0|unreadable|news/0@9|m1|not JSON|{broken\n"
		      "2|wire|news/0|gap|news/0@9|m1|offsets 5 to 9 are gone|{broken\n"
		      "3|wire|news/0|repeat|news/0@9|m1|repeat of document 17|A title");
	assert_answer("select source, stream, state, gaps, last_gap from source_health",
		      "wire|news/0|gap|1|offsets 5 to 9 are gone");
}
END_TEST

START_TEST(health_rows_replace_those_of_their_source)
{
	struct store_source_health first[] = {
		{"wire", "", "warning", "one partition of two", NOON_US, 12},
		{"wire", "news/0", "ok", "", NOON_US, 12},
		{"feeds", "", "ok", "", TIME_NONE, -1},
	};
	struct store_source_health second[] = {{"wire", "", "ok", "", NOON_US + HOUR_US, 0}};
	reject(REJECT_GAP, "gone", 0);
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .health = first, .health_count = 3});
	assert_answer("select source, stream, state, message, last_progress, lag, gaps from source_health order by 1, 2",
		      "feeds||ok||||0\nwire||warning|one partition of two|2026-01-05T12:00:00Z|12|0\n"
		      "wire|news/0|ok||2026-01-05T12:00:00Z|12|1");
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .health = second, .health_count = 1});
	assert_answer("select source, stream, state from source_health order by 1, 2",
		      "feeds||ok\nwire||ok\nwire|news/0|gap");
	fixture_write(store, &(struct store_batch){
				     .applied_us = NOON_US, .health = second, .health_count = 1, .forget_health = true});
	assert_answer("select count(*) from health", "1");
}
END_TEST

/* ---- alerts and the outbox ---- */

static void raise(uint32_t event, enum alert_state state, bool notify)
{
	struct watch_alert alert = fixture_alert(event, state, notify);
	struct watch_effects effects = {.alerts = &alert, .alert_count = 1};
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US + event, .effects = &effects});
}

START_TEST(an_alert_is_one_row_from_first_to_last)
{
	raise(1, ALERT_PENDING, false);
	assert_answer("select topic, state, rule, alert, count from watch_status order by topic",
		      "acme|ok|||\nboeing|pending|spike|spike-boeing-1|9\nrates|ok|||");
	raise(2, ALERT_FIRING, true);
	assert_answer("select state from watch_status where topic = 'boeing'", "firing");
	raise(3, ALERT_RESOLVED, true);
	assert_answer("select state from watch_status where topic = 'boeing'", "ok");
	assert_answer("select id, rule, topic, state, started, fired, resolved, peak_count, expected,"
		      " json_extract(evidence, '$[0].title'), window_s from alert_history",
		      "spike-boeing-1|spike|boeing|resolved|2026-01-05T11:59:00Z|2026-01-05T12:00:00Z|2026-01-05T13:00:00Z|12|"
		      "2.25|Acme \"sinks\"|3600");
	assert_answer("select event, state, notify, json_extract(payload, '$.state') from alert_events",
		      "1|1|0|pending\n2|2|1|firing\n3|3|1|resolved");
}
END_TEST

START_TEST(an_event_that_comes_twice_is_told_once)
{
	raise(1, ALERT_FIRING, true);
	raise(1, ALERT_RESOLVED, true);
	assert_answer("select state, (select group_concat(state) from alert_events), (select count(*) from deliveries)"
		      " from alert_history", "resolved|2|2");
}
END_TEST

static size_t load(int64_t after, struct delivery **deliveries)
{
	size_t count;
	struct err e = {0};
	ck_assert_msg(store_load_outbox(store, after, deliveries, &count, &e) == 0, "%s", e.text);
	return count;
}

static void deliver(int64_t id, enum delivery_state state, uint32_t attempts, const char *error)
{
	struct store_delivery result = {id, state, attempts, NOON_US + HOUR_US, error};
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US + MINUTE_US, .deliveries = &result, .delivery_count = 1});
}

START_TEST(deliveries_are_made_kept_and_finished)
{
	struct delivery *due;
	raise(1, ALERT_PENDING, false);
	ck_assert_uint_eq(load(0, &due), 0);
	deliveries_free(due, 0);
	raise(2, ALERT_FIRING, true);
	raise(3, ALERT_RESOLVED, true);
	ck_assert_uint_eq(load(0, &due), 4);
	ck_assert_str_eq(due[0].receiver, "desk");
	ck_assert_str_eq(due[1].receiver, "chat");
	ck_assert_str_eq(due[3].alert, "spike-boeing-1");
	ck_assert_uint_eq(due[3].event, 3);
	ck_assert(due[3].resolved && !due[0].resolved);
	ck_assert_ptr_nonnull(strstr(due[0].payload, "\"state\":\"firing\""));
	ck_assert_int_eq(due[0].next_try_us, 0);
	int64_t first = due[0].id;
	deliveries_free(due, 4);

	deliver(first, DELIVERY_PENDING, 1, "503");
	deliver(first + 1, DELIVERY_DEAD, 7, "410 gone");
	deliver(first + 2, DELIVERY_SENT, 1, "");
	assert_answer("select alert_id, event, receiver, state, attempts, last_error, next_try, webhook_id from delivery_status",
		      "spike-boeing-1|2|desk|pending|1|503|2026-01-05T13:00:00Z|spike-boeing-1-2\n"
		      "spike-boeing-1|2|chat|dead|7|410 gone||spike-boeing-1-2\n"
		      "spike-boeing-1|3|desk|sent|1|||spike-boeing-1-3\n"
		      "spike-boeing-1|3|chat|pending|0|||spike-boeing-1-3");
	ck_assert_uint_eq(load(first, &due), 1);
	deliveries_free(due, 1);
	ck_assert_uint_eq(load(0, &due), 2);
	ck_assert_uint_eq(due[0].attempts, 1);
	ck_assert_int_eq(due[0].next_try_us, NOON_US + HOUR_US);
	deliveries_free(due, 2);
	size_t pending;
	int64_t oldest;
	ck_assert_int_eq(store_outbox_age(store, &pending, &oldest, NULL), 0);
	ck_assert_uint_eq(pending, 2);
	ck_assert_int_eq(oldest, NOON_US + 2);
}
END_TEST

START_TEST(what_was_finished_is_sent_again_in_order)
{
	struct delivery *due;
	const char *alert = "spike-boeing-1";
	raise(2, ALERT_FIRING, true);
	raise(3, ALERT_RESOLVED, true);
	deliver(1, DELIVERY_SENT, 1, "");
	deliver(2, DELIVERY_PENDING, 3, "still trying");
	deliver(3, DELIVERY_DEAD, 9, "410");
	deliver(4, DELIVERY_SENT, 2, "");
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .redeliver = &alert, .redeliver_count = 1});
	ck_assert_uint_eq(load(4, &due), 3); /* what was pending is in the sender's hands */
	ck_assert_uint_eq(due[0].event, 2);
	ck_assert_uint_eq(due[1].event, 3);
	ck_assert_uint_eq(due[2].event, 3);
	ck_assert_uint_eq(due[0].attempts, 0);
	deliveries_free(due, 3);
	assert_answer("select count(*), sum(state = 0) from deliveries", "4|4");
}
END_TEST

/* ---- commands ---- */

static void assert_command(const char *verb, const char *subject, const char *argument, const char *problem)
{
	struct err e = {0};
	struct store_command command = {.verb = (char *)verb, .subject = (char *)subject, .argument = (char *)argument,
					.why = "a reason", .until_us = NOON_US + HOUR_US};
	struct store *desk = store_open(fixture_path, STORE_WRITE, 0, &e);
	ck_assert_msg(desk != NULL, "%s", e.text);
	int rc = store_add_command(desk, &command, &e);
	if (problem == NULL)
		ck_assert_msg(rc == 0, "%s", e.text);
	else
		ck_assert_msg(rc == -1 && strstr(e.text, problem) != NULL, "%s", e.text);
	store_close(desk);
}

START_TEST(commands_are_checked_noticed_and_answered)
{
	put(1, "m1", POLARITY_POSITIVE);
	raise(2, ALERT_FIRING, true);
	ck_assert(store_changed_by_others(store));
	ck_assert(!store_changed_by_others(store));
	assert_command("silence", "nobody", "", "no topic \"nobody\"");
	assert_command("redeliver", "nothing", "", "no alert \"nothing\"");
	assert_command("label", "2", "negative", "no document \"2\"");
	assert_command("label", "1x", "negative", "no document \"1x\"");
	assert_command("label", "1", "bad", "\"bad\" is no polarity");
	assert_command("dance", "1", "", "no command");
	ck_assert(!store_changed_by_others(store));
	assert_command("silence", "boeing", "", NULL);
	assert_command("silence", "*", "", NULL);
	assert_command("redeliver", "spike-boeing-1", "", NULL);
	assert_command("label", "1", "negative", NULL);
	ck_assert(store_changed_by_others(store));

	struct store_command *commands;
	size_t count;
	ck_assert_int_eq(store_load_commands(store, &commands, &count, NULL), 0);
	ck_assert_uint_eq(count, 4);
	ck_assert_str_eq(commands[0].verb, "silence");
	ck_assert_str_eq(commands[0].subject, "boeing");
	ck_assert_str_eq(commands[3].argument, "negative");
	ck_assert_str_eq(commands[0].why, "a reason");
	ck_assert_int_eq(commands[0].until_us, NOON_US + HOUR_US);
	struct store_command_result results[] = {{commands[0].id, NULL}, {commands[1].id, "no"}, {commands[3].id, NULL}};
	struct watch_silence_state silences[] = {{0, NOON_US + HOUR_US}, {UINT32_MAX, NOON_US + 2 * HOUR_US}};
	struct watch_effects effects = {.silences = silences, .silence_count = 2};
	struct store_label label = {1, POLARITY_NEGATIVE};
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .effects = &effects, .labels = &label, .label_count = 1,
						   .commands = results, .command_count = 3});
	store_commands_free(commands, count);
	ck_assert_int_eq(store_load_commands(store, &commands, &count, NULL), 0);
	ck_assert_uint_eq(count, 1);
	store_commands_free(commands, count);
	assert_answer("select document, polarity, was, at, title from corrections_v",
		      "1|negative|positive|2026-01-05T12:00:00Z|Acme sinks");
	assert_answer("select distinct silenced_until from watch_status", "2026-01-05T14:00:00Z");
	assert_answer("select verb, done is not null, problem from commands_v",
		      "silence|1|\nsilence|1|no\nredeliver|0|\nlabel|1|");
}
END_TEST

/* ---- retention ---- */

static void retain(int64_t now_us, size_t rows, bool more_expected)
{
	bool more;
	struct err e = {0};
	enum store_result result = store_retain(store, now_us, 90 * DAY_US, 365 * DAY_US, rows, &more, &e);
	ck_assert_msg(result == STORE_DONE, "%s", e.text);
	ck_assert(more == more_expected);
}

START_TEST(what_is_due_goes_in_small_steps)
{
	for (int64_t id = 1; id <= 10; id++)
		put_story(id, id, "Example Wire", NOON_US + id * DAY_US); /* received then */
	retain(NOON_US + 90 * DAY_US, 3, false);
	assert_answer("select count(*) from documents", "10");
	retain(NOON_US + 96 * DAY_US, 3, true);
	assert_answer("select count(*), min(id) from documents", "7|4");
	retain(NOON_US + 96 * DAY_US, 3, false);
	assert_answer("select count(*), min(id) from documents", "5|6");
	retain(NOON_US + 400 * DAY_US, 100, false);
	assert_answer("select (select count(*) from documents), (select document from marks)", "0|10");
}
END_TEST

START_TEST(what_the_core_recalls_is_kept)
{
	bool more;
	put_story(1, 1, "Example Wire", NOON_US);
	ck_assert_int_eq(store_retain(store, NOON_US + 2 * DAY_US, HOUR_US, HOUR_US, 100, &more, NULL), STORE_DONE);
	assert_answer("select count(*) from documents", "1");
	ck_assert_int_eq(store_retain(store, NOON_US + 4 * DAY_US, HOUR_US, HOUR_US, 100, &more, NULL), STORE_DONE);
	assert_answer("select count(*) from documents", "0");
}
END_TEST

START_TEST(trends_are_coarsened_and_alerts_kept)
{
	struct watch_bucket buckets[3] = {{.width_s = 900}, {.width_s = 3600}, {.width_s = 86400}};
	struct watch_effects effects = {.increments = buckets, .increment_count = 3};
	for (int i = 0; i < 3; i++) {
		buckets[i].total = 1;
		buckets[i].start_s = (NOON_US / SECOND_US) / buckets[i].width_s * buckets[i].width_s;
	}
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .effects = &effects});
	/* A file of ten years ago, played now: it stays as long as what came now. */
	for (int i = 0; i < 3; i++)
		buckets[i].start_s -= 3650 * 86400;
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .effects = &effects});
	raise(2, ALERT_FIRING, true);
	raise(3, ALERT_RESOLVED, true);
	const char *left = "select (select count(*) from buckets), (select count(*) from alerts),"
			   " (select count(*) from alert_events), (select count(*) from deliveries)";
	retain(NOON_US + 7 * DAY_US, 1000, false);
	assert_answer(left, "6|1|2|4");
	retain(NOON_US + 9 * DAY_US, 1000, false);
	assert_answer(left, "4|1|2|4");
	retain(NOON_US + 92 * DAY_US, 1000, false);
	assert_answer(left, "2|1|2|4");
	retain(NOON_US + 366 * DAY_US, 1000, false);
	assert_answer(left, "0|1|2|4"); /* still to be delivered */
	for (int64_t id = 1; id <= 4; id++)
		deliver(id, DELIVERY_SENT, 1, "");
	retain(NOON_US + 367 * DAY_US, 1000, false);
	assert_answer(left, "0|0|0|0");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store_views");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, views_begin_with_the_promised_columns, 0, sizeof promised / sizeof *promised);
	tcase_add_test(tcase, a_document_reads_as_it_was_written);
	tcase_add_test(tcase, buckets_add_up);
	tcase_add_test(tcase, top_stories_count_copies_and_publishers);
	tcase_add_test(tcase, what_made_no_document_is_shown);
	tcase_add_test(tcase, health_rows_replace_those_of_their_source);
	tcase_add_test(tcase, an_alert_is_one_row_from_first_to_last);
	tcase_add_test(tcase, an_event_that_comes_twice_is_told_once);
	tcase_add_test(tcase, deliveries_are_made_kept_and_finished);
	tcase_add_test(tcase, what_was_finished_is_sent_again_in_order);
	tcase_add_test(tcase, commands_are_checked_noticed_and_answered);
	tcase_add_test(tcase, what_is_due_goes_in_small_steps);
	tcase_add_test(tcase, what_the_core_recalls_is_kept);
	tcase_add_test(tcase, trends_are_coarsened_and_alerts_kept);
	return run_case("store_views", tcase);
}
