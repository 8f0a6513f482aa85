/*
 * Opening: create, check whose database it is, migrate, set SQLite up.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* With the mode that readers of the group need; SQLite gives the WAL files the same.  Never touches a file that exists:
 * closing a descriptor of an open database would drop the locks of other handles in this process. */
static int create_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return errno == EEXIST ? 0 : err_sys(e, errno, "%s: cannot create the database", path);
	close(fd);
	return 0;
}

static int64_t pragma_number(struct store *store, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t value = -1;
	if (store_prepare(store, sql, &statement) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* Is it ours, and of a version that is known?  Returns the version, or -1. */
static int64_t check_version(struct store *store, struct err *e)
{
	int64_t application = pragma_number(store, "PRAGMA application_id");
	int64_t version = pragma_number(store, "PRAGMA user_version");
	int64_t tables = pragma_number(store, "SELECT count(*) FROM sqlite_schema");
	if (application < 0 || version < 0 || tables < 0)
		return store_fail(store, sqlite3_extended_errcode(store->db), e);
	if (application != STORE_APPLICATION_ID && (application != 0 || tables > 0))
		return err_set(e, "%s: a SQLite database of another program; give Bellwether a file of its own", store->path);
	if (version > STORE_SCHEMA_VERSION)
		return err_set(e, "%s: written by a newer Bellwether (schema %lld, this program knows %d): upgrade the program, "
				  "or give it another database",
			       store->path, (long long)version, STORE_SCHEMA_VERSION);
	return version;
}

static int put_meta(struct store *store, const char *key, const char *value)
{
	sqlite3_stmt *insert = NULL;
	int rc = store_prepare(store, "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", &insert);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(insert, 1, key, -1, SQLITE_STATIC);
		sqlite3_bind_text(insert, 2, value, -1, SQLITE_STATIC);
		rc = sqlite3_step(insert);
	}
	sqlite3_finalize(insert);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int get_meta(struct store *store, const char *key, char *out, size_t size)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, "SELECT value FROM meta WHERE key = ?", &select);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(select, 1, key, -1, SQLITE_STATIC);
		rc = sqlite3_step(select);
		snprintf(out, size, "%s", rc == SQLITE_ROW ? column_text(select, 0) : "");
	}
	sqlite3_finalize(select);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int make_identity(struct store *store)
{
	unsigned char random[8];
	char identity[64] = "bellwether-";
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return SQLITE_IOERR;
	for (size_t i = 0; i < sizeof random; i++)
		sprintf(identity + strlen(identity), "%02x", random[i]);
	return put_meta(store, "identity", identity);
}

/* The views of another version of the program are replaced; nothing is written where they are the same. */
static int refresh_views(struct store *store)
{
	char ours[32], stored[32];
	snprintf(ours, sizeof ours, "%016llx",
		 (unsigned long long)hash_text(0, store_views_sql));
	int rc = get_meta(store, "views", stored, sizeof stored);
	if (rc != SQLITE_OK || strcmp(ours, stored) == 0)
		return rc;
	rc = store_execute(store, store_views_sql);
	return rc == SQLITE_OK ? put_meta(store, "views", ours) : rc;
}

/* Inside one transaction.  The version is read again there: another process may have been faster. */
static int migrate_locked(struct store *store)
{
	int rc = SQLITE_OK;
	int64_t from = pragma_number(store, "PRAGMA user_version");
	for (int64_t version = from; rc == SQLITE_OK && version < STORE_SCHEMA_VERSION; version++)
		rc = store_execute(store, store_migrations[version]);
	if (rc == SQLITE_OK && from == 0)
		rc = make_identity(store);
	if (rc == SQLITE_OK && from < STORE_SCHEMA_VERSION) {
		char sql[128];
		snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID,
			 STORE_SCHEMA_VERSION);
		rc = store_execute(store, sql);
	}
	return rc == SQLITE_OK ? refresh_views(store) : rc;
}

static int migrate(struct store *store, struct err *e)
{
	int rc = store_begin(store);
	if (rc == SQLITE_OK)
		rc = migrate_locked(store);
	if (rc == SQLITE_OK)
		rc = store_commit(store);
	if (rc == SQLITE_OK)
		return 0;
	store_fail(store, rc, e);
	store_rollback(store);
	return err_prefix(e, "cannot set up the schema");
}

static int commit_hook(void *context, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct store *)context)->wal_pages = pages;
	return SQLITE_OK;
}

/* The page cache is bounded (16 MB for the writer); checkpoints are ours (wal.c). */
static int set_up(struct store *store, struct err *e)
{
	int on = 1;
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	sqlite3_extended_result_codes(store->db, 1);
	const char *sql = store->mode == STORE_READ
				  ? "PRAGMA cache_size = -4096; PRAGMA query_only = 1"
				  : "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
				    "PRAGMA foreign_keys = 1; PRAGMA journal_size_limit = 16777216";
	int rc = store_execute(store, sql);
	if (rc != SQLITE_OK)
		return store_fail(store, rc, e);
	if (store->mode != STORE_READ) {
		sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
		sqlite3_wal_autocheckpoint(store->db, 0);
		sqlite3_wal_hook(store->db, commit_hook, store);
	}
	return 0;
}

/* Nobody asks SQLite how much memory it has, and counting takes a lock at each allocation. */
static void configure_library(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_database(struct store *store, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, configure_library);
	bool writes = store->mode != STORE_READ, owns = store->mode == STORE_DAEMON;
	if (owns && create_file(store->path, e) != 0)
		return -1;
	int flags = (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
		return err_set(e, "%s: cannot open the database: %s", store->path,
			       store->db != NULL ? sqlite3_errmsg(store->db) : "out of memory");
	if (writes && sqlite3_db_readonly(store->db, "main") == 1) {
		err_set(e, "%s: this user may not write it: the file is read-only", store->path);
		return err_busy(e); /* until somebody gives the right back */
	}
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	/* Before anything is changed: the file may be somebody else's. */
	int64_t version = check_version(store, e);
	if (version < 0 || set_up(store, e) != 0)
		return -1;
	if (owns && migrate(store, e) != 0)
		return -1;
	if (!owns && version < STORE_SCHEMA_VERSION) {
		err_set(e, "%s: no database of this version yet: start the daemon on it once", store->path);
		if (e != NULL)
			e->busy = true;
		return -1;
	}
	int rc = get_meta(store, "identity", store->identity, sizeof store->identity);
	return rc == SQLITE_OK ? 0 : store_fail(store, rc, e);
}

struct store *store_open(const char *path, enum store_mode mode, int64_t wait_us, struct err *e)
{
	struct store *store = xcalloc(1, sizeof *store);
	store->path = xstrdup(path);
	store->mode = mode;
	store->lock_fd = -1;
	store->data_version = -1;
	if (mode == STORE_DAEMON) {
		store->lock_fd = lock_take(path, wait_us, e);
		if (store->lock_fd < 0)
			goto fail;
	}
	if (open_database(store, e) != 0)
		goto fail;
	return store;
fail:
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	names_close(store);
	recall_free(&store->recall);
	store_finalize_statements(store);
	sqlite3_close(store->db);
	lock_release(store->lock_fd);
	free(store->batch_keys);
	free(store->scratch);
	free(store->path);
	free(store);
}

const char *store_identity(const struct store *store)
{
	return store->identity;
}
