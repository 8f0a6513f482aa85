/*
 * Prometheus Alertmanager, POST /api/v2/alerts.  Its labels are an alert's
 * identity.  They hold the alert's id, so that a "resolved" that comes late
 * (after hours of retries) ends the alert that it is about and never the next
 * one of the same rule and topic; routes and groups go by the other labels,
 * which stay the same from firing to resolved as well.  A group of topics is
 * one alert here too, that of the topic that leads it, because topics leave a
 * group and nobody would end theirs; all of them stand in the annotations.
 *
 * An alert without an end would resolve by itself after five minutes: one that
 * fires is given an end that lies far ahead, and "resolved" brings the real
 * one.  A digest becomes the alerts it tells of.  A heartbeat is an alert that
 * fires while heartbeats come: when they stop, Alertmanager says "resolved".
 */
#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 10
#define FIRING_ENDS_US (7 * DAY_US)
#define TEST_ENDS_US MINUTE_US
/* Where the heartbeat does not say how often it comes; else three of them may be missed. */
#define HEARTBEAT_ENDS_US (15 * MINUTE_US)
#define HEARTBEATS_MISSED 3

static int64_t lasts_us(const struct message *message)
{
	double interval_s = json_number_value(json_object_get(message->alert, "interval_s"));
	if (message->kind == MESSAGE_TEST)
		return TEST_ENDS_US;
	if (message->kind != MESSAGE_HEARTBEAT)
		return FIRING_ENDS_US;
	return interval_s >= 1 && interval_s < 1e7 ? (int64_t)(HEARTBEATS_MISSED * interval_s) * SECOND_US : HEARTBEAT_ENDS_US;
}

static json_t *ends_at(const struct message *message, const char *starts)
{
	char text[64];
	int64_t start_us, end_us;
	bool over = message->kind == MESSAGE_RESOLVED;
	if (!over || !time_parse_iso(alert_text(message->alert, "resolved"), &end_us))
		end_us = message->now_us + (over ? 0 : lasts_us(message));
	/* Documents may come from a clock of their own, ahead of ours; an end before the start is refused. */
	if (time_parse_iso(starts, &start_us) && end_us < start_us)
		end_us = start_us;
	return json_string(time_format_iso(end_us, text, sizeof text));
}

static json_t *labels(const struct message *message)
{
	const json_t *alert = message->alert;
	if (message->kind == MESSAGE_HEARTBEAT)
		return json_pack("{s:s, s:s, s:s}", "alertname", "BellwetherHeartbeat", "source", "bellwether", "severity", "none");
	const char *severity = message->kind == MESSAGE_TEST ? "info" : alert_is_self(alert) ? "warning" : "critical";
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "alertname", alert_text(alert, "rule"), "topic", alert_text(alert, "topic"),
			 "alert_id", alert_text(alert, "id"), "source", "bellwether", "severity", severity);
}

/* The facts, then the list, a line each. */
static json_t *description(const struct notice *notice)
{
	char *text, *more = notice_more(notice);
	size_t length;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	for (size_t i = 0; i < notice->fact_count; i++)
		fprintf(out, "%s: %s\n", notice->facts[i].label, notice->facts[i].value);
	for (size_t i = 0; i < notice->item_count; i++) {
		const struct notice_item *item = &notice->items[i];
		fprintf(out, "- %s%s%s%s\n", item->title, item->detail[0] != '\0' ? " (" : "", item->detail,
			item->detail[0] != '\0' ? ")" : "");
	}
	if (more != NULL)
		fprintf(out, "%s\n", more);
	CHECK(fclose(out) == 0);
	json_t *json = json_string(text);
	free(text);
	free(more);
	return json;
}

static json_t *annotations(const struct message *message)
{
	struct notice *notice = notice_create(message, ITEMS_MAX);
	json_t *out = json_pack("{s:s, s:s, s:o}", "summary", notice->summary, "state", notice->state, "description",
				description(notice));
	for (size_t i = 0; i < notice->fact_count; i++)
		if (strcmp(notice->facts[i].label, "Topics") == 0)
			json_object_set_new(out, "topics", json_string(notice->facts[i].value));
	if (notice->item_count > 0 && notice->items[0].url != NULL)
		json_object_set_new(out, "url", json_string(notice->items[0].url));
	notice_free(notice);
	return out;
}

static json_t *one_alert(const struct message *message)
{
	static const char *const keys[] = {"fired", "started", "at"};
	char now[64];
	int64_t start_us;
	const char *starts = time_format_iso(message->now_us, now, sizeof now);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (time_parse_iso(alert_text(message->alert, keys[i]), &start_us)) {
			starts = time_format_iso(start_us, now, sizeof now);
			break;
		}
	return json_pack("{s:o, s:o, s:s, s:o}", "labels", labels(message), "annotations", annotations(message), "startsAt", starts,
			 "endsAt", ends_at(message, starts));
}

char *format_alertmanager(const struct message *message)
{
	json_t *out = json_array();
	const json_t *alerts = json_object_get(message->alert, "alerts"), *alert;
	size_t index;
	CHECK(out != NULL);
	if (message->kind != MESSAGE_DIGEST) {
		json_array_append_new(out, one_alert(message));
		return format_dump(out);
	}
	json_array_foreach(alerts, index, alert) {
		struct message part = *message;
		part.alert = alert;
		part.kind = alert_kind(alert, false);
		if (json_is_object(alert) && !alert_is_told_later(alerts, index))
			json_array_append_new(out, one_alert(&part));
	}
	return format_dump(out);
}
