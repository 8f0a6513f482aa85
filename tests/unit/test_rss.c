/* Feeds over HTTP, against a server that grows and fails on demand (tests/lib/feed_server.py). */
#include "tests/lib/feed_server.h"
#include "tests/lib/source_harness.h"

#include <jansson.h>
#include <pthread.h>

#define SHORT_US (SECOND_US / 20)
#define LONG_US (10 * SECOND_US)

static struct feed_server server;
static char urls[4][256];
static const char *url_list[4];

static void start_server(void)
{
	feed_server_start(&server);
}

static void stop_server(void)
{
	feed_server_stop(&server);
}

/* Options for one feed at that path of the server. */
static struct source_options options_for(const char *path)
{
	snprintf(urls[0], sizeof(urls[0]), "http://127.0.0.1:%d%s", server.port, path);
	url_list[0] = urls[0];
	return (struct source_options){
		.name = "feeds",
		.kind = SOURCE_RSS,
		.rss = {.urls = url_list, .url_count = 1, .interval_us = SHORT_US, .timeout_us = SECOND_US,
			.max_bytes = 1 << 20, .allow_private = true},
	};
}

/* The requests that the server saw for that feed. */
static json_t *log_of(const char *feed)
{
	char *text = feed_server_get(&server, "/control/log?feed=%s", feed);
	json_t *log = json_loads(text, 0, NULL);

	free(text);
	ck_assert(json_is_array(log));
	return log;
}

static const char *header_of(json_t *log, size_t index, const char *name)
{
	return json_string_value(json_object_get(json_object_get(json_array_get(log, index), "headers"), name));
}

static int status_of(json_t *log, size_t index)
{
	return (int)json_integer_value(json_object_get(json_array_get(log, index), "status"));
}

static double time_of(json_t *log, size_t index)
{
	return json_real_value(json_object_get(json_array_get(log, index), "at"));
}

static void wait_requests(const char *feed, size_t count)
{
	for (int i = 0; i < 400; i++) {
		json_t *log = log_of(feed);
		size_t seen = json_array_size(log);

		json_decref(log);
		if (seen >= count)
			return;
		usleep(25000);
	}
	ck_abort_msg("%s was not asked %zu times", feed, count);
}

START_TEST(test_first_poll)
{
	struct source_options options = options_for("/feed/first");
	struct harness h;
	struct source_health health;
	struct source_part part;

	feed_server_control(&server, "add?feed=first&count=3");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 4, LONG_US));
	for (int i = 0; i < 3; i++) {
		const struct item *item = h.items[i];
		char id[32];

		snprintf(id, sizeof(id), "first-%d", i);
		ck_assert_int_eq(item->kind, ITEM_DOCUMENT);
		ck_assert_uint_eq(item->flags, ITEM_UNIQUE | ITEM_BACKFILL);
		ck_assert_str_eq(item->external_id, id);
		ck_assert_str_eq(item->source, "feeds");
		ck_assert_str_eq(item->position.stream, urls[0]);
		ck_assert_str_eq(item->position.next, "");
		ck_assert_str_eq(item->publisher, "Feed first");
		ck_assert_ptr_nonnull(strstr(item->title, "number"));
		ck_assert_ptr_nonnull(strstr(item->url, "https://feeds.example/first/"));
		ck_assert_int_eq(item->published_us, (INT64_C(1767571200) + 60 * i) * SECOND_US);
	}
	ck_assert_int_eq(h.items[3]->kind, ITEM_PROGRESS);
	ck_assert_str_eq(h.items[3]->position.stream, urls[0]);
	ck_assert_str_eq(h.items[3]->position.previous, "");
	ck_assert_str_ne(h.items[3]->position.next, "");
	ck_assert(harness_wait_state(&h, SOURCE_OK, LONG_US));
	source_get_health(h.source, &health);
	ck_assert_uint_eq(health.documents, 3);
	ck_assert_int_gt(health.last_progress_us, 0);
	ck_assert_uint_eq(source_get_parts(h.source, &part, 1), 1);
	ck_assert_str_eq(part.stream, urls[0]);
	ck_assert_int_eq(part.state, SOURCE_OK);
	harness_close(&h);
}
END_TEST

