/* One transaction a batch: all or nothing, whatever stands in its way; and which documents are known. */
#include "daemon/base/fault.h"
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

static struct store *store;

static void set_up(void)
{
	fixture_make_directory();
	store = fixture_open();
}

static void tear_down(void)
{
	store_close(store);
	store = NULL;
	fixture_remove_directory();
}

/* ---- positions ---- */

static enum store_result move(const char *stream, const char *previous, const char *next)
{
	struct err e;
	struct store_move one = {"wire", stream, previous, next};
	return fixture_try(store, &(struct store_batch){.applied_us = NOON_US, .moves = &one, .move_count = 1}, &e);
}

START_TEST(positions_fence)
{
	ck_assert_int_eq(move("news/0", "", "5"), STORE_DONE);
	ck_assert_int_eq(move("news/0", "5", "9"), STORE_DONE);
	ck_assert_int_eq(move("news/1", "", "x"), STORE_DONE);
	ck_assert_int_eq(move("news/0", "5", "9"), STORE_FENCED);
	ck_assert_int_eq(move("news/0", "", "1"), STORE_FENCED);
	ck_assert_int_eq(move("news/2", "7", "8"), STORE_FENCED);

	struct store_position *positions;
	size_t count;
	ck_assert_int_eq(store_load_positions(store, &positions, &count, NULL), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(positions[0].source, "wire");
	ck_assert_str_eq(positions[0].stream, "news/0");
	ck_assert_str_eq(positions[0].next, "9");
	ck_assert_str_eq(positions[1].next, "x");
	store_positions_free(positions, count);
}
END_TEST

START_TEST(a_fenced_batch_leaves_nothing)
{
	struct item *item = fixture_item(0, "brand-new/0", "7", "8", "m1", "Acme sinks");
	struct store_document document = fixture_document(1, item);
	struct store_move one = {"newcomer", "brand-new/0", "7", "8"};
	struct watch_bucket bucket = {.topic = 0, .width_s = 900, .start_s = 0, .total = 1};
	struct watch_effects effects = {.increments = &bucket, .increment_count = 1};
	struct store_batch batch = {.applied_us = NOON_US, .documents = &document, .document_count = 1, .moves = &one,
				    .move_count = 1, .effects = &effects};
	struct err e;
	ck_assert_int_eq(fixture_try(store, &batch, &e), STORE_FENCED);
	assert_answer("select (select count(*) from documents), (select count(*) from buckets),"
		      " (select count(*) from streams), (select applied from marks)", "0|0|0|");
	/* Numbers of names that were rolled back are not used afterwards. */
	one.previous = "";
	fixture_write(store, &batch);
	assert_answer("select source, external_id from documents_v", "wire|m1");
	assert_answer("select so.name, st.name, next from positions p join streams st on st.id = p.stream"
		      " join sources so on so.id = st.source", "newcomer|brand-new/0|8");
	item_free(item);
}
END_TEST

/* Documents go in several at a time: what fails in their middle takes those before it along. */
START_TEST(a_row_that_fails_takes_all_along)
{
	enum { COUNT = 11 };
	struct item *items[COUNT];
	struct store_document documents[COUNT];
	for (int i = 0; i < COUNT; i++) {
		char id[8];
		snprintf(id, sizeof id, "m%d", i);
		items[i] = fixture_item(0, "news/0", "", "9", id, "Acme sinks");
		documents[i] = fixture_document(i + 1, items[i]);
	}
	struct store_move one = {"wire", "news/0", "", "9"};
	struct store_batch batch = {.applied_us = NOON_US, .documents = documents, .document_count = COUNT, .moves = &one,
				    .move_count = 1};
	struct err e;
	documents[5].id = 3;
	ck_assert_int_eq(fixture_try(store, &batch, &e), STORE_BROKEN);
	ck_assert_msg(strstr(e.text, "UNIQUE") != NULL, "%s", e.text);
	assert_answer("select (select count(*) from documents), (select count(*) from streams), (select count(*) from positions),"
		      " (select applied from marks)", "0|0|0|");
	documents[5].id = 6;
	fixture_write(store, &batch);
	assert_answer("select count(*), count(distinct external_id), max(id), count(topics) from documents", "11|11|11|11");
	assert_answer("select group_concat(external_id, ' ') from documents", "m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 m10");
	for (int i = 0; i < COUNT; i++)
		item_free(items[i]);
}
END_TEST

/* ---- faults ---- */

/* Everything that a batch can hold. */
static void write_everything(struct store *to, int64_t id, const char *previous, const char *next, enum store_result expected)
{
	char external[32];
	snprintf(external, sizeof external, "m%lld", (long long)id);
	struct item *item = fixture_item(0, "news/0", previous, next, external, "Acme sinks");
	struct store_document document = fixture_document(id, item);
	struct store_move one = {"wire", "news/0", previous, next};
	struct store_reject reject = {REJECT_UNREADABLE, item, 0};
	struct watch_bucket bucket = {.topic = 1, .width_s = 3600, .start_s = 7200, .total = 1, .negative = 1, .score_sum = -0.5};
	struct watch_rule_state rule_state = {0, 1, "state"};
	struct watch_alert alert = fixture_alert(1, ALERT_FIRING, true);
	snprintf(alert.id, sizeof alert.id, "alert-%lld", (long long)id);
	struct watch_effects effects = {.increments = &bucket, .increment_count = 1, .rule_states = &rule_state,
					.rule_state_count = 1, .alerts = &alert, .alert_count = 1};
	struct store_batch batch = {.applied_us = NOON_US + id, .documents = &document, .document_count = 1,
				    .rejects = &reject, .reject_count = 1, .moves = &one, .move_count = 1, .effects = &effects};
	struct err e;
	enum store_result result = fixture_try(to, &batch, &e);
	ck_assert_msg(result == expected, "%d: %s", (int)result, e.text);
	item_free(item);
}

static const char whole[] =
	"select (select count(*) from documents), (select count(*) from rejected),"
	" (select total from buckets), (select count(*) from alert_events), (select count(*) from deliveries),"
	" (select next from positions), (select document from marks), (select count(*) from rule_states)";

/* SIGKILL at that point of the second batch: the first is there, and the second whole or not at all. */
START_TEST(killed_at_a_fault_point)
{
	if (_i > FAULT_AFTER_COMMIT)
		return; /* the webhook's */
	write_everything(store, 1, "", "a", STORE_DONE);
	store_close(store);
	char spec[64];
	snprintf(spec, sizeof spec, "%s:2", fault_names[_i]);
	pid_t child = fork();
	if (child == 0) {
		setenv("BELLWETHER_FAULT", spec, 1);
		fault_init();
		struct store *own = fixture_open();
		write_everything(own, 2, "a", "b", STORE_DONE);
		write_everything(own, 3, "b", "c", STORE_DONE);
		_exit(0);
	}
	int status;
	waitpid(child, &status, 0);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s was not passed", spec);
	bool committed = _i == FAULT_AFTER_COMMIT;
	assert_answer(whole, committed ? "3|3|3|3|6|c|3|1" : "2|2|2|2|4|b|2|1");

	store = fixture_open();
	int64_t last, applied;
	ck_assert_int_eq(store_load_marks(store, &last, &applied, NULL), 0);
	ck_assert_int_eq(last, committed ? 3 : 2);
	ck_assert_int_eq(applied, NOON_US + last);
	if (!committed)
		write_everything(store, 3, "b", "c", STORE_DONE);
	write_everything(store, 4, "c", "d", STORE_DONE);
	assert_answer(whole, "4|4|4|4|8|d|4|1");
	assert_answer("pragma integrity_check", "ok");
}
END_TEST

START_TEST(failed_at_a_fault_point)
{
	if (_i >= FAULT_AFTER_COMMIT)
		return; /* what is committed cannot fail */
	char spec[64];
	snprintf(spec, sizeof spec, "%s:2:fail", fault_names[_i]);
	setenv("BELLWETHER_FAULT", spec, 1);
	fault_init();
	write_everything(store, 1, "", "a", STORE_DONE);
	write_everything(store, 2, "a", "b", STORE_AGAIN);
	write_everything(store, 2, "a", "b", STORE_AGAIN);
	assert_answer(whole, "1|1|1|1|2|a|1|1");
}
END_TEST

/* ---- disks ---- */

static bool mount_small(void)
{
	store_close(store);
	store = NULL;
	if (mount("none", fixture_directory, "tmpfs", 0, "size=4m") != 0) {
		printf("SKIP a small disk: cannot mount a tmpfs here\n");
		return false;
	}
	store = fixture_open();
	return true;
}

static void unmount(void)
{
	store_close(store);
	store = NULL;
	ck_assert_int_eq(umount(fixture_directory), 0);
}

static enum store_result write_big(int64_t id)
{
	static char body[65536];
	struct err e;
	memset(body, 'x', sizeof body - 1);
	struct item *item = fixture_item(0, "news/0", "", "", "", body);
	struct store_document document = fixture_document(id, item);
	enum store_result result = fixture_try(
		store, &(struct store_batch){.applied_us = NOON_US + id, .documents = &document, .document_count = 1}, &e);
	if (result == STORE_AGAIN)
		ck_assert_msg(strstr(e.text, "full") != NULL || strstr(e.text, "read-only") != NULL, "%s", e.text);
	item_free(item);
	return result;
}

START_TEST(a_full_disk_is_waited_for)
{
	if (!mount_small())
		return;
	char filler[160], expected[32];
	snprintf(filler, sizeof filler, "%s/filler", fixture_directory);
	FILE *file = fopen(filler, "w");
	for (int i = 0; i < 2 << 20; i++)
		fputc('x', file);
	fclose(file);
	int64_t id = 0;
	enum store_result result;
	while ((result = write_big(id + 1)) == STORE_DONE)
		ck_assert_int_lt(++id, 100);
	ck_assert_int_eq(result, STORE_AGAIN);
	ck_assert_int_eq(write_big(id + 1), STORE_AGAIN);
	snprintf(expected, sizeof expected, "%d|%d", (int)id, (int)id);
	assert_answer("select count(*), max(id) from documents", expected);

	ck_assert_int_eq(unlink(filler), 0);
	ck_assert_int_eq(write_big(id + 1), STORE_DONE);
	snprintf(expected, sizeof expected, "%d|%d", (int)id + 1, (int)id + 1);
	assert_answer("select count(*), max(id) from documents", expected);
	assert_answer("pragma integrity_check", "ok");
	unmount();
}
END_TEST

/* Another process that holds the write lock: sqlite3 at a prompt. */
START_TEST(a_locked_database_is_waited_for)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		char command[512];
		dup2(ready[1], STDOUT_FILENO); /* the shell's own >&N ends at 9 */
		snprintf(command, sizeof command, "(echo 'BEGIN IMMEDIATE; SELECT 1;'; sleep 5) | sqlite3 %s", fixture_path);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(move("news/0", "", "5"), STORE_AGAIN);
	waitpid(child, NULL, 0);
	close(ready[0]);
	ck_assert_int_eq(move("news/0", "", "5"), STORE_DONE);
}
END_TEST

