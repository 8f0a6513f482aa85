/* Receivers that are commands: what they are given, and what becomes of those that fail, hang or never stop talking. */
#include "tests/lib/run.h"
#include "tests/lib/webhook_harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static char directory[64];

static void set_up(void)
{
	strcpy(directory, "/tmp/test_webhook_command.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
	char command[128];
	if (h.webhook != NULL)
		harness_stop(&h);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static const char *in_directory(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static char *read_file(const char *name)
{
	FILE *file = fopen(in_directory(name), "r");
	ck_assert_msg(file != NULL, "no file %s", name);
	char *text = xcalloc(1, 3 << 20);
	ck_assert_uint_lt(fread(text, 1, (3 << 20) - 1, file), (3 << 20) - 1);
	fclose(file);
	return text;
}

/* One receiver that runs `script` with the directory as $1. */
static struct receiver_spec runs(const char *script)
{
	static const char *command[] = {"/bin/sh", "-c", NULL, "script", directory};
	command[2] = script;
	return (struct receiver_spec){.name = "desk", .format = "command", .command = command, .command_count = 5,
				      .timeout_us = 5 * SECOND_US};
}

static void start(const char *script)
{
	struct receiver_spec spec = runs(script);
	set_up();
	harness_start(&h, &spec, 1);
}

START_TEST(test_what_a_command_is_given)
{
	/* Descriptors of the daemon's must not leak: this one is left open on purpose. */
	int left_open = open("/dev/null", O_RDONLY);
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &blocked, NULL), 0);
	start("cat >\"$1/input\"; env | sort >\"$1/environment\"; ls /proc/$$/fd >\"$1/files\"; "
	      "kill -TERM $$ && echo blocked >\"$1/blocked\"");
	harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING); /* SIGTERM, which the daemon blocks, ended it */
	ck_assert_str_eq(result.error, "killed by signal 15");

	char *input = read_file("input"), *environment = read_file("environment"), *files = read_file("files");
	char *payload = harness_payload("a1", 1, false);
	json_t *got = json_loads(input, 0, NULL), *expected = json_loads(payload, 0, NULL);
	ck_assert(json_equal(got, expected));
	static const char variables[] = "BELLWETHER_ID=a1-1\nBELLWETHER_RECEIVER=desk\nLANG=C.UTF-8\n";
	ck_assert_msg(strncmp(environment, variables, strlen(variables)) == 0, "%s", environment);
	ck_assert_ptr_null(strstr(environment, "HOME="));
	ck_assert_msg(strcmp(files, "0\n1\n2\n") == 0 || strcmp(files, "0\n1\n10\n2\n") == 0, "%s", files);
	ck_assert_int_ne(access(in_directory("blocked"), F_OK), 0);
	json_decref(got);
	json_decref(expected);
	free(payload);
	free(input);
	free(environment);
	free(files);
	close(left_open);
	tear_down();
}
END_TEST

START_TEST(test_failure_is_told_and_tried_again)
{
	start("echo begin; [ -e \"$1/again\" ] && exit 0; touch \"$1/again\"; printf 'no pager\\n\\tat \\377 home \\033[31m' >&2; exit 3");
	harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING);
	ck_assert_str_eq(result.error, "exit status 3: begin no pager at home [31m");
	harness_advance(&h, 6 * SECOND_US);
	result = harness_result(&h, 2);
	ck_assert_int_eq(result.state, DELIVERY_SENT);
	ck_assert_uint_eq(result.attempts, 2);
	ck_assert_str_eq(result.error, "");
	tear_down();
}
END_TEST

START_TEST(test_order_is_kept)
{
	start("sleep 0.1; cat >>\"$1/input\"; echo >>\"$1/input\"");
	harness_add(&h, firing("a1", 1));
	harness_add(&h, resolved("a1", 2));
	for (size_t i = 1; i <= 2; i++)
		ck_assert_int_eq(harness_result(&h, i).state, DELIVERY_SENT);
	char *input = read_file("input"), *second = strchr(input, '\n');
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_nonnull(strstr(second, "\"state\":\"resolved\""));
	free(input);
	tear_down();
}
END_TEST

/* A zombie that nobody has looked after yet does not run. */
static bool is_running(const char *pid_file)
{
	char *text = read_file(pid_file), path[64], state = 'X';
	snprintf(path, sizeof path, "/proc/%ld/stat", strtol(text, NULL, 10));
	free(text);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return false;
	ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	return state != 'Z' && state != 'X';
}

START_TEST(test_time_out_kills_the_whole_group)
{
	struct receiver_spec spec = runs("echo started; sleep 60 & echo $! >\"$1/child\"; trap '' TERM; wait; sleep 60");
	spec.timeout_us = SECOND_US;
	set_up();
	harness_start(&h, &spec, 1);
	int64_t start_us = monotonic_us();
	harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING);
	ck_assert_str_eq(result.error, "timed out after 1 s and was killed: started");
	ck_assert_int_lt(monotonic_us() - start_us, 10 * SECOND_US);
	for (int i = 0; i < 100 && is_running("child"); i++)
		harness_let_it_be();
	ck_assert(!is_running("child"));
	tear_down();
}
END_TEST

