/*
 * Alerts on the daemon itself.  They are alerts as the others are, with events
 * and deliveries, of a rule that no configuration has and of a subject that is
 * no topic.
 */
#include "alerts/store/private.h"

#include "alerts/self.h"

#include <stdio.h>
#include <string.h>

static int write_delivery(struct store *store, const struct watch_alert *alert, int64_t receiver, bool taken, int64_t applied_us)
{
	struct bound row = store_bind(store, taken ? STMT_INSERT_TAKEN : STMT_INSERT_DELIVERY);
	bind_text(&row, alert->id);
	bind_integer(&row, alert->event);
	bind_integer(&row, receiver);
	bind_time(&row, applied_us);
	return store_run(&row);
}

/* Those that are named and configured. */
static int write_deliveries(struct store *store, const struct store_notice *notice, int64_t applied_us)
{
	if (notice->receiver_count == 0)
		return write_delivery_rows(store, notice->alert, applied_us);
	for (size_t i = 0; notice->alert->notify && i < notice->receiver_count; i++) {
		bool taken = notice->taken != NULL && notice->taken[i];
		for (size_t r = 0; r < store->receivers.count; r++) {
			if (strcmp(store->receivers.names[r], notice->receivers[i]) != 0)
				continue;
			int rc = write_delivery(store, notice->alert, store->receivers.ids[r], taken, applied_us);
			if (rc != SQLITE_OK)
				return rc;
		}
	}
	return SQLITE_OK;
}

static int write_notice(struct store *store, const struct store_notice *notice, int64_t applied_us)
{
	struct stored_alert of = {.alert = notice->alert, .kind = ALERT_OF_SELF, .subject = notice->subject};
	int rc = names_find(store, NAME_RULE, 0, SELF_RULE, true, &of.rule);
	if (rc == SQLITE_OK)
		rc = write_alert_row(store, &of, "[]", applied_us);
	if (rc == SQLITE_OK)
		rc = write_event_row(store, notice->alert, notice->payload, applied_us);
	return rc == SQLITE_OK ? write_deliveries(store, notice, applied_us) : rc;
}

int write_notices(struct store *store, const struct store_batch *batch)
{
	int rc = SQLITE_OK;
	for (size_t i = 0; rc == SQLITE_OK && i < batch->notice_count; i++)
		rc = write_notice(store, &batch->notices[i], batch->applied_us);
	return rc;
}

int store_each_open_notice(struct store *store, store_open_notice *each, void *context, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store,
			       "SELECT subject, id, event, started, fired, peak_count FROM alerts"
			       " WHERE state IN (1, 2) AND state = 2 AND kind = 2 ORDER BY started, id",
			       &select);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		struct watch_alert alert = {.state = ALERT_FIRING,
					    .event = (uint32_t)sqlite3_column_int64(select, 2),
					    .started_us = column_time(select, 3),
					    .fired_us = column_time(select, 4),
					    .peak_count = (uint32_t)sqlite3_column_int64(select, 5)};
		snprintf(alert.id, sizeof alert.id, "%s", column_text(select, 1));
		each(context, column_text(select, 0), &alert);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	return rc == SQLITE_DONE ? 0 : store_fail(store, rc, e);
}
