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

/* {"id","event","rule","topic","state","at","started","fired","resolved","window_s","count","peak_count","expected",
 *  "ratio","p_value","documents","publishers","late","evidence":[...]} */
char *payload_write_event(const struct watch_alert *alert, const char *rule, const char *topic);

/* A line of replay: {"at","rule","topic","state","count","expected","ratio","p_value","documents","publishers",
 *  "evidence":[...],"id","event","started","fired","resolved","window_s","peak_count","late"} */
char *payload_write_change(const struct watch_alert *alert, const char *rule, const char *topic);

/* [{"title","url","publisher","published","polarity","score","copies","story"}, ...] */
char *payload_write_evidence(const struct watch_evidence *evidence, size_t count);

/* "ok", "pending", "firing", "resolved" */
const char *alert_state_name(enum alert_state state);

#endif
