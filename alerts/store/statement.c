/*
 * Statements by number: each is prepared when first used and kept.  Binding
 * goes left to right and keeps its first failure, so that a caller checks
 * once.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <string.h>

/* OR FAIL: without it several rows at once cost a journal of their own, for undoing some; a batch is undone as a whole. */
#define INSERT_DOCUMENTS                                                                                               \
	"INSERT OR FAIL INTO documents(id, stream, flags, published, received, applied, polarity, score, label, label_p," \
	" model, story, topics, key, external_id, coordinates, publisher, lang, url, title, body) VALUES "
#define DOCUMENT "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

static const char *const statement_sql[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",

	[STMT_INSERT_DOCUMENT] = INSERT_DOCUMENTS DOCUMENT,
	[STMT_INSERT_EIGHT_DOCUMENTS] = INSERT_DOCUMENTS DOCUMENT "," DOCUMENT "," DOCUMENT "," DOCUMENT "," DOCUMENT "," DOCUMENT
		"," DOCUMENT "," DOCUMENT,
	[STMT_INSERT_REJECT] =
		"INSERT INTO rejected(stream, kind, received, applied, coordinates, external_id, reason, raw)"
		" VALUES (?,?,?,?,?,?,?,?)",
	[STMT_SET_MARKS] =
		"UPDATE marks SET document = max(document, ?1), applied = ?2 WHERE one = 1",

	[STMT_ADD_BUCKET] =
		"INSERT INTO buckets VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
		" total = total + excluded.total, negative = negative + excluded.negative,"
		" neutral = neutral + excluded.neutral, positive = positive + excluded.positive,"
		" unjudged = unjudged + excluded.unjudged, score_sum = score_sum + excluded.score_sum,"
		" stories = stories + excluded.stories, judged_stories = judged_stories + excluded.judged_stories,"
		" negative_stories = negative_stories + excluded.negative_stories,"
		" story_score_sum = story_score_sum + excluded.story_score_sum, changed = excluded.changed",
	[STMT_SET_RULE_STATE] = "INSERT OR REPLACE INTO rule_states(rule, topic, state) VALUES (?,?,coalesce(?, ''))",
	[STMT_SET_SOURCE_STATE] =
		"INSERT OR REPLACE INTO source_states(source, watermark, advanced, seen, own_clock, behind) VALUES (?,?,?,?,?,?)",
	/* The command that asked for it stands beside it until the end of this transaction, and for long after. */
	[STMT_SET_SILENCE] =
		"INSERT OR REPLACE INTO silences(topic, until, since, why) VALUES (?1,?2,?3,(SELECT why FROM commands"
		" WHERE verb = 'silence' AND until = ?2 AND subject = iif(?1 = 0, '*', (SELECT name FROM topics WHERE id = ?1))"
		" ORDER BY id DESC LIMIT 1))",
	[STMT_SET_TOPIC_SOURCE] = "INSERT OR REPLACE INTO topic_sources(topic, source, noted) VALUES (?,?,?)",
	[STMT_SET_BACKLOG] = "UPDATE marks SET backlog = ? WHERE one = 1",
	/* What each alert said last, whether that was held or not; what goes on comes first. */
	[STMT_FIND_HELD] =
		"SELECT (SELECT iif(e.payload ->> '$.evidence' = '[]', json_set(e.payload, '$.evidence', json(a.evidence)), e.payload)"
		"  FROM alert_events e WHERE e.alert = a.id ORDER BY e.event DESC LIMIT 1)"
		" FROM alerts a WHERE a.id IN (SELECT alert FROM alert_events WHERE notify = 2) ORDER BY a.state = 2 DESC, a.fired, a.id",
	[STMT_END_HELD] = "UPDATE alert_events SET notify = 3 WHERE notify = 2",
	[STMT_SET_ALERT] =
		"INSERT INTO alerts(id, rule, topic, event, state, late, at, started, fired, resolved, window, count,"
		" peak_count, expected, ratio, p_value, documents, publishers, evidence, changed, kind, subject, leader, change, cause,"
		" stories, judged, stories_expected, share, share_expected)"
		" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,"
		" ?30) ON CONFLICT DO UPDATE SET"
		" event = ?4, state = ?5, late = ?6, at = ?7, started = ?8, fired = ?9, resolved = ?10, window = ?11,"
		" count = ?12, peak_count = ?13, expected = ?14, ratio = ?15, p_value = ?16, documents = ?17, publishers = ?18,"
		/* A resolution brings no stories and no cause: what made the alert fire stays. */
		" evidence = CASE WHEN ?19 = '[]' THEN evidence ELSE ?19 END, changed = ?20, leader = coalesce(?23, leader), change = ?24,"
		" cause = CASE WHEN ?25 = 0 THEN cause ELSE ?25 END, stories = ?26, judged = ?27, stories_expected = ?28, share = ?29,"
		" share_expected = ?30",
	[STMT_INSERT_EVENT] =
		/* Alert and event number are the identity that receivers know (webhook-id): the first wins. */
		"INSERT INTO alert_events(alert, event, state, at, applied, notify, payload) VALUES (?,?,?,?,?,?,?)"
		" ON CONFLICT DO NOTHING",
	[STMT_INSERT_DELIVERY] =
		"INSERT INTO deliveries(alert, event, receiver, created, changed) VALUES (?1,?2,?3,?4,?4) ON CONFLICT DO NOTHING",
	/* The receiver has had it already, by another way. */
	[STMT_INSERT_TAKEN] =
		"INSERT INTO deliveries(alert, event, receiver, state, attempts, created, changed) VALUES (?1,?2,?3,1,1,?4,?4)"
		" ON CONFLICT DO NOTHING",
	[STMT_SET_DELIVERY] =
		"UPDATE deliveries SET state = ?2, attempts = ?3, next_try = ?4, last_error = ?5, changed = ?6 WHERE id = ?1",
	[STMT_FIND_FINISHED_DELIVERIES] =
		"SELECT id, event, receiver FROM deliveries WHERE alert = ? AND state <> 0 ORDER BY event, id",
	[STMT_DELETE_DELIVERY] = "DELETE FROM deliveries WHERE id = ?",

	[STMT_SET_LABEL] =
		"INSERT OR REPLACE INTO corrections(document, polarity, at, was, title, body)"
		" SELECT id, ?2, ?3, polarity, title, body FROM documents WHERE id = ?1",
	[STMT_FINISH_COMMAND] = "UPDATE commands SET done = ?2, problem = ?3 WHERE id = ?1",
	[STMT_CLEAR_HEALTH] = "DELETE FROM health WHERE stream IN (SELECT id FROM streams WHERE source = ?)",
	[STMT_SET_HEALTH] =
		"INSERT OR REPLACE INTO health(stream, state, message, last_progress, lag, updated) VALUES (?,?,?,?,?,?)",

	[STMT_INSERT_POSITION] = "INSERT INTO positions(stream, next, moved) VALUES (?1,?2,?3) ON CONFLICT DO NOTHING",
	[STMT_MOVE_POSITION] = "UPDATE positions SET next = ?2, moved = ?3 WHERE stream = ?1 AND next = ?4",

	[STMT_FIND_UNIQUE] = "SELECT id FROM documents WHERE key = ? AND flags & 4",
	[STMT_GET_IDENTITY_OF] =
		"SELECT so.name, st.name, d.external_id, d.flags FROM documents d JOIN streams st ON st.id = d.stream"
		" JOIN sources so ON so.id = st.source WHERE d.id = ?",
	[STMT_LOAD_OUTBOX] =
		"SELECT d.id, r.name, d.alert, d.event, e.state, e.payload, d.attempts, d.next_try FROM deliveries d"
		" JOIN alert_events e ON e.alert = d.alert AND e.event = d.event JOIN receivers r ON r.id = d.receiver"
		" WHERE d.state = 0 AND d.id > ? ORDER BY d.id",
	[STMT_OUTBOX_AGE] = "SELECT count(*), min(created) FROM deliveries WHERE state = 0",

	/* `received` is never later than `applied`, which ascends with the id: the oldest rows are looked at, some more of
	 * them than are deleted because a queue may have mixed their order a little. */
	[STMT_RETAIN_DOCUMENTS] =
		"DELETE FROM documents WHERE id IN (SELECT id FROM (SELECT id, received FROM documents ORDER BY id LIMIT 2 * ?2)"
		" WHERE received < ?1 LIMIT ?2)",
	[STMT_RETAIN_REJECTS] =
		"DELETE FROM rejected WHERE id IN (SELECT id FROM (SELECT id, received FROM rejected ORDER BY id LIMIT 2 * ?2)"
		" WHERE received < ?1 LIMIT ?2)",
	[STMT_RETAIN_DELIVERIES] =
		"DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE changed < ?1 AND state <> 0 LIMIT ?2)",
	/* By `start` first, which the key is sorted by; by `changed`, since a file of ten years ago may be played today. */
	[STMT_RETAIN_BUCKETS] =
		"DELETE FROM buckets WHERE (width, start, topic) IN (SELECT width, start, topic FROM buckets"
		" WHERE width = ?1 AND start < ?2 AND changed < ?2 LIMIT ?3)",
	[STMT_RETAIN_ALERTS] =
		"DELETE FROM alerts WHERE id IN (SELECT id FROM alerts a WHERE changed < ?1 AND state NOT IN (1, 2)"
		" AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.alert = a.id AND d.state = 0) LIMIT ?2)",
	[STMT_RETAIN_COMMANDS] = "DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE done < ?1 LIMIT ?2)",

	/* Its rows may go in several steps; then it goes with the last of them. */
	[STMT_RETAIN_PACKED_HOURS] =
		"DELETE FROM packed_hours WHERE start < (SELECT start FROM buckets WHERE width = 3600 ORDER BY start LIMIT 1)",

	[STMT_FIND_HOUR] = "SELECT start FROM buckets WHERE width = 3600 AND start > ? ORDER BY start LIMIT 1",
	[STMT_LOAD_HOUR] =
		"SELECT topic, total, negative, stories, judged_stories, negative_stories, story_score_sum, changed FROM buckets"
		" WHERE width = 3600 AND start = ? ORDER BY topic",
	[STMT_GET_PACKED_HOUR] = "SELECT topics FROM packed_hours WHERE start = ?",
	[STMT_LAST_PACKED_HOUR] = "SELECT coalesce(max(start), 0) FROM packed_hours",
	[STMT_PUT_PACKED_HOUR] = "INSERT OR REPLACE INTO packed_hours(start, topics) VALUES (?,?)",
	[STMT_DROP_PACKED_HOUR] = "DELETE FROM packed_hours WHERE start = ?",

	[STMT_LOAD_COMMANDS] =
		"SELECT id, verb, subject, argument, why, until FROM commands WHERE done IS NULL ORDER BY id",
	[STMT_DATA_VERSION] = "PRAGMA data_version",
};

