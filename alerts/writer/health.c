/*
 * Health rows come every few seconds and rarely say anything new.  A change of
 * state or message is written with the next batch, anything else now and
 * then: an idle daemon does not keep the disk awake.
 */
#include "alerts/writer/private.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <stdlib.h>
#include <string.h>

#define HEALTH_EVERY_US (15 * SECOND_US)

static void row_free(struct store_source_health *row)
{
	free((char *)row->source);
	free((char *)row->stream);
	free((char *)row->state);
	free((char *)row->message);
}

void health_rows_free(struct health_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		row_free(&rows->rows[i]);
	free(rows->rows);
	*rows = (struct health_rows){0};
}

/* Without the rows of `source`; the others keep their order. */
static void drop_source(struct health_rows *rows, const char *source)
{
	size_t kept = 0;
	for (size_t i = 0; i < rows->count; i++)
		if (strcmp(rows->rows[i].source, source) == 0)
			row_free(&rows->rows[i]);
		else
			rows->rows[kept++] = rows->rows[i];
	rows->count = kept;
}

static void append(struct health_rows *rows, const struct store_source_health *from)
{
	if (rows->count == rows->capacity) {
		rows->capacity = rows->capacity > 0 ? rows->capacity * 2 : 16;
		rows->rows = xrealloc(rows->rows, rows->capacity * sizeof *rows->rows);
	}
	struct store_source_health row = *from;
	row.source = xstrdup(from->source);
	row.stream = xstrdup(from->stream);
	row.state = xstrdup(from->state);
	row.message = xstrdup(from->message != NULL ? from->message : "");
	rows->rows[rows->count++] = row;
}

void writer_put_health(struct writer *writer, const struct store_source_health *rows, size_t count)
{
	pthread_mutex_lock(&writer->lock);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(rows[i].source, rows[i - 1].source) != 0)
			drop_source(&writer->health, rows[i].source);
	for (size_t i = 0; i < count; i++)
		append(&writer->health, &rows[i]);
	pthread_mutex_unlock(&writer->lock);
}

static uint64_t state_hash(const struct health_rows *rows)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < rows->count; i++) {
		hash = hash_text(hash, rows->rows[i].source);
		hash = hash_text(hash, rows->rows[i].stream);
		hash = hash_text(hash, rows->rows[i].state);
		hash = hash_text(hash, rows->rows[i].message);
	}
	return hash;
}

void health_take(struct writer *writer)
{
	struct batch *batch = &writer->batch;
	int64_t now = monotonic_us();
	pthread_mutex_lock(&writer->lock);
	if (writer->health.count > 0) {
		uint64_t state = state_hash(&writer->health);
		if (state != writer->health_state || now - writer->health_written_us >= HEALTH_EVERY_US) {
			batch->health = writer->health;
			writer->health = (struct health_rows){0};
			writer->health_state = state;
			writer->health_written_us = now;
			batch->forget_health = writer->forget_health;
			writer->forget_health = false;
		}
	}
	pthread_mutex_unlock(&writer->lock);
}
