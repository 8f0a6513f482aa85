/* The parts of feed polling that need no network: header values, schedule, stored state, which entries are new. */
#include "daemon/base/clock.h"
#include "ingest/rss/entries.h"
#include "ingest/rss/fetch.h"
#include "ingest/rss/fetch_url.h"
#include "ingest/rss/http_value.h"
#include "ingest/rss/schedule.h"
#include "ingest/rss/state.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_retry_after)
{
	/* 2015-10-21T07:28:00Z */
	const int64_t now_us = INT64_C(1445412480) * SECOND_US;

	ck_assert_int_eq(http_retry_after("120", now_us), 120 * SECOND_US);
	ck_assert_int_eq(http_retry_after("0", now_us), 0);
	ck_assert_int_eq(http_retry_after("7 ", now_us), 7 * SECOND_US);
	ck_assert_int_eq(http_retry_after("Wed, 21 Oct 2015 07:29:30 GMT", now_us), 90 * SECOND_US);
	ck_assert_int_eq(http_retry_after("Wednesday, 21-Oct-15 07:28:05 GMT", now_us), 5 * SECOND_US);
	ck_assert_int_eq(http_retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now_us), 0);
	ck_assert_int_eq(http_retry_after("soon", now_us), -1);
	ck_assert_int_eq(http_retry_after("", now_us), -1);
	ck_assert_int_eq(http_retry_after("-5", now_us), -1);
	ck_assert_int_eq(http_retry_after("1.5", now_us), -1);
	ck_assert_int_gt(http_retry_after("99999999999999999999999999", now_us), DAY_US);
}
END_TEST

START_TEST(test_max_age)
{
	ck_assert_int_eq(http_max_age("max-age=600"), 600 * SECOND_US);
	ck_assert_int_eq(http_max_age("public, Max-Age=60, must-revalidate"), 60 * SECOND_US);
	ck_assert_int_eq(http_max_age("max-age=\"60\""), 60 * SECOND_US);
	ck_assert_int_eq(http_max_age("no-cache, max-age=600"), 0);
	ck_assert_int_eq(http_max_age("max-age=600, no-store"), 0);
	ck_assert_int_eq(http_max_age("s-maxage=600"), 0);
	ck_assert_int_eq(http_max_age("max-age="), 0);
	ck_assert_int_eq(http_max_age("max-age=-1"), 0);
	ck_assert_int_eq(http_max_age(""), 0);
	ck_assert_int_eq(http_max_age(",,, ,"), 0);
	ck_assert_int_gt(http_max_age("max-age=99999999999999999999"), DAY_US);
}
END_TEST

START_TEST(test_next)
{
	const int64_t interval_us = 5 * MINUTE_US;

	ck_assert_int_eq(schedule_next(interval_us, 0, 0), interval_us);
	ck_assert_int_eq(schedule_next(interval_us, MINUTE_US, 0), interval_us);
	ck_assert_int_eq(schedule_next(interval_us, 10 * MINUTE_US, 0), 10 * MINUTE_US);
	ck_assert_int_eq(schedule_next(interval_us, DAY_US, 0), 20 * MINUTE_US);
	ck_assert_int_eq(schedule_next(30 * MINUTE_US, DAY_US, 0), HOUR_US);
	ck_assert_int_eq(schedule_next(6 * HOUR_US, 30 * MINUTE_US, 0), 6 * HOUR_US);
	for (uint64_t chance = 1; chance; chance *= 3) {
		int64_t delay_us = schedule_next(interval_us, 0, chance);

		ck_assert(delay_us >= interval_us && delay_us <= interval_us + interval_us / 10);
		if (chance > UINT64_MAX / 3)
			break;
	}
}
END_TEST

START_TEST(test_backoff)
{
	const int64_t interval_us = 5 * MINUTE_US;
	int64_t before_us = 0;

	ck_assert_int_eq(schedule_retry(interval_us, 1, -1, 0), interval_us);
	ck_assert_int_eq(schedule_retry(interval_us, 2, -1, 0), 2 * interval_us);
	for (unsigned failures = 1; failures < 100; failures++) {
		int64_t delay_us = schedule_retry(interval_us, failures, -1, 0);

		ck_assert_int_ge(delay_us, before_us);
		ck_assert_int_le(delay_us, SCHEDULE_BACKOFF_MAX_US);
		before_us = delay_us;
	}
	ck_assert_int_eq(before_us, SCHEDULE_BACKOFF_MAX_US);
	ck_assert_int_eq(schedule_retry(2 * HOUR_US, 100000, -1, 0), 2 * HOUR_US);
	ck_assert_int_eq(schedule_retry(interval_us, 1, HOUR_US, 0), HOUR_US);
	ck_assert_int_eq(schedule_retry(interval_us, 1, SECOND_US, 0), interval_us);
	ck_assert_int_eq(schedule_retry(interval_us, 1, 300 * DAY_US, 0), SCHEDULE_RETRY_MAX_US);
}
END_TEST

