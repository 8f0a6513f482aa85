/*
 * What receivers of each format get: every kind of message, held against what
 * the receivers' makers document (fields, words, limits), and against texts
 * that would break out of them.
 */
#include "alerts/receivers/format.h"
#include "daemon/base/utf8.h"
#include "tests/lib/run.h"
#include "tests/lib/webhook_harness.h"

/* 2026-01-05T09:31:00Z */
#define NOW_US (INT64_C(1767605460) * SECOND_US)

static const char *const mail_to[] = {"desk@example.com"};

static char *write_as(const char *name, const char *payload, bool over, enum receiver_chart chart)
{
	struct err e = {.text = ""};
	struct receiver_spec spec = {.name = "desk", .format = name, .secret = "0123456789abcdef0123456789abcdef",
				     .from = "alerts@example.com", .to = mail_to, .to_count = 1, .chart = chart};
	struct envelope envelope = {"a1-1", payload, over};
	char *body = format_write(format_find(name, NULL), &spec, &envelope, NOW_US, &e);
	ck_assert_msg(body != NULL, "%s: %s", name, e.text);
	ck_assert(utf8_is_valid(body, strlen(body)));
	return body;
}

/* What a receiver of this format gets for a payload; the caller decrefs it. */
static json_t *body_of(const char *name, const char *payload)
{
	json_error_t error;
	char *body = write_as(name, payload, false, RECEIVER_CHART_AUTO);
	json_t *json = json_loads(body, 0, &error);
	ck_assert_msg(json != NULL, "%s: %s: %.200s", name, error.text, body);
	free(body);
	return json;
}

static const json_t *at(const json_t *body, const char *path)
{
	char copy[128], *rest = copy;
	snprintf(copy, sizeof copy, "%s", path);
	for (char *key; (key = strsep(&rest, ".")) != NULL;)
		body = json_is_array(body) ? json_array_get(body, strtoul(key, NULL, 10)) : json_object_get(body, key);
	return body;
}

static const char *string_in(const json_t *body, const char *path)
{
	const json_t *value = at(body, path);
	return json_is_string(value) ? json_string_value(value) : "(none)";
}

/* ---- one payload of each kind ---- */

#define HEAD(id, event, state, change)                                                                                                 \
	"{\"id\":\"" id "\",\"event\":" event ",\"rule\":\"negative-spike\",\"topic\":\"zorvex\",\"state\":\"" state                    \
	"\",\"at\":\"2026-01-05T09:30:00Z\",\"started\":\"2026-01-05T09:00:00Z\",\"fired\":\"2026-01-05T09:15:00Z\",\"window_s\":3600," \
	"\"count\":14,\"peak_count\":17,\"expected\":2.1,\"ratio\":6.67,\"p_value\":0.00002,\"documents\":30,\"publishers\":5,"         \
	"\"change\":\"" change "\",\"cause\":\"tone\",\"stories\":20,\"stories_expected\":18.25,\"share\":0.7,\"share_expected\":0.115,"
#define STORIES                                                                                                                        \
	"\"evidence\":[{\"title\":\"Zorvex <recalls> pumps & valves\",\"url\":\"https://news.example/1?a=1&b=2\",\"publisher\":"        \
	"\"Example Wire\",\"published\":\"2026-01-05T09:10:00Z\",\"polarity\":\"negative\",\"score\":-0.9,\"copies\":4,\"story\":7,"     \
	"\"words\":[{\"text\":\"recalls\",\"weight\":0.4},{\"text\":\"pumps\",\"weight\":0.1}]},"                                       \
	"{\"title\":\"Zorvex plunges\",\"url\":null,\"publisher\":null,\"published\":null,\"polarity\":null,\"score\":null,"            \
	"\"copies\":1,\"story\":8}]"
#define CHART                                                                                                                          \
	"\"chart\":{\"start\":\"2026-01-05T00:00:00Z\",\"step_s\":3600,\"counts\":[1,2,14],\"expected\":[2,2,2.1],\"limit\":[8,8,8]}"
