/* Opening: whose database, which version, who may write, who may read; and the size of the WAL. */
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NOBODY 65534

static void shell(const char *fmt, const char *sql)
{
	char command[512];
	snprintf(command, sizeof command, fmt, fixture_path, sql);
	ck_assert_int_eq(system(command), 0);
}

static void assert_refused(enum store_mode mode, const char *reason)
{
	struct err e = {0};
	ck_assert_ptr_null(store_open(fixture_path, mode, 0, &e));
	ck_assert_msg(strstr(e.text, reason) != NULL, "\"%s\" does not say \"%s\"", e.text, reason);
	ck_assert_msg(strstr(e.text, fixture_path) != NULL, "%s", e.text);
}

START_TEST(a_new_database_is_made_once)
{
	struct stat status;
	char identity[64];
	struct store *store = fixture_open();
	ck_assert_int_eq(stat(fixture_path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0640);
	ck_assert_int_eq(strncmp(store_identity(store), "bellwether-", 11), 0);
	ck_assert_uint_eq(strlen(store_identity(store)), 11 + 16);
	snprintf(identity, sizeof identity, "%s", store_identity(store));
	store_close(store);

	store = fixture_open();
	ck_assert_str_eq(store_identity(store), identity);
	store_close(store);
	assert_answer("PRAGMA user_version", "3");
	assert_answer("PRAGMA journal_mode", "wal");
}
END_TEST

START_TEST(a_newer_version_is_refused_and_left_alone)
{
	store_close(fixture_open());
	shell("sqlite3 %s '%s'", "PRAGMA user_version = 99");
	assert_refused(STORE_DAEMON, "newer Bellwether (schema 99, this program knows 3)");
	assert_refused(STORE_READ, "upgrade the program");
	shell("test \"$(sqlite3 %s '%s')\" = 99", "PRAGMA user_version");
}
END_TEST

START_TEST(an_older_version_is_brought_up_to_date)
{
	struct err e;
	int64_t id = 0;
	struct store *store = fixture_open();
	struct item *item = fixture_item(0, "news/0", "", "1", "a-1", "Acme falls");
	struct store_document document = fixture_document(1, item);
	struct store_move move = {"wire", "news/0", "", "1"};
	struct store_batch batch = {.applied_us = NOON_US, .documents = &document, .document_count = 1,
				    .moves = &move, .move_count = 1};
	ck_assert_int_eq(fixture_try(store, &batch, &e), STORE_DONE);
	store_close(store);
	fixture_go_back_to_schema_2();
	shell("sqlite3 %s '%s'", "DROP INDEX documents_applied; CREATE INDEX documents_applied ON documents(applied, key);"
				 "PRAGMA user_version = 1");
	assert_refused(STORE_READ, "start the daemon on it once");

	store = fixture_open();
	ck_assert_int_eq(store_find_document(store, item, &id, &e), STORE_DONE);
	ck_assert_int_eq(id, 1);
	store_close(store);
	item_free(item);
	assert_answer("PRAGMA user_version", "3");
	assert_answer("SELECT group_concat(name) FROM pragma_index_info('documents_applied')", "applied,id,key");
}
END_TEST

/* Stamps that somebody's hand has put out of order: said, not died of. */
START_TEST(stamps_out_of_order_are_damage)
{
	struct err e;
	int64_t id = 0;
	struct store *store = fixture_open();
	struct item *item = fixture_item(0, "news/0", "", "1", "a-1", "Acme falls");
	struct item *other = fixture_item(0, "news/0", "", "1", "a-2", "Acme rises");
	struct store_document documents[] = {fixture_document(1, item), fixture_document(2, other), fixture_document(3, item)};
	struct store_batch batch = {.applied_us = NOON_US, .documents = documents, .document_count = 3};
	ck_assert_int_eq(fixture_try(store, &batch, &e), STORE_DONE);
	store_close(store);
	shell("sqlite3 %s '%s'", "UPDATE documents SET applied = applied + 1 WHERE id = 2");

	store = fixture_open();
	ck_assert_int_eq(store_find_document(store, item, &id, &e), STORE_BROKEN);
	ck_assert_msg(strstr(e.text, "the database is damaged") != NULL, "%s", e.text);
	store_close(store);
	item_free(item);
	item_free(other);
}
END_TEST

START_TEST(the_file_of_another_program_is_refused_and_left_alone)
{
	shell("sqlite3 %s '%s'", "CREATE TABLE photos(id); INSERT INTO photos VALUES (7)");
	assert_refused(STORE_DAEMON, "another program");
	shell("test \"$(sqlite3 %s '%s')\" = delete", "PRAGMA journal_mode");
	FILE *file = fopen(fixture_path, "w");
	for (int i = 0; i < 1000; i++)
		fprintf(file, "this is no database\n");
	fclose(file);
	assert_refused(STORE_DAEMON, "not a SQLite database");
}
END_TEST

START_TEST(only_the_daemon_creates)
{
	assert_refused(STORE_READ, "cannot open");
	assert_refused(STORE_WRITE, "cannot open");
	ck_assert_int_ne(access(fixture_path, F_OK), 0);
	FILE *file = fopen(fixture_path, "w");
	fclose(file);
	assert_refused(STORE_WRITE, "start the daemon");
}
END_TEST

/* A child that holds the lock until it is killed. */
static pid_t hold_lock(void)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct store *store = store_open(fixture_path, STORE_DAEMON, 0, NULL);
		if (store == NULL || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

START_TEST(a_second_daemon_is_told_who_holds_the_database)
{
	char holder[32];
	pid_t child = hold_lock();
	snprintf(holder, sizeof holder, "(pid %d)", (int)child);
	assert_refused(STORE_DAEMON, holder);
	struct err e = {0};
	int64_t start = monotonic_us();
	ck_assert_ptr_null(store_open(fixture_path, STORE_DAEMON, 300000, &e));
	ck_assert(e.busy);
	ck_assert_int_ge(monotonic_us() - start, 300000);
	store_close(store_open(fixture_path, STORE_READ, 0, &e)); /* readers need no lock */

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	store_close(fixture_open()); /* the lock died with its holder */
}
END_TEST

/* ---- readers ---- */

static void write_one(struct store *store, int64_t id)
{
	char external[32];
	snprintf(external, sizeof external, "m%lld", (long long)id);
	struct item *item = fixture_item(0, "news/0", "", "", external, "Acme sinks");
	struct store_document document = fixture_document(id, item);
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US + id, .documents = &document, .document_count = 1});
	item_free(item);
}

