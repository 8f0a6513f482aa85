/*
 * Hours, packed.  A start needs every topic's hours of thirteen weeks: millions
 * of rows where there are ten thousand topics, seconds of SQLite's time.  So
 * what retention finds to be over for a day is written once more, all topics of
 * an hour in one value of a dozen bytes a topic, which is read a hundred times as
 * fast.
 *
 * The rows stay what is true: the views show them, and retention deletes them.
 * Where a late document changes an hour that is packed, the transaction that
 * changes it drops the packed one; retention packs it again.  An hour that is
 * not packed is read from its rows.
 *
 * Packed: a version, then for each topic that has something, by ascending id:
 * the id's distance from the one before, documents, negative ones, stories,
 * judged and negative ones, the sum of scores in millionths, and how long after
 * the hour's begin the row was changed last.  All of them are variable in
 * length, seven bits a byte, lowest first.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"

#include <math.h>
#include <stdlib.h>

enum { PACK_VERSION = 1, HOUR_S = 3600, NUMBER_MAX = 10, ENTRY_NUMBERS = 8 };

/* An hour is packed when it is over for so long: what comes late has come. */
#define PACK_AFTER_S (24 * HOUR_S)

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

/* Small numbers stay small, below zero too. */
static uint64_t fold_sign(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

static int64_t unfold_sign(uint64_t number)
{
	return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

static void make_room(struct packing *packing)
{
	if (packing->capacity - packing->size >= ENTRY_NUMBERS * NUMBER_MAX)
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
		put_number(packing, fold_sign(llround(sqlite3_column_double(row, 6) * 1e6)));
		put_number(packing, fold_sign(sqlite3_column_int64(row, 7) - start_s));
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

/* The first hour with rows behind `after_s`: SQLITE_ROW, or SQLITE_DONE where there is none. */
static int find_hour(struct store *store, int64_t after_s, int64_t *start_s)
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
		rc = find_hour(store, store->pack_from_s, &start_s);
		if (rc != SQLITE_ROW || start_s + HOUR_S + PACK_AFTER_S > now_s)
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

/* ---- reading ---- */

static bool take_number(const uint8_t **at, const uint8_t *end, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t byte = *(*at)++;

		*number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* SQLITE_CORRUPT where it is cut short, or of another version. */
static int unpack(struct store *store, int64_t start_s, const uint8_t *at, size_t size, hour_each *each, void *context)
{
	const uint8_t *end = at + size;
	uint64_t numbers[ENTRY_NUMBERS];
	int64_t topic = 0;

	if (size == 0 || *at++ != PACK_VERSION)
		return SQLITE_CORRUPT;
	while (at < end) {
		struct watch_bucket bucket = {.width_s = HOUR_S, .start_s = start_s};

		for (int i = 0; i < ENTRY_NUMBERS; i++)
			if (!take_number(&at, end, &numbers[i]))
				return SQLITE_CORRUPT;
		topic = (int64_t)((uint64_t)topic + numbers[0]);
		bucket.total = (uint32_t)numbers[1];
		bucket.negative = (uint32_t)numbers[2];
		bucket.stories = (uint32_t)numbers[3];
		bucket.judged_stories = (uint32_t)numbers[4];
		bucket.negative_stories = (uint32_t)numbers[5];
		bucket.story_score_sum = (double)unfold_sign(numbers[6]) / 1e6;
		if (name_ids_index(&store->topics, topic, &bucket.topic))
			each(context, &bucket, start_s + unfold_sign(numbers[7]));
	}
	return SQLITE_OK;
}

static int read_packed(struct store *store, int64_t start_s, hour_each *each, void *context)
{
	struct bound select = store_bind(store, STMT_GET_PACKED_HOUR);
	int rc;

	bind_integer(&select, start_s);
	rc = store_next(&select);
	if (rc != SQLITE_ROW)
		return rc;
	rc = unpack(store, start_s, sqlite3_column_blob(select.statement, 0),
		    (size_t)sqlite3_column_bytes(select.statement, 0), each, context);
	store_reset(&select);
	return rc;
}

static int read_rows(struct store *store, int64_t start_s, hour_each *each, void *context)
{
	struct bound select = store_bind(store, STMT_LOAD_HOUR);
	int rc;

	bind_integer(&select, start_s);
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		sqlite3_stmt *row = select.statement;
		struct watch_bucket bucket = {
			.width_s = HOUR_S,
			.start_s = start_s,
			.total = (uint32_t)sqlite3_column_int64(row, 1),
			.negative = (uint32_t)sqlite3_column_int64(row, 2),
			.stories = (uint32_t)sqlite3_column_int64(row, 3),
			.judged_stories = (uint32_t)sqlite3_column_int64(row, 4),
			.negative_stories = (uint32_t)sqlite3_column_int64(row, 5),
			.story_score_sum = sqlite3_column_double(row, 6),
		};

		if (name_ids_index(&store->topics, sqlite3_column_int64(row, 0), &bucket.topic))
			each(context, &bucket, sqlite3_column_int64(row, 7));
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* All of them, whatever their age: each topic's own span is for the core to see to. */
int load_hours(struct store *store, hour_each *each, void *context)
{
	int64_t start_s = INT64_MIN;
	int rc;

	while ((rc = find_hour(store, start_s, &start_s)) == SQLITE_ROW) {
		rc = read_packed(store, start_s, each, context);
		if (rc == SQLITE_DONE)
			rc = read_rows(store, start_s, each, context);
		if (rc != SQLITE_OK)
			return rc;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