/* It has ended; that something it left behind still holds its output open holds up nothing. */
START_TEST(test_what_a_command_leaves_behind_is_not_waited_for)
{
	start("sleep 30 & echo $! >\"$1/child\"; exit 0");
	int64_t start_us = monotonic_us();
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	ck_assert_int_lt(monotonic_us() - start_us, 10 * SECOND_US);
	char *pid = read_file("child");
	kill((pid_t)strtol(pid, NULL, 10), SIGKILL);
	free(pid);
	tear_down();
}
END_TEST

START_TEST(test_much_in_and_much_out)
{
	char *title = xcalloc(1, (1 << 20) + 1);
	memset(title, 'x', 1 << 20);
	json_t *payload = json_pack("{s:s, s:s, s:[{s:s}]}", "id", "a1", "state", "firing", "evidence", "title", title);
	free(title);
	struct delivery delivery = firing("a1", 1);
	delivery.payload = json_dumps(payload, 0);
	json_decref(payload);
	start("cat >\"$1/input\"; head -c 3000000 /dev/zero | tr '\\0' y; echo the end; exit 1");
	harness_add(&h, delivery);
	free(delivery.payload);
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING);
	ck_assert_msg(strncmp(result.error, "exit status 1: yyyy", 19) == 0, "%s", result.error);
	ck_assert_ptr_nonnull(strstr(result.error, "yythe end"));
	char *input = read_file("input");
	ck_assert_uint_gt(strlen(input), 1 << 20);
	free(input);
	tear_down();
}
END_TEST

START_TEST(test_a_command_that_reads_nothing)
{
	start("exit 0");
	char alert[32];
	for (int i = 0; i < 40; i++) {
		snprintf(alert, sizeof alert, "alert-%d", i);
		harness_add(&h, firing(alert, 1));
	}
	for (size_t i = 1; i <= 40; i++)
		ck_assert_int_eq(harness_result(&h, i).state, DELIVERY_SENT);
	tear_down();
}
END_TEST

/* Then the kernel keeps no exit status, and the number may be another process's soon: nothing may be waited for or killed. */
START_TEST(test_somebody_else_takes_the_exit_status)
{
	signal(SIGCHLD, SIG_IGN);
	start("exit 0");
	harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING);
	ck_assert_str_eq(result.error, "its exit status is lost");
	signal(SIGCHLD, SIG_DFL);
	tear_down();
}
END_TEST

START_TEST(test_missing_program)
{
	static const char *const command[] = {"/nowhere/page-desk"};
	struct receiver_spec spec = {.name = "desk", .format = "command", .command = command, .command_count = 1};
	struct err e;
	set_up();
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING); /* it may be installed yet */
	ck_assert_str_eq(result.error, "cannot run /nowhere/page-desk: No such file or directory");
	ck_assert_int_eq(webhook_send_test(&spec, &e), -1);
	ck_assert_str_eq(e.text, "cannot run /nowhere/page-desk: No such file or directory");
	tear_down();
}
END_TEST

START_TEST(test_stop_ends_what_runs)
{
	start("echo $$ >\"$1/child.new\"; mv \"$1/child.new\" \"$1/child\"; sleep 60");
	harness_add(&h, firing("a1", 1));
	for (int i = 0; i < 100 && access(in_directory("child"), F_OK) != 0; i++)
		harness_let_it_be();
	int64_t start_us = monotonic_us();
	harness_stop(&h);
	ck_assert_int_lt(monotonic_us() - start_us, 3 * SECOND_US);
	ck_assert(!is_running("child"));
	ck_assert_uint_eq(harness_result_count(&h), 0);
	tear_down();
}
END_TEST

START_TEST(test_test_message)
{
	struct receiver_spec spec = runs("grep -q '\"state\":\"test\"'");
	struct err e = {.text = ""};
	set_up();
	ck_assert_msg(webhook_send_test(&spec, &e) == 0, "%s", e.text);
	spec = runs("echo so sorry; false");
	ck_assert_int_eq(webhook_send_test(&spec, &e), -1);
	ck_assert_str_eq(e.text, "exit status 1: so sorry");
	spec = runs("exec sleep 30");
	spec.timeout_us = SECOND_US;
	ck_assert_int_eq(webhook_send_test(&spec, &e), -1);
	ck_assert_str_eq(e.text, "timed out after 1 s and was killed");
	h.webhook = NULL;
	tear_down();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("command");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_what_a_command_is_given);
	tcase_add_test(tcase, test_failure_is_told_and_tried_again);
	tcase_add_test(tcase, test_order_is_kept);
	tcase_add_test(tcase, test_time_out_kills_the_whole_group);
	tcase_add_test(tcase, test_what_a_command_leaves_behind_is_not_waited_for);
	tcase_add_test(tcase, test_much_in_and_much_out);
	tcase_add_test(tcase, test_a_command_that_reads_nothing);
	tcase_add_test(tcase, test_somebody_else_takes_the_exit_status);
	tcase_add_test(tcase, test_missing_program);
	tcase_add_test(tcase, test_stop_ends_what_runs);
	tcase_add_test(tcase, test_test_message);
	return run_case("webhook_command", tcase);
}
