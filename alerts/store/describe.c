/*
 * What the configuration says, in tables that the views read: the budgets of
 * rules and the silences with their spans of time.  The core never reads them;
 * they are written anew at each start and reload.
 */
#include "alerts/store/private.h"

#include <stdio.h>
#include <string.h>

#define SPANS_MAX 110 /* of a silence, from now on: two years of a weekly one */

struct describing {
	struct store *store;
	const struct watch_options *options;
	int64_t now_us;
	sqlite3_stmt *insert_topic, *insert_span, *insert_quiet, *set_rule, *insert_rule_topic;
};

static int run(struct store *store, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	return rc == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(store->db);
}

static void bind_word(sqlite3_stmt *statement, int at, const char *word)
{
	if (word != NULL && word[0] != '\0')
		sqlite3_bind_text(statement, at, word, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, at);
}

/* A topic that is not watched has no row to show. */
static int write_topics(struct describing *d, sqlite3_stmt *insert, int64_t owner, const char *const *topics, size_t count)
{
	int rc = SQLITE_OK;
	for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
		int64_t topic;
		rc = names_find(d->store, NAME_TOPIC, 0, topics[i], true, &topic);
		if (rc != SQLITE_OK)
			break;
		sqlite3_bind_int64(insert, 1, owner);
		sqlite3_bind_int64(insert, 2, topic);
		rc = run(d->store, insert);
	}
	return rc;
}

/* ---- rules ---- */

static int write_rule(struct describing *d, const struct rule_spec *rule)
{
	int64_t id;
	int rc = names_find(d->store, NAME_RULE, 0, rule->name, true, &id);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(d->set_rule, 1, id);
	sqlite3_bind_double(d->set_rule, 2, rule->false_alarms_per_day > 0 ? rule->false_alarms_per_day : 1 / 30.4375);
	sqlite3_bind_int64(d->set_rule, 3, rule->topic_count == 0);
	rc = run(d->store, d->set_rule);
	return rc == SQLITE_OK ? write_topics(d, d->insert_rule_topic, id, rule->topics, rule->topic_count) : rc;
}

/* ---- silences ---- */

static int write_spans(struct describing *d, int64_t id, const struct watch_quiet *quiet)
{
	int rc = SQLITE_OK;
	size_t written = 0;
	for (size_t i = 0; rc == SQLITE_OK && i < quiet->span_count && written < SPANS_MAX; i++) {
		/* One that is over is shown where it is the last. */
		if (quiet->spans[i].until_us <= d->now_us && i + 1 < quiet->span_count)
			continue;
		sqlite3_bind_int64(d->insert_span, 1, id);
		sqlite3_bind_int64(d->insert_span, 2, quiet->spans[i].from_us);
		sqlite3_bind_int64(d->insert_span, 3, quiet->spans[i].until_us);
		rc = run(d->store, d->insert_span);
		written++;
	}
	return rc;
}

static int write_quiet(struct describing *d, int64_t id, const struct watch_quiet *quiet)
{
	sqlite3_bind_int64(d->insert_quiet, 1, id);
	sqlite3_bind_text(d->insert_quiet, 2, quiet->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(d->insert_quiet, 3, quiet->topic_count == 0);
	bind_word(d->insert_quiet, 4, quiet->weekly);
	bind_word(d->insert_quiet, 5, quiet->timezone);
	bind_word(d->insert_quiet, 6, quiet->why);
	int rc = run(d->store, d->insert_quiet);
	if (rc == SQLITE_OK)
		rc = write_topics(d, d->insert_topic, id, quiet->topics, quiet->topic_count);
	return rc == SQLITE_OK ? write_spans(d, id, quiet) : rc;
}

/* ---- all of it ---- */

static int prepare(struct describing *d)
{
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} all[] = {
		{&d->insert_quiet, "INSERT INTO quiets(id, name, every, weekly, timezone, why) VALUES (?,?,?,?,?,?)"},
		{&d->insert_topic, "INSERT OR IGNORE INTO quiet_topics(quiet, topic) VALUES (?,?)"},
		{&d->insert_span, "INSERT OR IGNORE INTO quiet_spans(quiet, start, until) VALUES (?,?,?)"},
		{&d->set_rule, "UPDATE rules SET budget = ?2, every = ?3 WHERE id = ?1"},
		{&d->insert_rule_topic, "INSERT OR IGNORE INTO rule_topics(rule, topic) VALUES (?,?)"},
	};
	int rc = SQLITE_OK;
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof all / sizeof all[0]; i++)
		rc = store_prepare(d->store, all[i].sql, all[i].statement);
	return rc;
}

static void finalize(struct describing *d)
{
	sqlite3_finalize(d->insert_quiet);
	sqlite3_finalize(d->insert_topic);
	sqlite3_finalize(d->insert_span);
	sqlite3_finalize(d->set_rule);
	sqlite3_finalize(d->insert_rule_topic);
}

static int describe(struct describing *d)
{
	char sql[256];
	int64_t no_data_us = d->options->no_data_us > 0 ? d->options->no_data_us : WATCH_NO_DATA_US;
	snprintf(sql, sizeof sql,
		 "DELETE FROM quiet_spans; DELETE FROM quiet_topics; DELETE FROM quiets; DELETE FROM rule_topics;"
		 "INSERT OR REPLACE INTO meta(key, value) VALUES ('no_data_us', '%lld')",
		 (long long)no_data_us);
	int rc = store_execute(d->store, sql);
	if (rc == SQLITE_OK)
		rc = prepare(d);
	for (size_t i = 0; rc == SQLITE_OK && i < d->options->rule_count; i++)
		rc = write_rule(d, &d->options->rules[i]);
	for (size_t i = 0; rc == SQLITE_OK && i < d->options->quiet_count; i++)
		rc = write_quiet(d, (int64_t)i + 1, &d->options->quiets[i]);
	finalize(d);
	return rc;
}

enum store_result store_describe(struct store *store, const struct watch_options *options, int64_t now_us, struct err *e)
{
	struct describing describing = {.store = store, .options = options, .now_us = now_us};
	int rc = store_begin(store);
	if (rc == SQLITE_OK)
		rc = describe(&describing);
	if (rc == SQLITE_OK)
		rc = store_commit(store);
	enum store_result result = store_result_of(store, rc, e);
	if (rc != SQLITE_OK)
		store_rollback(store);
	return result;
}
