/*
 * The outbox: what is still to be sent, what came of it, and sending again.
 *
 * Deliveries have ascending ids and the writer hands out those above the last
 * it knows.  So what is to be sent again gets a new row with a new id; the
 * receiver sees the same webhook-id, which is made from alert and event.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>

static int write_results(struct store *store, const struct store_batch *batch)
{
	for (size_t i = 0; i < batch->delivery_count; i++) {
		const struct store_delivery *delivery = &batch->deliveries[i];
		struct bound update = store_bind(store, STMT_SET_DELIVERY);
		bind_integer(&update, delivery->id);
		bind_integer(&update, delivery->state);
		bind_integer(&update, delivery->attempts);
		bind_time(&update, delivery->state == DELIVERY_PENDING ? delivery->next_try_us : TIME_NONE);
		bind_text(&update, delivery->last_error);
		bind_time(&update, batch->applied_us);
		int rc = store_run(&update);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* ---- sending again ---- */

struct finished {
	int64_t id, event, receiver;
};

static int find_finished(struct store *store, const char *alert, struct finished **out, size_t *count)
{
	size_t capacity = 0;
	*out = NULL;
	*count = 0;
	struct bound select = store_bind(store, STMT_FIND_FINISHED_DELIVERIES);
	bind_text(&select, alert);
	int rc;
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		if (*count == capacity) {
			capacity = capacity > 0 ? capacity * 2 : 16;
			*out = xrealloc(*out, capacity * sizeof **out);
		}
		(*out)[(*count)++] = (struct finished){sqlite3_column_int64(select.statement, 0),
						       sqlite3_column_int64(select.statement, 1),
						       sqlite3_column_int64(select.statement, 2)};
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int renew(struct store *store, const char *alert, const struct finished *old, int64_t applied_us)
{
	struct bound delete = store_bind(store, STMT_DELETE_DELIVERY);
	bind_integer(&delete, old->id);
	int rc = store_run(&delete);
	if (rc != SQLITE_OK)
		return rc;
	struct bound insert = store_bind(store, STMT_INSERT_DELIVERY);
	bind_text(&insert, alert);
	bind_integer(&insert, old->event);
	bind_integer(&insert, old->receiver);
	bind_time(&insert, applied_us);
	return store_run(&insert);
}

static int write_redelivery(struct store *store, const char *alert, int64_t applied_us)
{
	struct finished *finished;
	size_t count;
	int rc = find_finished(store, alert, &finished, &count);
	for (size_t i = 0; rc == SQLITE_OK && i < count; i++)
		rc = renew(store, alert, &finished[i], applied_us);
	free(finished);
	return rc;
}

int write_outbox(struct store *store, const struct store_batch *batch)
{
	int rc = write_results(store, batch);
	for (size_t i = 0; rc == SQLITE_OK && i < batch->redeliver_count; i++)
		rc = write_redelivery(store, batch->redeliver[i], batch->applied_us);
	return rc;
}

/* ---- what is due ---- */

static struct delivery read_delivery(sqlite3_stmt *row)
{
	return (struct delivery){
		.id = sqlite3_column_int64(row, 0),
		.receiver = column_copy(row, 1),
		.alert = column_copy(row, 2),
		.event = (uint32_t)sqlite3_column_int64(row, 3),
		.resolved = sqlite3_column_int(row, 4) == ALERT_RESOLVED,
		.payload = column_copy(row, 5),
		.attempts = (uint32_t)sqlite3_column_int64(row, 6),
		.next_try_us = sqlite3_column_int64(row, 7), /* NULL: 0 = at once */
	};
}

int store_load_outbox(struct store *store, int64_t after, struct delivery **deliveries, size_t *count, struct err *e)
{
	size_t capacity = 0;
	*deliveries = NULL;
	*count = 0;
	struct bound select = store_bind(store, STMT_LOAD_OUTBOX);
	bind_integer(&select, after);
	int rc;
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		if (*count == capacity) {
			capacity = capacity > 0 ? capacity * 2 : 16;
			*deliveries = xrealloc(*deliveries, capacity * sizeof **deliveries);
		}
		(*deliveries)[(*count)++] = read_delivery(select.statement);
	}
	if (rc == SQLITE_DONE)
		return 0;
	deliveries_free(*deliveries, *count);
	*deliveries = NULL;
	*count = 0;
	return store_fail(store, rc, e);
}

void deliveries_free(struct delivery *deliveries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(deliveries[i].receiver);
		free(deliveries[i].alert);
		free(deliveries[i].payload);
	}
	free(deliveries);
}

int store_outbox_age(struct store *store, size_t *pending, int64_t *oldest_us, struct err *e)
{
	struct bound select = store_bind(store, STMT_OUTBOX_AGE);
	int rc = store_next(&select);
	if (rc != SQLITE_ROW)
		return store_fail(store, rc, e);
	*pending = (size_t)sqlite3_column_int64(select.statement, 0);
	*oldest_us = column_time(select.statement, 1);
	store_reset(&select);
	return 0;
}
