#include "tests/lib/webhook_harness.h"

#include "daemon/base/fault.h"
#include "tests/lib/run.h"

static void set_up(const char *responses)
{
	post_box_open(&box, responses);
	struct receiver_spec spec = desk();
	harness_start(&h, &spec, 1);
}

static void tear_down(void)
{
	harness_stop(&h);
	post_box_close(&box);
}

/* ---- delivery ---- */

START_TEST(test_message_arrives_signed)
{
	set_up("");
	int64_t id = harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.delivery, id);
	ck_assert_int_eq(result.state, DELIVERY_SENT);
	ck_assert_uint_eq(result.attempts, 1);
	ck_assert_str_eq(result.error, "");
	ck_assert_uint_eq(webhook_pending(h.webhook), 0);

	json_t *rows = post_box_read(&box);
	ck_assert_uint_eq(json_array_size(rows), 1);
	const json_t *row = json_array_get(rows, 0), *headers = json_object_get(row, "headers");
	ck_assert_msg(json_is_true(json_object_get(row, "verified")), "%s", text_at(rows, 0, "why"));
	ck_assert_str_eq(text_at(rows, 0, "webhook_id"), "a1-1");
	ck_assert_str_eq(text_at(rows, 0, "path"), "/hook");
	ck_assert_str_eq(json_string_value(json_object_get(headers, "Content-Type")), "application/json");
	ck_assert_ptr_null(json_object_get(headers, "Expect"));
	ck_assert(strncmp(json_string_value(json_object_get(headers, "User-Agent")), "Bellwether", 10) == 0);

	json_t *body = json_loads(text_at(rows, 0, "body"), 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(body, "type")), "alert.firing");
	ck_assert_str_eq(json_string_value(json_object_get(body, "timestamp")), "2026-01-05T09:30:00Z");
	char *payload = harness_payload("a1", 1, false);
	json_t *expected = json_loads(payload, 0, NULL);
	ck_assert(json_equal(json_object_get(body, "data"), expected));
	json_decref(expected);
	free(payload);
	json_decref(body);
	json_decref(rows);
	tear_down();
}
END_TEST

START_TEST(test_events_of_an_alert_keep_their_order)
{
	set_up("500,500");
	harness_add(&h, resolved("a1", 3));
	harness_let_it_be(); /* it fails once: it was alone */
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_PENDING);
	/* Redelivered: earlier events come later, and go first. */
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_PENDING);
	harness_add(&h, firing("a1", 2));
	harness_let_it_be();
	ck_assert_uint_eq(harness_result_count(&h), 2);
	harness_advance(&h, 6 * SECOND_US);
	for (size_t i = 3; i <= 5; i++)
		ck_assert_int_eq(harness_result(&h, i).state, DELIVERY_SENT);

	static const char *const expected[] = {"a1-3", "a1-1", "a1-1", "a1-2", "a1-3"};
	json_t *rows = post_box_read(&box);
	ck_assert_uint_eq(json_array_size(rows), 5);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_str_eq(text_at(rows, i, "webhook_id"), expected[i]);
		ck_assert(json_is_true(json_object_get(json_array_get(rows, i), "verified")));
	}
	ck_assert_str_eq(text_at(rows, 1, "body"), text_at(rows, 2, "body"));
	json_decref(rows);
	tear_down();
}
END_TEST

START_TEST(test_other_alerts_do_not_wait)
{
	set_up("500");
	harness_add(&h, firing("a1", 1));
	harness_result(&h, 1);
	harness_add(&h, firing("a2", 1));
	harness_add(&h, firing("a1", 2));
	struct webhook_result result = harness_result(&h, 2);
	ck_assert_int_eq(result.delivery, 2);
	ck_assert_int_eq(result.state, DELIVERY_SENT);
	harness_let_it_be();
	ck_assert_uint_eq(harness_result_count(&h), 2);
	ck_assert_uint_eq(webhook_pending(h.webhook), 2);
	tear_down();
}
END_TEST

