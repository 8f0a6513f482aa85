/*
 * Prometheus Alertmanager, POST /api/v2/alerts.  Its labels are an alert's
 * identity, so they hold what stays the same from firing to resolved.  An
 * alert without an end would resolve by itself after five minutes: one that
 * fires is given an end that lies far ahead, and "resolved" brings the real
 * one.
 */
#include "alerts/receivers/format.h"

#include "daemon/base/clock.h"

#include <stdlib.h>

#define FIRING_ENDS_US (7 * DAY_US)
#define TEST_ENDS_US MINUTE_US

static json_t *ends_at(const struct message *message, const char *starts)
{
	char text[64];
	int64_t start_us, end_us;
	if (message->kind == MESSAGE_RESOLVED && alert_text(message->alert, "resolved")[0] != '\0')
		return json_string(alert_text(message->alert, "resolved"));
	end_us = message->now_us + (message->kind == MESSAGE_TEST ? TEST_ENDS_US : FIRING_ENDS_US);
	if (message->kind == MESSAGE_RESOLVED)
		end_us = message->now_us;
	/* Documents may come from a clock of their own, ahead of ours; an end before the start is refused. */
	if (time_parse_iso(starts, &start_us) && end_us < start_us)
		end_us = start_us;
	return json_string(time_format_iso(end_us, text, sizeof text));
}

static json_t *annotations(const struct message *message)
{
	char *summary = alert_summary(message);
	const json_t *first = json_array_get(json_object_get(message->alert, "evidence"), 0);
	json_t *out = json_pack("{s:s, s:s, s:s}", "summary", summary, "alert_id", alert_text(message->alert, "id"),
				"description", alert_text(first, "title"));
	free(summary);
	return out;
}

json_t *format_alertmanager(const struct message *message)
{
	const json_t *alert = message->alert;
	char now[64];
	const char *starts = alert_text(alert, "fired");
	if (starts[0] == '\0')
		starts = alert_text(alert, "at");
	if (starts[0] == '\0')
		starts = time_format_iso(message->now_us, now, sizeof now);
	return json_pack("[{s:{s:s, s:s, s:s}, s:o, s:s, s:o}]", "labels", "alertname", alert_text(alert, "rule"), "topic",
			 alert_text(alert, "topic"), "source", "bellwether", "annotations", annotations(message), "startsAt",
			 starts, "endsAt", ends_at(message, starts));
}
