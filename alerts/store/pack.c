/*
 * Hours, packed.  A start needs every topic's hours of thirteen weeks: millions
 * of rows where there are ten thousand topics, seconds of SQLite's time.  So
 * what retention finds to be over for a day is written once more, all topics of
 * an hour in one value of a dozen bytes a topic, which is read faster.
 *
 * The rows stay what is true: the views show them, and retention deletes them.
 * Where a late document changes an hour that is packed, the transaction that
 * changes it drops the packed one; retention packs it again.  An hour that is
 * not packed is read from its rows.
 */
#include "alerts/store/private.h"

#include "alerts/store/pack.h"
#include "daemon/base/check.h"

#include <math.h>
#include <stdlib.h>

/* An hour is packed when it is over for so long: what comes late has come. */
#define PACK_AFTER_S (24 * PACK_HOUR_S)

struct packing {
	uint8_t *bytes;
	size_t size, capacity;
};

static void put_number(struct packing *packing, uint64_t number)
{
	while (number >= 0x80) {
		packing->bytes[packing->size++] = (uint8_t)(number | 0x80);
		number >>= 7;
	}
	packing->bytes[packing->size++] = (uint8_t)number;
}

static void make_room(struct packing *packing)
{
	if (packing->capacity - packing->size >= (1 + PACK_NUMBERS) * PACK_NUMBER_BYTES)
		return;
	packing->capacity = packing->capacity * 2 + 4096;
	packing->bytes = xrealloc(packing->bytes, packing->capacity);
}

/* ---- packing ---- */

/* Which hours may be packed at all: asked once. */
static int know_packed(struct store *store)
{
	struct bound select;
	int rc;

	if (store->packed_known)
		return SQLITE_OK;
	select = store_bind(store, STMT_LAST_PACKED_HOUR);
	rc = store_next(&select);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_ERROR : rc;
	store->packed_upto_s = sqlite3_column_int64(select.statement, 0);
	store_reset(&select);
	store->packed_known = true;
	return SQLITE_OK;
}

static int pack_rows(struct store *store, int64_t start_s, struct packing *packing, int64_t *rows)
{
	struct bound select = store_bind(store, STMT_LOAD_HOUR);
	int64_t last = 0;
	int rc;

	make_room(packing);
	put_number(packing, PACK_VERSION);
	bind_integer(&select, start_s);
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		sqlite3_stmt *row = select.statement;
		int64_t topic = sqlite3_column_int64(row, 0);

		make_room(packing);
		put_number(packing, (uint64_t)(topic - last));
		for (int column = 1; column <= 5; column++)
			put_number(packing, (uint64_t)sqlite3_column_int64(row, column));
		put_number(packing, pack_fold_sign(llround(sqlite3_column_double(row, 6) * 1e6)));
		put_number(packing, pack_fold_sign(sqlite3_column_int64(row, 7) - start_s));
		last = topic;
		(*rows)++;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int pack_hour(struct store *store, int64_t start_s, int64_t *rows)
{
	struct packing packing = {0};
	int rc = pack_rows(store, start_s, &packing, rows);

	if (rc == SQLITE_OK) {
		struct bound put = store_bind(store, STMT_PUT_PACKED_HOUR);

		bind_integer(&put, start_s);
		if (put.rc == SQLITE_OK)
			put.rc = sqlite3_bind_blob64(put.statement, put.at, packing.bytes, packing.size, SQLITE_STATIC);
		rc = store_run(&put);
	}
	free(packing.bytes);
	return rc;
}

int pack_find_hour(struct store *store, int64_t after_s, int64_t *start_s)
{
	struct bound select = store_bind(store, STMT_FIND_HOUR);
	int rc;

	bind_integer(&select, after_s);
	rc = store_next(&select);
	if (rc != SQLITE_ROW)
		return rc;
	*start_s = sqlite3_column_int64(select.statement, 0);
	store_reset(&select);
	return SQLITE_ROW;
}

/* SQLITE_ROW where it is. */
static int is_packed(struct store *store, int64_t start_s)
{
	struct bound select = store_bind(store, STMT_GET_PACKED_HOUR);
	int rc;

	bind_integer(&select, start_s);
	rc = store_next(&select);
	if (rc == SQLITE_ROW)
		store_reset(&select);
	return rc;
}

int pack_hours(struct store *store, int64_t now_s, int64_t *left)
{
	int64_t start_s = 0, rows;
	int rc = know_packed(store);

	for (; rc == SQLITE_OK && *left > 0; *left -= rows) {
		rows = 1; /* looking for it is work, too */
		rc = pack_find_hour(store, store->pack_from_s, &start_s);
		if (rc != SQLITE_ROW || start_s + PACK_HOUR_S + PACK_AFTER_S > now_s)
			return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
		rc = is_packed(store, start_s);
		if (rc == SQLITE_DONE)
			rc = pack_hour(store, start_s, &rows);
		else if (rc == SQLITE_ROW)
			rc = SQLITE_OK;
		store->pack_from_s = start_s;
		if (start_s > store->packed_upto_s)
			store->packed_upto_s = start_s;
	}
	return rc;
}

int pack_drop(struct store *store, int64_t start_s)
{
	struct bound drop;
	int rc = know_packed(store);

	if (rc != SQLITE_OK || start_s > store->packed_upto_s)
		return rc;
	if (start_s <= store->pack_from_s)
		store->pack_from_s = start_s - 1;
	drop = store_bind(store, STMT_DROP_PACKED_HOUR);
	bind_integer(&drop, start_s);
	return store_run(&drop);
}