START_TEST(test_many_at_once)
{
	set_up("");
	char alert[32];
	for (int i = 0; i < 100; i++) {
		snprintf(alert, sizeof alert, "alert-%d", i);
		harness_add(&h, firing(alert, 1));
		harness_add(&h, resolved(alert, 2));
	}
	for (size_t i = 1; i <= 200; i++)
		ck_assert_int_eq(harness_result(&h, i).state, DELIVERY_SENT);
	ck_assert_uint_eq(post_box_count(&box), 200);
	tear_down();
}
END_TEST

/* ---- trying again ---- */

START_TEST(test_pauses_grow_up_to_five_minutes)
{
	set_up("500,500,500,500,500,500,500,500,500");
	static const int expected_s[] = {5, 10, 20, 40, 80, 160, 300, 300, 300};
	harness_add(&h, firing("a1", 1));
	for (uint32_t i = 0; i < 9; i++) {
		struct webhook_result result = harness_result(&h, i + 1);
		int64_t pause_us = result.next_try_us - harness_now_us(NULL);
		ck_assert_int_eq(result.state, DELIVERY_PENDING);
		ck_assert_uint_eq(result.attempts, i + 1);
		ck_assert_str_eq(result.error, "HTTP 500");
		ck_assert_int_le(pause_us, expected_s[i] * SECOND_US);
		ck_assert_int_ge(pause_us, expected_s[i] * SECOND_US * 3 / 4 - 3 * SECOND_US);
		harness_advance(&h, pause_us + SECOND_US / 10);
	}
	struct webhook_result last = harness_result(&h, 10);
	ck_assert_int_eq(last.state, DELIVERY_SENT);
	ck_assert_uint_eq(last.attempts, 10);
	tear_down();
}
END_TEST

START_TEST(test_attempts_go_on_after_a_restart)
{
	set_up("500");
	struct delivery delivery = firing("a1", 1);
	delivery.attempts = 20;
	delivery.next_try_us = harness_now_us(NULL) + MINUTE_US;
	harness_add(&h, delivery);
	harness_let_it_be();
	ck_assert_uint_eq(post_box_count(&box), 0);
	harness_advance(&h, MINUTE_US + SECOND_US);
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_uint_eq(result.attempts, 21);
	ck_assert_int_ge(result.next_try_us - harness_now_us(NULL), 200 * SECOND_US);
	tear_down();
}
END_TEST

START_TEST(test_clock_that_was_set_back_does_not_hold_messages)
{
	set_up("");
	struct delivery delivery = firing("a1", 1);
	delivery.next_try_us = harness_now_us(NULL) + 365 * DAY_US;
	harness_add(&h, delivery);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	tear_down();
}
END_TEST

START_TEST(test_resolved_alerts_are_given_up_after_a_day)
{
	set_up("500,500,500,500");
	struct delivery old = firing("a1", 1), over = resolved("a2", 2), waiting = firing("a3", 1);
	old.attempts = over.attempts = waiting.attempts = 400;
	harness_add(&h, old);
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING); /* it fires: never given up */
	harness_add(&h, over);
	result = harness_result(&h, 2);
	ck_assert_int_eq(result.state, DELIVERY_DEAD);
	ck_assert_ptr_nonnull(strstr(result.error, "24 hours"));
	ck_assert_ptr_nonnull(strstr(result.error, "HTTP 500"));
	/* A firing one whose alert was resolved behind it, too; the next event then takes its turn. */
	waiting.next_try_us = harness_now_us(NULL) + 10 * SECOND_US;
	harness_add(&h, waiting);
	harness_add(&h, resolved("a3", 2));
	harness_advance(&h, 11 * SECOND_US);
	result = harness_result(&h, 3);
	ck_assert_int_eq(result.delivery, 3);
	ck_assert_int_eq(result.state, DELIVERY_DEAD);
	result = harness_result(&h, 4);
	ck_assert_int_eq(result.delivery, 4);
	ck_assert_int_eq(result.state, DELIVERY_PENDING);
	tear_down();
}
END_TEST

