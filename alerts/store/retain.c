/*
 * Retention, in steps small enough to come between two batches.  A step goes
 * on with the next kind of row only where it has room left, and packs hours
 * that are over with what is left after that.
 */
#include "alerts/store/private.h"

#include "daemon/base/clock.h"

#define QUARTERS_US (8 * DAY_US)

struct step {
	struct store *store;
	int64_t left;
};

/* Delete what `statement` finds due before `cutoff`; `width` only for buckets, whose times are seconds. */
static int delete_due(struct step *step, enum statement statement, int64_t width, int64_t now_us, int64_t keep_us)
{
	if (step->left <= 0 || keep_us <= 0)
		return SQLITE_OK;
	int64_t cutoff = (now_us - keep_us) / (width != 0 ? SECOND_US : 1);
	struct bound delete = store_bind(step->store, statement);
	if (width != 0)
		bind_integer(&delete, width);
	bind_integer(&delete, cutoff);
	bind_integer(&delete, step->left);
	int rc = store_run(&delete);
	if (rc == SQLITE_OK)
		step->left -= sqlite3_changes(step->store->db);
	return rc;
}

/* What the core recalls after a restart is kept, however short the span. */
static int64_t recallable(int64_t documents_us)
{
	return documents_us > 0 && documents_us < WATCH_RECALL_US ? WATCH_RECALL_US : documents_us;
}

static int delete_all(struct step *step, int64_t now_us, int64_t documents_us, int64_t trends_us)
{
	const struct {
		enum statement statement;
		int64_t width, keep_us;
	} kinds[] = {
		{STMT_RETAIN_DOCUMENTS, 0, recallable(documents_us)},
		{STMT_RETAIN_REJECTS, 0, documents_us},
		{STMT_RETAIN_DELIVERIES, 0, documents_us},
		{STMT_RETAIN_COMMANDS, 0, documents_us},
		{STMT_RETAIN_BUCKETS, 900, QUARTERS_US},
		{STMT_RETAIN_BUCKETS, 3600, WATCH_HISTORY_US},
		{STMT_RETAIN_BUCKETS, 86400, trends_us},
		{STMT_RETAIN_ALERTS, 0, trends_us},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		int rc = delete_due(step, kinds[i].statement, kinds[i].width, now_us, kinds[i].keep_us);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int pack(struct step *step, int64_t now_us)
{
	struct bound delete = store_bind(step->store, STMT_RETAIN_PACKED_HOURS);
	int rc = store_run(&delete);
	return rc == SQLITE_OK ? pack_hours(step->store, now_us / SECOND_US, &step->left) : rc;
}

enum store_result store_retain(struct store *store, int64_t now_us, int64_t documents_us, int64_t trends_us,
			       size_t max_rows, bool *more, struct err *e)
{
	struct step step = {store, (int64_t)max_rows};
	*more = false;
	int rc = store_begin(store);
	if (rc == SQLITE_OK)
		rc = delete_all(&step, now_us, documents_us, trends_us);
	if (rc == SQLITE_OK)
		rc = pack(&step, now_us);
	if (rc == SQLITE_OK)
		rc = store_commit(store);
	enum store_result result = store_result_of(store, rc, e);
	if (rc != SQLITE_OK) {
		store->pack_from_s = 0; /* what was packed is not: look again */
		store_rollback(store);
	} else {
		wal_checkpoint(store);
	}
	*more = result == STORE_DONE && step.left <= 0;
	return result;
}
