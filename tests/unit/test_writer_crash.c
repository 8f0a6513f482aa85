/* A writer that is killed anywhere, or finds the disk full, loses nothing and counts nothing twice. */
#include "daemon/base/fault.h"
#include "tests/lib/run.h"
#include "tests/lib/writer_fixture.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define MESSAGES 120
#define CHUNK 10

static void set_up(void)
{
	fixture_make_directory();
	harness_now = NOON_US;
	harness.retain_documents_us = 0;
}

static void tear_down(void)
{
	if (harness.writer != NULL)
		harness_stop();
	fixture_remove_directory();
}

static int64_t stored_position(void)
{
	char *next = fixture_ask("select coalesce((select next from positions), 0)");
	int64_t position = atoll(next);
	free(next);
	return position;
}

/* From the stored position on, as a source would.  Every seventh id came before, every fiftieth message raises an alert. */
static void play(void)
{
	harness_start();
	for (int64_t n = stored_position() + 1; n <= MESSAGES; n++) {
		char id[24], title[32];
		snprintf(id, sizeof id, "m%lld", (long long)(n % 7 == 0 ? n - 5 : n));
		snprintf(title, sizeof title, "%s %lld", n % 50 == 0 ? "ALERT" : "message", (long long)n);
		harness_push_message(n, id, title);
		if (n % CHUNK == 0)
			harness_flush();
	}
	harness_stop();
}

static const char all_of_it[] =
	"select (select group_concat(title) from documents), (select group_concat(reason) from rejected),"
	" (select group_concat(id || ' ' || evidence) from alerts), (select count(*) from deliveries),"
	" (select group_concat(topic || ' ' || start || ' ' || total || ' ' || negative || ' ' || score_sum) from buckets),"
	" (select next from positions), (select document from marks)";

static const char recount[] =
	"select (select sum(total) from trend_hourly) - (select count(*) from documents d, json_each('[' || d.topics || ']'))";

static char *undisturbed(uint64_t *digest)
{
	char saved[sizeof fixture_path];
	strcpy(saved, fixture_path);
	strcat(fixture_path, ".undisturbed");
	play();
	*digest = fake.digest;
	char *answer = fixture_ask(all_of_it);
	strcpy(fixture_path, saved);
	return answer;
}

/* False = it was killed. */
static bool play_in_child(const char *fault)
{
	pid_t child = fork();
	if (child == 0) {
		setenv("BELLWETHER_FAULT", fault, 1);
		fault_init();
		play();
		_exit(0);
	}
	int status;
	waitpid(child, &status, 0);
	ck_assert_msg(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL, "status %x", status);
	return WIFEXITED(status);
}

START_TEST(killed_again_and_again)
{
	if (_i > FAULT_AFTER_COMMIT)
		return; /* the webhook's */
	uint64_t digest;
	char *expected = undisturbed(&digest);
	char fault[64];
	int kills = 0;
	snprintf(fault, sizeof fault, "%s:2", fault_names[_i]); /* one batch gets through, the next does not */
	while (!play_in_child(fault)) {
		kills++;
		ck_assert_int_lt(kills, 100);
		assert_answer(recount, "0");
	}
	ck_assert_int_ge(kills, 5);
	assert_answer(all_of_it, expected);
	assert_answer("pragma integrity_check", "ok");
	play(); /* nothing is left to do */
	ck_assert_uint_eq(fake.documents, 0);
	ck_assert_uint_eq(fake.digest, digest);
	assert_answer(all_of_it, expected);
	free(expected);
}
END_TEST

/* ---- disks ---- */

static void fill_disk(const char *filler)
{
	static char block[4096];
	FILE *file = fopen(filler, "w");
	setbuf(file, NULL);
	while (fwrite(block, 1, sizeof block, file) == sizeof block)
		continue;
	fclose(file);
}

START_TEST(a_full_disk_is_waited_out)
{
	if (mount("none", fixture_directory, "tmpfs", 0, "size=4m") != 0) {
		printf("SKIP a full disk: cannot mount a tmpfs here\n");
		return;
	}
	char filler[160], title[2000];
	snprintf(filler, sizeof filler, "%s/filler", fixture_directory);
	memset(title, 'x', sizeof title - 1);
	title[sizeof title - 1] = '\0';
	harness_start();
	harness_push_message(1, "", title);
	harness_flush();
	fill_disk(filler);
	int64_t n = 1;
	while (!harness_status().waiting) { /* what the WAL has left is used up first */
		harness_push_message(++n, "", title);
		usleep(2000);
		ck_assert_int_lt(n, 5000);
	}
	ck_assert_ptr_nonnull(strstr(harness_status().message, "full"));
	uint64_t stored = harness_status().documents;
	for (int i = 0; i < 100; i++)
		harness_push_message(++n, "", title);
	usleep(300000);
	ck_assert_uint_eq(harness_status().documents, stored);
	ck_assert_int_lt(monotonic_us() - harness_status().heartbeat_us, 6 * SECOND_US);

	ck_assert_int_eq(unlink(filler), 0);
	harness_flush();
	ck_assert(!harness_status().waiting);
	ck_assert_uint_eq(harness_status().documents, (uint64_t)n);
	char expected[64];
	snprintf(expected, sizeof expected, "%lld|%lld|%lld", (long long)n, (long long)n, (long long)n);
	assert_answer("select count(*), max(id), (select next from positions) from documents", expected);
	assert_answer(recount, "0");
	ck_assert_int_eq(harness.fatal, 0);
	harness_stop();
	ck_assert_uint_eq(fake.documents, (uint64_t)n); /* the core saw each once */
	ck_assert_int_eq(umount(fixture_directory), 0);
}
END_TEST

START_TEST(asked_to_stop_while_it_waits_it_ends_and_loses_nothing)
{
	pid_t child = fork();
	if (child == 0) {
		setenv("BELLWETHER_FAULT", "before-commit:3:fail", 1);
		fault_init();
		harness_start();
		for (int64_t n = 1; n <= 4; n++) {
			harness_push_message(n, "", n == 3 ? "ALERT" : "message");
			writer_flush(harness.writer, SECOND_US / 2);
		}
		int64_t start = monotonic_us();
		harness_stop();
		int64_t took = monotonic_us() - start;
		_exit(took < WRITER_STOP_US - SECOND_US || took > WRITER_STOP_US + 5 * SECOND_US);
	}
	int status;
	waitpid(child, &status, 0);
	ck_assert_int_eq(status, 0);
	assert_answer("select count(*), (select next from positions), (select count(*) from alerts) from documents", "2|2|0");
	harness_start();
	for (int64_t n = 3; n <= 4; n++)
		harness_push_message(n, "", n == 3 ? "ALERT" : "message");
	harness_flush();
	assert_answer("select count(*), (select next from positions), (select count(*) from alerts) from documents", "4|4|1");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("writer_crash");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, killed_again_and_again, 0, FAULT_COUNT);
	tcase_add_test(tcase, a_full_disk_is_waited_out);
	tcase_add_test(tcase, asked_to_stop_while_it_waits_it_ends_and_loses_nothing);
	return run_case("writer_crash", tcase);
}
