/* A self alert as receivers get it: the keys of every alert, so that whoever reads one reads the other. */
#include "alerts/self.h"

#include "alerts/payload.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <jansson.h>

static json_t *instant(int64_t time_us)
{
	char iso[64];
	return time_us == TIME_NONE ? json_null() : json_string(time_format_iso(time_us, iso, sizeof iso));
}

char *self_write_payload(const struct self_change *change)
{
	const struct watch_alert *alert = &change->alert;
	/* Messages repeat what a peer said: where that is no UTF-8, a null is better than no alert. */
	json_t *message = json_string(change->message), *topic = json_string(change->subject);
	json_t *json = json_pack("{s:s, s:I, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:i, s:I, s:I, s:n, s:n, s:n, s:i, s:i, s:b, s:[],"
				 " s:s, s:o}",
				 "id", alert->id, "event", (json_int_t)alert->event, "rule", SELF_RULE, "topic",
				 topic != NULL ? topic : json_null(), "state", alert_state_name(alert->state), "at",
				 instant(alert->at_us), "started", instant(alert->started_us), "fired", instant(alert->fired_us),
				 "resolved", instant(alert->resolved_us), "window_s", 0, "count", (json_int_t)alert->count,
				 "peak_count", (json_int_t)alert->peak_count, "expected", "ratio", "p_value", "documents", 0,
				 "publishers", 0, "late", 0, "evidence", "change", alert_change_name(alert->change), "message",
				 message != NULL ? message : json_null());
	CHECK(json != NULL);
	char *out = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	CHECK(out != NULL);
	return out;
}
