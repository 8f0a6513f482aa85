/* What receivers of each format get for every kind of message. */
#include "tests/lib/run.h"
#include "tests/lib/webhook_bodies.h"

static const struct {
	const char *payload, *type, *summary, *action, *severity;
} kinds[] = {
	{FIRING, "alert.firing", "negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers", "trigger", "critical"},
	{ESCALATED, "alert.updated", "negative-spike on zorvex keeps growing: 14 in 60 min, 2.1 expected, 5 publishers", "trigger",
	 "critical"},
	{JOINED, "alert.updated", "negative-spike on zorvex and 2 more topics: 14 in 60 min, 2.1 expected, 5 publishers", "trigger",
	 "critical"},
	{RENEWED, "alert.firing", "negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers", "trigger", "critical"},
	{RESOLVED, "alert.resolved", "negative-spike on zorvex and 2 more topics: resolved after 3 h, 17 at the peak", "resolve", "info"},
	{LATE, "alert.firing", "negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers", "trigger", "warning"},
	{DIGEST, "alert.digest", "Bellwether: 2 alerts came late: 1 still firing, 1 resolved, and more", "trigger", "warning"},
	{HEARTBEAT("ok"), "heartbeat", "Bellwether is alive: ok, 2 alerts firing", "resolve", "info"},
	{HEARTBEAT("degraded"), "heartbeat", "Bellwether is alive: degraded, 2 alerts firing", "trigger", "warning"},
	{SELF("firing", "fired", "has brought nothing for 6 h"), "alert.firing",
	 "Bellwether: source wire: has brought nothing for 6 h", "trigger", "warning"},
	{SELF("resolved", "resolved", "source wire brings documents again"), "alert.resolved",
	 "Bellwether: source wire brings documents again", "resolve", "info"},
	{TEST, "alert.test", "Bellwether: a test message, nothing happened", "trigger", "info"},
};
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

/* ---- kinds of message ---- */

START_TEST(test_every_kind_in_every_format)
{
	const char *payload = kinds[_i].payload;
	check_in_all(payload, false);

	json_t *body = body_of("standard", payload), *expected = json_loads(payload, 0, NULL);
	ck_assert_str_eq(string_in(body, "type"), kinds[_i].type);
	ck_assert_str_eq(string_in(body, "timestamp"), "2026-01-05T09:30:00Z");
	ck_assert(json_equal(json_object_get(body, "data"), expected));
	json_decref(body);
	body = body_of("command", payload);
	ck_assert(json_equal(body, expected));
	json_decref(body);
	json_decref(expected);

	body = body_of("slack", payload);
	ck_assert_msg(strstr(string_in(body, "text"), kinds[_i].summary) != NULL, "%s", string_in(body, "text"));
	json_decref(body);
	body = body_of("teams", payload);
	ck_assert_str_eq(string_in(body, "attachments.0.content.body.1.inlines.0.text"), kinds[_i].summary);
	json_decref(body);
	body = body_of("pagerduty", payload);
	ck_assert_str_eq(string_in(body, "payload.summary"), kinds[_i].summary);
	ck_assert_str_eq(string_in(body, "event_action"), kinds[_i].action);
	ck_assert_str_eq(string_in(body, "payload.severity"), kinds[_i].severity);
	json_decref(body);
	char *mail = write_as("smtp", payload, false, RECEIVER_CHART_AUTO);
	ck_assert_int_eq(strstr(mail, "image/svg+xml") != NULL, strstr(payload, "\"chart\"") != NULL);
	free(mail);
}
END_TEST

