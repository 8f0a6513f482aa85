/* What the daemon asks the database about itself, at its start and now and then. */
#include "alerts/store/private.h"

int store_each_source(struct store *store, store_source_each *each, void *context, struct err *e)
{
	sqlite3_stmt *select = NULL;
	/* With one max(), SQLite takes the bare columns from the row that has it. */
	int rc = store_prepare(store,
			       "SELECT so.name, w.advanced, g.applied, g.reason FROM sources so"
			       " LEFT JOIN source_states w ON w.source = so.id"
			       " LEFT JOIN (SELECT st.source AS source, max(r.applied) AS applied, r.reason AS reason FROM rejected r"
			       "   JOIN streams st ON st.id = r.stream WHERE r.kind = 1 GROUP BY st.source) g ON g.source = so.id",
			       &select);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		struct store_source_past past = {column_text(select, 0), column_time(select, 1), column_time(select, 2),
						 column_text(select, 3)};
		each(context, &past);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	return rc == SQLITE_DONE ? 0 : store_fail(store, rc, e);
}

int store_count_firing(struct store *store, size_t *firing, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store,
			       "SELECT count(*) FROM alerts WHERE state IN (1, 2) AND state = 2 AND kind = 0",
			       &select);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(select);
	if (rc == SQLITE_ROW)
		*firing = (size_t)sqlite3_column_int64(select, 0);
	sqlite3_finalize(select);
	return rc == SQLITE_ROW ? 0 : store_fail(store, rc, e);
}
