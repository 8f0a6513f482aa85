/*
 * The payload itself: in the frame of Standard Webhooks (type, timestamp of the
 * event, so that every attempt has the same bytes, and data), or as it is on a
 * command's standard input.
 */
#include "alerts/receivers/format.h"

#include <stdlib.h>

static json_t *data(const struct message *message)
{
	json_t *alert = json_incref((json_t *)message->alert);
	char *svg = message->receiver->chart == RECEIVER_CHART_YES ? alert_chart(alert) : NULL;
	if (svg != NULL) {
		json_decref(alert);
		alert = json_copy((json_t *)message->alert);
		json_object_set_new(alert, "chart_svg", json_string(svg));
	}
	free(svg);
	return alert;
}

char *format_standard(const struct message *message)
{
	static const char *const types[] = {
		[MESSAGE_FIRING] = "alert.firing", [MESSAGE_UPDATE] = "alert.updated", [MESSAGE_RESOLVED] = "alert.resolved",
		[MESSAGE_DIGEST] = "alert.digest", [MESSAGE_HEARTBEAT] = "heartbeat", [MESSAGE_TEST] = "alert.test",
	};
	return format_dump(json_pack("{s:s, s:O?, s:o}", "type", types[message->kind], "timestamp",
				     json_object_get(message->alert, "at"), "data", data(message)));
}

char *format_command(const struct message *message)
{
	return format_dump(data(message));
}
