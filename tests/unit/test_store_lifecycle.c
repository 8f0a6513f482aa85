/* What is stored of an alert's life besides its firing: digests, groups, silences, budgets, alerts on the daemon itself. */
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

static struct watch_alert alert_on(const char *id, uint32_t topic, uint32_t event, enum alert_state state)
{
	struct watch_alert alert = fixture_alert(event, state, false);
	snprintf(alert.id, sizeof alert.id, "%s", id);
	alert.topic = topic;
	alert.held = true;
	return alert;
}

static void write_effects_at(struct watch_effects *effects, int64_t applied_us)
{
	fixture_write(store, &(struct store_batch){.applied_us = applied_us, .effects = effects});
}

/* ---- digests ---- */

START_TEST(a_digest_holds_what_each_alert_said_last)
{
	struct watch_alert first[] = {alert_on("a1", 0, 1, ALERT_FIRING), alert_on("b1", 1, 1, ALERT_FIRING),
				      alert_on("b1", 1, 2, ALERT_RESOLVED)};
	struct watch_effects effects = {.alerts = first, .alert_count = 3};
	first[0].chart = (struct watch_chart){.start_s = 3600, .step_s = 3600, .count = 1};
	write_effects_at(&effects, NOON_US);
	assert_answer("select count(*) from deliveries", "0");
	assert_answer("select group_concat(notify) from alert_events", "2,2,2");

	/* In one batch: one more that is held, the digest, and one that belongs to the next. */
	struct watch_alert second[] = {alert_on("c1", 2, 1, ALERT_FIRING), alert_on("d1", 2, 1, ALERT_FIRING)};
	struct watch_late late = {.id = "digest-1", .at_us = NOON_US + MINUTE_US, .after = 1};
	effects = (struct watch_effects){.alerts = second, .alert_count = 2, .lates = &late, .late_count = 1};
	write_effects_at(&effects, NOON_US + MINUTE_US);
	assert_answer("select alert, event, notify from alert_events order by alert, event",
		      "a1|1|3\nb1|1|3\nb1|2|3\nc1|1|3\nd1|1|2\ndigest-1|1|1");
	assert_answer("select alert_id, receiver, state, webhook_id from delivery_status",
		      "digest-1|desk|pending|digest-1-1\ndigest-1|chat|pending|digest-1-1");
	assert_answer("select payload ->> 'state', payload ->> 'late', payload ->> 'at', json_array_length(payload, '$.alerts'),"
		      " payload ->> 'omitted' from alert_events where alert = 'digest-1'",
		      "digest|1|2026-01-05T12:01:00Z|3|0");
	/* What goes on first; a resolution with the stories of its alert; no charts. */
	assert_answer("select value ->> 'id', value ->> 'state', json_array_length(value, '$.evidence'), value ->> 'topic',"
		      " value -> 'chart' from alert_events, json_each(payload, '$.alerts') where alert = 'digest-1'",
		      "a1|firing|1|boeing|\nc1|firing|1|acme|\nb1|resolved|1|rates|");
	assert_answer("select group_concat(id) from alert_history", "a1,b1,c1,d1");
	struct delivery *due;
	size_t count;
	ck_assert_int_eq(store_load_outbox(store, 0, &due, &count, NULL), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert(due[0].resolved); /* nothing follows it */
	deliveries_free(due, count);
}
END_TEST

START_TEST(a_digest_is_bounded)
{
	struct watch_alert alerts[120];
	struct watch_late late = {.id = "digest-2", .at_us = NOON_US, .after = 120};
	struct watch_effects effects = {.alerts = alerts, .alert_count = 120, .lates = &late, .late_count = 1};
	for (int i = 0; i < 120; i++) {
		char id[32];
		snprintf(id, sizeof id, "many-%03d", i);
		alerts[i] = alert_on(id, (uint32_t)i % 3, 1, ALERT_FIRING);
	}
	write_effects_at(&effects, NOON_US);
	assert_answer("select json_array_length(payload, '$.alerts'), payload ->> 'omitted' from alert_events where alert = 'digest-2'",
		      "100|20");
	assert_answer("select count(*) from alert_events where notify = 2", "0");
}
END_TEST

START_TEST(a_digest_of_nothing_is_none)
{
	struct watch_late late = {.id = "digest-3", .at_us = NOON_US};
	struct watch_effects effects = {.lates = &late, .late_count = 1};
	write_effects_at(&effects, NOON_US);
	assert_answer("select count(*) from alert_events", "0");
}
END_TEST

/* ---- history ---- */

START_TEST(history_says_cause_change_and_group)
{
	struct watch_alert alerts[] = {alert_on("a1", 0, 1, ALERT_FIRING), alert_on("b1", 1, 1, ALERT_FIRING)};
	uint32_t members[] = {0, 1};
	struct watch_effects effects = {.alerts = alerts, .alert_count = 2};
	alerts[0].cause = RULE_CAUSE_BOTH;
	alerts[0].stories = 14;
	alerts[0].stories_expected = 3.5;
	alerts[0].share = 0.75;
	alerts[0].share_expected = 0.25;
	alerts[1].group = "a1";
	write_effects_at(&effects, NOON_US);
	assert_answer("select id, \"group\", cause, change, stories, stories_expected, share, share_expected from alert_history",
		      "a1|a1|both|fired|14|3.5|0.75|0.25\nb1|a1||fired|0|0.0|0.0|0.0");
	alerts[0] = alert_on("a1", 0, 2, ALERT_FIRING);
	alerts[0].change = CHANGE_JOINED;
	alerts[0].members = members;
	alerts[0].member_count = 2;
	effects.alert_count = 1;
	write_effects_at(&effects, NOON_US + 1);
	/* An event that has no cause leaves the one that made it fire. */
	assert_answer("select cause, change, state from alert_history where id = 'a1'", "both|joined|firing");
	assert_answer("select payload ->> 'topics', payload ->> 'group' from alert_events where alert = 'a1' and event = 2",
		      "[\"boeing\",\"rates\"]|a1");
	assert_answer("select topic, \"group\" from watch_status where alert is not null order by topic", "boeing|a1\nrates|a1");
}
END_TEST

/* ---- the daemon itself ---- */

static void put_notice(uint32_t event, enum alert_state state, const struct store_notice *more)
{
	struct watch_alert alert = fixture_alert(event, state, true);
	struct store_notice notice = *more;
	snprintf(alert.id, sizeof alert.id, "self-1");
	notice.subject = "source wire";
	notice.alert = &alert;
	notice.payload = "{\"id\":\"self-1\"}";
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US + event, .notices = &notice, .notice_count = 1});
}