/* As a user who may read by the group and write nothing; the answer of sqlite3 itself. */
static int count_as_nobody(const char *expected)
{
	pid_t child = fork();
	if (child == 0) {
		char command[512];
		if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
			_exit(98);
		if (open(fixture_path, O_RDWR) >= 0)
			_exit(99);
		snprintf(command, sizeof command,
			 "test \"$(sqlite3 -readonly %s 'select count(*) from documents_v')\" = %s", fixture_path, expected);
		_exit(WEXITSTATUS(system(command)));
	}
	int status;
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(who_may_only_read_reads_while_it_runs_and_after)
{
	if (geteuid() != 0) {
		printf("SKIP who_may_only_read: needs root to become somebody else\n");
		return;
	}
	struct store *store = fixture_open();
	ck_assert_int_eq(chmod(fixture_directory, 0755), 0);
	store_close(store);
	ck_assert_int_eq(chown(fixture_path, 0, NOBODY), 0);
	char name[160];
	const char *const beside[] = {"-wal", "-shm"};
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s%s", fixture_path, beside[i]);
		ck_assert_int_eq(chown(name, 0, NOBODY), 0);
	}
	store = fixture_open();
	write_one(store, 1);
	ck_assert_int_eq(count_as_nobody("1"), 0);
	write_one(store, 2);
	ck_assert_int_eq(count_as_nobody("2"), 0);
	store_close(store);
	ck_assert_int_eq(count_as_nobody("2"), 0);
}
END_TEST