int store_prepare(struct store *store, const char *sql, sqlite3_stmt **statement)
{
	return sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

int store_execute(struct store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL);
}

struct bound store_bind(struct store *store, enum statement statement)
{
	struct bound bound = {.at = 1};
	sqlite3_stmt **kept = &store->statements[statement];
	if (*kept == NULL)
		bound.rc = store_prepare(store, statement_sql[statement], kept);
	bound.statement = *kept;
	return bound;
}

static void keep_first(struct bound *bound, int rc)
{
	if (bound->rc == SQLITE_OK)
		bound->rc = rc;
	bound->at++;
}

void bind_integer(struct bound *bound, int64_t value)
{
	if (bound->rc == SQLITE_OK)
		keep_first(bound, sqlite3_bind_int64(bound->statement, bound->at, value));
}

void bind_real(struct bound *bound, double value)
{
	if (bound->rc == SQLITE_OK)
		keep_first(bound, sqlite3_bind_double(bound->statement, bound->at, value));
}

void bind_text(struct bound *bound, const char *text)
{
	if (bound->rc != SQLITE_OK)
		return;
	if (text == NULL || text[0] == '\0')
		keep_first(bound, sqlite3_bind_null(bound->statement, bound->at));
	else
		keep_first(bound, sqlite3_bind_text(bound->statement, bound->at, text, -1, SQLITE_STATIC));
}