static void count_notice(void *context, const char *subject, const struct watch_alert *alert)
{
	int *count = context;
	ck_assert_str_eq(subject, "source wire");
	ck_assert_str_eq(alert->id, "self-1");
	ck_assert_uint_eq(alert->event, 1);
	ck_assert_uint_eq(alert->peak_count, 12);
	ck_assert_int_eq(alert->fired_us, NOON_US);
	++*count;
}

START_TEST(a_notice_is_an_alert_of_no_topic)
{
	const char *const some[] = {"chat", "nobody", "desk"};
	const bool taken[] = {false, false, true};
	int open = 0;
	put_notice(1, ALERT_FIRING, &(struct store_notice){0});
	assert_answer("select id, rule, topic, state from alert_history", "self-1|bellwether|source wire|firing");
	assert_answer("select receiver, state from delivery_status", "desk|pending\nchat|pending");
	assert_answer("select count(*) from watch_status where state <> 'ok'", "0");
	ck_assert_int_eq(store_each_open_notice(store, count_notice, &open, NULL), 0);
	ck_assert_int_eq(open, 1);
	put_notice(2, ALERT_RESOLVED, &(struct store_notice){.receivers = some, .taken = taken, .receiver_count = 3});
	assert_answer("select receiver, state, attempts from delivery_status where event = 2 order by receiver",
		      "chat|pending|0\ndesk|sent|1");
	assert_answer("select payload from alert_events where event = 2", "{\"id\":\"self-1\"}");
	ck_assert_int_eq(store_each_open_notice(store, count_notice, &open, NULL), 0);
	ck_assert_int_eq(open, 1);
}
END_TEST

/* ---- silences ---- */

static void describe(const struct watch_options *options)
{
	struct err e = {0};
	ck_assert_msg(store_describe(store, options, NOON_US, &e) == STORE_DONE, "%s", e.text);
}