/* The daemon's own user may have lost its right to write: it says so, and that waiting may help. */
START_TEST(a_read_only_file_is_said_to_be_one)
{
	if (geteuid() != 0) {
		printf("SKIP a_read_only_file: needs root to become somebody else\n");
		return;
	}
	store_close(fixture_open());
	ck_assert_int_eq(chmod(fixture_directory, 0777), 0);
	char command[512];
	snprintf(command, sizeof command, "chmod 0444 %s*; chmod 0666 %s.lock", fixture_path, fixture_path);
	ck_assert_int_eq(system(command), 0);
	pid_t child = fork();
	if (child == 0) {
		struct err e = {0};
		if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
			_exit(1);
		struct store *store = store_open(fixture_path, STORE_DAEMON, 0, &e);
		_exit(store != NULL ? 2 : strstr(e.text, "read-only") == NULL ? 3 : !e.busy ? 4 : 0);
	}
	int status;
	waitpid(child, &status, 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* ---- the WAL ---- */

static int64_t write_many(struct store *store, int64_t first, int count)
{
	static char body[65536]; /* few commits for many pages: each waits for the disk */
	memset(body, 'x', sizeof body - 1);
	int64_t peak = 0;
	for (int64_t id = first; id < first + count; id++) {
		struct item *item = fixture_item(0, "news/0", "", "", "", body);
		struct store_document document = fixture_document(id, item);
		fixture_write(store, &(struct store_batch){
					     .applied_us = NOON_US + id, .documents = &document, .document_count = 1});
		item_free(item);
		int64_t bytes = store_wal_bytes(store);
		peak = bytes > peak ? bytes : peak;
	}
	return peak;
}

#define MEGABYTE (INT64_C(1) << 20)

START_TEST(the_wal_stays_small)
{
	struct store *store = fixture_open();
	int64_t peak = write_many(store, 1, 1200); /* 80 MB */
	ck_assert_msg(peak < 20 * MEGABYTE, "%lld", (long long)peak);
	store_close(store);
	assert_answer("select count(*), max(id) from documents", "1200|1200");
}
END_TEST

/* A reader that holds its snapshot until it is killed. */
static int stop_after_first(void *context, size_t columns, const char *const *values)
{
	(void)columns;
	(void)values;
	if (write(*(int *)context, "", 1) == 1)
		pause();
	return 1;
}

static pid_t hold_snapshot(void)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct store *store = store_open(fixture_path, STORE_READ, 0, NULL);
		if (store != NULL)
			store_query(store, "SELECT id FROM documents", stop_after_first, &ready[1], NULL);
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

START_TEST(a_reader_delays_the_wal_and_its_crash_frees_it)
{
	struct store *store = fixture_open();
	write_one(store, 1);
	pid_t child = hold_snapshot();
	write_many(store, 2, 400);
	ck_assert_int_gt(store_wal_bytes(store), 20 * MEGABYTE); /* nobody can take the snapshot away */
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	write_many(store, 402, 600);
	ck_assert_int_lt(store_wal_bytes(store), 20 * MEGABYTE);
	store_close(store);
	assert_answer("select count(*) from documents", "1001");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, fixture_make_directory, fixture_remove_directory);
	tcase_add_test(tcase, a_new_database_is_made_once);
	tcase_add_test(tcase, a_newer_version_is_refused_and_left_alone);
	tcase_add_test(tcase, an_older_version_is_brought_up_to_date);
	tcase_add_test(tcase, stamps_out_of_order_are_damage);
	tcase_add_test(tcase, the_file_of_another_program_is_refused_and_left_alone);
	tcase_add_test(tcase, only_the_daemon_creates);
	tcase_add_test(tcase, a_second_daemon_is_told_who_holds_the_database);
	tcase_add_test(tcase, who_may_only_read_reads_while_it_runs_and_after);
	tcase_add_test(tcase, a_read_only_file_is_said_to_be_one);
	tcase_add_test(tcase, the_wal_stays_small);
	tcase_add_test(tcase, a_reader_delays_the_wal_and_its_crash_frees_it);
	return run_case("store", tcase);
}
