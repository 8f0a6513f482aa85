/* Feeds that fail, hang, lead astray or are not to be reached (tests/lib/feed_server.py). */
#include "tests/lib/rss_harness.h"

#include <math.h>

struct fault_case {
	const char *spec;
	const char *says; /* part of the message */
};

static const struct fault_case faults[] = {
	{"500", "HTTP 500"},
	{"403", "user_agent"},
	{"404", "HTTP 404"},
	{"401", "password"},
	{"429", "HTTP 429"},
	{"301", "HTTP 301"},
	{"hang:3", "timed out"},
	{"half", "broke off"},
	{"halfchunk", ""},
	{"badgzip", ""},
	{"drip:0.3", "timed out"},
	{"huge:3000000", "larger than 1048576 bytes"},
	{"bomb:20000000", "larger than 1048576 bytes"},
	{"html", ""},
	{"empty", ""},
	{"loop,loop,loop,loop,loop,loop,loop,loop,loop", "redirects"},
	{"reset,reset", ""},
	{"302:file:///etc/passwd", "only http and https"},
	{"302:ftp://127.0.0.1/x", "only http and https"},
	{"302:http://", "only http and https"},
};

/* One fault after a good poll: nothing is pushed for it, health says so, and the next poll brings what is new. */
START_TEST(test_fault)
{
	const struct fault_case *fault = &faults[_i];
	char path[64], feed[32];
	struct source_options options;
	struct source_health health;
	struct harness h;

	snprintf(feed, sizeof(feed), "fault%d", _i);
	snprintf(path, sizeof(path), "/feed/%s", feed);
	options = options_for(path);
	/* Long enough to look at the health before the next try. */
	options.rss.interval_us = SECOND_US / 4;
	/* The server needs its time to make what is too large. */
	if (strncmp(fault->spec, "bomb", 4) == 0 || strncmp(fault->spec, "huge", 4) == 0)
		options.rss.timeout_us = LONG_US;
	feed_server_control(&server, "add?feed=%s&count=50", feed);
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 51, LONG_US));
	feed_server_control(&server, "fault?feed=%s&spec=%s", feed, fault->spec);
	feed_server_control(&server, "add?feed=%s&count=1", feed);
	ck_assert_msg(harness_wait_state(&h, SOURCE_DOWN, LONG_US), "%s was not noticed", fault->spec);
	source_get_health(h.source, &health);
	ck_assert_msg(strstr(health.message, fault->says), "%s: %s", fault->spec, health.message);
	ck_assert_uint_eq(health.documents, 50);
	ck_assert(harness_pop(&h, 53, LONG_US));
	ck_assert_int_eq(h.items[51]->kind, ITEM_DOCUMENT);
	ck_assert_int_eq(h.items[52]->kind, ITEM_PROGRESS);
	ck_assert(harness_wait_state(&h, SOURCE_OK, LONG_US));
	harness_close(&h);
}
END_TEST

static const char *const cuts[] = {"halfclose", "cutgzip"};

/* Half a body that HTTP cannot tell from a whole one: no half entry comes of it, nothing comes twice, and its validators
 * do not hide the rest. */
START_TEST(test_cut_body)
{
	char path[64];
	struct source_options options;
	struct harness h;

	snprintf(path, sizeof(path), "/feed/%s", cuts[_i]);
	options = options_for(path);
	feed_server_control(&server, "fault?feed=%s&spec=%s", cuts[_i], cuts[_i]);
	feed_server_control(&server, "add?feed=%s&count=20", cuts[_i]);
	harness_open(&h, &options, NULL, 0, 100);
	while (h.count < 22)
		ck_assert(harness_pop(&h, h.count + 1, LONG_US));
	for (size_t i = 0; i < h.count; i++)
		for (size_t j = 0; j < i; j++)
			if (h.items[i]->kind == ITEM_DOCUMENT)
				ck_assert_str_ne(h.items[i]->external_id, h.items[j]->external_id);
	ck_assert(!harness_pop(&h, 23, SECOND_US / 5));
	harness_close(&h);
}
END_TEST

static const char *const asked_to_wait[] = {"429:2", "503:2", "429date:3"};

