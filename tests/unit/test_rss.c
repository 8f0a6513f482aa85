/* Polling feeds over HTTP, against a server that grows them (tests/lib/feed_server.py). */
#include "tests/lib/rss_harness.h"

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

START_TEST(test_quiet_is_not_dead)
{
	struct source_options options = options_for("/feed/quiet");
	struct harness h;

	options.life_us = SECOND_US / 5;
	feed_server_control(&server, "add?feed=quiet");
	harness_open(&h, &options, NULL, 0, 100);
	ck_assert(harness_pop(&h, 4, LONG_US));
	for (size_t i = 2; i < 4; i++) {
		ck_assert_int_eq(h.items[i]->kind, ITEM_PROGRESS);
		ck_assert_int_eq(h.items[i]->published_us, TIME_NONE);
		ck_assert_str_eq(h.items[i]->source, "feeds");
		ck_assert_str_eq(h.items[i]->position.next, "");
	}
	ck_assert_int_ge(h.items[3]->received_us - h.items[2]->received_us, options.life_us * 9 / 10);
	/* One that does not answer shows none. */
	feed_server_control(&server, "fault?feed=quiet&spec=500,500,500,500,500,500,500,500");
	ck_assert(harness_wait_state(&h, SOURCE_DOWN, LONG_US));
	harness_forget(&h);
	while (harness_pop(&h, 1, SHORT_US))
		harness_forget(&h);
	ck_assert(!harness_pop(&h, 1, SECOND_US));
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
	tcase_add_test(tests, test_first_poll);
	tcase_add_test(tests, test_growth);
	tcase_add_test(tests, test_conditional);
	tcase_add_test(tests, test_quiet_is_not_dead);
	tcase_add_test(tests, test_restart);
	tcase_add_test(tests, test_vanishing);
	tcase_add_test(tests, test_max_age_is_honoured);
	tcase_add_test(tests, test_moved_for_good);
	tcase_add_test(tests, test_moved_for_now);
	tcase_add_test(tests, test_moved_and_lost);
	tcase_add_test(tests, test_full_queue);
	tcase_add_test(tests, test_check);
	tcase_add_test(tests, test_wrong_options);
}

int main(void)
{
	return run_with_server("rss", add_tests);
}
