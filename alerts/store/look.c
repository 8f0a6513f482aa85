/*
 * Looking back: the stored documents in their order, and free questions.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* `id` and `applied` ascend together, so the first id of a time is found in the index. */
static const char past_sql[] =
	"SELECT d.id, so.name, st.name, d.flags, d.published, d.received, d.applied, d.polarity, d.score, d.topics, d.story,"
	" d.external_id, d.publisher, d.title, d.body, d.url, d.lang, (SELECT name FROM labels WHERE id = d.label),"
	" d.model IS NOT NULL"
	" FROM documents d CROSS JOIN streams st ON st.id = d.stream CROSS JOIN sources so ON so.id = st.source"
	" WHERE d.id >= (SELECT id FROM documents WHERE applied >= ?1 ORDER BY applied, id LIMIT 1) ORDER BY d.id";

static struct store_past read_past(sqlite3_stmt *row, const struct topic_list *topics)
{
	bool judged = sqlite3_column_type(row, 7) != SQLITE_NULL;
	struct store_past past = {
		.document = {
			.id = sqlite3_column_int64(row, 0),
			.source = column_text(row, 1),
			.flags = (unsigned)sqlite3_column_int64(row, 3) & DOCUMENT_FLAGS,
			.published_us = sqlite3_column_int64(row, 4),
			.applied_us = sqlite3_column_int64(row, 6),
			.polarity = judged ? (enum polarity)sqlite3_column_int(row, 7) : POLARITY_NONE,
			.score = judged ? (float)sqlite3_column_double(row, 8) : 0,
			.topics = topics->indices,
			.topic_count = topics->count,
			.publisher = column_text(row, 12),
			.title = column_text(row, 13),
			.url = column_text(row, 15),
		},
		.story = sqlite3_column_int64(row, 10),
		.received_us = sqlite3_column_int64(row, 5),
		.stream = column_text(row, 2),
		.external_id = column_text(row, 11),
		.body = column_text(row, 14),
		.lang = column_text(row, 16),
		.label = sqlite3_column_type(row, 17) != SQLITE_NULL ? column_text(row, 17) : NULL,
		.scored = sqlite3_column_int(row, 18) != 0,
	};
	/* A pure function of the title: cheaper to make again than to store. */
	story_sign(past.document.title, strlen(past.document.title), &past.document.signature);
	return past;
}

int store_each_document(struct store *store, int64_t since_us, store_each *each, void *context, struct err *e)
{
	struct topic_list topics = {0};
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, past_sql, &select);
	if (rc == SQLITE_OK)
		sqlite3_bind_int64(select, 1, since_us);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		read_topics(store, column_text(select, 9), &topics);
		struct store_past past = read_past(select, &topics);
		rc = each(context, &past) == 0 ? SQLITE_OK : SQLITE_DONE;
	}
	sqlite3_finalize(select);
	free(topics.indices);
	return rc == SQLITE_DONE ? 0 : store_fail(store, rc, e);
}

int store_query(struct store *store, const char *sql, store_row *each, void *context, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, sql, &select);
	size_t columns = rc == SQLITE_OK ? (size_t)sqlite3_column_count(select) : 0;
	const char **values = xcalloc(columns, sizeof *values);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		for (size_t i = 0; i < columns; i++)
			values[i] = (const char *)sqlite3_column_text(select, (int)i);
		rc = each(context, columns, values) == 0 ? SQLITE_OK : SQLITE_DONE;
	}
	sqlite3_finalize(select);
	free(values);
	return rc == SQLITE_DONE ? 0 : store_fail(store, rc, e);
}
