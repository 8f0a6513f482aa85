/*
 * Beginning and ending transactions, and what SQLite's many codes mean to the
 * writer: try again, or give up.
 */
#include "alerts/store/private.h"

int store_begin(struct store *store)
{
	struct bound begin = store_bind(store, STMT_BEGIN);
	return store_run(&begin);
}

int store_commit(struct store *store)
{
	struct bound commit = store_bind(store, STMT_COMMIT);
	return store_run(&commit);
}

/* Also after a failed COMMIT, and where SQLite has rolled back by itself. */
void store_rollback(struct store *store)
{
	if (!sqlite3_get_autocommit(store->db)) {
		struct bound rollback = store_bind(store, STMT_ROLLBACK);
		store_run(&rollback);
	}
	names_forget(store);
}

/* Whatever room, permission or patience may heal is tried again; a wrong database or a bug of ours is not. */
static enum store_result classify(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
		return STORE_DONE;
	case SQLITE_READONLY:
		/* The file was moved or deleted under us: what is written now would be lost. */
		return rc == SQLITE_READONLY_DBMOVED ? STORE_BROKEN : STORE_AGAIN;
	case SQLITE_FULL:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_NOMEM:
	case SQLITE_NOLFS:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
		return STORE_AGAIN;
	default:
		return STORE_BROKEN;
	}
}

static const char *reason(struct store *store, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return "the disk is full";
	case SQLITE_READONLY:
		return rc == SQLITE_READONLY_DBMOVED ? "the file was moved or deleted" : "the file or its directory is read-only";
	case SQLITE_BUSY:
		return "another process holds the database locked";
	case SQLITE_CORRUPT:
		return "the database is damaged; see sqlite3's .recover";
	case SQLITE_NOTADB:
		return "not a SQLite database";
	default:
		return sqlite3_errmsg(store->db);
	}
}

enum store_result store_result_of(struct store *store, int rc, struct err *e)
{
	if (rc == SQLITE_OK)
		return STORE_DONE;
	if (rc == STEP_FENCED) {
		err_set(e, "%s: a stored position was moved by somebody else", store->path);
		return STORE_FENCED;
	}
	if (rc == STEP_FAULT) {
		err_set(e, "%s: told to fail by BELLWETHER_FAULT", store->path);
		return STORE_AGAIN;
	}
	err_set(e, "%s: %s", store->path, reason(store, rc));
	if (e != NULL)
		e->busy = classify(rc) == STORE_AGAIN;
	return classify(rc);
}

int store_fail(struct store *store, int rc, struct err *e)
{
	store_result_of(store, rc, e);
	return -1;
}