START_TEST(test_growth)
{
	struct source_options options = options_for("/feed/grows");
	struct harness h;
	char *before;

	feed_server_control(&server, "add?feed=grows&count=2");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 3, LONG_US));
	before = strdup(h.items[2]->position.next);
	feed_server_control(&server, "add?feed=grows&count=2");
	feed_server_control(&server, "edit?feed=grows&entry=1");
	ck_assert(harness_pop_kind(&h, ITEM_PROGRESS, LONG_US));
	/* Both changes may be seen by one poll or by two; the edited entry is no document either way. */
	harness_pop(&h, 8, SECOND_US / 2);
	ck_assert_str_eq(h.items[3]->external_id, "grows-2");
	ck_assert_str_eq(h.items[4]->external_id, "grows-3");
	ck_assert_uint_eq(h.items[3]->flags, ITEM_UNIQUE);
	ck_assert_int_eq(h.items[5]->kind, ITEM_PROGRESS);
	ck_assert_str_eq(h.items[5]->position.previous, before);
	for (size_t i = 6; i < h.count; i++)
		ck_assert_int_eq(h.items[i]->kind, ITEM_PROGRESS);
	free(before);
	harness_close(&h);
}
END_TEST

START_TEST(test_conditional)
{
	struct source_options options = options_for("/feed/cond");
	struct harness h;
	json_t *log;

	feed_server_control(&server, "add?feed=cond");
	harness_open(&h, &options, NULL, 0, 100);
	wait_requests("cond", 4);
	ck_assert(harness_pop(&h, 2, LONG_US));
	/* A 304 moves nothing, so it brings no item. */
	ck_assert(!harness_pop(&h, 3, SECOND_US / 5));
	log = log_of("cond");
	ck_assert_ptr_null(header_of(log, 0, "If-None-Match"));
	ck_assert_str_eq(header_of(log, 1, "If-None-Match"), "W/\"cond-1\"");
	ck_assert_str_eq(header_of(log, 1, "If-Modified-Since"), "Mon, 05 Jan 2026 00:00:01 GMT");
	ck_assert_int_eq(status_of(log, 1), 304);
	ck_assert_ptr_nonnull(strstr(header_of(log, 0, "Accept-Encoding"), "gzip"));
	ck_assert_ptr_nonnull(strstr(header_of(log, 0, "User-Agent"), "Bellwether"));
	ck_assert_ptr_null(header_of(log, 1, "Cookie"));
	json_decref(log);
	harness_close(&h);
}
END_TEST

START_TEST(test_restart)
{
	struct source_options options = options_for("/feed/again");
	struct saved_position saved = {.stream = urls[0]};
	struct harness h;
	char *next;
	json_t *log;

	feed_server_control(&server, "add?feed=again&count=5");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 6, LONG_US));
	next = strdup(h.items[5]->position.next);
	harness_close(&h);
	feed_server_control(&server, "add?feed=again");
	saved.next = next;
	harness_open(&h, &options, &saved, 1, 100);
	ck_assert(harness_pop(&h, 2, LONG_US));
	ck_assert_str_eq(h.items[0]->external_id, "again-5");
	ck_assert_uint_eq(h.items[0]->flags, ITEM_UNIQUE);
	ck_assert_str_eq(h.items[1]->position.previous, next);
	ck_assert(!harness_pop(&h, 3, SECOND_US / 5));
	harness_close(&h);
	log = log_of("again");
	ck_assert_str_eq(header_of(log, json_array_size(log) - 1, "If-None-Match"), "W/\"again-2\"");
	json_decref(log);
	free(next);
}
END_TEST

