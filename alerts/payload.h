#ifndef ALERTS_PAYLOAD_H
#define ALERTS_PAYLOAD_H

#include "alerts/watch.h"

/*
 * An alert as JSON text: what the outbox holds and receivers get, what replay
 * prints, and the evidence that stays with an alert.
 *
 * Times are ISO 8601 UTC, null where there is none; so are numbers that are
 * not finite.  Numbers have six significant digits.  The caller frees the text.
 */

/*
 * {"id","event","rule","topic","state","at","started","fired","resolved","window_s","count","peak_count","expected",
 *  "ratio","p_value","documents","publishers","late","evidence":[...],
 *  "change":"pending|fired|escalated|joined|renewed|resolved","cause":"volume|tone|both"|null,"stories",
 *  "stories_expected","share","share_expected","group":id of the leader,"topics":[names of the group],
 *  "chart":{"start","step_s","counts":[],"expected":[],"limit":[]}|null}
 *
 * `topics`: names by index, for the members; may be NULL where there are none but the alert's own.
 */
char *payload_write_event(const struct watch_alert *alert, const char *rule, const char *topic, const char *const *topics);

/* A line of replay: {"at","rule","topic","state","count","expected","ratio","p_value","documents","publishers",
 *  "evidence":[...],"id","event","started","fired","resolved","window_s","peak_count","late","change","cause","stories",
 *  "stories_expected","share","share_expected","group","topics"} */
char *payload_write_change(const struct watch_alert *alert, const char *rule, const char *topic, const char *const *topics);

/* {"id","event":1,"state":"digest","late":true,"at","alerts":[...],"omitted"}: the texts of events, without their charts;
 * `omitted` says how many more there were.  NULL where a text is no JSON object. */
char *payload_write_digest(const char *id, int64_t at_us, const char *const *events, size_t count, size_t omitted);

/* [{"title","url","publisher","published","polarity","score","copies","story"}, ...] */
char *payload_write_evidence(const struct watch_evidence *evidence, size_t count);

/* "ok", "pending", "firing", "resolved" */
const char *alert_state_name(enum alert_state state);
/* "pending", "fired", "escalated", "joined", "renewed", "resolved" */
const char *alert_change_name(enum alert_change change);
/* "volume", "tone", "both"; NULL for none */
const char *rule_cause_name(enum rule_cause cause);

#endif