START_TEST(silences_of_both_kinds_are_shown)
{
	static const char *const acme[] = {"acme"};
	const struct watch_span nightly[] = {{NOON_US - DAY_US, NOON_US - DAY_US + HOUR_US}, {NOON_US - HOUR_US, NOON_US + HOUR_US},
					     {NOON_US + DAY_US, NOON_US + DAY_US + HOUR_US}};
	const struct watch_span later[] = {{NOON_US + DAY_US, NOON_US + 2 * DAY_US}};
	const struct watch_quiet quiets[] = {
		{.name = "nights", .spans = nightly, .span_count = 3, .weekly = "Mon 11:00-13:00", .timezone = "UTC", .why = "asleep"},
		{.name = "launch", .topics = acme, .topic_count = 1, .spans = later, .span_count = 1, .timezone = "UTC"},
	};
	struct watch_options options = {.quiets = quiets, .quiet_count = 2};
	struct watch_silence_state silence = {0, NOON_US + 3 * HOUR_US};
	struct watch_effects effects = {.silences = &silence, .silence_count = 1};
	struct err e = {0};
	struct store_command command = {.verb = "silence", .subject = "boeing", .argument = "", .why = "results",
					.until_us = silence.until_us};
	ck_assert_msg(store_add_command(store, &command, &e) == 0, "%s", e.text);
	write_effects_at(&effects, NOON_US);
	describe(&options);
	assert_answer("select kind, name, topic, starts, until, active, why, weekly, timezone from silences_v order by kind, name desc",
		      "command||boeing|2026-01-05T12:00:00Z|2026-01-05T15:00:00Z|1|results||\n"
		      "configuration|nights|*|2026-01-05T11:00:00Z|2026-01-05T13:00:00Z|1|asleep|Mon 11:00-13:00|UTC\n"
		      "configuration|launch|acme|2026-01-06T12:00:00Z|2026-01-07T12:00:00Z|0|||UTC");
	assert_answer("select topic, silenced_until from watch_status order by topic",
		      "acme|2026-01-05T13:00:00Z\nboeing|2026-01-05T15:00:00Z\nrates|2026-01-05T13:00:00Z");
	/* Described anew: what is gone is gone. */
	describe(&(struct watch_options){0});
	assert_answer("select kind from silences_v", "command");
	assert_answer("select (select count(*) from quiet_spans), (select count(*) from quiet_topics)", "0|0");
}
END_TEST

START_TEST(only_what_is_silent_can_be_ended)
{
	struct err e = {0};
	struct store_command end = {.verb = "silence", .subject = "boeing", .argument = "end", .why = "", .until_us = NOON_US};
	write_effects_at(&(struct watch_effects){0}, NOON_US);
	ck_assert_int_eq(store_add_command(store, &end, &e), -1);
	ck_assert_msg(strstr(e.text, "no silence of \"boeing\"") != NULL, "%s", e.text);
	struct watch_silence_state silences[] = {{0, NOON_US + HOUR_US}, {1, NOON_US - HOUR_US}};
	struct watch_effects effects = {.silences = silences, .silence_count = 2};
	write_effects_at(&effects, NOON_US);
	ck_assert_msg(store_add_command(store, &end, &e) == 0, "%s", e.text);
	end.subject = "rates"; /* it was, an hour ago */
	ck_assert_int_eq(store_add_command(store, &end, &e), -1);
	end.subject = "*";
	ck_assert_int_eq(store_add_command(store, &end, &e), -1);
	struct store_command all = {.verb = "silence", .subject = "*", .argument = "", .why = "", .until_us = NOON_US + HOUR_US};
	ck_assert_int_eq(store_add_command(store, &all, &e), 0); /* not carried out yet */
	ck_assert_int_eq(store_add_command(store, &end, &e), 0);
}
END_TEST

/* ---- no data ---- */

