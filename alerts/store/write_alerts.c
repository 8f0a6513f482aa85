/* An alert's change in rows: the alert as it is now, the event with what it says, and a delivery for each receiver. */
#include "alerts/store/private.h"

#include "alerts/payload.h"

#include <math.h>
#include <stdlib.h>

static void bind_finite(struct bound *bound, double value)
{
	isfinite(value) ? bind_real(bound, value) : bind_null(bound);
}

int write_alert_row(struct store *store, const struct stored_alert *of, const char *evidence, int64_t applied_us)
{
	const struct watch_alert *alert = of->alert;
	struct bound row = store_bind(store, STMT_SET_ALERT);
	bind_text(&row, alert->id);
	bind_integer(&row, of->rule);
	bind_integer(&row, of->topic);
	bind_integer(&row, alert->event);
	bind_integer(&row, alert->state);
	bind_integer(&row, alert->late);
	bind_time(&row, alert->at_us);
	bind_time(&row, alert->started_us);
	bind_time(&row, alert->fired_us);
	bind_time(&row, alert->resolved_us);
	bind_integer(&row, alert->window_us);
	bind_integer(&row, alert->count);
	bind_integer(&row, alert->peak_count);
	bind_finite(&row, alert->expected);
	bind_finite(&row, alert->ratio);
	bind_finite(&row, alert->p_value);
	bind_integer(&row, alert->documents);
	bind_integer(&row, alert->publishers);
	bind_text(&row, evidence);
	bind_time(&row, applied_us);
	bind_integer(&row, of->kind);
	bind_text(&row, of->subject);
	bind_text(&row, alert->group);
	bind_integer(&row, alert->change);
	bind_integer(&row, alert->cause);
	bind_integer(&row, alert->stories);
	bind_integer(&row, alert->judged);
	bind_finite(&row, alert->stories_expected);
	bind_finite(&row, alert->share);
	bind_finite(&row, alert->share_expected);
	return store_run(&row);
}

int write_event_row(struct store *store, const struct watch_alert *alert, const char *payload, int64_t applied_us)
{
	struct bound row = store_bind(store, STMT_INSERT_EVENT);
	bind_text(&row, alert->id);
	bind_integer(&row, alert->event);
	bind_integer(&row, alert->state);
	bind_time(&row, alert->at_us);
	bind_time(&row, applied_us);
	bind_integer(&row, alert->held ? NOTIFY_HELD : alert->notify ? NOTIFY_SENT : NOTIFY_NOT);
	bind_text(&row, payload);
	return store_run(&row);
}

int write_delivery_rows(struct store *store, const struct watch_alert *alert, int64_t applied_us)
{
	for (size_t i = 0; alert->notify && i < store->receivers.count; i++) {
		struct bound row = store_bind(store, STMT_INSERT_DELIVERY);
		bind_text(&row, alert->id);
		bind_integer(&row, alert->event);
		bind_integer(&row, store->receivers.ids[i]);
		bind_time(&row, applied_us);
		int rc = store_run(&row);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

int write_alert(struct store *store, const struct stored_alert *of, int64_t applied_us)
{
	const struct watch_alert *alert = of->alert;
	char *evidence = payload_write_evidence(alert->evidence, alert->evidence_count);
	char *payload = payload_write_event(alert, of->rule_name, of->topic_name,
					    (const char *const *)store->topics.names);
	int rc = write_alert_row(store, of, evidence, applied_us);
	if (rc == SQLITE_OK)
		rc = write_event_row(store, alert, payload, applied_us);
	if (rc == SQLITE_OK)
		rc = write_delivery_rows(store, alert, applied_us);
	free(payload);
	free(evidence);
	return rc;
}
