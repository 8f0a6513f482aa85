/*
 * Looking back: the stored documents in their order, and free questions.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Names by their ids, so that a row needs no join. */
struct names_by_id {
	char **names;
	int64_t count;
};

/* `sql` gives ids and names, the highest id first. */
static int load_names(struct store *store, const char *sql, struct names_by_id *out)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, sql, &select);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(select, 0);
		if (out->names == NULL) {
			out->count = id + 1;
			out->names = xcalloc((size_t)id + 1, sizeof *out->names);
		}
		out->names[id] = column_copy(select, 1);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void free_names(struct names_by_id *names)
{
	for (int64_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
}

static const char *name_of(const struct names_by_id *names, int64_t id)
{
	return id >= 0 && id < names->count ? names->names[id] : NULL;
}

/* `id` and `applied` ascend together, so the first id of a time is found in the index. */
static const char past_sql[] =
	"SELECT id, stream, flags, published, applied, polarity, score, topics, story, label, model IS NOT NULL,"
	" publisher, url, title, body FROM documents"
	" WHERE id >= (SELECT id FROM documents WHERE applied >= ?1 ORDER BY applied, id LIMIT 1) ORDER BY id";

struct looking {
	struct names_by_id sources; /* by stream */
	struct names_by_id labels;
	struct topic_list topics;
};

static int read_past(sqlite3_stmt *row, const struct looking *looking, struct store_past *past)
{
	bool judged = sqlite3_column_type(row, 5) != SQLITE_NULL, labelled = sqlite3_column_type(row, 9) != SQLITE_NULL;
	const char *source = name_of(&looking->sources, sqlite3_column_int64(row, 1));
	*past = (struct store_past){
		.document = {
			.id = sqlite3_column_int64(row, 0),
			.source = source,
			.flags = (unsigned)sqlite3_column_int64(row, 2) & DOCUMENT_FLAGS,
			.published_us = sqlite3_column_int64(row, 3),
			.applied_us = sqlite3_column_int64(row, 4),
			.polarity = judged ? (enum polarity)sqlite3_column_int(row, 5) : POLARITY_NONE,
			.score = judged ? (float)sqlite3_column_double(row, 6) : 0,
			.topics = looking->topics.indices,
			.topic_count = looking->topics.count,
			.story = sqlite3_column_int64(row, 8),
			.publisher = column_text(row, 11),
			.url = column_text(row, 12),
			.title = column_text(row, 13),
		},
		.label = labelled ? name_of(&looking->labels, sqlite3_column_int64(row, 9)) : NULL,
		.scored = sqlite3_column_int(row, 10) != 0,
		.body = column_text(row, 14),
	};
	return source != NULL ? SQLITE_OK : SQLITE_CORRUPT;
}

int store_each_document(struct store *store, int64_t since_us, store_each *each, void *context, struct err *e)
{
	struct looking looking = {0};
	struct store_past past;
	sqlite3_stmt *select = NULL;
	int rc = load_names(store, "SELECT st.id, so.name FROM streams st JOIN sources so ON so.id = st.source ORDER BY 1 DESC",
			    &looking.sources);
	if (rc == SQLITE_OK)
		rc = load_names(store, "SELECT id, name FROM labels ORDER BY 1 DESC", &looking.labels);
	if (rc == SQLITE_OK)
		rc = store_prepare(store, past_sql, &select);
	if (rc == SQLITE_OK)
		sqlite3_bind_int64(select, 1, since_us);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		read_topics(store, column_text(select, 7), &looking.topics);
		rc = read_past(select, &looking, &past);
		if (rc == SQLITE_OK && each(context, &past) != 0)
			rc = SQLITE_DONE;
	}
	sqlite3_finalize(select);
	free_names(&looking.sources);
	free_names(&looking.labels);
	free(looking.topics.indices);
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