START_TEST(test_vanishing)
{
	struct source_options options = options_for("/feed/flaps");
	struct harness h;

	feed_server_control(&server, "add?feed=flaps&count=4");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 5, LONG_US));
	feed_server_control(&server, "hide?feed=flaps&first=2&count=2");
	ck_assert(harness_pop(&h, 6, LONG_US));
	ck_assert_int_eq(h.items[5]->kind, ITEM_PROGRESS);
	feed_server_control(&server, "hide?feed=flaps&count=0");
	ck_assert(harness_pop(&h, 7, LONG_US));
	ck_assert_int_eq(h.items[6]->kind, ITEM_PROGRESS);
	ck_assert(!harness_pop(&h, 8, SECOND_US / 5));
	harness_close(&h);
}
END_TEST

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
	for (size_t i = 2; i < 6; i++)
		ck_assert(time_of(log, i) - time_of(log, i - 1) > 1.2 * (time_of(log, i - 1) - time_of(log, i - 2)));
	json_decref(log);
}
END_TEST

START_TEST(test_max_age_is_honoured)
{
	struct source_options options = options_for("/feed/age?max_age=600");
	struct harness h;
	json_t *log;

	options.rss.interval_us = SECOND_US / 4;
	feed_server_control(&server, "add?feed=age");
	harness_open(&h, &options, NULL, 0, 100);
	wait_requests("age", 2);
	harness_close(&h);
	log = log_of("age");
	ck_assert(time_of(log, 1) - time_of(log, 0) >= 0.95);
	json_decref(log);
}
END_TEST

START_TEST(test_moved_for_good)
{
	struct source_options options = options_for("/feed/old");
	struct saved_position saved = {.stream = urls[0]};
	struct harness h;
	char *next;
	json_t *log;

	feed_server_control(&server, "add?feed=new");
	feed_server_control(&server, "fault?feed=old&spec=301:/feed/new");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 2, LONG_US));
	ck_assert_str_eq(h.items[0]->position.stream, urls[0]);
	ck_assert_ptr_nonnull(strstr(h.items[1]->position.next, "/feed/new"));
	next = strdup(h.items[1]->position.next);
	wait_requests("new", 3);
	harness_close(&h);
	saved.next = next;
	harness_open(&h, &options, &saved, 1, 100);
	wait_requests("new", 5);
	harness_close(&h);
	log = log_of("old");
	ck_assert_uint_eq(json_array_size(log), 1);
	json_decref(log);
	free(next);
}
END_TEST

START_TEST(test_moved_for_now)
{
	struct source_options options = options_for("/feed/here");
	struct harness h;
	json_t *log;

	feed_server_control(&server, "add?feed=there");
	feed_server_control(&server, "fault?feed=here&spec=302:/feed/there,307:/feed/there,302:/feed/there");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 2, LONG_US));
	ck_assert_ptr_null(strstr(h.items[1]->position.next, "/feed/there"));
	wait_requests("here", 3);
	harness_close(&h);
	log = log_of("there");
	ck_assert_uint_ge(json_array_size(log), 2);
	json_decref(log);
}
END_TEST

START_TEST(test_moved_and_lost)
{
	struct source_options options = options_for("/feed/home");
	struct harness h;

	feed_server_control(&server, "add?feed=home");
	feed_server_control(&server, "add?feed=abroad");
	feed_server_control(&server, "fault?feed=home&spec=308:/feed/abroad");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 2, LONG_US));
	ck_assert_str_eq(h.items[0]->external_id, "abroad-0");
	feed_server_control(&server, "fault?feed=abroad&spec=404");
	ck_assert(harness_pop_kind(&h, ITEM_DOCUMENT, LONG_US));
	ck_assert_str_eq(h.items[h.count - 1]->external_id, "home-0");
	harness_close(&h);
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

/* A full queue holds the source up, and it loses nothing; stopping then is quick, too. */
START_TEST(test_full_queue)
{
	struct source_options options = options_for("/feed/full");
	struct source_health health;
	struct harness h;

	feed_server_control(&server, "add?feed=full&count=40");
	harness_open(&h, &options, NULL, 0, 4);
	for (int i = 0; i < 200; i++) {
		source_get_health(h.source, &health);
		if (health.waiting)
			break;
		usleep(10000);
	}
	ck_assert(health.waiting);
	usleep(1500000);
	source_get_health(h.source, &health);
	ck_assert_int_lt(monotonic_us() - health.heartbeat_us, SECOND_US);
	ck_assert(harness_pop(&h, 41, LONG_US));
	ck_assert_str_eq(h.items[39]->external_id, "full-39");
	harness_close(&h);
	harness_open(&h, &options, NULL, 0, 4);
	usleep(300000);
	ck_assert_int_lt(harness_close(&h), SECOND_US);
}
END_TEST