START_TEST(test_retry_after)
{
	char path[64], feed[32];
	struct source_options options;
	struct harness h;
	json_t *log;

	snprintf(feed, sizeof(feed), "later%d", _i);
	snprintf(path, sizeof(path), "/feed/%s", feed);
	options = options_for(path);
	feed_server_control(&server, "fault?feed=%s&spec=%s", feed, asked_to_wait[_i]);
	feed_server_control(&server, "add?feed=%s", feed);
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 2, LONG_US));
	harness_close(&h);
	log = log_of(feed);
	ck_assert(time_of(log, 1) - time_of(log, 0) >= 1.9);
	json_decref(log);
}
END_TEST

START_TEST(test_backoff_grows)
{
	struct source_options options = options_for("/feed/backoff?fault=500");
	struct harness h;
	json_t *log;

	harness_open(&h, &options, NULL, 0, 100);
	wait_requests("backoff", 6);
	harness_close(&h);
	log = log_of("backoff");
	/* A busy machine makes any of the waits longer: so the last is held against the shortest. */
	double shortest = time_of(log, 1) - time_of(log, 0);
	for (size_t i = 2; i < 5; i++)
		shortest = fmin(shortest, time_of(log, i) - time_of(log, i - 1));
	ck_assert_double_gt(time_of(log, 5) - time_of(log, 4), 4 * shortest);
	json_decref(log);
}
END_TEST

START_TEST(test_gone)
{
	struct source_options options = options_for("/feed/gone");
	struct source_health health;
	struct source_part part;
	struct harness h;
	json_t *log;

	feed_server_control(&server, "fault?feed=gone&spec=410");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_wait_state(&h, SOURCE_DOWN, LONG_US));
	source_get_health(h.source, &health);
	ck_assert_ptr_nonnull(strstr(health.message, "remove the feed"));
	source_get_parts(h.source, &part, 1);
	ck_assert_int_eq(part.state, SOURCE_DONE);
	usleep(500000);
	harness_close(&h);
	log = log_of("gone");
	ck_assert_uint_eq(json_array_size(log), 1);
	json_decref(log);
}
END_TEST

/* One of two feeds fails: the source works, with a warning, and the other one goes on. */
START_TEST(test_partial)
{
	struct source_options options = options_for("/feed/good");
	struct source_part parts[2];
	struct harness h;

	snprintf(urls[1], sizeof(urls[1]), "http://127.0.0.1:%d/feed/bad?fault=500", server.port);
	url_list[1] = urls[1];
	options.rss.url_count = 2;
	feed_server_control(&server, "add?feed=good");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_wait_state(&h, SOURCE_WARNING, LONG_US));
	ck_assert_uint_eq(source_get_parts(h.source, parts, 2), 2);
	ck_assert_int_eq(parts[0].state, SOURCE_OK);
	ck_assert_int_eq(parts[1].state, SOURCE_DOWN);
	feed_server_control(&server, "add?feed=good");
	ck_assert(harness_pop(&h, 4, LONG_US));
	harness_close(&h);
}
END_TEST

START_TEST(test_private_refused)
{
	struct source_options options = options_for("/feed/private");
	struct source_health health;
	struct harness h;
	json_t *log;

	options.rss.allow_private = false;
	feed_server_control(&server, "add?feed=private");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_wait_state(&h, SOURCE_DOWN, LONG_US));
	source_get_health(h.source, &health);
	ck_assert_ptr_nonnull(strstr(health.message, "127.0.0.1 is a loopback address"));
	ck_assert_ptr_nonnull(strstr(health.message, "allow_private"));
	harness_close(&h);
	log = log_of("private");
	ck_assert_uint_eq(json_array_size(log), 0);
	json_decref(log);
}
END_TEST

START_TEST(test_proxy_is_ignored)
{
	struct source_options options = options_for("/feed/proxied");
	struct harness h;

	setenv("http_proxy", "http://127.0.0.1:9", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
	feed_server_control(&server, "add?feed=proxied");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 2, LONG_US));
	harness_close(&h);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}
END_TEST

