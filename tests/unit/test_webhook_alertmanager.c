/*
 * Against Prometheus Alertmanager itself: what is posted is read back over its
 * API.  Ends with 77, a skip, where none can be had.
 */
#include "tests/lib/run.h"
#include "tests/lib/webhook_harness.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static char program[512], directory[] = "/tmp/test_alertmanager.XXXXXX", base[64];
static pid_t process;
static size_t sent;

/* ---- the peer ---- */

static int free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void write_config(const char *path)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs("route: {receiver: nobody, group_by: [alertname, topic]}\nreceivers: [{name: nobody}]\n", file);
	fclose(file);
}

static void launch(void)
{
	char config[96], storage[96], listen[96], log[64];
	snprintf(config, sizeof config, "--config.file=%s/config.yml", directory);
	snprintf(storage, sizeof storage, "--storage.path=%s/data", directory);
	snprintf(listen, sizeof listen, "--web.listen-address=%s", base + strlen("http://"));
	snprintf(log, sizeof log, "%s/log", directory);
	write_config(config + strlen("--config.file="));
	process = fork();
	if (process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* where the test fails */
		FILE *out = freopen(log, "w", stderr);
		if (out != NULL)
			dup2(fileno(out), STDOUT_FILENO);
		execl(program, program, config, storage, listen, "--cluster.listen-address=", (char *)NULL);
		_exit(127);
	}
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
	fwrite(data, size, count, context);
	return size * count;
}

/* The answer to a GET; NULL where there is none. */
static json_t *get(const char *path)
{
	char url[256], *text = NULL;
	size_t length;
	long status = 0;
	FILE *out = open_memstream(&text, &length);
	CURL *easy = curl_easy_init();
	snprintf(url, sizeof url, "%s%s", base, path);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, out);
	curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	fclose(out);
	json_t *json = status == 200 ? json_loads(text, 0, NULL) : NULL;
	free(text);
	return json;
}

static void set_up(void)
{
	struct receiver_spec spec = {.name = "desk", .url = base, .format = "alertmanager", .timeout_us = 5 * SECOND_US};
	static char url[128];
	sent = 0;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(base, sizeof base, "http://127.0.0.1:%d", free_port());
	snprintf(url, sizeof url, "%s/api/v2/alerts", base);
	spec.url = url;
	launch();
	json_t *status = NULL;
	for (int i = 0; i < 100 && (status = get("/api/v2/status")) == NULL; i++)
		harness_let_it_be();
	ck_assert_msg(status != NULL, "Alertmanager does not answer: see %s/log", directory);
	json_decref(status);
	harness_start(&h, &spec, 1);
}

static void tear_down(void)
{
	char command[128];
	harness_stop(&h);
	kill(process, SIGTERM);
	waitpid(process, NULL, 0);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
	strcpy(directory, "/tmp/test_alertmanager.XXXXXX");
}

/* ---- what it knows ---- */

/* The alerts that fire, as Alertmanager lists them. */
static json_t *firing_there(const char *filter)
{
	char path[256];
	snprintf(path, sizeof path, "/api/v2/alerts?filter=%s", filter);
	json_t *alerts = get(path);
	ck_assert_ptr_nonnull(alerts);
	return alerts;
}

static size_t count_firing(const char *filter)
{
	json_t *alerts = firing_there(filter);
	size_t count = json_array_size(alerts);
	json_decref(alerts);
	return count;
}

static const char *string_of(const json_t *alerts, const char *object, const char *key)
{
	const char *value = json_string_value(json_object_get(json_object_get(json_array_get(alerts, 0), object), key));
	return value != NULL ? value : "(none)";
}

/* An event that happens now, whose alert fired ten minutes ago. */
static char *payload_now(const char *id, const char *state, const char *change, int count)
{
	char now[64], fired[64], *text;
	time_format_iso(harness_now_us(NULL), now, sizeof now);
	time_format_iso(harness_now_us(NULL) - 10 * MINUTE_US, fired, sizeof fired);
	bool over = strcmp(state, "resolved") == 0;
	ck_assert_int_gt(asprintf(&text,
				  "{\"id\":\"%s\",\"event\":1,\"rule\":\"negative-spike\",\"topic\":\"zorvex\",\"state\":\"%s\",\"at\":\"%s\","
				  "\"fired\":\"%s\",\"resolved\":%s%s%s,\"window_s\":3600,\"count\":%d,\"expected\":2.1,\"publishers\":5,"
				  "\"change\":\"%s\",\"topics\":[\"zorvex\",\"quorl\"],\"evidence\":[{\"title\":\"Zorvex recalls pumps\","
				  "\"url\":\"https://news.example/1\"}]}",
				  id, state, now, fired, over ? "\"" : "null", over ? now : "", over ? "\"" : "", count, change),
			 0);
	return text;
}

