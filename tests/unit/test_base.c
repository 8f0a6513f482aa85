#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/item.h"
#include "daemon/base/markup.h"
#include "daemon/base/metric.h"
#include "daemon/base/queue.h"
#include "daemon/base/utf8.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- err ---- */

START_TEST(errors_gather_context)
{
	struct err e = {.busy = true};
	ck_assert_int_eq(err_set(&e, "no such %s", "thing"), -1);
	ck_assert(!e.busy);
	ck_assert_str_eq(e.text, "no such thing");
	ck_assert_int_eq(err_prefix(&e, "opening %d", 7), -1);
	ck_assert_str_eq(e.text, "opening 7: no such thing");
	err_sys(&e, ENOENT, "x");
	ck_assert_str_eq(e.text, "x: No such file or directory");
	ck_assert_int_eq(err_set(NULL, "dropped"), -1);
	char big[4096];
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	err_set(&e, "%s", big);
	err_prefix(&e, "%s", big);
	err_sys(&e, ENOENT, "%s", big);
	ck_assert_uint_eq(strlen(e.text), sizeof e.text - 1);
}
END_TEST

/* ---- clock ---- */

static const struct {
	const char *text;
	int64_t seconds; /* -1 = refused */
} iso[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"2026-01-05T09:30:00Z", 1767605400},
	{"2026-01-05T09:30:00.999Z", 1767605400},
	{"2026-01-05T10:30:00+01:00", 1767605400},
	{"2026-01-05T10:30+0100", 1767605400},
	{"2026-01-05 09:30:00", 1767605400},
	{"2026-01-05", 1767571200},
	{"2024-02-29T00:00:00Z", 1709164800},
	{"2023-02-29T00:00:00Z", -1},
	{"2026-13-01T00:00:00Z", -1},
	{"2026-01-05T25:00:00Z", -1},
	{"2026-01-05T09:30:00Zx", -1},
	{"2026-1-5", -1},
	{"", -1},
};

START_TEST(iso_times)
{
	int64_t us;
	bool ok = time_parse_iso(iso[_i].text, &us);
	if (iso[_i].seconds < 0) {
		ck_assert_msg(!ok, "%s is accepted", iso[_i].text);
		return;
	}
	ck_assert_msg(ok, "%s is refused", iso[_i].text);
	ck_assert_int_eq(us / SECOND_US, iso[_i].seconds);
}
END_TEST

START_TEST(iso_times_there_and_back)
{
	char text[40];
	for (int64_t s = -62135596800; s < 253402300000; s += (86400 * 37 + 12345) * (int64_t)one_in()) {
		int64_t us;
		time_format_iso(s * SECOND_US, text, sizeof text);
		ck_assert_msg(time_parse_iso(text, &us) && us == s * SECOND_US, "%s", text);
	}
}
END_TEST

START_TEST(durations)
{
	int64_t us;
	ck_assert(duration_parse("90s", &us) && us == 90 * SECOND_US);
	ck_assert(duration_parse("1h30m", &us) && us == 90 * MINUTE_US);
	ck_assert(duration_parse("250ms", &us) && us == 250000);
	ck_assert(duration_parse("5y", &us) && us == 5 * 365 * DAY_US);
	ck_assert(duration_parse("0", &us) && us == 0);
	static const char *const wrong[] = {"", "5", "h", "1hr", "-1h", "1 h", "9999999999d", "1h30", "1000000000y999999999y"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!duration_parse(wrong[i], &us), "%s", wrong[i]);
}
END_TEST

/* ---- utf8 ---- */

