#ifndef TESTS_LIB_STORE_FIXTURE_H
#define TESTS_LIB_STORE_FIXTURE_H

#include "alerts/store.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A database in a directory of its own, rows to put into it, and questions in
 * SQL whose answers read like sqlite3's: columns by '|', rows by '\n'.
 */
#define NOON_US (INT64_C(1767614400) * SECOND_US) /* 2026-01-05T12:00:00Z, a Monday */

__attribute__((unused)) static char fixture_directory[64];
__attribute__((unused)) static char fixture_path[128];

static const char *const fixture_topics[] = {"boeing", "rates", "acme"};
static const char *const fixture_rules[] = {"spike", "volume"};
static const char *const fixture_receivers[] = {"desk", "chat"};
static const struct store_names fixture_names = {fixture_topics, 3, fixture_rules, 2, fixture_receivers, 2};

static inline void fixture_make_directory(void)
{
	strcpy(fixture_directory, "/tmp/bellwether-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture_directory));
	snprintf(fixture_path, sizeof fixture_path, "%s/b.db", fixture_directory);
}

static inline void fixture_remove_directory(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", fixture_directory);
	ck_assert_int_eq(system(command), 0);
}

static inline struct store *fixture_open(void)
{
	struct err e = {0};
	struct store *store = store_open(fixture_path, STORE_DAEMON, 0, &e);
	ck_assert_msg(store != NULL, "%s", e.text);
	ck_assert_msg(store_set_names(store, &fixture_names, &e) == STORE_DONE, "%s", e.text);
	return store;
}

/* Makes a database of the second schema of what is there, as far as this version's migration can tell.  Needs the sqlite3
 * program. */
__attribute__((unused)) static void fixture_go_back_to_schema_2(void)
{
	static const char undo[] =
		"DROP VIEW alert_history; DROP VIEW watch_status; DROP VIEW silences_v;"
		"DROP INDEX alerts_fired; DROP INDEX alert_events_held;"
		"ALTER TABLE alerts DROP COLUMN kind; ALTER TABLE alerts DROP COLUMN subject; ALTER TABLE alerts DROP COLUMN leader;"
		"ALTER TABLE alerts DROP COLUMN change; ALTER TABLE alerts DROP COLUMN cause; ALTER TABLE alerts DROP COLUMN stories;"
		"ALTER TABLE alerts DROP COLUMN judged; ALTER TABLE alerts DROP COLUMN stories_expected;"
		"ALTER TABLE alerts DROP COLUMN share; ALTER TABLE alerts DROP COLUMN share_expected;"
		"ALTER TABLE marks DROP COLUMN backlog; ALTER TABLE source_states DROP COLUMN behind;"
		"ALTER TABLE rules DROP COLUMN budget; ALTER TABLE rules DROP COLUMN every;"
		"ALTER TABLE silences DROP COLUMN since; ALTER TABLE silences DROP COLUMN why;"
		"DROP TABLE topic_sources; DROP TABLE rule_topics; DROP TABLE quiet_spans; DROP TABLE quiet_topics; DROP TABLE quiets;"
		"DROP TABLE switch_pairs; DROP TABLE model_switches; DROP TABLE packed_hours;"
		"DELETE FROM meta WHERE key = 'views'; PRAGMA user_version = 2;";
	char path[160], command[512];
	snprintf(path, sizeof path, "%s/undo.sql", fixture_directory);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(undo, file);
	fclose(file);
	snprintf(command, sizeof command, "sqlite3 -bail '%s' <'%s'", fixture_path, path);
	ck_assert_int_eq(system(command), 0);
}

/* ---- asking ---- */

struct fixture_answer {
	char *text;
	size_t length;
};

static inline int fixture_add_row(void *context, size_t columns, const char *const *values)
{
	FILE *out = context;
	for (size_t i = 0; i < columns; i++)
		fprintf(out, "%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "");
	fputc('\n', out);
	return 0;
}

/* Through a handle of its own, as a user would; the caller frees. */
static inline char *fixture_ask(const char *sql)
{
	struct err e = {0};
	struct fixture_answer answer = {0};
	FILE *out = open_memstream(&answer.text, &answer.length);
	struct store *store = store_open(fixture_path, STORE_READ, 0, &e);
	ck_assert_msg(store != NULL, "%s", e.text);
	ck_assert_msg(store_query(store, sql, fixture_add_row, out, &e) == 0, "%s: %s", sql, e.text);
	store_close(store);
	fclose(out);
	if (answer.length > 0 && answer.text[answer.length - 1] == '\n')
		answer.text[answer.length - 1] = '\0';
	return answer.text;
}

#define assert_answer(sql, expected)                                                                                   \
	do {                                                                                                           \
		char *answer_ = fixture_ask(sql);                                                                      \
		ck_assert_str_eq(answer_, expected);                                                                   \
		free(answer_);                                                                                         \
	} while (0)

/* ---- rows ---- */

static inline struct item *fixture_item(unsigned flags, const char *stream, const char *previous, const char *next,
					const char *id, const char *title)
{
	struct item item = {
		.kind = ITEM_DOCUMENT,
		.flags = flags,
		.polarity = POLARITY_NONE,
		.published_us = NOON_US - HOUR_US,
		.received_us = NOON_US,
		.source = "wire",
		.position = {stream, previous, next},
		.external_id = id,
		.coordinates = "news/0@1",
		.publisher = "Example Wire",
		.title = title,
		.body = "A body.",
		.url = "https://example.com/1",
		.lang = "en",
		.reason = "",
	};
	return item_create(&item);
}

static inline struct store_document fixture_document(int64_t id, const struct item *item)
{
	static const uint32_t topics[] = {0, 2};
	return (struct store_document){
		.id = id,
		.item = item,
		.published_us = item->published_us,
		.polarity = POLARITY_NEGATIVE,
		.score = -0.5f,
		.label = "Earnings",
		.label_p = 0.75f,
		.model = "tiny-1",
		.topics = topics,
		.topic_count = 2,
		.story = id,
	};
}

static inline enum store_result fixture_try(struct store *store, const struct store_batch *batch, struct err *e)
{
	*e = (struct err){0};
	return store_write(store, batch, e);
}

static inline void fixture_write(struct store *store, const struct store_batch *batch)
{
	struct err e;
	ck_assert_msg(fixture_try(store, batch, &e) == STORE_DONE, "%s", e.text);
}

static inline struct watch_alert fixture_alert(uint32_t event, enum alert_state state, bool notify)
{
	static const struct watch_evidence evidence[] = {
		{1, 1, NOON_US - HOUR_US, POLARITY_NEGATIVE, -0.83f, 3, "Example Wire", "Acme \"sinks\"", "https://example.com/1"},
	};
	return (struct watch_alert){
		.id = "spike-boeing-1", .event = event, .rule = 0, .topic = 0, .state = state, .notify = notify,
		.at_us = NOON_US, .started_us = NOON_US - MINUTE_US,
		.fired_us = state >= ALERT_FIRING ? NOON_US : TIME_NONE,
		.resolved_us = state == ALERT_RESOLVED ? NOON_US + HOUR_US : TIME_NONE,
		.window_us = HOUR_US, .count = 9, .peak_count = 12, .expected = 2.25, .ratio = 4, .p_value = 1.5e-7,
		.documents = 20, .publishers = 5,
		.change = state == ALERT_PENDING ? CHANGE_PENDING : state == ALERT_FIRING ? CHANGE_FIRED : CHANGE_RESOLVED,
		.evidence = state == ALERT_FIRING ? evidence : NULL, .evidence_count = state == ALERT_FIRING ? 1 : 0,
	};
}

#endif
