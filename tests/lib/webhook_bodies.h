#ifndef TESTS_WEBHOOK_BODIES_H
#define TESTS_WEBHOOK_BODIES_H

/*
 * A payload of each kind, what each format makes of one, and what the makers of
 * the receivers document about fields, words and limits.
 */
#include "alerts/receivers/format.h"
#include "daemon/base/utf8.h"
#include "tests/lib/webhook_harness.h"

/* 2026-01-05T09:31:00Z */
#define NOW_US (INT64_C(1767605460) * SECOND_US)

static const char *const mail_to[] = {"desk@example.com"};

static inline char *write_as(const char *name, const char *payload, bool over, enum receiver_chart chart)
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
static inline json_t *body_of(const char *name, const char *payload)
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

#define HEAD(id, event, state, change)                                                                                \
	"{\"id\":\"" id "\",\"event\":" event ",\"rule\":\"negative-spike\",\"topic\":\"zorvex\",\"state\":\"" state  \
	"\",\"at\":\"2026-01-05T09:30:00Z\",\"started\":\"2026-01-05T09:00:00Z\",\"fired\":\"2026-01-05T09:15:00Z\",\"window_s\":3600," \
	"\"count\":14,\"peak_count\":17,\"expected\":2.1,\"ratio\":6.67,\"p_value\":0.00002,\"documents\":30,\"publishers\":5," \
	"\"change\":\"" change "\",\"cause\":\"tone\",\"stories\":20,\"stories_expected\":18.25,\"share\":0.7,\"share_expected\":0.115,"
#define STORIES                                                                                                       \
	"\"evidence\":[{\"title\":\"Zorvex <recalls> pumps & valves\",\"url\":\"https://news.example/1?a=1&b=2\",\"publisher\":" \
	"\"Example Wire\",\"published\":\"2026-01-05T09:10:00Z\",\"polarity\":\"negative\",\"score\":-0.9,\"copies\":4,\"story\":7," \
	"\"words\":[{\"text\":\"recalls\",\"weight\":0.4},{\"text\":\"pumps\",\"weight\":0.1}]},"                     \
	"{\"title\":\"Zorvex plunges\",\"url\":null,\"publisher\":null,\"published\":null,\"polarity\":null,\"score\":null," \
	"\"copies\":1,\"story\":8}]"
#define CHART                                                                                                         \
	"\"chart\":{\"start\":\"2026-01-05T00:00:00Z\",\"step_s\":3600,\"counts\":[1,2,14],\"expected\":[2,2,2.1],\"limit\":[8,8,8]}"
#define ALONE "\"group\":\"a1\",\"topics\":[\"zorvex\"]"
#define GROUP "\"group\":\"a1\",\"topics\":[\"zorvex\",\"quorl\",\"tandy\"]"

#define FIRING HEAD("a1", "1", "firing", "fired") STORIES "," ALONE "," CHART ",\"late\":false}"
#define ESCALATED HEAD("a1", "2", "firing", "escalated") STORIES "," ALONE "," CHART "}"
#define JOINED HEAD("a1", "3", "firing", "joined") STORIES "," GROUP "}"
#define RENEWED HEAD("a1", "4", "firing", "renewed") STORIES "," ALONE "}"
#define RESOLVED HEAD("a1", "5", "resolved", "resolved") "\"resolved\":\"2026-01-05T12:30:00Z\"," STORIES "," GROUP "}"
#define LATE HEAD("a1", "1", "firing", "fired") "\"late\":true," STORIES "}"
#define DIGEST                                                                                                        \
	"{\"id\":\"digest-1\",\"event\":1,\"state\":\"digest\",\"late\":true,\"at\":\"2026-01-05T09:30:00Z\",\"alerts\":[" \
	HEAD("a1", "1", "firing", "fired") STORIES "},"                                                               \
	HEAD("a2", "1", "firing", "fired") STORIES "},"                                                               \
	HEAD("a1", "2", "resolved", "resolved") "\"resolved\":\"2026-01-05T12:30:00Z\",\"evidence\":[]}],\"omitted\":3}"
#define HEARTBEAT(status)                                                                                             \
	"{\"id\":\"heartbeat-7\",\"state\":\"heartbeat\",\"at\":\"2026-01-05T09:30:00Z\",\"status\":\"" status "\",\"documents\":1200," \
	"\"sources\":[{\"name\":\"wire\",\"state\":\"ok\",\"lag\":2},{\"name\":\"feeds\",\"state\":\"silent\",\"lag\":7200}]," \
	"\"alerts_firing\":2,\"version\":\"0.1.0\"}"
#define SELF(state, change, message)                                                                                  \
	"{\"id\":\"s1\",\"event\":1,\"rule\":\"bellwether\",\"topic\":\"source wire\",\"state\":\"" state "\",\"at\":" \
	"\"2026-01-05T09:30:00Z\",\"fired\":\"2026-01-05T09:30:00Z\",\"count\":1,\"evidence\":[],\"change\":\"" change \
	"\",\"message\":\"" message "\"}"
#define TEST "{\"id\":\"test-1\",\"event\":1,\"rule\":\"bellwether-test\",\"topic\":\"test\",\"state\":\"test\",\"at\":" \
	     "\"2026-01-05T09:30:00Z\",\"evidence\":[]}"

/* ---- what the makers of the receivers document ---- */

static inline size_t characters(const char *text)
{
	size_t count = 0;
	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xC0) != 0x80;
	return count;
}

static inline bool is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

static inline void check_slack_rich_text(const json_t *block)
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
static inline void check_slack(const json_t *body)
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
static inline void check_teams(const json_t *body)
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
static inline void check_pagerduty(const json_t *body)
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
static inline void check_alertmanager(const json_t *body)
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

static inline void check_body(const char *format, const json_t *body)
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
static inline void check_in_all(const char *payload, bool over)
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

#endif
