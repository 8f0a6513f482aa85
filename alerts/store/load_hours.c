/*
 * The hours that the core counts by, packed or not.
 *
 * What is packed lies by hour, and the core keeps it by topic.  Gone through hour
 * by hour it would touch every topic's memory two thousand times, each time from
 * afar.  So a week's hours are read side by side, and each topic takes all that
 * it has in them at once.
 */
#include "alerts/store/private.h"

#include "alerts/store/pack.h"
#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 7 * 24 };

/* A packed hour on its way: the topic at hand, INT64_MAX = none is left. */
struct packed_hour {
	uint8_t *bytes;
	const uint8_t *at, *end;
	int64_t start_s, topic;
};

struct reading {
	struct store *store;
	hour_each *each;
	void *context;
	struct packed_hour hours[TOGETHER];
	size_t count;
};

/* To the next topic; SQLITE_CORRUPT where it is cut short. */
static int go_on(struct packed_hour *hour)
{
	uint64_t distance;

	if (hour->at == hour->end) {
		hour->topic = INT64_MAX;
		return SQLITE_OK;
	}
	if (!pack_take(&hour->at, hour->end, &distance) || distance == 0 || distance > INT64_MAX - (uint64_t)hour->topic - 1)
		return SQLITE_CORRUPT;
	hour->topic += (int64_t)distance;
	return SQLITE_OK;
}

static int take_topic(struct reading *reading, struct packed_hour *hour)
{
	struct watch_bucket bucket = {.width_s = PACK_HOUR_S, .start_s = hour->start_s};
	uint64_t numbers[PACK_NUMBERS];

	for (int i = 0; i < PACK_NUMBERS; i++)
		if (!pack_take(&hour->at, hour->end, &numbers[i]))
			return SQLITE_CORRUPT;
	bucket.total = (uint32_t)numbers[0];
	bucket.negative = (uint32_t)numbers[1];
	bucket.stories = (uint32_t)numbers[2];
	bucket.judged_stories = (uint32_t)numbers[3];
	bucket.negative_stories = (uint32_t)numbers[4];
	bucket.story_score_sum = (double)pack_unfold_sign(numbers[5]) / 1e6;
	if (name_ids_index(&reading->store->topics, hour->topic, &bucket.topic))
		reading->each(reading->context, &bucket, hour->start_s + pack_unfold_sign(numbers[6]));
	return go_on(hour);
}

/* All hours at hand, topic by topic. */
static int take_together(struct reading *reading)
{
	int64_t topic = 0, next;
	int rc = SQLITE_OK;

	for (; topic != INT64_MAX; topic = next) {
		next = INT64_MAX;
		for (size_t i = 0; i < reading->count; i++) {
			struct packed_hour *hour = &reading->hours[i];

			if (hour->topic == topic)
				rc = take_topic(reading, hour);
			if (rc != SQLITE_OK)
				return rc;
			if (hour->topic < next)
				next = hour->topic;
		}
	}
	return rc;
}

static void forget(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++)
		free(reading->hours[i].bytes);
	reading->count = 0;
}

/* Hours in order: those at hand go before any other. */
static int finish(struct reading *reading)
{
	int rc = take_together(reading);

	forget(reading);
	return rc;
}

static int add_packed(struct reading *reading, int64_t start_s, const uint8_t *bytes, size_t size)
{
	struct packed_hour *hour = &reading->hours[reading->count];

	if (size == 0 || bytes[0] != PACK_VERSION)
		return SQLITE_CORRUPT;
	*hour = (struct packed_hour){.bytes = xmalloc(size), .start_s = start_s};
	memcpy(hour->bytes, bytes, size);
	hour->at = hour->bytes + 1;
	hour->end = hour->bytes + size;
	reading->count++;
	return go_on(hour);
}

/* SQLITE_DONE where the hour is not packed. */
static int read_packed(struct reading *reading, int64_t start_s)
{
	struct bound select = store_bind(reading->store, STMT_GET_PACKED_HOUR);
	int rc;

	bind_integer(&select, start_s);
	rc = store_next(&select);
	if (rc != SQLITE_ROW)
		return rc;
	rc = add_packed(reading, start_s, sqlite3_column_blob(select.statement, 0),
			(size_t)sqlite3_column_bytes(select.statement, 0));
	store_reset(&select);
	return rc == SQLITE_OK && reading->count == TOGETHER ? finish(reading) : rc;
}

static int read_rows(struct reading *reading, int64_t start_s)
{
	struct bound select = store_bind(reading->store, STMT_LOAD_HOUR);
	int rc;

	bind_integer(&select, start_s);
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		sqlite3_stmt *row = select.statement;
		struct watch_bucket bucket = {
			.width_s = PACK_HOUR_S,
			.start_s = start_s,
			.total = (uint32_t)sqlite3_column_int64(row, 1),
			.negative = (uint32_t)sqlite3_column_int64(row, 2),
			.stories = (uint32_t)sqlite3_column_int64(row, 3),
			.judged_stories = (uint32_t)sqlite3_column_int64(row, 4),
			.negative_stories = (uint32_t)sqlite3_column_int64(row, 5),
			.story_score_sum = sqlite3_column_double(row, 6),
		};

		if (name_ids_index(&reading->store->topics, sqlite3_column_int64(row, 0), &bucket.topic))
			reading->each(reading->context, &bucket, sqlite3_column_int64(row, 7));
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_hour(struct reading *reading, int64_t start_s)
{
	int rc = read_packed(reading, start_s);

	if (rc != SQLITE_DONE)
		return rc;
	rc = finish(reading);
	return rc == SQLITE_OK ? read_rows(reading, start_s) : rc;
}

/* All of them, whatever their age: each topic's own span is for the core to see to. */
int load_hours(struct store *store, hour_each *each, void *context)
{
	struct reading *reading = xcalloc(1, sizeof *reading);
	int64_t start_s = INT64_MIN;
	int rc, found;

	*reading = (struct reading){.store = store, .each = each, .context = context};
	do {
		found = pack_find_hour(store, start_s, &start_s);
		rc = found == SQLITE_ROW ? read_hour(reading, start_s) : found;
	} while (found == SQLITE_ROW && rc == SQLITE_OK);
	if (rc == SQLITE_DONE)
		rc = finish(reading);
	forget(reading);
	free(reading);
	return rc;
}
