/*
 * The WAL is copied back into the database by the writer itself, between
 * transactions: SQLite's own automatic checkpoint would give up silently for
 * as long as readers follow one another without a gap, and the file would
 * grow without bound.
 *
 * PASSIVE copies what no reader stops it from copying, and costs readers
 * nothing; once all is copied and nobody reads from the WAL, the next
 * transaction starts it over.  Where it has grown beyond WAL_LIMIT_PAGES all the
 * same, TRUNCATE waits a moment for the readers of now to end (new ones read
 * the database file meanwhile).  A reader that stays for hours can delay
 * that, nothing can take its snapshot away; its end brings the file back.
 */
#include "alerts/store/private.h"

#include <stdio.h>
#include <sys/stat.h>

#define WAL_PAGES 4096 /* 16 MB: copied back each time it has grown by so much */
#define WAL_LIMIT_PAGES (4 * WAL_PAGES)
#define READER_WAIT_MS 50

static void truncate_wal(struct store *store)
{
	sqlite3_busy_timeout(store->db, READER_WAIT_MS);
	sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
}

void wal_checkpoint(struct store *store)
{
	if (store->wal_pages < store->wal_tried_pages)
		store->wal_tried_pages = 0; /* it was started over */
	if (store->wal_pages - store->wal_tried_pages < WAL_PAGES)
		return;
	store->wal_tried_pages = store->wal_pages;
	/* A failure (no room in the database file) loses nothing: the WAL has it all, and a later one tries again. */
	sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (store->wal_pages >= WAL_LIMIT_PAGES)
		truncate_wal(store);
}

void wal_shrink(struct store *store)
{
	sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

int64_t store_wal_bytes(const struct store *store)
{
	char name[4096];
	struct stat status;
	if (snprintf(name, sizeof name, "%s-wal", store->path) >= (int)sizeof name || stat(name, &status) != 0)
		return 0;
	return status.st_size;
}