START_TEST(test_credentials)
{
	struct source_options options = options_for("/feed/secret");
	struct harness h;
	json_t *log;

	snprintf(urls[0], sizeof(urls[0]), "http://ann:secret@127.0.0.1:%d/feed/secret", server.port);
	feed_server_control(&server, "add?feed=open");
	/* Another name for the same server is another origin. */
	feed_server_control(&server, "fault?feed=secret&spec=302:http://localhost:%d/feed/open", server.port);
	feed_server_control(&server, "add?feed=secret");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 2, LONG_US));
	ck_assert_ptr_null(strstr(h.items[0]->position.stream, "secret@"));
	harness_close(&h);
	log = log_of("secret");
	ck_assert_str_eq(header_of(log, 0, "Authorization"), "Basic YW5uOnNlY3JldA==");
	json_decref(log);
	log = log_of("open");
	ck_assert_uint_ge(json_array_size(log), 1);
	ck_assert_ptr_null(header_of(log, 0, "Authorization"));
	json_decref(log);
}
END_TEST

START_TEST(test_stop_is_quick)
{
	static const char *const paths[] = {"/feed/s1?fault=hang:20", "/feed/s2?fault=drip:1", "/feed/s3"};
	struct source_options options = options_for(paths[_i]);
	struct harness h;

	options.rss.timeout_us = 30 * SECOND_US;
	options.rss.interval_us = HOUR_US;
	harness_open(&h, &options, NULL, 0, 100);
	usleep(300000);
	ck_assert_int_lt(harness_close(&h), SECOND_US);
}
END_TEST

/* What a writer keeps: which entries it has, and the feed's position. */
struct store {
	char *position;
	bool has[512];
	size_t count;
};

static void store_item(struct store *store, const struct item *item)
{
	if (item->kind == ITEM_DOCUMENT) {
		int number = atoi(strrchr(item->external_id, '-') + 1);

		ck_assert(item->flags & ITEM_UNIQUE);
		ck_assert(number >= 0 && number < 512);
		store->count += !store->has[number];
		store->has[number] = true;
	} else {
		ck_assert_int_eq(item->kind, ITEM_PROGRESS);
		ck_assert_str_eq(item->position.previous, store->position);
		free(store->position);
		store->position = strdup(item->position.next);
	}
}

/* Run the source for a while and store what comes; what is still in the queue at the end is lost, as in a crash. */
static void run_until_crash(struct store *store, const struct source_options *options, int64_t run_us)
{
	struct saved_position saved = {.stream = options->rss.urls[0], .next = store->position};
	int64_t end_us = monotonic_us() + run_us;
	struct harness h;
	char *copy = strdup(store->position);

	saved.next = copy;
	harness_open(&h, options, &saved, *copy != '\0', 16);
	while (harness_pop(&h, h.count + 1, end_us - monotonic_us()))
		store_item(store, h.items[h.count - 1]);
	harness_close(&h);
	free(copy);
}

/* A feed grows, its server fails in every way, and the daemon crashes all the time: every entry is stored. */
START_TEST(test_crashes)
{
	static const char *const bag[] = {"", "500", "half", "halfchunk", "halfclose", "badgzip", "cutgzip", "html",
					  "empty", "reset", "302:/feed/crash", "429"};
	struct source_options options = options_for("/feed/crash");
	struct store store = {.position = strdup("")};
	size_t grown = 0;

	options.rss.interval_us = SECOND_US / 50;
	srand(1);
	for (int round = 0; round < 25; round++) {
		feed_server_control(&server, "add?feed=crash&count=%d", 1 + round % 9);
		grown += (size_t)(1 + round % 9);
		feed_server_control(&server, "fault?feed=crash&spec=%s,%s", bag[rand() % 12], bag[rand() % 12]);
		run_until_crash(&store, &options, rand() % 200000);
	}
	run_until_crash(&store, &options, SECOND_US);
	ck_assert_uint_eq(store.count, grown);
	free(store.position);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, test_fault, 0, sizeof(faults) / sizeof(*faults));
	tcase_add_loop_test(tests, test_cut_body, 0, 2);
	tcase_add_loop_test(tests, test_retry_after, 0, 3);
	tcase_add_test(tests, test_backoff_grows);
	tcase_add_test(tests, test_gone);
	tcase_add_test(tests, test_partial);
	tcase_add_test(tests, test_private_refused);
	tcase_add_test(tests, test_proxy_is_ignored);
	tcase_add_test(tests, test_credentials);
	tcase_add_loop_test(tests, test_stop_is_quick, 0, 3);
	tcase_add_test(tests, test_crashes);
}

int main(void)
{
	return run_with_server("rss_faults", add_tests);
}
