/*
 * What is read at start: positions, marks, and all that the core had in
 * memory.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- positions and marks ---- */

int store_load_positions(struct store *store, struct store_position **positions, size_t *count, struct err *e)
{
	size_t capacity = 0;
	sqlite3_stmt *select = NULL;
	*positions = NULL;
	*count = 0;
	int rc = store_prepare(store,
			       "SELECT so.name, st.name, p.next FROM positions p JOIN streams st ON st.id = p.stream"
			       " JOIN sources so ON so.id = st.source ORDER BY p.stream",
			       &select);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		if (*count == capacity) {
			capacity = capacity > 0 ? capacity * 2 : 16;
			*positions = xrealloc(*positions, capacity * sizeof **positions);
		}
		(*positions)[(*count)++] = (struct store_position){
			column_copy(select, 0), column_copy(select, 1), column_copy(select, 2)};
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	if (rc == SQLITE_DONE)
		return 0;
	store_positions_free(*positions, *count);
	*positions = NULL;
	*count = 0;
	return store_fail(store, rc, e);
}

void store_positions_free(struct store_position *positions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(positions[i].source);
		free(positions[i].stream);
		free(positions[i].next);
	}
	free(positions);
}

int store_load_marks(struct store *store, int64_t *last_document, int64_t *last_applied_us, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, "SELECT document, applied FROM marks", &select);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(select);
	if (rc == SQLITE_ROW) {
		*last_document = sqlite3_column_int64(select, 0);
		*last_applied_us = column_time(select, 1);
	}
	sqlite3_finalize(select);
	return rc == SQLITE_ROW ? 0 : store_fail(store, rc, e);
}

/* ---- the core's state ---- */

struct loading {
	struct store *store;
	struct watch *watch;
	int64_t last_document, last_applied_us;
	struct switch_list switches;
};

typedef int load_row(struct loading *loading, sqlite3_stmt *row, struct err *e);

/* Each row of a query that takes one parameter at most. */
static int load_rows(struct loading *loading, const char *sql, int64_t parameter, load_row *each, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(loading->store, sql, &select);
	if (rc != SQLITE_OK)
		return store_fail(loading->store, rc, e);
	if (sqlite3_bind_parameter_count(select) > 0)
		sqlite3_bind_int64(select, 1, parameter);
	int result = 0;
	while (result == 0 && (rc = sqlite3_step(select)) == SQLITE_ROW)
		result = each(loading, select, e);
	sqlite3_finalize(select);
	if (result == 0 && rc != SQLITE_DONE)
		return store_fail(loading->store, rc, e);
	return result;
}

static int load_silence(struct loading *loading, sqlite3_stmt *row, struct err *e)
{
	(void)e;
	struct watch_silence_state silence = {UINT32_MAX, sqlite3_column_int64(row, 1)};
	int64_t topic = sqlite3_column_int64(row, 0);
	if (topic == 0 || name_ids_index(&loading->store->topics, topic, &silence.topic))
		watch_load_silence(loading->watch, &silence);
	return 0;
}

static int load_source(struct loading *loading, sqlite3_stmt *row, struct err *e)
{
	(void)e;
	struct watch_source_state source = {
		.source = column_text(row, 0),
		.watermark_us = column_time(row, 1),
		.advanced_us = column_time(row, 2),
		.seen_us = column_time(row, 3),
		.own_clock = sqlite3_column_int(row, 4) != 0,
		.behind = sqlite3_column_int(row, 5) != 0,
	};
	watch_load_source(loading->watch, &source);
	return 0;
}

static int load_topic_source(struct loading *loading, sqlite3_stmt *row, struct err *e)
{
	(void)e;
	struct watch_topic_source heard = {.source = column_text(row, 1), .noted_us = column_time(row, 2)};
	if (name_ids_index(&loading->store->topics, sqlite3_column_int64(row, 0), &heard.topic))
		watch_load_topic_source(loading->watch, &heard);
	return 0;
}

static int load_backlog(struct loading *loading, sqlite3_stmt *row, struct err *e)
{
	(void)e;
	watch_load_backlog(loading->watch, &(struct watch_backlog_state){column_time(row, 0)});
	return 0;
}