struct report {
	char text[2048];
};

static void collect_report(void *context, const char *status, const char *what, const char *message)
{
	struct report *report = context;
	size_t used = strlen(report->text);

	snprintf(report->text + used, sizeof(report->text) - used, "%s|%s|%s\n", status, strrchr(what, '/'), message);
}

START_TEST(test_check)
{
	struct source_options options = options_for("/feed/check");
	struct report report = {.text = ""};

	feed_server_control(&server, "add?feed=check&count=3");
	feed_server_control(&server, "add?feed=check4");
	feed_server_control(&server, "fault?feed=check3&spec=301:/feed/check4");
	for (int i = 1; i < 4; i++) {
		snprintf(urls[i], sizeof(urls[i]), "http://127.0.0.1:%d/feed/check%d%s", server.port, i,
			 i == 1 ? "?fault=403" : "");
		url_list[i] = urls[i];
	}
	options.rss.url_count = 4;
	source_check(&options, collect_report, &report);
	ck_assert_ptr_nonnull(strstr(report.text, "ok|/check|3 entries, newest 2026-01-05T00:02:00Z"));
	ck_assert_ptr_nonnull(strstr(report.text, "error|/check1?fault=403|HTTP 403"));
	ck_assert_ptr_nonnull(strstr(report.text, "warning|/check2|0 entries"));
	ck_assert_ptr_nonnull(strstr(report.text, "warning|/check3|1 entries"));
	ck_assert_ptr_nonnull(strstr(report.text, "change the URL to"));
}
END_TEST

START_TEST(test_wrong_options)
{
	static const char *const wrong[][2] = {
		{"file:///etc/passwd", "only http and https"},
		{"feeds.example", "not an absolute URL"},
		{"", "not an absolute URL"},
	};
	struct source_options options = options_for("/feed/x");
	struct queue *queue = queue_create(1, 1);
	struct err e;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		url_list[0] = wrong[i][0];
		ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
		ck_assert_msg(strstr(e.text, wrong[i][1]), "%s", e.text);
	}
	url_list[0] = url_list[1] = urls[0];
	options.rss.url_count = 2;
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "twice"));
	options.rss.url_count = 0;
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	queue_free(queue);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_unchecked_fixture(tests, start_server, stop_server);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, test_first_poll);
	tcase_add_test(tests, test_growth);
	tcase_add_test(tests, test_conditional);
	tcase_add_test(tests, test_restart);
	tcase_add_test(tests, test_vanishing);
	tcase_add_loop_test(tests, test_fault, 0, sizeof(faults) / sizeof(*faults));
	tcase_add_loop_test(tests, test_cut_body, 0, 2);
	tcase_add_loop_test(tests, test_retry_after, 0, 3);
	tcase_add_test(tests, test_backoff_grows);
	tcase_add_test(tests, test_max_age_is_honoured);
	tcase_add_test(tests, test_moved_for_good);
	tcase_add_test(tests, test_moved_for_now);
	tcase_add_test(tests, test_moved_and_lost);
	tcase_add_test(tests, test_gone);
	tcase_add_test(tests, test_partial);
	tcase_add_test(tests, test_private_refused);
	tcase_add_test(tests, test_proxy_is_ignored);
	tcase_add_test(tests, test_credentials);
	tcase_add_loop_test(tests, test_stop_is_quick, 0, 3);
	tcase_add_test(tests, test_full_queue);
	tcase_add_test(tests, test_check);
	tcase_add_test(tests, test_wrong_options);
}

int main(void)
{
	Suite *suite = suite_create("rss");
	TCase *tests = tcase_create("rss");
	SRunner *runner;
	int failed;

	if (system("python3 -c '' 2>/dev/null") != 0) {
		puts("python3 is missing: the feed server of this test needs it");
		return 77;
	}
	add_tests(tests);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