START_TEST(test_slack)
{
	json_t *body = body_of("slack", FIRING);
	ck_assert_str_eq(string_in(body, "text"),
			 ":rotating_light: negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers\n"
			 "Cause: what is written turned worse\nVolume: 20 stories in all, 18.2 expected\n"
			 "Negative: 70 % of what was judged, 11.5 % is usual\nBreadth: 30 documents by 5 publishers\nPeak: 17\n"
			 "Began: 2026-01-05 09:00 UTC\nFired: 2026-01-05 09:15 UTC\nAlert: a1\n"
			 "\u2022 <https://news.example/1?a=1&amp;b=2|Zorvex &lt;recalls&gt; pumps &amp; valves> (Example Wire, "
			 "2026-01-05 09:10 UTC, 4 copies, negative, words: recalls \u00B7 pumps)\n"
			 "\u2022 Zorvex plunges");
	ck_assert_str_eq(string_in(body, "blocks.2.elements.0.elements.0.elements.0.url"), "https://news.example/1?a=1&b=2");
	ck_assert_str_eq(string_in(body, "blocks.2.elements.0.elements.0.elements.0.text"), "Zorvex <recalls> pumps & valves");
	json_decref(body);
	body = body_of("slack", RESOLVED);
	ck_assert_str_eq(string_in(body, "text"),
			 ":white_check_mark: negative-spike on zorvex and 2 more topics: resolved after 3 h, 17 at the peak\n"
			 "Topics: zorvex, quorl, tandy\nBegan: 2026-01-05 09:00 UTC\nFired: 2026-01-05 09:15 UTC\n"
			 "Resolved: 2026-01-05 12:30 UTC\nAlert: a1");
	json_decref(body);
}
END_TEST

START_TEST(test_pagerduty_joins_what_belongs_together)
{
	static const char *const of_one_alert[] = {FIRING, ESCALATED, JOINED, RENEWED, RESOLVED};
	for (size_t i = 0; i < 5; i++) {
		json_t *body = body_of("pagerduty", of_one_alert[i]);
		ck_assert_str_eq(string_in(body, "dedup_key"), "a1");
		json_decref(body);
	}
	json_t *bad = body_of("pagerduty", HEARTBEAT("degraded")), *good = body_of("pagerduty", HEARTBEAT("ok"));
	ck_assert_str_eq(string_in(bad, "dedup_key"), string_in(good, "dedup_key"));
	json_decref(bad);
	json_decref(good);
	json_t *body = body_of("pagerduty", FIRING);
	ck_assert_str_eq(string_in(body, "payload.timestamp"), "2026-01-05T09:30:00Z");
	ck_assert_str_eq(string_in(body, "payload.component"), "zorvex");
	ck_assert_str_eq(string_in(body, "payload.custom_details.cause"), "tone");
	ck_assert_str_eq(string_in(body, "payload.custom_details.stories.1"), "Zorvex plunges");
	ck_assert_str_eq(string_in(body, "links.0.href"), "https://news.example/1?a=1&b=2");
	ck_assert_uint_eq(json_array_size(json_object_get(body, "links")), 1);
	json_decref(body);
}
END_TEST