START_TEST(a_topic_whose_sources_are_dead_has_no_data)
{
	struct watch_source_state sources[] = {
		{.source = "wire", .watermark_us = NOON_US, .advanced_us = NOON_US, .seen_us = NOON_US},
		{.source = "feeds", .watermark_us = NOON_US, .advanced_us = NOON_US, .seen_us = NOON_US - 3 * HOUR_US},
	};
	struct watch_topic_source heard[] = {{0, "wire", NOON_US}, {2, "feeds", NOON_US}};
	struct watch_alert alert = fixture_alert(1, ALERT_FIRING, true);
	struct watch_effects effects = {.sources = sources, .source_count = 2, .topic_sources = heard, .topic_source_count = 2,
					.alerts = &alert, .alert_count = 1};
	describe(&(struct watch_options){.no_data_us = 2 * HOUR_US});
	write_effects_at(&effects, NOON_US);
	const char *status = "select topic, state, no_data from watch_status order by topic";
	assert_answer(status, "acme|no_data|2026-01-05T09:00:00Z\nboeing|firing|\nrates|ok|");
	/* The other falls silent too: what fires is held, and says so. */
	write_effects_at(&(struct watch_effects){0}, NOON_US + 2 * HOUR_US + 1);
	assert_answer(status, "acme|no_data|2026-01-05T09:00:00Z\nboeing|firing|2026-01-05T12:00:00Z\n"
			      "rates|no_data|2026-01-05T12:00:00Z");
	sources[1].seen_us = NOON_US + 3 * HOUR_US;
	effects = (struct watch_effects){.sources = sources + 1, .source_count = 1};
	write_effects_at(&effects, NOON_US + 3 * HOUR_US);
	assert_answer(status, "acme|ok|\nboeing|firing|2026-01-05T12:00:00Z\nrates|ok|");
}
END_TEST

/* ---- budgets ---- */

START_TEST(alerts_are_held_against_their_budget)
{
	static const char *const narrow[] = {"boeing"};
	const struct rule_spec rules[] = {{.name = "spike", .false_alarms_per_day = 2 / 30.4375},
					  {.name = "volume", .false_alarms_per_day = 1 / 91.3125, .topics = narrow, .topic_count = 1}};
	describe(&(struct watch_options){.rules = rules, .rule_count = 2});
	struct watch_alert alerts[] = {alert_on("a1", 0, 1, ALERT_FIRING), alert_on("a2", 0, 1, ALERT_FIRING),
				       alert_on("a3", 0, 1, ALERT_FIRING), alert_on("a4", 0, 1, ALERT_PENDING),
				       alert_on("b1", 1, 1, ALERT_FIRING)};
	alerts[0].fired_us = NOON_US - 40 * DAY_US; /* of the rule that counts over a month: too long ago */
	alerts[1].fired_us = NOON_US - 20 * DAY_US;
	alerts[2].rule = 1;
	alerts[2].fired_us = NOON_US - 40 * DAY_US; /* of the other, over a quarter */
	for (int i = 0; i < 3; i++)
		alerts[i].state = ALERT_RESOLVED;
	struct watch_effects effects = {.alerts = alerts, .alert_count = 5};
	write_effects_at(&effects, NOON_US);
	assert_answer("select topic, alerts_fired, alerts_budgeted, budget_days from watch_status order by topic",
		      "acme|0|2.0|30.4\nboeing|2|3.0|91.3\nrates|1|2.0|30.4");
}
END_TEST

/* ---- a database of the version before ---- */

START_TEST(an_older_database_gets_all_of_it)
{
	struct watch_alert alert = fixture_alert(1, ALERT_FIRING, true);
	struct watch_effects effects = {.alerts = &alert, .alert_count = 1};
	write_effects_at(&effects, NOON_US);
	store_close(store);
	store = NULL;
	fixture_go_back_to_schema_2();
	store = fixture_open();
	assert_answer("PRAGMA user_version", "3");
	assert_answer("select id, topic, state, \"group\", cause, change from alert_history",
		      "spike-boeing-1|boeing|firing|spike-boeing-1||");
	assert_answer("select state, alerts_budgeted from watch_status where topic = 'boeing'", "firing|");
	alert.event = 2;
	alert.state = ALERT_RESOLVED;
	write_effects_at(&effects, NOON_US + 1);
	assert_answer("select count(*) from delivery_status", "4");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store_lifecycle");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_digest_holds_what_each_alert_said_last);
	tcase_add_test(tcase, a_digest_is_bounded);
	tcase_add_test(tcase, a_digest_of_nothing_is_none);
	tcase_add_test(tcase, history_says_cause_change_and_group);
	tcase_add_test(tcase, a_notice_is_an_alert_of_no_topic);
	tcase_add_test(tcase, silences_of_both_kinds_are_shown);
	tcase_add_test(tcase, only_what_is_silent_can_be_ended);
	tcase_add_test(tcase, a_topic_whose_sources_are_dead_has_no_data);
	tcase_add_test(tcase, alerts_are_held_against_their_budget);
	tcase_add_test(tcase, an_older_database_gets_all_of_it);
	return run_case("store_lifecycle", tcase);
}