START_TEST(test_retry_after_holds_the_receiver)
{
	set_up("429:60,503:date:100,429:999999");
	static const int expected_s[] = {60, 100, 3600};
	harness_add(&h, firing("a1", 1));
	for (size_t i = 0; i < 3; i++) {
		struct webhook_result result = harness_result(&h, i + 1);
		int64_t pause_us = result.next_try_us - harness_now_us(NULL);
		ck_assert_int_eq(result.state, DELIVERY_PENDING);
		ck_assert_int_le(pause_us, expected_s[i] * SECOND_US);
		ck_assert_int_ge(pause_us, (expected_s[i] - 5) * SECOND_US);
		harness_advance(&h, i < 2 ? pause_us + SECOND_US : 0);
	}
	/* The other alerts' messages wait, too. */
	harness_add(&h, firing("a2", 1));
	harness_let_it_be();
	ck_assert_uint_eq(post_box_count(&box), 3);
	harness_advance(&h, HOUR_US + SECOND_US);
	ck_assert_int_eq(harness_result(&h, 4).state, DELIVERY_SENT);
	ck_assert_int_eq(harness_result(&h, 5).state, DELIVERY_SENT);
	tear_down();
}
END_TEST

START_TEST(test_bad_answers_are_failures)
{
	static const struct {
		const char *response, *error;
	} cases[] = {
		{"redirect", "HTTP 302: redirects are not followed"},
		{"404", "HTTP 404"},
		{"drop", "mpty reply"},
		{"cut", "remaining"},
		{"hang", "timed out"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		post_box_open(&box, cases[i].response);
		struct receiver_spec spec = desk();
		spec.timeout_us = SECOND_US / 2;
		harness_start(&h, &spec, 1);
		harness_add(&h, firing("a1", 1));
		struct webhook_result result = harness_result(&h, 1);
		ck_assert_int_eq(result.state, DELIVERY_PENDING);
		ck_assert_msg(strstr(result.error, cases[i].error) != NULL, "%s: \"%s\"", cases[i].response, result.error);
		ck_assert_uint_eq(post_box_count(&box), 1);
		tear_down();
	}
}
END_TEST

START_TEST(test_endless_answer_is_cut_off)
{
	set_up("endless");
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	tear_down();
}
END_TEST

START_TEST(test_unreachable_receiver_is_tried_again)
{
	post_box_open(&box, "");
	struct receiver_spec specs[] = {desk(), desk()};
	specs[0].url = "http://127.0.0.1:1/";
	harness_start(&h, specs, 1);
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_PENDING);
	/* A reload that mends the address need not wait. */
	ck_assert_int_eq(webhook_reconfigure(h.webhook, specs + 1, 1, NULL), 0);
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_SENT);
	tear_down();
}
END_TEST

/* ---- receivers ---- */

START_TEST(test_slow_receiver_holds_up_nobody)
{
	struct post_box slow;
	post_box_open(&slow, "hang,hang,hang,hang,hang,hang,hang,hang,hang,hang");
	post_box_open(&box, "");
	struct receiver_spec specs[] = {desk(), desk()};
	specs[0].name = "slow";
	specs[0].url = slow.url;
	specs[0].timeout_us = 30 * SECOND_US;
	harness_start(&h, specs, 2);
	char alert[32];
	for (int i = 0; i < 20; i++) {
		snprintf(alert, sizeof alert, "alert-%d", i);
		struct delivery delivery = firing(alert, 1);
		delivery.receiver = "slow";
		harness_add(&h, delivery);
	}
	int64_t start_us = monotonic_us();
	int64_t id = harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.delivery, id);
	ck_assert_int_eq(result.state, DELIVERY_SENT);
	ck_assert_int_lt(monotonic_us() - start_us, 5 * SECOND_US);
	ck_assert_uint_eq(webhook_pending(h.webhook), 20);
	tear_down();
	post_box_close(&slow);
}
END_TEST