#define ALONE "\"group\":\"a1\",\"topics\":[\"zorvex\"]"
#define GROUP "\"group\":\"a1\",\"topics\":[\"zorvex\",\"quorl\",\"tandy\"]"

#define FIRING HEAD("a1", "1", "firing", "fired") STORIES "," ALONE "," CHART ",\"late\":false}"
#define ESCALATED HEAD("a1", "2", "firing", "escalated") STORIES "," ALONE "," CHART "}"
#define JOINED HEAD("a1", "3", "firing", "joined") STORIES "," GROUP "}"
#define RENEWED HEAD("a1", "4", "firing", "renewed") STORIES "," ALONE "}"
#define RESOLVED HEAD("a1", "5", "resolved", "resolved") "\"resolved\":\"2026-01-05T12:30:00Z\"," STORIES "," GROUP "}"
#define LATE HEAD("a1", "1", "firing", "fired") "\"late\":true," STORIES "}"
#define DIGEST                                                                                                                         \
	"{\"id\":\"digest-1\",\"event\":1,\"state\":\"digest\",\"late\":true,\"at\":\"2026-01-05T09:30:00Z\",\"alerts\":["              \
	HEAD("a1", "1", "firing", "fired") STORIES "},"                                                                                 \
	HEAD("a2", "1", "firing", "fired") STORIES "},"                                                                                 \
	HEAD("a1", "2", "resolved", "resolved") "\"resolved\":\"2026-01-05T12:30:00Z\",\"evidence\":[]}],\"omitted\":3}"
#define HEARTBEAT(status)                                                                                                              \
	"{\"id\":\"heartbeat-7\",\"state\":\"heartbeat\",\"at\":\"2026-01-05T09:30:00Z\",\"status\":\"" status "\",\"documents\":1200,"  \
	"\"sources\":[{\"name\":\"wire\",\"state\":\"ok\",\"lag\":2},{\"name\":\"feeds\",\"state\":\"silent\",\"lag\":7200}],"          \
	"\"alerts_firing\":2,\"version\":\"0.1.0\"}"
#define SELF(state, change, message)                                                                                                   \
	"{\"id\":\"s1\",\"event\":1,\"rule\":\"bellwether\",\"topic\":\"source wire\",\"state\":\"" state "\",\"at\":"                  \
	"\"2026-01-05T09:30:00Z\",\"fired\":\"2026-01-05T09:30:00Z\",\"count\":1,\"evidence\":[],\"change\":\"" change                  \
	"\",\"message\":\"" message "\"}"
#define TEST "{\"id\":\"test-1\",\"event\":1,\"rule\":\"bellwether-test\",\"topic\":\"test\",\"state\":\"test\",\"at\":"               \
	     "\"2026-01-05T09:30:00Z\",\"evidence\":[]}"

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

/* ---- what the makers of the receivers document ---- */

static size_t characters(const char *text)
{
	size_t count = 0;
	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xC0) != 0x80;
	return count;
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

static void check_slack_rich_text(const json_t *block)
{
	static const char *const types[] = {"rich_text_section", "rich_text_list", "text", "link", NULL};
	const json_t *elements = json_object_get(block, "elements"), *element;
	size_t index;
	json_array_foreach(elements, index, element) {
		ck_assert(is_one_of(string_in(element, "type"), types));
		if (strcmp(string_in(element, "type"), "text") == 0 || strcmp(string_in(element, "type"), "link") == 0)
			ck_assert_uint_gt(strlen(string_in(element, "text")), 0);
		check_slack_rich_text(element);
	}
}