/* ---- known documents ---- */

static int64_t find(unsigned flags, const char *source, const char *stream, const char *external)
{
	struct item plain = {.flags = flags, .source = source, .position = {stream, "", ""}, .external_id = external};
	struct item *item = item_create(&plain);
	int64_t id;
	struct err e = {0};
	ck_assert_msg(store_find_document(store, item, &id, &e) == STORE_DONE, "%s", e.text);
	item_free(item);
	return id;
}

static void put(int64_t id, unsigned flags, const char *stream, const char *external)
{
	struct item *item = fixture_item(flags, stream, "", "", external, "Acme sinks");
	struct store_document document = fixture_document(id, item);
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US + id, .documents = &document, .document_count = 1});
	item_free(item);
}

static void assert_known(void)
{
	ck_assert_int_eq(find(0, "wire", "news/0", "m1"), 1);
	ck_assert_int_eq(find(0, "wire", "news/17", "m1"), 1); /* a retry on another partition */
	ck_assert_int_eq(find(0, "wire", "social/0", "m1"), 0);
	ck_assert_int_eq(find(0, "other", "news/0", "m1"), 0);
	ck_assert_int_eq(find(0, "wire", "news/0", ""), 0);
	ck_assert_int_eq(find(ITEM_UNIQUE, "wire", "news/0", "m1"), 0);
	ck_assert_int_eq(find(ITEM_UNIQUE, "wire", "https://example.com/rss/1", "e1"), 3);
	ck_assert_int_eq(find(ITEM_UNIQUE, "wire", "https://example.com/rss/2", "e1"), 0);
	ck_assert_int_eq(find(0, "wire", "https://example.com/rss/1", "e1"), 0);
}