START_TEST(test_gone_disables_until_reconfigured)
{
	set_up("410");
	harness_add(&h, firing("a1", 1));
	harness_add(&h, resolved("a1", 2));
	for (size_t i = 1; i <= 2; i++) {
		struct webhook_result result = harness_result(&h, i);
		ck_assert_int_eq(result.state, DELIVERY_DEAD);
		ck_assert_ptr_nonnull(strstr(result.error, "410"));
	}
	harness_add(&h, firing("a2", 1));
	ck_assert_int_eq(harness_result(&h, 3).state, DELIVERY_DEAD);
	ck_assert_uint_eq(post_box_count(&box), 1);

	struct receiver_spec spec = desk();
	ck_assert_int_eq(webhook_reconfigure(h.webhook, &spec, 1, NULL), 0);
	harness_add(&h, firing("a3", 1));
	ck_assert_int_eq(harness_result(&h, 4).state, DELIVERY_SENT);
	tear_down();
}
END_TEST

START_TEST(test_receiver_that_is_gone_from_the_configuration)
{
	set_up("500");
	struct delivery stranger = firing("a1", 1);
	stranger.receiver = "stranger";
	harness_add(&h, stranger);
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_DEAD);
	ck_assert_ptr_nonnull(strstr(result.error, "configured"));

	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_PENDING);
	ck_assert_int_eq(webhook_reconfigure(h.webhook, NULL, 0, NULL), 0);
	ck_assert_int_eq(harness_result(&h, 3).state, DELIVERY_DEAD);
	tear_down();
}
END_TEST

#define MAIL .format = "smtp", .from = "alerts@b.example"

START_TEST(test_wrong_receivers_are_refused)
{
	static const char *const desk_only[] = {"desk@example.com"}, *const broken[] = {"desk@\r\nBcc: x@example.com"};
	static const char *const relative[] = {"page-desk"}, *const absolute[] = {"/bin/true"};
	set_up("");
	struct {
		struct receiver_spec spec;
		const char *message;
	} cases[] = {
		{{.name = "r", .url = "ftp://a.example/", .format = "standard"}, "starts with https:// or http://"},
		{{.name = "r"}, "url: is missing"},
		{{.name = "r", .url = "http://a.example/", .from = "a@b.example"}, "from: format standard has no such key"},
		{{.name = "r", .url = "http://a.example/", .format = "slack", .chart = RECEIVER_CHART_YES}, "chart: format slack"},
		{{.name = "r", .url = "http://a.example/", MAIL, .to = desk_only, .to_count = 1}, "starts with smtps:// or smtp://"},
		{{.name = "r", .url = "smtp://a.example/", .format = "smtp", .to = desk_only, .to_count = 1}, "from: is missing"},
		{{.name = "r", .url = "smtp://a.example/", MAIL}, "to: is missing"},
		{{.name = "r", .url = "smtp://a.example/", MAIL, .to = broken, .to_count = 1}, "to: \"desk@"},
		{{.name = "r", .url = "smtp://u:p@a.example/", MAIL, .to = desk_only, .to_count = 1}, "url: the login belongs in secret_file"},
		{{.name = "r", .url = "smtps://a.example/", MAIL, .to = desk_only, .to_count = 1, .starttls = "never"},
		 "starttls: smtps:// is encrypted"},
		{{.name = "r", .url = "smtp://a.example/", MAIL, .to = desk_only, .to_count = 1, .starttls = "try", .secret = "u:p"},
		 "starttls: \"try\": the password could be read on its way to a.example"},
		{{.name = "r", .url = "smtp://a.example/", MAIL, .to = desk_only, .to_count = 1, .secret = "u"}, "expected the login"},
		{{.name = "r", .format = "command"}, "command: is missing"},
		{{.name = "r", .format = "command", .command = relative, .command_count = 1}, "command: \"page-desk\": expected"},
		{{.name = "r", .format = "command", .url = "http://a.example/", .command = absolute, .command_count = 1}, "url: format command"},
		{{.name = "r", .format = "command", .secret = "s", .command = absolute, .command_count = 1}, "secret_file: format command"},
		{{.name = "r", .url = "file:///etc/passwd", .format = "standard"}, "url"},
		{{.name = "r", .url = "not a url", .format = "standard"}, "url"},
		{{.name = "r", .url = "", .format = "standard"}, "url"},
		{{.name = "r", .url = "http://a.example/", .format = "carrier-pigeon"}, "carrier-pigeon"},
		{{.name = "r", .url = "http://a.example/", .format = "standard", .secret = ""}, "secret is empty"},
		{{.name = "r", .url = "http://a.example/", .format = "standard", .secret = "whsec_"}, "secret 1 is empty"},
		{{.name = "r", .url = "http://a.example/", .format = "standard", .secret = "whsec_!"}, "secret 1"},
		{{.name = "r", .url = "http://a.example/", .format = "pagerduty"}, "integration key"},
		{{.name = "r", .url = "http://a.example/", .format = "pagerduty", .secret = "\xff\xfeR"}, "integration key alone"},
		{{.name = "r", .url = "http://a.example/", .format = "pagerduty", .secret = "one two"}, "integration key alone"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = {.text = ""};
		ck_assert_ptr_null(webhook_start(&cases[i].spec, 1, &harness_clock, harness_done, &h, &e));
		ck_assert_msg(strstr(e.text, cases[i].message) != NULL && strstr(e.text, "\"r\"") != NULL, "%zu: %s", i, e.text);
		ck_assert_int_eq(webhook_reconfigure(h.webhook, &cases[i].spec, 1, &e), -1);
		ck_assert_int_eq(webhook_send_test(&cases[i].spec, &e), -1);
	}
	harness_add(&h, firing("a1", 1)); /* the receivers are still those from before */
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	tear_down();
}
END_TEST

START_TEST(test_what_cannot_be_sent_is_dead)
{
	static const char *const payloads[] = {"", "[1]", "{\"id\":", "\xff"};
	set_up("");
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
		struct delivery delivery = firing("a1", 1);
		delivery.payload = (char *)payloads[i];
		harness_add(&h, delivery);
		ck_assert_int_eq(harness_result(&h, i + 1).state, DELIVERY_DEAD);
	}
	struct delivery delivery = firing("a1\r\nX-Injected: 1", 1);
	delivery.payload = "{}";
	harness_add(&h, delivery);
	ck_assert_int_eq(harness_result(&h, 5).state, DELIVERY_DEAD);
	ck_assert_uint_eq(post_box_count(&box), 0);
	tear_down();
}
END_TEST

