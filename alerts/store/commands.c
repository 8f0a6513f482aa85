/*
 * Operator commands.  The command line checks what can be checked and leaves
 * a row; the daemon notices by data_version and carries it out, so that one
 * process alone changes what the core has in memory.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>


/* ---- leaving a command ---- */

/* 1 = the query has a row for this subject, 0 = none, -1 = cannot be read. */
static int has_row(struct store *store, const char *sql, const char *subject, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, sql, &select);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(select, 1, subject, -1, SQLITE_STATIC);
		rc = sqlite3_step(select);
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		store_fail(store, rc, e);
	sqlite3_finalize(select);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

static int require(struct store *store, const char *sql, const char *what, const char *subject, struct err *e)
{
	int found = has_row(store, sql, subject, e);
	if (found == 0)
		return err_set(e, "%s: no %s \"%s\"", store->path, what, subject);
	return found > 0 ? 0 : -1;
}

static int check_polarity(const char *argument, struct err *e)
{
	if (argument != NULL && polarity_parse(argument) != POLARITY_NONE)
		return 0;
	return err_set(e, "\"%s\" is no polarity: say negative, neutral or positive", argument != NULL ? argument : "");
}

/* What the configuration silences, a command does not end. */
static const char silenced_sql[] =
	"SELECT 1 FROM silences WHERE topic = iif(?1 = '*', 0, (SELECT id FROM topics WHERE name = ?1))"
	" AND until > (SELECT applied FROM marks)"
	" UNION ALL SELECT 1 FROM commands WHERE verb = 'silence' AND subject = ?1 AND done IS NULL";

static int check_silence(struct store *store, const char *subject, const char *argument, struct err *e)
{
	if (strcmp(subject, "*") != 0 &&
	    require(store, "SELECT 1 FROM topics WHERE name = ? AND active", "topic", subject, e) != 0)
		return -1;
	if (argument == NULL || strcmp(argument, "end") != 0)
		return 0;
	int found = has_row(store, silenced_sql, subject, e);
	if (found == 0)
		return err_set(e, "no silence of \"%s\" was ordered that could be ended (see --list)", subject);
	return found > 0 ? 0 : -1;
}

static int check_command(struct store *store, const struct store_command *command, struct err *e)
{
	const char *subject = command->subject != NULL ? command->subject : "";
	if (strcmp(command->verb, "silence") == 0)
		return check_silence(store, subject, command->argument, e);
	if (strcmp(command->verb, "redeliver") == 0)
		return require(store, "SELECT 1 FROM alerts WHERE id = ?", "alert", subject, e);
	if (strcmp(command->verb, "label") == 0) {
		if (check_polarity(command->argument, e) != 0)
			return -1;
		return require(store, "SELECT 1 FROM documents WHERE id = CAST(?1 AS INTEGER) AND CAST(id AS TEXT) = ?1",
			       "document", subject, e);
	}
	return err_set(e, "\"%s\" is no command", command->verb);
}

static int insert_command(struct store *store, const struct store_command *command)
{
	struct bound insert = {.at = 1};
	insert.rc = store_prepare(store,
				  "INSERT INTO commands(verb, subject, argument, why, until, created)"
				  " VALUES (?,?,?,?,?,strftime('%s', 'now') * 1000000)",
				  &insert.statement);
	bind_text(&insert, command->verb);
	bind_text(&insert, command->subject);
	bind_text(&insert, command->argument);
	bind_text(&insert, command->why);
	bind_time(&insert, command->until_us);
	int rc = store_run(&insert);
	sqlite3_finalize(insert.statement);
	return rc;
}

int store_add_command(struct store *store, const struct store_command *command, struct err *e)
{
	int rc = store_begin(store);
	if (rc != SQLITE_OK)
		return store_fail(store, rc, e);
	if (check_command(store, command, e) != 0)
		goto fail;
	rc = insert_command(store, command);
	if (rc == SQLITE_OK)
		rc = store_commit(store);
	if (rc == SQLITE_OK)
		return 0;
	store_fail(store, rc, e);
fail:
	store_rollback(store);
	return -1;
}

/* ---- taking commands ---- */

bool store_changed_by_others(struct store *store)
{
	struct bound select = store_bind(store, STMT_DATA_VERSION);
	int version = store->data_version;
	if (store_next(&select) == SQLITE_ROW) {
		version = sqlite3_column_int(select.statement, 0);
		store_reset(&select);
	}
	bool changed = version != store->data_version;
	store->data_version = version;
	return changed;
}

int store_load_commands(struct store *store, struct store_command **commands, size_t *count, struct err *e)
{
	size_t capacity = 0;
	*commands = NULL;
	*count = 0;
	struct bound select = store_bind(store, STMT_LOAD_COMMANDS);
	int rc;
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		if (*count == capacity) {
			capacity = capacity > 0 ? capacity * 2 : 8;
			*commands = xrealloc(*commands, capacity * sizeof **commands);
		}
		(*commands)[(*count)++] = (struct store_command){
			.id = sqlite3_column_int64(select.statement, 0),
			.verb = column_copy(select.statement, 1),
			.subject = column_copy(select.statement, 2),
			.argument = column_copy(select.statement, 3),
			.why = column_copy(select.statement, 4),
			.until_us = column_time(select.statement, 5),
		};
	}
	if (rc == SQLITE_DONE)
		return 0;
	store_commands_free(*commands, *count);
	*commands = NULL;
	*count = 0;
	return store_fail(store, rc, e);
}

void store_commands_free(struct store_command *commands, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(commands[i].verb);
		free(commands[i].subject);
		free(commands[i].argument);
		free(commands[i].why);
	}
	free(commands);
}

/* ---- what came of them ---- */

int write_command_results(struct store *store, const struct store_batch *batch)
{
	for (size_t i = 0; i < batch->label_count; i++) {
		struct bound label = store_bind(store, STMT_SET_LABEL);
		bind_integer(&label, batch->labels[i].document);
		bind_integer(&label, batch->labels[i].polarity);
		bind_time(&label, batch->applied_us);
		int rc = store_run(&label);
		if (rc != SQLITE_OK)
			return rc;
	}
	for (size_t i = 0; i < batch->command_count; i++) {
		struct bound finish = store_bind(store, STMT_FINISH_COMMAND);
		bind_integer(&finish, batch->commands[i].id);
		bind_time(&finish, batch->applied_us);
		bind_text(&finish, batch->commands[i].problem);
		int rc = store_run(&finish);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}