START_TEST(documents_are_known_by_their_ids)
{
	ck_assert_int_eq(find(0, "wire", "news/0", "m1"), 0);
	put(1, 0, "news/0", "m1");
	put(2, 0, "news/0", "");
	put(3, ITEM_UNIQUE | ITEM_BACKFILL, "https://example.com/rss/1", "e1");
	assert_known();
	store_close(store);
	store = fixture_open();
	assert_known();
}
END_TEST

START_TEST(message_ids_are_known_for_so_many_documents)
{
	put(1, 0, "news/0", "m1");
	ck_assert_int_eq(find(0, "wire", "news/0", "m1"), 1);
	put(STORE_RECALL, 0, "news/0", "m2");
	ck_assert_int_eq(find(0, "wire", "news/0", "m1"), 1);
	put(STORE_RECALL + 1, 0, "news/0", "m3");
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(find(0, "wire", "news/0", "m1"), 0);
		ck_assert_int_eq(find(0, "wire", "news/0", "m2"), STORE_RECALL);
		ck_assert_int_eq(find(0, "wire", "news/0", "m3"), STORE_RECALL + 1);
		store_close(store);
		store = fixture_open();
	}
}
END_TEST

START_TEST(many_message_ids_come_and_go)
{
	enum { BATCH = 5000, BATCHES = 20 };
	struct item **items = calloc(BATCH, sizeof *items);
	struct store_document *documents = calloc(BATCH, sizeof *documents);
	char external[32];
	for (int64_t b = 0; b < BATCHES; b++) {
		/* Far apart, so that old ones fall out of the memory while new ones come. */
		int64_t first = b * STORE_RECALL / 4 + 1;
		for (int i = 0; i < BATCH; i++) {
			snprintf(external, sizeof external, "id-%lld", (long long)(first + i));
			items[i] = fixture_item(0, "news/0", "", "", external, "t");
			documents[i] = fixture_document(first + i, items[i]);
		}
		fixture_write(store, &(struct store_batch){
					     .applied_us = NOON_US + b, .documents = documents, .document_count = BATCH});
		for (int i = 0; i < BATCH; i++)
			item_free(items[i]);
		int64_t oldest = first + BATCH - STORE_RECALL;
		for (int64_t id = 1; id <= first; id += STORE_RECALL / 4) {
			snprintf(external, sizeof external, "id-%lld", (long long)id + 77);
			ck_assert_int_eq(find(0, "wire", "news/0", external), id + 77 >= oldest ? id + 77 : 0);
		}
	}
	free(items);
	free(documents);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store_write");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, positions_fence);
	tcase_add_test(tcase, a_fenced_batch_leaves_nothing);
	tcase_add_test(tcase, a_row_that_fails_takes_all_along);
	tcase_add_loop_test(tcase, killed_at_a_fault_point, 0, FAULT_COUNT);
	tcase_add_loop_test(tcase, failed_at_a_fault_point, 0, FAULT_COUNT);
	tcase_add_test(tcase, a_full_disk_is_waited_for);
	tcase_add_test(tcase, a_locked_database_is_waited_for);
	tcase_add_test(tcase, documents_are_known_by_their_ids);
	tcase_add_test(tcase, message_ids_are_known_for_so_many_documents);
	tcase_add_test(tcase, many_message_ids_come_and_go);
	return run_case("store_write", tcase);
}