START_TEST(test_alertmanager)
{
	json_t *fires = body_of("alertmanager", FIRING), *grows = body_of("alertmanager", JOINED), *over = body_of("alertmanager", RESOLVED);
	int64_t ends_us;
	ck_assert_uint_eq(json_array_size(fires), 1);
	ck_assert_str_eq(string_in(fires, "0.labels.alertname"), "negative-spike");
	ck_assert_str_eq(string_in(fires, "0.labels.topic"), "zorvex");
	ck_assert_str_eq(string_in(fires, "0.labels.alert_id"), "a1");
	ck_assert_str_eq(string_in(fires, "0.labels.severity"), "critical");
	ck_assert_str_eq(string_in(fires, "0.annotations.url"), "https://news.example/1?a=1&b=2");
	ck_assert_str_eq(string_in(fires, "0.startsAt"), "2026-01-05T09:15:00Z");
	ck_assert(time_parse_iso(string_in(fires, "0.endsAt"), &ends_us));
	ck_assert_int_gt(ends_us, NOW_US + DAY_US);
	ck_assert_str_eq(string_in(grows, "0.annotations.topics"), "zorvex, quorl, tandy");

	ck_assert(json_equal(at(fires, "0.labels"), at(over, "0.labels")) && json_equal(at(fires, "0.labels"), at(grows, "0.labels")));
	ck_assert_str_eq(string_in(over, "0.endsAt"), "2026-01-05T12:30:00Z");
	json_decref(fires);
	json_decref(grows);
	json_decref(over);

	/* A digest is its alerts, each once, as it is now. */
	json_t *digest = body_of("alertmanager", DIGEST);
	ck_assert_uint_eq(json_array_size(digest), 2);
	ck_assert_str_eq(string_in(digest, "0.labels.alert_id"), "a2");
	ck_assert_str_eq(string_in(digest, "1.labels.alert_id"), "a1");
	ck_assert_str_eq(string_in(digest, "1.endsAt"), "2026-01-05T12:30:00Z");
	json_decref(digest);

	json_t *alive = body_of("alertmanager", HEARTBEAT("ok"));
	ck_assert_str_eq(string_in(alive, "0.labels.alertname"), "BellwetherHeartbeat");
	ck_assert(time_parse_iso(string_in(alive, "0.endsAt"), &ends_us));
	ck_assert_int_eq(ends_us, NOW_US + 15 * MINUTE_US);
	json_decref(alive);
}
END_TEST

START_TEST(test_charts_where_they_are_asked_for)
{
	char *with = write_as("standard", FIRING, false, RECEIVER_CHART_YES), *without = write_as("smtp", FIRING, false, RECEIVER_CHART_NO);
	json_t *body = json_loads(with, 0, NULL), *plain = body_of("standard", FIRING);
	ck_assert_int_eq(strncmp(string_in(body, "data.chart_svg"), "<svg", 4), 0);
	ck_assert_ptr_null(at(plain, "data.chart_svg"));
	ck_assert_ptr_null(strstr(without, "svg"));
	json_decref(body);
	json_decref(plain);
	free(with);
	free(without);
}
END_TEST

START_TEST(test_mean_scores_read_as_such)
{
	json_t *body = body_of("pagerduty", "{\"id\":\"a1\",\"state\":\"firing\",\"rule\":\"tone\",\"topic\":\"zorvex\",\"count\":12,"
					    "\"window_s\":172800,\"expected\":-0.05,\"ratio\":-0.62,\"publishers\":4}");
	ck_assert_str_eq(string_in(body, "payload.summary"),
			 "tone on zorvex: a mean score of -0.62 over 12 in 48 h, -0.05 is usual, 4 publishers");
	json_decref(body);
}
END_TEST

/* Through the thread: an update is sent like any other, signed, with an id of its own. */
START_TEST(test_an_update_arrives)
{
	post_box_open(&box, "");
	struct receiver_spec spec = desk();
	harness_start(&h, &spec, 1);
	struct delivery delivery = firing("a1", 2);
	delivery.payload = (char *)ESCALATED;
	harness_add(&h, delivery);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	json_t *rows = post_box_read(&box);
	ck_assert(json_is_true(json_object_get(json_array_get(rows, 0), "verified")));
	ck_assert_str_eq(text_at(rows, 0, "webhook_id"), "a1-2");
	ck_assert_ptr_nonnull(strstr(text_at(rows, 0, "body"), "{\"type\":\"alert.updated\""));
	json_decref(rows);
	harness_stop(&h);
	post_box_close(&box);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("formats");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test_every_kind_in_every_format, 0, KINDS);
	tcase_add_test(tcase, test_slack);
	tcase_add_test(tcase, test_pagerduty_joins_what_belongs_together);
	tcase_add_test(tcase, test_alertmanager);
	tcase_add_test(tcase, test_charts_where_they_are_asked_for);
	tcase_add_test(tcase, test_mean_scores_read_as_such);
	tcase_add_test(tcase, test_an_update_arrives);
	return run_case("webhook_formats", tcase);
}
