/*
 * States of rules on topics that the configuration has no more.  The rows stay:
 * where a rule comes back to a topic it goes on from what it knew, so that an
 * alert's id is never given twice.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdlib.h>

struct stored_state {
	int64_t rule, topic;
	char *rule_name, *topic_name, *text;
};

struct stored_states {
	struct stored_state *each;
	size_t count, capacity;
};

static void states_free(struct stored_states *states)
{
	for (size_t i = 0; i < states->count; i++) {
		free(states->each[i].rule_name);
		free(states->each[i].topic_name);
		free(states->each[i].text);
	}
	free(states->each);
}

static int read_states(struct store *store, struct stored_states *states)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store,
			       "SELECT s.rule, s.topic, r.name, t.name, s.state FROM rule_states s JOIN rules r ON r.id = s.rule"
			       " JOIN topics t ON t.id = s.topic ORDER BY s.rule, s.topic",
			       &select);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		if (states->count == states->capacity) {
			states->capacity = states->capacity > 0 ? states->capacity * 2 : 64;
			states->each = xrealloc(states->each, states->capacity * sizeof *states->each);
		}
		states->each[states->count++] = (struct stored_state){
			sqlite3_column_int64(select, 0), sqlite3_column_int64(select, 1), column_copy(select, 2),
			column_copy(select, 3), column_copy(select, 4)};
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static double column_number(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN : sqlite3_column_double(row, column);
}

/* What the last verdict said. */
static int read_verdict(struct store *store, struct watch_alert *alert)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store,
			       "SELECT window, count, documents, publishers, expected, ratio, p_value FROM alerts WHERE id = ?",
			       &select);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(select, 1, alert->id, -1, SQLITE_STATIC);
		rc = sqlite3_step(select);
	}
	if (rc == SQLITE_ROW) {
		alert->window_us = sqlite3_column_int64(select, 0);
		alert->count = (uint32_t)sqlite3_column_int64(select, 1);
		alert->documents = (uint32_t)sqlite3_column_int64(select, 2);
		alert->publishers = (uint32_t)sqlite3_column_int64(select, 3);
		alert->expected = column_number(select, 4);
		alert->ratio = column_number(select, 5);
		alert->p_value = column_number(select, 6);
	}
	sqlite3_finalize(select);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int retire(struct store *store, struct watch *watch, const struct stored_state *state, int64_t applied_us,
		  size_t *closed)
{
	struct watch_alert alert;
	char text[WATCH_STATE_SIZE];
	/* A state that an older version wrote of a rule that is gone is nobody's any more. */
	if (watch_retire_state(watch, state->text, applied_us, &alert, text) <= 0)
		return SQLITE_OK;
	int rc = read_verdict(store, &alert);
	if (rc == SQLITE_OK)
		rc = write_alert(store,
				 &(struct stored_alert){.alert = &alert, .rule = state->rule, .topic = state->topic,
							.rule_name = state->rule_name, .topic_name = state->topic_name},
				 applied_us);
	if (rc == SQLITE_OK)
		rc = write_rule_state(store, state->rule, state->topic, text);
	++*closed;
	return rc;
}

static int settle(struct store *store, struct watch *watch, const struct stored_state *state, int64_t applied_us,
		  size_t *closed)
{
	struct watch_rule_state known = {.state = state->text};
	if (!name_ids_index(&store->rules, state->rule, &known.rule) ||
	    !name_ids_index(&store->topics, state->topic, &known.topic) ||
	    !watch_has_rule(watch, known.rule, known.topic))
		return retire(store, watch, state, applied_us, closed);
	/* Nothing happens where the core has it. */
	return watch_load_rule_state(watch, &known) == 0 ? SQLITE_OK : SQLITE_CORRUPT;
}

static int settle_all(struct store *store, struct watch *watch, int64_t applied_us, size_t *closed)
{
	struct stored_states states = {0};
	int rc = read_states(store, &states);
	for (size_t i = 0; rc == SQLITE_OK && i < states.count; i++)
		rc = settle(store, watch, &states.each[i], applied_us, closed);
	states_free(&states);
	return rc;
}

enum store_result store_retire_rules(struct store *store, struct watch *watch, int64_t applied_us, size_t *closed,
				     struct err *e)
{
	*closed = 0;
	int rc = store_begin(store);
	if (rc == SQLITE_OK)
		rc = settle_all(store, watch, applied_us, closed);
	if (rc == SQLITE_OK)
		rc = store_commit(store);
	enum store_result result = store_result_of(store, rc, e);
	if (rc != SQLITE_OK)
		store_rollback(store);
	return result;
}