void bind_time(struct bound *bound, int64_t time_us)
{
	if (time_us == TIME_NONE)
		bind_null(bound);
	else
		bind_integer(bound, time_us);
}

void bind_null(struct bound *bound)
{
	if (bound->rc == SQLITE_OK)
		keep_first(bound, sqlite3_bind_null(bound->statement, bound->at));
}

int store_next(struct bound *bound)
{
	int rc = bound->rc;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(bound->statement);
	if (rc != SQLITE_ROW)
		store_reset(bound);
	return rc;
}

void store_reset(struct bound *bound)
{
	if (bound->statement == NULL)
		return;
	sqlite3_reset(bound->statement);
	sqlite3_clear_bindings(bound->statement);
}

int store_run(struct bound *bound)
{
	int rc = bound->rc;
	if (rc == SQLITE_OK)
		do
			rc = sqlite3_step(bound->statement);
		while (rc == SQLITE_ROW);
	/* Bindings stay: the next use overwrites each of them, and nothing steps in between. */
	if (bound->statement != NULL)
		sqlite3_reset(bound->statement);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void store_finalize_statements(struct store *store)
{
	for (int i = 0; i < STMT_COUNT; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
}

const char *column_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);
	return text != NULL ? (const char *)text : "";
}

char *column_copy(sqlite3_stmt *statement, int column)
{
	return xstrdup(column_text(statement, column));
}

int64_t column_time(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return TIME_NONE;
	return sqlite3_column_int64(statement, column);
}
