/*
 * The documents that the core recalls: up to three days of them, a million
 * where much happens, between the start and the first document taken.  So no
 * join for a row, no column that is not needed, and signatures (a pure
 * function of the title, dear to make) only for those that stories are still
 * sought among.
 *
 * Each row waits until some more are read: what the core will touch for it is
 * any of ten thousand topics', and comes from memory meanwhile.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { WAITING = 8, NEAR = 4 }; /* rows; the first hint is given when a row is read, the second so many rows later */

/* All of a list, as it stands; UINT32_MAX for those that are not watched now.  Returns how many are. */
static size_t read_list(const struct store *store, const char *list, struct topic_list *out)
{
	size_t watched = 0;
	out->count = 0;
	while (*list != '\0') {
		char *end;
		int64_t id = strtoll(list, &end, 10);
		if (end == list)
			break;
		list = *end == ',' ? end + 1 : end;
		if (out->count == out->capacity) {
			out->capacity = out->capacity > 0 ? out->capacity * 2 : 16;
			out->indices = xrealloc(out->indices, out->capacity * sizeof *out->indices);
		}
		uint32_t *index = &out->indices[out->count++];
		if (name_ids_index(&store->topics, id, index))
			watched++;
		else
			*index = UINT32_MAX;
	}
	return watched;
}

void read_topics(const struct store *store, const char *list, struct topic_list *out)
{
	out->count = 0;
	if (store->topics.highest == 0) /* nobody asks */
		return;
	read_list(store, list, out);
	size_t listed = out->count;
	out->count = 0;
	for (size_t i = 0; i < listed; i++) {
		uint32_t index = out->indices[i];
		if (index == UINT32_MAX)
			continue;
		size_t at = out->count++;
		for (; at > 0 && out->indices[at - 1] > index; at--)
			out->indices[at] = out->indices[at - 1];
		out->indices[at] = index;
	}
}

/* The source's name by the stream's id. */
struct stream_sources {
	char **names;
	int64_t count;
};

static int load_sources(struct store *store, struct stream_sources *sources)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, "SELECT st.id, so.name FROM streams st JOIN sources so ON so.id = st.source ORDER BY 1 DESC",
			       &select);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(select, 0);
		if (sources->names == NULL) { /* the highest comes first */
			sources->count = id + 1;
			sources->names = xcalloc((size_t)id + 1, sizeof *sources->names);
		}
		sources->names[id] = column_copy(select, 1);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void free_sources(struct stream_sources *sources)
{
	for (int64_t i = 0; i < sources->count; i++)
		free(sources->names[i]);
	free(sources->names);
}

/* Nobody asks for more of a document that is about nothing that is watched now. */
static struct watch_document read_document(sqlite3_stmt *row, const char *source, const struct topic_list *topics,
					   size_t watched)
{
	struct watch_document document = {
		.id = sqlite3_column_int64(row, 0),
		.source = source,
		.flags = (unsigned)sqlite3_column_int64(row, 2) & DOCUMENT_FLAGS,
		.published_us = sqlite3_column_int64(row, 3),
		.applied_us = sqlite3_column_int64(row, 4),
		.polarity = POLARITY_NONE,
		.topics = topics->indices,
		.topic_count = topics->count,
	};
	if (watched == 0)
		return document;
	if (sqlite3_column_type(row, 5) != SQLITE_NULL) {
		document.polarity = (enum polarity)sqlite3_column_int(row, 5);
		document.score = (float)sqlite3_column_double(row, 6);
	}
	document.publisher = column_text(row, 9);
	document.url = column_text(row, 10);
	document.title = column_text(row, 11);
	return document;
}

static void sign_title(sqlite3_stmt *row, struct story_signature *out)
{
	const char *title = column_text(row, 11);
	story_sign(title, (size_t)sqlite3_column_bytes(row, 11), out);
}

/*
 * From the last document's `applied`, which batches without any may have left
 * behind: a silent weekend makes nobody forget the Friday.  `id` and `applied`
 * ascend together, so the first id of a time is found in the index.  Documents
 * about nothing are there for their stories alone.
 */
static const char recall_sql[] =
	"SELECT id, stream, flags, published, applied, polarity, score, topics, story, publisher, url, title FROM documents"
	" WHERE id >= (SELECT id FROM documents WHERE applied >= (SELECT max(applied) FROM documents) - ?1"
	" ORDER BY applied, id LIMIT 1) AND (topics IS NOT NULL OR id > ?2) ORDER BY id";