static const struct {
	const char *in, *out;
} broken[] = {
	{"plain", "plain"},
	{"caf\xc3\xa9", "caf\xc3\xa9"},
	{"\xff", "\xef\xbf\xbd"},
	{"a\xc3", "a\xef\xbf\xbd"},
	{"\xe2\x82", "\xef\xbf\xbd"},                               /* one maximal part */
	{"\xe2\x82(", "\xef\xbf\xbd("},
	{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                   /* overlong */
	{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},   /* surrogate */
	{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* above U+10FFFF */
	{"\xf0\x9f\x98", "\xef\xbf\xbd"},
	{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	{"0123456789abcdef\xff""0123456789", "0123456789abcdef\xef\xbf\xbd""0123456789"},
};

START_TEST(invalid_utf8_is_replaced)
{
	char out[128];
	const char *in = broken[_i].in;
	size_t length = utf8_clean(in, strlen(in), NULL);
	ck_assert_uint_eq(length, strlen(broken[_i].out));
	ck_assert_uint_eq(utf8_clean(in, strlen(in), out), length);
	out[length] = '\0';
	ck_assert_str_eq(out, broken[_i].out);
	ck_assert(utf8_is_valid(out, length));
	ck_assert_int_eq(utf8_is_valid(in, strlen(in)), strcmp(in, broken[_i].out) == 0);
}
END_TEST

START_TEST(what_is_printed_is_whole_and_moves_no_cursor)
{
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	utf8_print(out, "a\033[2J\xc2\x9b\x7f\xc3\xa9\n\xff", 12, '?');
	fclose(out);
	ck_assert_str_eq(printed, "a?[2J??\xc3\xa9?\xef\xbf\xbd");
	free(printed);
	ck_assert_uint_eq(utf8_cut("a\xc3\xa9z", 4, 9), 4);
	ck_assert_uint_eq(utf8_cut("a\xc3\xa9z", 4, 3), 3);
	ck_assert_uint_eq(utf8_cut("a\xc3\xa9z", 4, 2), 1);
	ck_assert_uint_eq(utf8_cut("\x80\x80\x80", 3, 2), 0);
}
END_TEST

START_TEST(every_code_point_there_and_back)
{
	for (uint32_t c = 0; c <= 0x10FFFF; c += one_in()) {
		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		char bytes[4];
		uint32_t back;
		size_t length = utf8_encode(c, bytes);
		ck_assert_uint_eq(utf8_decode(bytes, length, &back), length);
		ck_assert_uint_eq(back, c);
		ck_assert(utf8_is_valid(bytes, length));
	}
}
END_TEST

/* ---- item ---- */

START_TEST(items_own_clean_text)
{
	char title[] = "bad \xff title";
	struct item *item = item_create(&(struct item){.kind = ITEM_DOCUMENT, .title = title, .body = "body", .source = "s"});
	memset(title, 'x', sizeof title - 1);
	ck_assert_str_eq(item->title, "bad \xef\xbf\xbd title");
	ck_assert_str_eq(item->url, "");
	ck_assert_str_eq(item->position.next, "");
	ck_assert_uint_gt(item->size, sizeof *item);
	char text[64];
	size_t length = item_text(item, text, sizeof text);
	ck_assert_int_eq(strncmp(text, "bad \xef\xbf\xbd title. body", length), 0);
	ck_assert_uint_eq(length, strlen("bad \xef\xbf\xbd title. body"));
	ck_assert_uint_eq(item_text(item, text, 3), 3);
	item_free(item);
	item_free(NULL);
}
END_TEST

/* ---- queue ---- */

START_TEST(polarities_have_one_name_each)
{
	for (int i = POLARITY_NEGATIVE; i <= POLARITY_POSITIVE; i++)
		ck_assert_int_eq(polarity_parse(polarity_name((enum polarity)i)), i);
	ck_assert_int_eq(polarity_parse("Neutral"), POLARITY_NEUTRAL);
	ck_assert_int_eq(polarity_parse(""), POLARITY_NONE);
	ck_assert_int_eq(polarity_parse("negatives"), POLARITY_NONE);
	ck_assert_ptr_null(polarity_name(POLARITY_NONE));
}
END_TEST

START_TEST(queue_is_bounded_by_count_and_weight)
{
	struct queue *queue = queue_create(3, 100);
	void *out[8];
	size_t count;
	int a, b;
	ck_assert_int_eq(queue_push(queue, &a, 60, 0), QUEUE_OK);
	ck_assert_int_eq(queue_push(queue, &b, 60, 0), QUEUE_TIMED_OUT);
	ck_assert_int_eq(queue_push(queue, &b, 40, 1000), QUEUE_OK);
	ck_assert_int_eq(queue_pop(queue, out, 8, &count, 0), QUEUE_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert(out[0] == &a && out[1] == &b);
	ck_assert_int_eq(queue_push(queue, &a, 1000, 0), QUEUE_OK); /* heavier than the queue: alone */
	ck_assert_int_eq(queue_push(queue, &b, 1, 0), QUEUE_TIMED_OUT);
	ck_assert_int_eq(queue_pop(queue, out, 8, &count, 0), QUEUE_OK);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(queue_push(queue, &a, 1, 0), QUEUE_OK);
	ck_assert_int_eq(queue_push(queue, &a, 1, 0), QUEUE_TIMED_OUT);
	queue_close(queue);
	ck_assert_int_eq(queue_push(queue, &a, 1, QUEUE_FOREVER), QUEUE_CLOSED);
	ck_assert_int_eq(queue_pop(queue, out, 2, &count, QUEUE_FOREVER), QUEUE_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(queue_pop(queue, out, 2, &count, QUEUE_FOREVER), QUEUE_OK);
	ck_assert_int_eq(queue_pop(queue, out, 2, &count, QUEUE_FOREVER), QUEUE_CLOSED);
	queue_free(queue);
}
END_TEST

#define PUSHERS 4
#define EACH_MAX 20000

struct pusher {
	struct queue *queue;
	uintptr_t first, count;
};

static void *push_many(void *context)
{
	struct pusher *p = context;
	for (uintptr_t i = 0; i < p->count; i++)
		if (queue_push(p->queue, (void *)(p->first + i), 8, QUEUE_FOREVER) != QUEUE_OK)
			return (void *)1;
	return NULL;
}

START_TEST(queue_loses_nothing_between_threads)
{
	struct queue *queue = queue_create(64, 300);
	pthread_t threads[PUSHERS];
	struct pusher pushers[PUSHERS];
	static unsigned char seen[PUSHERS * EACH_MAX];
	const uintptr_t each = EACH_MAX / one_in();
	for (int i = 0; i < PUSHERS; i++) {
		pushers[i] = (struct pusher){queue, (uintptr_t)i * each, each};
		pthread_create(&threads[i], NULL, push_many, &pushers[i]);
	}
	uintptr_t last[PUSHERS] = {0};
	for (size_t total = 0; total < PUSHERS * each;) {
		void *out[16];
		size_t count;
		ck_assert_int_eq(queue_pop(queue, out, 16, &count, QUEUE_FOREVER), QUEUE_OK);
		for (size_t i = 0; i < count; i++) {
			uintptr_t value = (uintptr_t)out[i];
			ck_assert_uint_eq(seen[value]++, 0);
			ck_assert(value == value / each * each || value > last[value / each]); /* each pusher's order */
			last[value / each] = value;
		}
		total += count;
	}
	for (int i = 0; i < PUSHERS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		ck_assert(failed == NULL);
	}
	ck_assert_uint_eq(queue_depth(queue), 0);
	queue_free(queue);
}
END_TEST

/* ---- metric ---- */

START_TEST(metrics_add_up)
{
	metric_add(METRIC_DOCUMENTS_IN, 3);
	metric_add(METRIC_DOCUMENTS_IN, 4);
	metric_observe(METRIC_SCORE_SECONDS, 3000);
	metric_observe(METRIC_SCORE_SECONDS, INT64_C(1) << 50);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	metric_print(out);
	fclose(out);
	ck_assert(strstr(text, "bellwether_documents_total 7\n") != NULL);
	ck_assert(strstr(text, "bellwether_score_seconds_bucket{le=\"0.0025\"} 0\n") != NULL);
	ck_assert(strstr(text, "bellwether_score_seconds_bucket{le=\"0.005\"} 1\n") != NULL);
	ck_assert(strstr(text, "bellwether_score_seconds_bucket{le=\"+Inf\"} 2\n") != NULL);
	ck_assert(strstr(text, "bellwether_score_seconds_count 2\n") != NULL);
	free(text);
}
END_TEST

/* ---- markup ---- */

START_TEST(markup_holds_any_text)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	markup_put(out, "<a href='x' title=\"y\">R&D\n\tup</a>");
	markup_put_bytes(out, "\x1b\xc2\x9b\xef\xbf\xbf\xff\xe2\x82\xacto be cut", 12);
	fclose(out);
	ck_assert_str_eq(text, "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;R&amp;D  up&lt;/a&gt;"
			       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xe2\x82\xacto");
	free(text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("base");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, errors_gather_context);
	tcase_add_loop_test(tcase, iso_times, 0, sizeof iso / sizeof *iso);
	tcase_add_test(tcase, iso_times_there_and_back);
	tcase_add_test(tcase, durations);
	tcase_add_loop_test(tcase, invalid_utf8_is_replaced, 0, sizeof broken / sizeof *broken);
	tcase_add_test(tcase, every_code_point_there_and_back);
	tcase_add_test(tcase, items_own_clean_text);
	tcase_add_test(tcase, polarities_have_one_name_each);
	tcase_add_test(tcase, what_is_printed_is_whole_and_moves_no_cursor);
	tcase_add_test(tcase, markup_holds_any_text);
	tcase_add_test(tcase, queue_is_bounded_by_count_and_weight);
	tcase_add_test(tcase, queue_loses_nothing_between_threads);
	tcase_add_test(tcase, metrics_add_up);
	return run_case("base", tcase);
}
