/*
 * One batch, one transaction.  The order inside it is of no importance to
 * anybody but the fault points: whatever ends the process, SQLite shows all
 * of it or nothing.
 */
#include "alerts/store/private.h"

#include "daemon/base/fault.h"

static int fault(enum fault point)
{
	return fault_point(point) == 0 ? SQLITE_OK : STEP_FAULT;
}

static int write_marks(struct store *store, const struct store_batch *batch)
{
	struct bound update = store_bind(store, STMT_SET_MARKS);
	bind_integer(&update, batch->document_count > 0 ? batch->documents[batch->document_count - 1].id : 0);
	bind_time(&update, batch->applied_us);
	return store_run(&update);
}

static int write_parts(struct store *store, const struct store_batch *batch)
{
	static int (*const parts[])(struct store *, const struct store_batch *) = {
		write_documents, write_rejects, write_effects, write_notices, write_outbox, write_command_results, write_health,
		write_marks,
	};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		int rc = parts[i](store, batch);
		if (rc == SQLITE_OK && i == 0)
			rc = fault(FAULT_IN_TRANSACTION);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int write_moves(struct store *store, const struct store_batch *batch)
{
	int rc = fault(FAULT_BEFORE_POSITION);
	if (rc == SQLITE_OK)
		rc = write_positions(store, batch);
	return rc == SQLITE_OK ? fault(FAULT_AFTER_POSITION) : rc;
}

static int write_transaction(struct store *store, const struct store_batch *batch)
{
	int rc = fault(FAULT_BEFORE_TRANSACTION);
	if (rc == SQLITE_OK)
		rc = store_begin(store);
	if (rc == SQLITE_OK)
		rc = write_parts(store, batch);
	if (rc == SQLITE_OK)
		rc = write_moves(store, batch);
	if (rc == SQLITE_OK)
		rc = fault(FAULT_BEFORE_COMMIT);
	return rc == SQLITE_OK ? store_commit(store) : rc;
}

enum store_result store_write(struct store *store, const struct store_batch *batch, struct err *e)
{
	int rc = write_transaction(store, batch);
	if (rc != SQLITE_OK) {
		enum store_result result = store_result_of(store, rc, e);
		store_rollback(store);
		if ((rc & 0xff) == SQLITE_FULL)
			wal_shrink(store);
		return result;
	}
	(void)fault_point(FAULT_AFTER_COMMIT); /* what is committed cannot fail any more */
	if (store->recall_loaded)
		for (size_t i = 0; i < batch->document_count; i++)
			recall_note(&store->recall, batch->documents[i].id, store->batch_keys[i]);
	wal_checkpoint(store);
	return STORE_DONE;
}