/* Block Kit reference: header, section, context, rich_text. */
static void check_slack(const json_t *body)
{
	static const char *const types[] = {"header", "section", "rich_text", "context", NULL};
	const json_t *blocks = json_object_get(body, "blocks"), *block, *field;
	size_t index, number;
	ck_assert_uint_le(characters(string_in(body, "text")), 40000);
	ck_assert_uint_ge(json_array_size(blocks), 1);
	ck_assert_uint_le(json_array_size(blocks), 50);
	json_array_foreach(blocks, index, block) {
		const char *type = string_in(block, "type");
		ck_assert_msg(is_one_of(type, types), "%s", type);
		if (strcmp(type, "header") == 0) {
			ck_assert_str_eq(string_in(block, "text.type"), "plain_text");
			ck_assert_uint_le(characters(string_in(block, "text.text")), 150);
		} else if (strcmp(type, "section") == 0) {
			ck_assert_uint_ge(json_array_size(json_object_get(block, "fields")), 1);
			ck_assert_uint_le(json_array_size(json_object_get(block, "fields")), 10);
			json_array_foreach(json_object_get(block, "fields"), number, field) {
				ck_assert_str_eq(string_in(field, "type"), "plain_text");
				ck_assert_uint_le(characters(string_in(field, "text")), 2000);
			}
		} else if (strcmp(type, "rich_text") == 0) {
			check_slack_rich_text(block);
		}
	}
}

/* Adaptive Cards 1.4 in the message of a Teams workflow; 28 KB, which may be counted in UTF-16. */
static void check_teams(const json_t *body)
{
	const json_t *card = at(body, "attachments.0.content"), *block, *run;
	size_t index, number;
	char *text = json_dumps(body, JSON_COMPACT);
	ck_assert_uint_le(2 * characters(text), 28 * 1024);
	ck_assert_uint_le(strlen(text), 28 * 1024);
	free(text);
	ck_assert_str_eq(string_in(body, "type"), "message");
	ck_assert_str_eq(string_in(body, "attachments.0.contentType"), "application/vnd.microsoft.card.adaptive");
	ck_assert_str_eq(string_in(card, "type"), "AdaptiveCard");
	ck_assert_str_eq(string_in(card, "version"), "1.4");
	ck_assert_uint_ge(json_array_size(json_object_get(card, "body")), 2);
	json_array_foreach(json_object_get(card, "body"), index, block) {
		ck_assert_str_eq(string_in(block, "type"), "RichTextBlock"); /* TextBlock reads Markdown */
		json_array_foreach(json_object_get(block, "inlines"), number, run) {
			ck_assert_str_eq(string_in(run, "type"), "TextRun");
			ck_assert_uint_gt(strlen(string_in(run, "text")), 0);
		}
	}
}

/* Events API v2. */
static void check_pagerduty(const json_t *body)
{
	static const char *const actions[] = {"trigger", "resolve", NULL};
	static const char *const severities[] = {"critical", "error", "warning", "info", NULL};
	const json_t *link;
	size_t index;
	char *text = json_dumps(body, JSON_COMPACT);
	ck_assert_uint_le(strlen(text), 512 * 1024);
	free(text);
	ck_assert_uint_eq(strlen(string_in(body, "routing_key")), 32);
	ck_assert(is_one_of(string_in(body, "event_action"), actions));
	ck_assert_uint_le(strlen(string_in(body, "dedup_key")), 255);
	ck_assert_uint_ge(strlen(string_in(body, "payload.summary")), 1);
	ck_assert_uint_le(characters(string_in(body, "payload.summary")), 1024);
	ck_assert(is_one_of(string_in(body, "payload.severity"), severities));
	ck_assert_str_eq(string_in(body, "payload.source"), "bellwether");
	const json_t *timestamp = at(body, "payload.timestamp");
	int64_t at_us;
	ck_assert(timestamp == NULL || time_parse_iso(json_string_value(timestamp), &at_us));
	json_array_foreach(json_object_get(body, "links"), index, link) {
		ck_assert_uint_ge(strlen(string_in(link, "text")), 1);
		ck_assert_int_eq(strncmp(string_in(link, "href"), "http", 4), 0);
	}
}

/* Alertmanager's openapi.yaml, postableAlerts. */
static void check_alertmanager(const json_t *body)
{
	const json_t *alert, *value;
	const char *key;
	size_t index;
	json_array_foreach(body, index, alert) {
		int64_t starts_us, ends_us;
		ck_assert(time_parse_iso(string_in(alert, "startsAt"), &starts_us) && time_parse_iso(string_in(alert, "endsAt"), &ends_us));
		ck_assert_int_le(starts_us, ends_us);
		json_object_foreach((json_t *)json_object_get(alert, "labels"), key, value) {
			ck_assert(json_is_string(value));
		}
		json_object_foreach((json_t *)json_object_get(alert, "annotations"), key, value) {
			ck_assert(json_is_string(value));
		}
	}
}