/* The model changed: for each of those before, where it concerns what that one has judged. */
static void take_switch(struct watch *watch, const struct switch_list *switches, size_t at)
{
	for (size_t i = 0; i <= at; i++) {
		struct watch_span span = {i > 0 ? switches->each[i - 1].at_us : INT64_MIN,
					  i < at ? switches->each[i].at_us : INT64_MAX};
		if (switches->from[i] <= at)
			watch_load_switch(watch, &switches->each[at], span);
	}
}

static void take_switches(struct watch *watch, const struct switch_list *switches, size_t *taken, int64_t before)
{
	for (; *taken < switches->count && switches->each[*taken].last_document < before; ++*taken)
		take_switch(watch, switches, *taken);
}

/* A row that waits. */
struct recalled {
	struct watch_document document;
	struct topic_list topics;
	uint64_t counted;
	char *texts; /* publisher, url, title */
	size_t room;
};

struct recalling {
	struct store *store;
	struct watch *watch;
	const struct switch_list *switches;
	size_t switched; /* switches taken */
	int64_t last_unsigned;
	struct stream_sources sources;
	struct recalled rows[WAITING];
	size_t read, taken;
};

static struct recalled *row_at(struct recalling *recalling, size_t number)
{
	return &recalling->rows[number % WAITING];
}

/* SQLite's texts are gone with the next row. */
static void keep_texts(struct recalled *row)
{
	const char **texts[] = {&row->document.publisher, &row->document.url, &row->document.title};
	size_t size = 0, at = 0;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		size += *texts[i] != NULL ? strlen(*texts[i]) + 1 : 0;
	if (size > row->room) {
		row->room = 2 * size;
		free(row->texts);
		row->texts = xmalloc(row->room);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (*texts[i] == NULL)
			continue;
		size = strlen(*texts[i]) + 1;
		*texts[i] = memcpy(row->texts + at, *texts[i], size);
		at += size;
	}
}

static void take_row(struct recalling *recalling)
{
	struct recalled *row = row_at(recalling, recalling->taken++);

	take_switches(recalling->watch, recalling->switches, &recalling->switched, row->document.id);
	watch_load_document(recalling->watch, &row->document, row->document.story, row->counted);
}

static int read_row(struct recalling *recalling, sqlite3_stmt *select)
{
	struct recalled *row = row_at(recalling, recalling->read);
	int64_t stream = sqlite3_column_int64(select, 1);
	size_t watched;

	if (stream < 0 || stream >= recalling->sources.count || recalling->sources.names[stream] == NULL)
		return SQLITE_CORRUPT;
	watched = read_list(recalling->store, column_text(select, 7), &row->topics);
	row->document = read_document(select, recalling->sources.names[stream], &row->topics, watched);
	row->document.story = sqlite3_column_int64(select, 8);
	row->counted = (uint64_t)sqlite3_column_int64(select, 2) >> DOCUMENT_FLAG_BITS;
	if (row->document.id > recalling->last_unsigned)
		sign_title(select, &row->document.signature);
	watch_fetch(recalling->watch, &row->document, false);
	keep_texts(row);
	recalling->read++;
	if (recalling->read > NEAR)
		watch_fetch(recalling->watch, &row_at(recalling, recalling->read - 1 - NEAR)->document, true);
	if (recalling->read - recalling->taken == WAITING)
		take_row(recalling);
	return SQLITE_OK;
}

static int read_rows(struct recalling *recalling)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(recalling->store, recall_sql, &select);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(select, 1, WATCH_RECALL_US);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(select, 2, recalling->last_unsigned);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW)
		rc = read_row(recalling, select);
	while (recalling->taken < recalling->read)
		take_row(recalling);
	take_switches(recalling->watch, recalling->switches, &recalling->switched, INT64_MAX);
	sqlite3_finalize(select);
	return rc;
}

int load_documents(struct store *store, struct watch *watch, int64_t last_document, const struct switch_list *switches)
{
	struct recalling recalling = {
		.store = store,
		.watch = watch,
		.switches = switches,
		.last_unsigned = last_document - WATCH_RECALL_SIGNATURES,
	};
	int rc = load_sources(store, &recalling.sources);

	if (rc == SQLITE_OK)
		rc = read_rows(&recalling);
	free_sources(&recalling.sources);
	for (size_t i = 0; i < WAITING; i++) {
		free(recalling.rows[i].topics.indices);
		free(recalling.rows[i].texts);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
