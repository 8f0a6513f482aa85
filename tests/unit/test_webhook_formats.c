/* What receivers of each format get in the body of a message. */
#include "tests/lib/run.h"
#include "tests/lib/webhook_harness.h"

/* What a receiver of this format gets for an event; the caller decrefs it. */
static json_t *body_of(const char *format, const char *secret, struct delivery delivery)
{
	post_box_open(&box, "");
	struct receiver_spec spec = desk();
	spec.format = format;
	spec.secret = secret;
	harness_start(&h, &spec, 1);
	harness_add(&h, delivery);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	json_t *rows = post_box_read(&box);
	ck_assert_str_eq(text_at(rows, 0, "webhook_id"), delivery.resolved ? "a1-2" : "a1-1");
	if (strcmp(format, "pagerduty") == 0)
		ck_assert_ptr_null(json_object_get(json_object_get(json_array_get(rows, 0), "headers"), "webhook-signature"));
	json_t *body = json_loads(text_at(rows, 0, "body"), 0, NULL);
	ck_assert_ptr_nonnull(body);
	json_decref(rows);
	harness_stop(&h);
	post_box_close(&box);
	return body;
}

static const char *string_in(const json_t *body, const char *path)
{
	char copy[128], *rest = copy;
	snprintf(copy, sizeof copy, "%s", path);
	for (char *key; (key = strsep(&rest, ".")) != NULL;)
		body = json_is_array(body) ? json_array_get(body, strtoul(key, NULL, 10)) : json_object_get(body, key);
	return json_is_string(body) ? json_string_value(body) : "(none)";
}

START_TEST(test_slack)
{
	json_t *body = body_of("slack", NULL, firing("a1", 1));
	ck_assert_str_eq(string_in(body, "text"),
			 ":rotating_light: negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers\n"
			 "\u2022 <https://news.example/1?a=1&amp;b=2|Zorvex &lt;recalls&gt; pumps &amp; valves> (Example Wire)\n"
			 "\u2022 Zorvex plunges");
	json_decref(body);
	body = body_of("slack", NULL, resolved("a1", 2));
	ck_assert_str_eq(string_in(body, "text"), ":white_check_mark: negative-spike on zorvex: resolved, 17 at the peak");
	json_decref(body);
}
END_TEST

START_TEST(test_alertmanager)
{
	json_t *fires = body_of("alertmanager", NULL, firing("a1", 1)), *over = body_of("alertmanager", NULL, resolved("a1", 2));
	int64_t ends_us;
	ck_assert_uint_eq(json_array_size(fires), 1);
	ck_assert_str_eq(string_in(fires, "0.labels.alertname"), "negative-spike");
	ck_assert_str_eq(string_in(fires, "0.labels.topic"), "zorvex");
	ck_assert_str_eq(string_in(fires, "0.annotations.alert_id"), "a1");
	ck_assert_str_eq(string_in(fires, "0.annotations.description"), "Zorvex <recalls> pumps & valves");
	ck_assert_str_eq(string_in(fires, "0.startsAt"), "2026-01-05T09:15:00Z");
	ck_assert(time_parse_iso(string_in(fires, "0.endsAt"), &ends_us));
	ck_assert_int_gt(ends_us, harness_now_us(NULL) + DAY_US);

	ck_assert(json_equal(json_object_get(json_array_get(fires, 0), "labels"), json_object_get(json_array_get(over, 0), "labels")));
	ck_assert_str_eq(string_in(over, "0.endsAt"), "2026-01-05T09:30:00Z");
	json_decref(fires);
	json_decref(over);
}
END_TEST

START_TEST(test_pagerduty)
{
	json_t *body = body_of("pagerduty", "0123456789abcdef0123456789abcdef", firing("a1", 1));
	ck_assert_str_eq(string_in(body, "routing_key"), "0123456789abcdef0123456789abcdef");
	ck_assert_str_eq(string_in(body, "event_action"), "trigger");
	ck_assert_str_eq(string_in(body, "dedup_key"), "a1");
	ck_assert_str_eq(string_in(body, "payload.summary"), "negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers");
	ck_assert_str_eq(string_in(body, "payload.severity"), "critical");
	ck_assert_str_eq(string_in(body, "payload.source"), "bellwether");
	ck_assert_str_eq(string_in(body, "payload.timestamp"), "2026-01-05T09:30:00Z");
	ck_assert_str_eq(string_in(body, "links.0.href"), "https://news.example/1?a=1&b=2");
	ck_assert_uint_eq(json_array_size(json_object_get(body, "links")), 1);
	json_decref(body);
	body = body_of("pagerduty", "key", resolved("a1", 2));
	ck_assert_str_eq(string_in(body, "event_action"), "resolve");
	ck_assert_str_eq(string_in(body, "dedup_key"), "a1");
	json_decref(body);
}
END_TEST

START_TEST(test_sparse_payloads_fit_every_format)
{
	for (size_t i = 0; webhook_formats[i] != NULL; i++) {
		struct delivery delivery = firing("a1", 1);
		delivery.payload = "{\"id\":\"a1\",\"expected\":null,\"evidence\":[null,3,{}]}";
		json_decref(body_of(webhook_formats[i], HARNESS_SECRET, delivery));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("formats");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_slack);
	tcase_add_test(tcase, test_alertmanager);
	tcase_add_test(tcase, test_pagerduty);
	tcase_add_test(tcase, test_sparse_payloads_fit_every_format);
	return run_case("webhook_formats", tcase);
}
