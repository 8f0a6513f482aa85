/* PagerDuty Events API v2.  The integration key is the receiver's secret; the alert's id joins trigger and resolve. */
#include "alerts/receivers/format.h"

#include "daemon/base/check.h"

#include <stdlib.h>

#define LINKS_MAX 5

static void add_link(void *context, const json_t *story)
{
	json_t *links = context;
	if (alert_text(story, "url")[0] != '\0')
		CHECK(json_array_append_new(links, json_pack("{s:s, s:s}", "href", alert_text(story, "url"), "text",
							     alert_text(story, "title"))) == 0);
}

json_t *format_pagerduty(const struct message *message)
{
	const json_t *alert = message->alert;
	char *summary = alert_summary(message);
	json_t *links = json_array();
	CHECK(links != NULL);
	alert_each_story(alert, LINKS_MAX, add_link, links);
	json_t *payload = json_pack("{s:s, s:s, s:s, s:O?, s:s, s:s, s:O}", "summary", summary, "source", "bellwether",
				    "severity", message->kind == MESSAGE_TEST ? "info" : "critical", "timestamp",
				    json_object_get(alert, "at"), "component", alert_text(alert, "topic"), "group",
				    alert_text(alert, "rule"), "custom_details", alert);
	json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "routing_key", message->secret != NULL ? message->secret : "",
				"event_action", message->kind == MESSAGE_RESOLVED ? "resolve" : "trigger", "dedup_key",
				alert_text(alert, "id"), "client", "Bellwether", "payload", payload, "links", links);
	free(summary);
	return out;
}