static void list(struct feed_state *state, const char *const *ids, size_t count)
{
	uint64_t hashes[16];

	for (size_t i = 0; i < count; i++)
		hashes[i] = feed_state_hash(ids[i]);
	feed_state_list(state, hashes, count);
}

static bool knows(const struct feed_state *state, const char *id)
{
	return feed_state_knows(state, feed_state_hash(id));
}

START_TEST(test_state_round_trip)
{
	struct feed_state *state = feed_state_parse("", NULL), *again;
	char *text, *second;
	struct err e;

	ck_assert_ptr_nonnull(state);
	text = feed_state_text(state);
	ck_assert_str_eq(text, "{}");
	free(text);
	feed_state_set(&state->etag, "W/\"a \\\"b\\\" c\"");
	feed_state_set(&state->modified, "Mon, 05 Jan 2026 00:00:01 GMT");
	feed_state_set(&state->moved, "https://feeds.example/new");
	list(state, (const char *[]){"b", "a", "b"}, 3);
	list(state, (const char *[]){"a", "c"}, 2);
	text = feed_state_text(state);
	again = feed_state_parse(text, &e);
	ck_assert_msg(again, "%s", e.text);
	ck_assert_str_eq(again->etag, "W/\"a \\\"b\\\" c\"");
	ck_assert_str_eq(again->modified, state->modified);
	ck_assert_str_eq(again->moved, state->moved);
	ck_assert_uint_eq(again->listed.count, 2);
	ck_assert_uint_eq(again->vanished.count, 1);
	second = feed_state_text(again);
	ck_assert_str_eq(text, second);
	free(text);
	free(second);
	feed_state_free(state);
	feed_state_free(again);
}
END_TEST

START_TEST(test_state_vanished)
{
	struct feed_state *state = feed_state_parse(NULL, NULL);

	list(state, (const char *[]){"a", "b"}, 2);
	list(state, (const char *[]){"b", "c"}, 2);
	ck_assert(knows(state, "a") && knows(state, "b") && knows(state, "c"));
	list(state, (const char *[]){"b", "c"}, 2);
	ck_assert(!knows(state, "a"));
	list(state, NULL, 0);
	ck_assert(knows(state, "b") && knows(state, "c"));
	list(state, NULL, 0);
	ck_assert(!knows(state, "b"));
	feed_state_free(state);
}
END_TEST

START_TEST(test_state_damaged)
{
	static const char *const texts[] = {
		"{", "[]", "7", "{\"etag\":7}", "{\"ids\":\"abc\"}", "{\"ids\":\"0123456789ABCDEF\"}",
		"{\"ids\":\"0123456789abcdeg\"}", "{\"gone\":\"0123456789abcdef0\"}", "garbage",
	};
	struct err e;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		e.text[0] = '\0';
		ck_assert_msg(!feed_state_parse(texts[i], &e), "%s", texts[i]);
		ck_assert_str_ne(e.text, "");
	}
}
END_TEST

START_TEST(test_state_values)
{
	struct feed_state *state = feed_state_parse("", NULL);
	char longest[1200];

	memset(longest, 'x', sizeof(longest));
	longest[1100] = '\0';
	feed_state_set(&state->etag, "\"ok\"");
	feed_state_set(&state->etag, longest);
	ck_assert_str_eq(state->etag, "");
	feed_state_set(&state->etag, "\"a\r\nX-Evil: 1\"");
	ck_assert_str_eq(state->etag, "");
	feed_state_set(&state->etag, "\"\xe4\"");
	ck_assert_str_eq(state->etag, "");
	feed_state_free(state);
}
END_TEST

static struct feed_entry entry(const char *id, const char *title, int64_t published_us)
{
	return (struct feed_entry){.id = id, .guid = id, .link = "", .title = title, .summary = "", .content = "",
				   .author = "", .publisher = "", .lang = "", .published_us = published_us};
}

static struct entries select_from(struct feed_entry *list, size_t count, bool repaired, const char *body,
				  const struct feed_state *state)
{
	struct feed feed = {.title = "F", .lang = "", .entries = list, .entry_count = count, .repaired = repaired};
	struct entries entries;

	entries_select(&entries, &feed, body, strlen(body), state);
	return entries;
}

START_TEST(test_entries_order)
{
	struct feed_state *state = feed_state_parse("", NULL);
	struct feed_entry dated[] = {entry("c", "c", 20), entry("a", "a", 10), entry("d", "d", 20), entry("e", "e", 30)};
	struct feed_entry undated[] = {entry("c", "c", 20), entry("b", "b", TIME_NONE), entry("a", "a", 30)};
	struct entries entries = select_from(dated, 4, false, "", state);

	ck_assert_uint_eq(entries.fresh_count, 4);
	ck_assert_str_eq(entries.fresh[0]->id, "a");
	ck_assert_str_eq(entries.fresh[1]->id, "d");
	ck_assert_str_eq(entries.fresh[2]->id, "c");
	ck_assert_str_eq(entries.fresh[3]->id, "e");
	entries_clear(&entries);
	entries = select_from(undated, 3, false, "", state);
	ck_assert_str_eq(entries.fresh[0]->id, "a");
	ck_assert_str_eq(entries.fresh[1]->id, "b");
	ck_assert_str_eq(entries.fresh[2]->id, "c");
	entries_clear(&entries);
	feed_state_free(state);
}
END_TEST

