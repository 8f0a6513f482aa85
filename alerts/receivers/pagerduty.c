/*
 * PagerDuty Events API v2.  The integration key is the receiver's secret; the
 * alert's id is the dedup_key that joins trigger, update (another trigger) and
 * resolve.
 *
 * A heartbeat opens no incident: "ok" resolves the one that a heartbeat with
 * another status has opened, and is nothing to PagerDuty where there is none.
 *
 * Limits (Events API v2): 1,024 characters of summary, 255 of dedup_key, 512 KB
 * in all.
 */
#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 20
#define LINKS_MAX 5
#define DEDUP_MAX 255
#define HEARTBEAT_KEY "bellwether-heartbeat"

static json_t *links(const struct notice *notice)
{
	json_t *array = json_array();
	CHECK(array != NULL);
	for (size_t i = 0; i < notice->item_count && json_array_size(array) < LINKS_MAX; i++)
		if (notice->items[i].url != NULL)
			json_array_append_new(array, json_pack("{s:s, s:s}", "href", notice->items[i].url, "text",
							       notice->items[i].title));
	return array;
}

/* What a program may want to look at keeps its name; people get the facts and the list. */
static json_t *details(const struct message *message, const struct notice *notice)
{
	static const char *const kept[] = {"id", "event", "rule", "topic", "state", "change", "cause", "group", "window_s",
					   "count", "peak_count", "expected", "ratio", "p_value", "status", NULL};
	json_t *out = json_object(), *list = json_array();
	CHECK(out != NULL && list != NULL);
	for (size_t i = 0; i < notice->fact_count; i++)
		json_object_set_new(out, notice->facts[i].label, json_string(notice->facts[i].value));
	for (size_t i = 0; i < notice->item_count; i++) {
		const struct notice_item *item = &notice->items[i];
		char *line = item->detail[0] != '\0' ? text_format("%s (%s)", item->title, item->detail)
						     : text_format("%s", item->title);
		json_array_append_new(list, json_string(line));
		free(line);
	}
	json_object_set_new(out, message->kind == MESSAGE_DIGEST ? "alerts" : message->kind == MESSAGE_HEARTBEAT ? "sources" : "stories",
			    list);
	for (size_t i = 0; kept[i] != NULL; i++) {
		json_t *value = json_object_get(message->alert, kept[i]);
		char *text = json_is_string(value) ? text_line(json_string_value(value), NOTICE_TITLE_MAX) : NULL;
		if (text != NULL)
			json_object_set_new(out, kept[i], json_string(text));
		else if (json_is_number(value))
			json_object_set(out, kept[i], value);
		free(text);
	}
	return out;
}

static const char *severity(const struct notice *notice)
{
	static const char *const severities[] = {
		[TONE_ALARM] = "critical", [TONE_WARNING] = "warning", [TONE_GOOD] = "info", [TONE_PLAIN] = "info"};
	return severities[notice->tone];
}

static bool resolves(const struct message *message)
{
	return message->kind == MESSAGE_RESOLVED ||
	       (message->kind == MESSAGE_HEARTBEAT && strcmp(alert_text(message->alert, "status"), "ok") == 0);
}

static json_t *payload(const struct message *message, const struct notice *notice)
{
	const json_t *alert = message->alert;
	int64_t at_us;
	char *component = text_line(alert_text(alert, "topic"), NOTICE_TITLE_MAX);
	char *group = text_line(alert_text(alert, "rule"), NOTICE_TITLE_MAX);
	json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "summary", notice->summary, "source", "bellwether", "severity",
				severity(notice), "component", component, "group", group, "class", notice->state,
				"custom_details", details(message, notice));
	if (time_parse_iso(alert_text(alert, "at"), &at_us))
		json_object_set(out, "timestamp", json_object_get(alert, "at"));
	free(component);
	free(group);
	return out;
}

char *format_pagerduty(const struct message *message)
{
	const char *id = alert_text(message->alert, "id"), *key = message->receiver->secret;
	struct notice *notice = notice_create(message, ITEMS_MAX);
	char *dedup = text_line(message->kind == MESSAGE_HEARTBEAT ? HEARTBEAT_KEY : id, DEDUP_MAX);
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "routing_key", key != NULL ? key : "", "event_action",
				 resolves(message) ? "resolve" : "trigger", "dedup_key", dedup, "client", "Bellwether", "payload",
				 payload(message, notice), "links", links(notice));
	free(dedup);
	notice_free(notice);
	return format_dump(body);
}
