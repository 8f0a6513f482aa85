/*
 * The digest of a backlog: one event of its own that holds what each alert said
 * last.  It is made from the stored events, since an alert may have been held
 * long before and by another process.
 */
#include "alerts/store/private.h"

#include "alerts/payload.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>

/* As many are told one by one; of the others, how many there are. */
#define TOLD_MAX 100

struct held {
	char *payloads[TOLD_MAX];
	size_t count, omitted;
};

static int find_held(struct store *store, struct held *held)
{
	struct bound select = store_bind(store, STMT_FIND_HELD);
	int rc;
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		if (held->count < TOLD_MAX)
			held->payloads[held->count++] = column_copy(select.statement, 0);
		else
			held->omitted++;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_digest(struct store *store, const struct watch_late *late, const char *payload, int64_t applied_us)
{
	struct watch_alert alert = {.event = 1, .state = ALERT_RESOLVED, .notify = true, .late = true, .at_us = late->at_us,
				    .started_us = late->at_us, .fired_us = TIME_NONE, .resolved_us = late->at_us,
				    .change = CHANGE_RESOLVED};
	_Static_assert(sizeof alert.id == sizeof late->id, "both are an alert's id");
	for (size_t i = 0; i < sizeof alert.id; i++)
		alert.id[i] = late->id[i];
	int rc = write_alert_row(store, &(struct stored_alert){.alert = &alert, .kind = ALERT_DIGEST}, "[]", applied_us);
	if (rc == SQLITE_OK)
		rc = write_event_row(store, &alert, payload, applied_us);
	return rc == SQLITE_OK ? write_delivery_rows(store, &alert, applied_us) : rc;
}

int write_late(struct store *store, const struct watch_late *late, int64_t applied_us)
{
	struct held held = {.count = 0};
	char *payload = NULL;
	int rc = find_held(store, &held);
	if (rc == SQLITE_OK && held.count > 0) {
		payload = payload_write_digest(late->id, late->at_us, (const char *const *)held.payloads, held.count, held.omitted);
		rc = payload != NULL ? write_digest(store, late, payload, applied_us) : SQLITE_CORRUPT;
	}
	if (rc == SQLITE_OK) {
		struct bound end = store_bind(store, STMT_END_HELD);
		rc = store_run(&end);
	}
	for (size_t i = 0; i < held.count; i++)
		free(held.payloads[i]);
	free(payload);
	return rc;
}