static void post(const char *id, uint32_t event, const char *state, const char *change, int count)
{
	struct delivery delivery = {.receiver = "desk", .alert = (char *)id, .event = event, .resolved = strcmp(state, "resolved") == 0,
				    .payload = payload_now(id, state, change, count)};
	harness_add(&h, delivery);
	free(delivery.payload);
	struct webhook_result result = harness_result(&h, ++sent);
	ck_assert_msg(result.state == DELIVERY_SENT, "%s", result.error);
}

/* Its API shows what was posted a moment later. */
static void wait_for_count(const char *filter, size_t count)
{
	for (int i = 0; i < 50 && count_firing(filter) != count; i++)
		harness_let_it_be();
	ck_assert_uint_eq(count_firing(filter), count);
}

START_TEST(test_firing_update_resolved)
{
	set_up();
	post("a1", 1, "firing", "fired", 14);
	wait_for_count("alertname=negative-spike", 1);
	json_t *alerts = firing_there("topic=zorvex");
	ck_assert_str_eq(string_of(alerts, "labels", "alert_id"), "a1");
	ck_assert_str_eq(string_of(alerts, "labels", "severity"), "critical");
	ck_assert_str_eq(string_of(alerts, "annotations", "topics"), "zorvex, quorl");
	ck_assert_str_eq(string_of(alerts, "status", "state"), "active");
	json_decref(alerts);

	post("a1", 2, "firing", "escalated", 40);
	wait_for_count("alert_id=a1", 1); /* the same alert still */
	for (int i = 0; i < 50; i++) {
		alerts = firing_there("alert_id=a1");
		if (strstr(string_of(alerts, "annotations", "summary"), ": 40 in") != NULL)
			break;
		json_decref(alerts);
		harness_let_it_be();
	}
	ck_assert_str_eq(string_of(alerts, "annotations", "summary"),
			 "negative-spike on zorvex and 1 more topic keeps growing: 40 in 60 min, 2.1 expected, 5 publishers");
	json_decref(alerts);

	post("a1", 3, "resolved", "resolved", 3);
	wait_for_count("alert_id=a1", 0);
	tear_down();
}
END_TEST

/* Hours of retries later: the next alert of the same rule and topic fires already. */
START_TEST(test_a_late_resolved_ends_its_own_alert_alone)
{
	set_up();
	post("a1", 1, "firing", "fired", 14);
	post("a2", 1, "firing", "fired", 20);
	wait_for_count("topic=zorvex", 2);
	post("a1", 2, "resolved", "resolved", 3);
	wait_for_count("alert_id=a1", 0);
	ck_assert_uint_eq(count_firing("alert_id=a2"), 1);
	/* Both are one group for people, by the other labels. */
	json_t *groups = get("/api/v2/alerts/groups");
	ck_assert_uint_eq(json_array_size(groups), 1);
	json_decref(groups);
	tear_down();
}
END_TEST

START_TEST(test_heartbeat_is_an_alert_that_fires)
{
	set_up();
	webhook_heartbeat(h.webhook, "desk", "{\"id\":\"heartbeat-1\",\"state\":\"heartbeat\",\"status\":\"ok\",\"sources\":[]}");
	wait_for_count("alertname=BellwetherHeartbeat", 1);
	tear_down();
}
END_TEST

int main(void)
{
	FILE *path = popen(SOURCE_DIR "/tests/lib/alertmanager.sh path", "r");
	char line[sizeof program] = "no answer";
	while (path != NULL && fgets(line, sizeof line, path) != NULL)
		line[strcspn(line, "\n")] = '\0';
	int status = path != NULL ? pclose(path) : -1;
	if (status != 0) {
		printf("%s\n", line);
		return WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 77 : EXIT_FAILURE;
	}
	strcpy(program, line);
	TCase *tcase = tcase_create("alertmanager");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_firing_update_resolved);
	tcase_add_test(tcase, test_a_late_resolved_ends_its_own_alert_alone);
	tcase_add_test(tcase, test_heartbeat_is_an_alert_that_fires);
	return run_case("webhook_alertmanager", tcase);
}