/* ---- ending ---- */

START_TEST(test_stop_sends_what_is_due_and_leaves_the_rest)
{
	set_up("");
	struct delivery later = firing("a2", 1);
	later.next_try_us = harness_now_us(NULL) + MINUTE_US;
	harness_add(&h, later);
	harness_add(&h, firing("a1", 1));
	int64_t start_us = monotonic_us();
	webhook_stop(h.webhook, 10 * SECOND_US);
	ck_assert_int_lt(monotonic_us() - start_us, 5 * SECOND_US);
	ck_assert_uint_eq(harness_result_count(&h), 1);
	ck_assert_int_eq(h.results[0].delivery, 2);
	ck_assert_int_eq(h.results[0].state, DELIVERY_SENT);
	post_box_close(&box);
}
END_TEST

START_TEST(test_stop_keeps_its_deadline)
{
	post_box_open(&box, "hang,hang");
	struct receiver_spec spec = desk();
	spec.timeout_us = 60 * SECOND_US;
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	harness_add(&h, firing("a2", 1));
	harness_let_it_be();
	int64_t start_us = monotonic_us();
	webhook_stop(h.webhook, SECOND_US);
	ck_assert_int_ge(monotonic_us() - start_us, SECOND_US / 2);
	ck_assert_int_lt(monotonic_us() - start_us, 5 * SECOND_US);
	ck_assert_uint_eq(harness_result_count(&h), 0);
	post_box_close(&box);
	webhook_stop(NULL, 0);
}
END_TEST

