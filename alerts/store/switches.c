/*
 * Changes of the model: when, from which to which, and how often the two said
 * what of the same texts.  Those counts are kept rather than what follows from
 * them, so that a way back can be made of a way there.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert(ITEM_LABELLED == 8, "judged_sql");
_Static_assert(JUDGED_NEGATIVE == 0 && JUDGED_OTHER == 1 && NOT_JUDGED == 2 && JUDGEMENTS == 3, "columns of switch_pairs");

/* ---- reading ---- */

void store_switches_free(struct store_switch *switches, size_t count)
{
	for (size_t i = 0; switches != NULL && i < count; i++) {
		free(switches[i].old_model);
		free(switches[i].new_model);
		free(switches[i].pairs);
		free((void *)switches[i].switched.topics);
	}
	free(switches);
}

static struct switch_pairs read_pairs(sqlite3_stmt *row, int column)
{
	struct switch_pairs pairs;
	for (int i = 0; i < JUDGEMENTS * JUDGEMENTS; i++)
		pairs.counts[i / JUDGEMENTS][i % JUDGEMENTS] = (uint32_t)sqlite3_column_int64(row, column + i);
	pairs.score_shift = sqlite3_column_double(row, column + JUDGEMENTS * JUDGEMENTS);
	return pairs;
}

static void learn_chances(struct store_switch *into)
{
	struct switch_chances *topics = xcalloc(into->topic_count + 1, sizeof *topics);
	into->switched.overall = switch_chances_overall(&into->overall);
	for (size_t t = 0; t < into->topic_count; t++)
		topics[t] = switch_chances_topic(&into->pairs[t], &into->switched.overall);
	into->switched.topics = topics;
}

static int load_pairs(struct store *store, int64_t id, struct store_switch *into)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, "SELECT * FROM switch_pairs WHERE switch = ?", &select);
	if (rc == SQLITE_OK)
		sqlite3_bind_int64(select, 1, id);
	into->topic_count = store->topics.count;
	into->pairs = xcalloc(into->topic_count + 1, sizeof *into->pairs);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		int64_t topic = sqlite3_column_int64(select, 1);
		uint32_t index;
		if (topic == 0)
			into->overall = read_pairs(select, 2);
		else if (name_ids_index(&store->topics, topic, &index))
			into->pairs[index] = read_pairs(select, 2);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	learn_chances(into);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Older ones than any history that is kept are over. */
static const char switches_sql[] =
	"SELECT s.id, s.at, s.document, o.name, n.name, s.texts FROM model_switches s JOIN models o ON o.id = s.old"
	" JOIN models n ON n.id = s.new WHERE s.at > coalesce((SELECT applied FROM marks), 0) - ?1 ORDER BY s.id";

int store_load_switches(struct store *store, struct store_switch **switches, size_t *count, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, switches_sql, &select);
	if (rc == SQLITE_OK)
		sqlite3_bind_int64(select, 1, WATCH_HISTORY_US);
	*switches = NULL;
	*count = 0;
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		*switches = xrealloc(*switches, (*count + 1) * sizeof **switches);
		struct store_switch *one = &(*switches)[(*count)++];
		*one = (struct store_switch){
			.switched = {.at_us = sqlite3_column_int64(select, 1), .last_document = sqlite3_column_int64(select, 2)},
			.old_model = column_copy(select, 3),
			.new_model = column_copy(select, 4),
			.texts = (uint32_t)sqlite3_column_int64(select, 5),
		};
		rc = load_pairs(store, sqlite3_column_int64(select, 0), one);
	}
	sqlite3_finalize(select);
	if (rc == SQLITE_DONE)
		return 0;
	store_switches_free(*switches, *count);
	*switches = NULL;
	*count = 0;
	return store_fail(store, rc, e);
}

/* Where nothing is judged for long, the search for the last judgement ends. */
static const char current_sql[] =
	"SELECT coalesce("
	" (SELECT m.name FROM (SELECT id, model FROM documents"
	"    WHERE id > coalesce((SELECT document FROM model_switches ORDER BY id DESC LIMIT 1), 0) ORDER BY id DESC LIMIT 500000) d"
	"   JOIN models m ON m.id = d.model ORDER BY d.id DESC LIMIT 1),"
	" (SELECT m.name FROM model_switches s JOIN models m ON m.id = s.new ORDER BY s.id DESC LIMIT 1))";

int store_current_model(struct store *store, char *version, size_t size, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, current_sql, &select);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(select);
	if (rc == SQLITE_ROW)
		snprintf(version, size, "%s", column_text(select, 0));
	sqlite3_finalize(select);
	return rc == SQLITE_ROW ? 0 : store_fail(store, rc, e);
}