static void check_body(const char *format, const json_t *body)
{
	if (strcmp(format, "slack") == 0)
		check_slack(body);
	else if (strcmp(format, "teams") == 0)
		check_teams(body);
	else if (strcmp(format, "pagerduty") == 0)
		check_pagerduty(body);
	else if (strcmp(format, "alertmanager") == 0)
		check_alertmanager(body);
}

/* In every format; what it gives is checked as far as it is JSON. */
static void check_in_all(const char *payload, bool over)
{
	for (size_t i = 0; webhook_formats[i] != NULL; i++) {
		char *text = write_as(webhook_formats[i], payload, over, RECEIVER_CHART_AUTO);
		if (strcmp(webhook_formats[i], "smtp") != 0) {
			json_t *body = json_loads(text, 0, NULL);
			ck_assert_ptr_nonnull(body);
			check_body(webhook_formats[i], body);
			json_decref(body);
		}
		free(text);
	}
}

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

/* ---- payloads of other versions, and of nobody's ---- */

START_TEST(test_sparse_and_strange_payloads_fit_every_format)
{
	static const char *const payloads[] = {
		"{}",
		"{\"id\":\"a1\",\"expected\":null,\"evidence\":[null,3,{}]}",
		"{\"id\":3,\"event\":\"x\",\"rule\":[],\"topic\":{},\"state\":7,\"at\":\"soon\",\"fired\":true,\"count\":\"many\","
		"\"window_s\":-1e308,\"expected\":1e308,\"topics\":\"all\",\"evidence\":{\"title\":1},\"chart\":[1,2],\"group\":null}",
		"{\"state\":\"digest\",\"alerts\":[1,null,[],{\"id\":\"b\"}],\"omitted\":-4}",
		"{\"state\":\"digest\",\"alerts\":\"none\"}",
		"{\"state\":\"heartbeat\",\"sources\":[{\"name\":null,\"lag\":\"long\"}]}",
		"{\"state\":\"firing\",\"topics\":[1,null,\"quorl\"],\"evidence\":[{\"title\":\"t\",\"copies\":1e300,\"words\":[{},7]}],"
		"\"chart\":{\"start\":\"never\",\"step_s\":1e300,\"counts\":[\"x\",null,-1e308]}}",
		"{\"rule\":\"bellwether\",\"message\":\"\",\"topic\":\"\",\"state\":\"firing\"}",
	};
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
		check_in_all(payloads[i], false);
		check_in_all(payloads[i], true);
	}
	/* As an older version stored it. */
	char *payload = harness_payload("a1", 1, false);
	check_in_all(payload, false);
	json_t *body = body_of("slack", payload);
	ck_assert_ptr_null(strstr(string_in(body, "text"), "Cause"));
	json_decref(body);
	free(payload);
	ck_assert_ptr_null(format_find("pigeon", NULL));
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

/* ---- texts that are meant to do harm ---- */

/* `unit` again and again, `bytes` long at least. */
static char *repeat(const char *unit, size_t bytes)
{
	size_t length = strlen(unit), count = bytes / length + 1;
	char *out = xmalloc(count * length + 1);
	for (size_t i = 0; i < count; i++)
		memcpy(out + i * length, unit, length);
	out[count * length] = '\0';
	return out;
}

static char *payload_with(const char *title, const char *topic, size_t stories, size_t topics)
{
	json_t *evidence = json_array(), *names = json_array();
	for (size_t i = 0; i < stories; i++)
		json_array_append_new(evidence, json_pack("{s:s, s:s, s:s, s:[{s:s}]}", "title", title, "url",
							  "https://news.example/a", "publisher", title, "words", "text", title));
	for (size_t i = 0; i < topics; i++)
		json_array_append_new(names, json_string(topic));
	json_t *payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", "a1", "state", "firing", "rule", topic, "topic", topic,
				    "at", "2026-01-05T09:30:00Z", "evidence", evidence, "topics", names);
	char *text = json_dumps(payload, JSON_COMPACT);
	json_decref(payload);
	return text;
}