START_TEST(test_thread_shows_signs_of_life)
{
	set_up("");
	int64_t before_us = webhook_heartbeat_us(h.webhook);
	harness_let_it_be();
	harness_advance(&h, 0);
	harness_let_it_be();
	ck_assert_int_gt(webhook_heartbeat_us(h.webhook), before_us);
	ck_assert_int_lt(monotonic_us() - webhook_heartbeat_us(h.webhook), 2 * SECOND_US);
	tear_down();
}
END_TEST

/* ---- faults ---- */

START_TEST(test_injected_failures_are_tried_again)
{
	static const char *const faults[] = {"before-send:1:fail", "after-send:1:fail"};
	ck_assert_int_eq(setenv("BELLWETHER_FAULT", faults[_i], 1), 0);
	fault_init();
	set_up("");
	harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING);
	ck_assert_ptr_nonnull(strstr(result.error, "fault"));
	ck_assert_uint_eq(post_box_count(&box), (size_t)_i);
	tear_down();
}
END_TEST

/* ---- the test message ---- */

START_TEST(test_test_message)
{
	post_box_open(&box, "200,500,hang");
	struct receiver_spec spec = desk();
	struct err e = {.text = ""};
	spec.timeout_us = SECOND_US;
	ck_assert_msg(webhook_send_test(&spec, &e) == 0, "%s", e.text);
	ck_assert_int_eq(webhook_send_test(&spec, &e), -1);
	ck_assert_str_eq(e.text, "HTTP 500");
	ck_assert_int_eq(webhook_send_test(&spec, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "timed out"));

	json_t *rows = post_box_read(&box);
	ck_assert(json_is_true(json_object_get(json_array_get(rows, 0), "verified")));
	ck_assert_ptr_nonnull(strstr(text_at(rows, 0, "body"), "\"type\":\"alert.test\""));
	json_decref(rows);
	post_box_close(&box);

	static const char *const over_http[] = {"standard", "slack", "teams", "alertmanager", "pagerduty"};
	for (size_t i = 0; i < sizeof over_http / sizeof *over_http; i++) {
		post_box_open(&box, "");
		spec = desk();
		spec.format = over_http[i];
		ck_assert_msg(webhook_send_test(&spec, &e) == 0, "%s: %s", over_http[i], e.text);
		post_box_close(&box);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("webhook");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_message_arrives_signed);
	tcase_add_test(tcase, test_events_of_an_alert_keep_their_order);
	tcase_add_test(tcase, test_other_alerts_do_not_wait);
	tcase_add_test(tcase, test_many_at_once);
	tcase_add_test(tcase, test_pauses_grow_up_to_five_minutes);
	tcase_add_test(tcase, test_attempts_go_on_after_a_restart);
	tcase_add_test(tcase, test_clock_that_was_set_back_does_not_hold_messages);
	tcase_add_test(tcase, test_resolved_alerts_are_given_up_after_a_day);
	tcase_add_test(tcase, test_retry_after_holds_the_receiver);
	tcase_add_test(tcase, test_bad_answers_are_failures);
	tcase_add_test(tcase, test_endless_answer_is_cut_off);
	tcase_add_test(tcase, test_unreachable_receiver_is_tried_again);
	tcase_add_test(tcase, test_slow_receiver_holds_up_nobody);
	tcase_add_test(tcase, test_gone_disables_until_reconfigured);
	tcase_add_test(tcase, test_receiver_that_is_gone_from_the_configuration);
	tcase_add_test(tcase, test_wrong_receivers_are_refused);
	tcase_add_test(tcase, test_what_cannot_be_sent_is_dead);
	tcase_add_test(tcase, test_stop_sends_what_is_due_and_leaves_the_rest);
	tcase_add_test(tcase, test_stop_keeps_its_deadline);
	tcase_add_test(tcase, test_thread_shows_signs_of_life);
	tcase_add_loop_test(tcase, test_injected_failures_are_tried_again, 0, 2);
	tcase_add_test(tcase, test_test_message);
	return run_case("webhook", tcase);
}