static const char judged_sql[] =
	"SELECT flags & 8, polarity, score, topics, title, body FROM documents"
	" WHERE id > (SELECT document FROM marks) - 500000 AND topics IS NOT NULL"
	" AND (flags & 8 OR model = (SELECT id FROM models WHERE name = ?1)) ORDER BY id DESC LIMIT ?2";

int store_each_judged(struct store *store, const char *model, int64_t max, store_judged_each *each, void *context,
		      struct err *e)
{
	struct topic_list topics = {0};
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, judged_sql, &select);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(select, 1, model, -1, SQLITE_STATIC);
		sqlite3_bind_int64(select, 2, max);
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		bool judged = sqlite3_column_type(select, 1) != SQLITE_NULL;
		read_topics(store, column_text(select, 3), &topics);
		struct store_judged row = {
			.given = sqlite3_column_int(select, 0) != 0,
			.polarity = judged ? (enum polarity)sqlite3_column_int(select, 1) : POLARITY_NONE,
			.score = judged ? (float)sqlite3_column_double(select, 2) : 0,
			.topics = topics.indices,
			.topic_count = topics.count,
			.title = column_text(select, 4),
			.body = column_text(select, 5),
		};
		rc = each(context, &row) == 0 ? SQLITE_OK : SQLITE_DONE;
	}
	sqlite3_finalize(select);
	free(topics.indices);
	return rc == SQLITE_DONE ? 0 : store_fail(store, rc, e);
}

/* ---- writing ---- */

/* One row, bound from its first parameter on. */
static int run_once(struct store *store, sqlite3_stmt *insert)
{
	int rc = sqlite3_step(insert);
	sqlite3_reset(insert);
	return rc == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(store->db);
}

static int write_pairs(struct store *store, sqlite3_stmt *insert, int64_t id, int64_t topic, const struct switch_pairs *pairs)
{
	sqlite3_bind_int64(insert, 1, id);
	sqlite3_bind_int64(insert, 2, topic);
	for (int i = 0; i < JUDGEMENTS * JUDGEMENTS; i++)
		sqlite3_bind_int64(insert, 3 + i, pairs->counts[i / JUDGEMENTS][i % JUDGEMENTS]);
	sqlite3_bind_double(insert, 3 + JUDGEMENTS * JUDGEMENTS, pairs->score_shift);
	return run_once(store, insert);
}

static bool is_empty(const struct switch_pairs *pairs)
{
	uint64_t sum = 0;
	for (int i = 0; i < JUDGEMENTS * JUDGEMENTS; i++)
		sum += pairs->counts[i / JUDGEMENTS][i % JUDGEMENTS];
	return sum == 0;
}

static int write_all_pairs(struct store *store, int64_t id, const struct store_switch *added)
{
	sqlite3_stmt *insert = NULL;
	int rc = store_prepare(store, "INSERT INTO switch_pairs VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", &insert);
	if (rc == SQLITE_OK)
		rc = write_pairs(store, insert, id, 0, &added->overall);
	for (size_t t = 0; rc == SQLITE_OK && t < added->topic_count; t++)
		if (store->topics.ids[t] > 0 && !is_empty(&added->pairs[t]))
			rc = write_pairs(store, insert, id, store->topics.ids[t], &added->pairs[t]);
	sqlite3_finalize(insert);
	return rc;
}

static int write_switch(struct store *store, const struct store_switch *added, int64_t *id)
{
	sqlite3_stmt *insert = NULL;
	int64_t old, new;
	int rc = names_find(store, NAME_MODEL, 0, added->old_model, true, &old);
	if (rc == SQLITE_OK)
		rc = names_find(store, NAME_MODEL, 0, added->new_model, true, &new);
	if (rc == SQLITE_OK)
		rc = store_prepare(store,
				   "INSERT INTO model_switches(at, old, new, document, texts)"
				   " SELECT ?1, ?2, ?3, document, ?4 FROM marks",
				   &insert);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(insert, 1, added->switched.at_us);
	sqlite3_bind_int64(insert, 2, old);
	sqlite3_bind_int64(insert, 3, new);
	sqlite3_bind_int64(insert, 4, added->texts);
	rc = run_once(store, insert);
	*id = sqlite3_last_insert_rowid(store->db);
	sqlite3_finalize(insert);
	return rc;
}

enum store_result store_add_switch(struct store *store, const struct store_switch *added, struct err *e)
{
	int64_t id;
	int rc = store_begin(store);
	if (rc == SQLITE_OK)
		rc = write_switch(store, added, &id);
	if (rc == SQLITE_OK)
		rc = write_all_pairs(store, id, added);
	if (rc == SQLITE_OK)
		rc = store_commit(store);
	enum store_result result = store_result_of(store, rc, e);
	if (rc != SQLITE_OK)
		store_rollback(store);
	return result;
}