START_TEST(test_entries_known_and_doubled)
{
	struct feed_state *state = feed_state_parse("", NULL);
	struct feed_entry list_[] = {entry("new", "x", 3), entry("old", "x", 2), entry("new", "again", 3), entry("none", "", 9)};
	struct entries entries;

	list(state, (const char *[]){"old"}, 1);
	entries = select_from(list_, 4, false, "", state);
	ck_assert_uint_eq(entries.fresh_count, 1);
	ck_assert_str_eq(entries.fresh[0]->title, "x");
	/* The one without text is not even listed: it may get a text later. */
	ck_assert_uint_eq(entries.id_count, 2);
	entries_clear(&entries);
	feed_state_free(state);
}
END_TEST

START_TEST(test_entries_cut)
{
	struct feed_state *state = feed_state_parse("", NULL);
	struct feed_entry two[] = {entry("a", "a", 1), entry("b", "half of a ti", 1)};
	struct entries entries = select_from(two, 2, true, "<rss><channel><item>..<item><title>half of a ti", state);

	ck_assert_uint_eq(entries.fresh_count, 1);
	ck_assert_str_eq(entries.fresh[0]->id, "a");
	entries_clear(&entries);
	/* Only repaired, not cut. */
	entries = select_from(two, 2, true, "<rss><channel>... & ...</channel></RSS>\n", state);
	ck_assert_uint_eq(entries.fresh_count, 2);
	entries_clear(&entries);
	entries = select_from(two, 2, false, "", state);
	ck_assert_uint_eq(entries.fresh_count, 2);
	entries_clear(&entries);
	feed_state_free(state);
}
END_TEST

START_TEST(test_split_url)
{
	char *clean, *userinfo, *host;
	struct err e;

	ck_assert_int_eq(fetch_split_url("https://ann:s%40crt@feeds.example:8443/a?b#c", &clean, &userinfo, &host, &e), 0);
	ck_assert_str_eq(clean, "https://feeds.example:8443/a?b");
	ck_assert_str_eq(userinfo, "ann:s@crt");
	ck_assert_str_eq(host, "feeds.example");
	free(clean);
	free(userinfo);
	free(host);
	ck_assert_int_eq(fetch_split_url("http://feeds.example/", &clean, &userinfo, &host, &e), 0);
	ck_assert_str_eq(userinfo, "");
	free(clean);
	free(userinfo);
	free(host);
}
END_TEST

START_TEST(test_split_url_refused)
{
	static const char *const urls[] = {
		"", "feeds.example/rss", "/rss", "file:///etc/passwd", "ftp://feeds.example/", "gopher://feeds.example/",
		"http://", "dict://feeds.example/", "javascript:alert(1)", "http://a b/",
	};
	char *clean, *userinfo, *host;
	struct err e;

	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
		ck_assert_msg(fetch_split_url(urls[i], &clean, &userinfo, &host, &e) == -1, "%s", urls[i]);
}
END_TEST

static void check_resolved(const char *location, const char *expected)
{
	struct err e;
	char *url = fetch_resolve_url("https://feeds.example/a/b", location, &e);

	if (expected)
		ck_assert_str_eq(url, expected);
	else
		ck_assert_ptr_null(url);
	free(url);
}

START_TEST(test_resolve_url)
{
	check_resolved("/c", "https://feeds.example/c");
	check_resolved("c", "https://feeds.example/a/c");
	check_resolved("//other.example/c", "https://other.example/c");
	check_resolved("http://u:p@other.example/c#d", "http://other.example/c");
	check_resolved("file:///etc/passwd", NULL);
	check_resolved("ftp://other.example/", NULL);
	ck_assert(fetch_same_origin("https://a.example/x", "https://A.example:443/y"));
	ck_assert(!fetch_same_origin("https://a.example/x", "http://a.example/x"));
	ck_assert(!fetch_same_origin("https://a.example/x", "https://a.example:444/x"));
	ck_assert(!fetch_same_origin("https://a.example/x", "https://a.example.evil.example/x"));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("parts");


	tcase_add_test(tests, test_retry_after);
	tcase_add_test(tests, test_max_age);
	tcase_add_test(tests, test_next);
	tcase_add_test(tests, test_backoff);
	tcase_add_test(tests, test_state_round_trip);
	tcase_add_test(tests, test_state_vanished);
	tcase_add_test(tests, test_state_damaged);
	tcase_add_test(tests, test_state_values);
	tcase_add_test(tests, test_entries_order);
	tcase_add_test(tests, test_entries_known_and_doubled);
	tcase_add_test(tests, test_entries_cut);
	tcase_add_test(tests, test_split_url);
	tcase_add_test(tests, test_split_url_refused);
	tcase_add_test(tests, test_resolve_url);
	return run_case("rss_parts", tests);
}