static void load_hour(void *context, const struct watch_bucket *bucket, int64_t changed_s)
{
	struct loading *loading = context;
	const struct switch_list *switches = &loading->switches;
	size_t before = 0; /* switches that were over when it changed last */
	while (before < switches->count && switches->each[before].at_us <= changed_s * SECOND_US)
		before++;
	size_t from = before < switches->count ? switches->from[before] : before;
	if (from == switches->count)
		watch_load_bucket(loading->watch, bucket);
	else
		watch_load_bucket_before(loading->watch, bucket, switches->each + from, switches->count - from);
}

static int load_rule_state(struct loading *loading, sqlite3_stmt *row, struct err *e)
{
	struct watch_rule_state state = {.state = column_text(row, 2)};
	if (!name_ids_index(&loading->store->rules, sqlite3_column_int64(row, 0), &state.rule) ||
	    !name_ids_index(&loading->store->topics, sqlite3_column_int64(row, 1), &state.topic))
		return 0;
	if (watch_load_rule_state(loading->watch, &state) == 0)
		return 0;
	return err_set(e, "%s: the state of rule \"%s\" for topic \"%s\" was not written by this version: \"%s\"",
		       loading->store->path, loading->store->rules.names[state.rule],
		       loading->store->topics.names[state.topic], state.state);
}

static int load_all(struct loading *loading, struct err *e)
{
	if (load_rows(loading, "SELECT topic, until FROM silences ORDER BY topic", 0, load_silence, e) != 0 ||
	    load_rows(loading,
		      "SELECT so.name, s.watermark, s.advanced, s.seen, s.own_clock, s.behind FROM source_states s"
		      " JOIN sources so ON so.id = s.source ORDER BY s.source",
		      0, load_source, e) != 0 ||
	    load_rows(loading,
		      "SELECT h.topic, so.name, h.noted FROM topic_sources h JOIN sources so ON so.id = h.source"
		      " ORDER BY h.topic, h.source",
		      0, load_topic_source, e) != 0 ||
	    load_rows(loading, "SELECT backlog FROM marks", 0, load_backlog, e) != 0)
		return -1;
	int rc = load_hours(loading->store, load_hour, loading);
	if (rc != SQLITE_OK)
		return store_fail(loading->store, rc, e);
	if (load_rows(loading, "SELECT rule, topic, state FROM rule_states ORDER BY rule, topic", 0, load_rule_state, e) != 0)
		return -1;
	if (loading->last_applied_us == TIME_NONE)
		return 0;
	rc = load_documents(loading->store, loading->watch, loading->last_document, &loading->switches);
	return rc == SQLITE_OK ? 0 : store_fail(loading->store, rc, e);
}

/* The core's part of them, side by side; it lives as long as `switches` do. */
static struct switch_list list_switches(const struct store_switch *switches, size_t count)
{
	struct switch_list list = {xcalloc(count + 1, sizeof *list.each), xcalloc(count + 1, sizeof *list.from), count};
	for (size_t i = 0; i < count; i++) {
		list.each[i] = switches[i].switched;
		list.from[i] = i;
		for (size_t k = i; k < count; k++)
			if (strcmp(switches[k].new_model, switches[i].old_model) == 0)
				list.from[i] = k + 1;
	}
	return list;
}

/* One snapshot for all of it. */
int store_load_watch(struct store *store, struct watch *watch, struct err *e)
{
	struct loading loading = {.store = store, .watch = watch};
	struct store_switch *switches = NULL;
	size_t switch_count = 0;
	int rc = store_execute(store, "BEGIN");
	if (rc != SQLITE_OK)
		return store_fail(store, rc, e);
	int result = store_load_marks(store, &loading.last_document, &loading.last_applied_us, e);
	if (result == 0)
		result = store_load_switches(store, &switches, &switch_count, e);
	loading.switches = list_switches(switches, switch_count);
	if (result == 0)
		result = load_all(&loading, e);
	store_execute(store, "COMMIT");
	free(loading.switches.each);
	free(loading.switches.from);
	store_switches_free(switches, switch_count);
	return result;
}