START_TEST(test_long_and_many)
{
	static const char *const units[] = {"x", "\"", "\\", "<", "&", "\n", "\xE2\x80\xAE", "\xF0\x9F\x92\xA3", "a b "};
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		char *title = repeat(units[i], 2000), *payload = payload_with(title, title, 200, 200);
		check_in_all(payload, false);
		free(payload);
		free(title);
		title = repeat(units[i], 1 << 20);
		payload = payload_with(title, title, 1, 0);
		check_in_all(payload, false);
		free(payload);
		free(title);
	}
}
END_TEST

START_TEST(test_digest_of_many)
{
	json_t *alerts = json_array();
	for (int i = 0; i < 600; i++) {
		char id[16];
		snprintf(id, sizeof id, "b%d", i);
		json_t *alert = json_loads(FIRING, 0, NULL);
		json_object_set_new(alert, "id", json_string(id));
		json_array_append_new(alerts, alert);
	}
	json_t *digest = json_pack("{s:s, s:s, s:o}", "id", "digest-1", "state", "digest", "alerts", alerts);
	char *payload = json_dumps(digest, 0);
	json_decref(digest);
	check_in_all(payload, false);
	json_t *body = body_of("teams", payload);
	char *text = json_dumps(body, 0);
	ck_assert_ptr_nonnull(strstr(text, "and 590 more"));
	free(text);
	json_decref(body);
	free(payload);
}
END_TEST

START_TEST(test_markup_stays_text)
{
	static const char hostile[] = "<!channel> @here <https://evil.example|click> *bold* [link](https://evil.example) \xE2\x80\xAE"
				      "gnp.exe\r\n\x1b[31m {{DATE(2026-01-01)}} <at>all</at>";
	char *payload = payload_with(hostile, "zorvex", 1, 0);
	json_t *body = body_of("slack", payload);
	const char *text = string_in(body, "text");
	ck_assert_ptr_null(strstr(text, "<!"));
	ck_assert_ptr_null(strstr(text, "<https://evil"));
	ck_assert_ptr_null(strstr(text, "@here"));
	ck_assert_ptr_null(strstr(text, "\xE2\x80\xAE"));
	ck_assert_ptr_null(strchr(text, '\x1b'));
	ck_assert_ptr_null(strchr(text, '\r'));
	ck_assert_ptr_nonnull(strstr(text, "&lt;!channel&gt;"));
	ck_assert_str_eq(string_in(body, "blocks.2.elements.0.elements.0.elements.0.text"),
			 "<!channel> @here <https://evil.example|click> *bold* [link](https://evil.example) gnp.exe [31m "
			 "{{DATE(2026-01-01)}} <at>all</at>");
	json_decref(body);
	free(payload);

	static const char *const urls[] = {"javascript:alert(1)", "https://a.example/|b>", "https://a.example/\nX", "file:///etc/passwd",
					   "https://a.example/\"onclick=\"", "//a.example"};
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		json_t *json = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "id", "a1", "state", "firing", "evidence", "title", "t", "url", urls[i]);
		payload = json_dumps(json, 0);
		json_decref(json);
		static const char *const linking[] = {"slack", "teams", "pagerduty", "alertmanager", "smtp"};
		for (size_t j = 0; j < 5; j++) {
			char *out = write_as(linking[j], payload, false, RECEIVER_CHART_AUTO);
			ck_assert_msg(strstr(out, "a.example") == NULL && strstr(out, "javascript") == NULL && strstr(out, "etc/passwd") == NULL,
				      "%s: %s", linking[j], out);
			free(out);
		}
		free(payload);
	}
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
	tcase_add_test(tcase, test_sparse_and_strange_payloads_fit_every_format);
	tcase_add_test(tcase, test_mean_scores_read_as_such);
	tcase_add_test(tcase, test_long_and_many);
	tcase_add_test(tcase, test_digest_of_many);
	tcase_add_test(tcase, test_markup_stays_text);
	tcase_add_test(tcase, test_an_update_arrives);
	return run_case("webhook_formats", tcase);
}
