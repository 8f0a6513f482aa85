#include "ingest/message.h"

#include "daemon/base/clock.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct message_map map;
static struct message_parser *parser;
static struct item item;
static struct err e;

static void open_parser(unsigned flags)
{
	parser = message_parser_create(&map, flags, &e);
	ck_assert_msg(parser != NULL, "%s", e.text);
}

static void setup(void)
{
	map = (struct message_map){0};
	item = (struct item){.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE};
	e.text[0] = '\0';
}

static void teardown(void)
{
	message_parser_free(parser);
	parser = NULL;
}

static int parse(const char *text)
{
	return message_parse(parser, text, strlen(text), &item, &e);
}

static void expect_reject(const char *text, const char *reason)
{
	struct item before = item;
	ck_assert_int_eq(parse(text), -1);
	ck_assert_str_eq(e.text, reason);
	ck_assert_mem_eq(&before, &item, sizeof item);
}

START_TEST(test_default_names)
{
	open_parser(0);
	ck_assert_int_eq(parse("{\"id\":\"m-1\",\"title\":\"Orbex falls\",\"body\":\"It fell.\",\"unknown\":{\"title\":\"no\"},"
			       "\"published\":\"2026-01-05T09:30:00Z\",\"url\":\"https://example.com/1\","
			       "\"source\":\"Example Wire\",\"lang\":\"en\",\"polarity\":\"negative\"}"), 0);
	ck_assert_str_eq(item.external_id, "m-1");
	ck_assert_str_eq(item.title, "Orbex falls");
	ck_assert_str_eq(item.body, "It fell.");
	ck_assert_str_eq(item.url, "https://example.com/1");
	ck_assert_str_eq(item.publisher, "Example Wire");
	ck_assert_str_eq(item.lang, "en");
	ck_assert_int_eq(item.published_us, INT64_C(1767605400) * SECOND_US);
	ck_assert_int_eq(item.polarity, POLARITY_NONE);
	ck_assert_uint_eq(item.flags, 0);
}
END_TEST

START_TEST(test_absent_fields_are_empty)
{
	open_parser(0);
	ck_assert_int_eq(parse("{\"title\":\"t\",\"body\":null,\"id\":[1],\"lang\":true,\"source\":{}}"), 0);
	ck_assert_str_eq(item.body, "");
	ck_assert_str_eq(item.external_id, "");
	ck_assert_str_eq(item.lang, "");
	ck_assert_str_eq(item.publisher, "");
	ck_assert_str_eq(item.url, "");
	ck_assert(item.published_us == TIME_NONE);
}
END_TEST

START_TEST(test_mapped_names)
{
	map = (struct message_map){.title = "headline", .publisher = "origin.name", .id = "meta.key.id", .url = "a.b"};
	open_parser(0);
	ck_assert_int_eq(parse("{\"title\":\"no\",\"headline\":\"yes\",\"origin\":{\"name\":\"Wire\"},"
			       "\"meta\":{\"key\":{\"id\":18446744073709551615}},\"a.b\":\"literal\",\"a\":{\"b\":\"path\"}}"), 0);
	ck_assert_str_eq(item.title, "yes");
	ck_assert_str_eq(item.publisher, "Wire");
	ck_assert_str_eq(item.external_id, "18446744073709551615");
	ck_assert_str_eq(item.url, "literal");
	ck_assert_int_eq(parse("{\"headline\":\"yes\",\"a\":{\"b\":\"path\"}}"), 0);
	ck_assert_str_eq(item.url, "path");
}
END_TEST

START_TEST(test_wrong_maps)
{
	const char *names[] = {"", "a..b", ".a", "a.", "a.b.c.d.e.f.g.h.i"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		map.title = names[i];
		ck_assert_ptr_null(message_parser_create(&map, 0, &e));
	}
	ck_assert_str_eq(e.text, "mapped name 'a.b.c.d.e.f.g.h.i': more than 8 keys");
}
END_TEST

START_TEST(test_rejects)
{
	open_parser(0);
	expect_reject("hello", "not JSON: a value expected at byte 0");
	expect_reject("", "not JSON: it ends at byte 0 where a value should be");
	expect_reject("[1]", "not an object but an array");
	expect_reject("\"t\"", "not an object but a string");
	expect_reject("{}", "no text: neither 'title' nor 'body' holds any");
	expect_reject("{\"title\":\" \\n\",\"body\":\"\\u0000\"}", "no text: neither 'title' nor 'body' holds any");
	expect_reject("{\"title\":\"\xFF\"}", "not valid UTF-8");
}
END_TEST

START_TEST(test_nul_and_byte_order_mark)
{
	open_parser(0);
	ck_assert_int_eq(parse("\xEF\xBB\xBF{\"title\":\"a\\u0000b\"}"), 0);
	ck_assert_str_eq(item.title, "a b");
}
END_TEST

START_TEST(test_labels)
{
	open_parser(MESSAGE_LABELS);
	ck_assert_int_eq(parse("{\"title\":\"t\",\"polarity\":\"Positive\"}"), 0);
	ck_assert_int_eq(item.polarity, POLARITY_POSITIVE);
	ck_assert_uint_eq(item.flags, ITEM_LABELLED);
	item.flags = 0;
	ck_assert_int_eq(parse("{\"title\":\"t\",\"polarity\":null}"), 0);
	ck_assert_uint_eq(item.flags, 0);
	expect_reject("{\"title\":\"t\",\"polarity\":\"bad\"}", "polarity is 'bad', not negative, neutral or positive");
}
END_TEST

static const struct {
	const char *text;
	int64_t us;
} times[] = {
	{"2026-01-05T09:30:00Z", INT64_C(1767605400000000)},
	{"2026-01-05T10:30:00.25+01:00", INT64_C(1767605400250000)},
	{"1767605400", INT64_C(1767605400000000)},
	{"1767605400.5", INT64_C(1767605400500000)},
	{"1.7676054e9", INT64_C(1767605400000000)},
	{"1767605400123", INT64_C(1767605400123000)},
	{"1767605400123456", INT64_C(1767605400123456)},
	{"", TIME_NONE},
	{"0", TIME_NONE},
	{"-1767605400", TIME_NONE},
	{"42", TIME_NONE},
	{"20260105", TIME_NONE},
	{"9999999999", TIME_NONE},
	{"1e400", TIME_NONE},
	{"1767605400 or so", TIME_NONE},
	{"0x6948A1D8", TIME_NONE},
	{"nan", TIME_NONE},
	{"1970-01-01T00:00:00Z", TIME_NONE},
	{"0001-01-01T00:00:00Z", TIME_NONE},
	{"2150-01-01", TIME_NONE},
	{"yesterday", TIME_NONE},
	{"1111111111111111111111111111111111111111111111111111111111111111111111111", TIME_NONE},
};

START_TEST(test_times)
{
	ck_assert_msg(message_time(times[_i].text) == times[_i].us, "%s gives %lld", times[_i].text,
		      (long long)message_time(times[_i].text));
}
END_TEST

START_TEST(test_numbers_as_times)
{
	open_parser(0);
	ck_assert_int_eq(parse("{\"title\":\"t\",\"published\":1767605400}"), 0);
	ck_assert_int_eq(item.published_us, INT64_C(1767605400000000));
	ck_assert_int_eq(parse("{\"title\":\"t\",\"published\":\"1767605400000\"}"), 0);
	ck_assert_int_eq(item.published_us, INT64_C(1767605400000000));
}
END_TEST

START_TEST(test_plain_text)
{
	open_parser(MESSAGE_PLAIN);
	ck_assert_int_eq(parse("  Orbex falls\nIt fell.\nFar."), 0);
	ck_assert_str_eq(item.title, "Orbex falls");
	ck_assert_str_eq(item.body, "It fell.\nFar.");
	ck_assert_int_eq(parse("{\"title\":\"t\"}\n\n"), 0);
	ck_assert_str_eq(item.title, "{\"title\":\"t\"}");
	ck_assert_str_eq(item.body, "");
	ck_assert_int_eq(message_parse(parser, "a\0b", 3, &item, &e), 0);
	ck_assert_str_eq(item.title, "a b");
	expect_reject(" \n ", "no text: the value is blank");
	expect_reject("", "no text: the value is blank");
}
END_TEST

START_TEST(test_raw_text_is_capped_between_characters)
{
	size_t size = MESSAGE_RAW_MAX + 1000;
	char *text = malloc(size);
	memset(text, 'a', size);
	memcpy(text + MESSAGE_RAW_MAX - 1, "\xE2\x82\xAC", 3);
	text[3] = '\0';
	open_parser(0);
	const char *raw = message_raw(parser, text, size);
	ck_assert_uint_eq(strlen(raw), MESSAGE_RAW_MAX - 1);
	ck_assert_int_eq(raw[3], ' ');
	ck_assert_str_eq(message_raw(parser, text, 5), "aaa a");
	memset(text, 0x80, size);
	ck_assert_uint_le(strlen(message_raw(parser, text, size)), MESSAGE_RAW_MAX);
	free(text);
}
END_TEST

/* Ten million bytes are a document like any other, and the next small one is not slowed by it. */
START_TEST(test_large_value)
{
	size_t length = 10 * 1000 * 1000;
	char *text = malloc(length + 64);
	size_t at = (size_t)sprintf(text, "{\"title\":\"t\",\"body\":\"");
	memset(text + at, 'x', length);
	memcpy(text + at + length, "\"}", 3);
	open_parser(0);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(strlen(item.body), length);
	ck_assert_int_eq(parse("{\"title\":\"small\"}"), 0);
	ck_assert_str_eq(item.title, "small");
	free(text);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("message");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_default_names);
	tcase_add_test(tests, test_absent_fields_are_empty);
	tcase_add_test(tests, test_mapped_names);
	tcase_add_test(tests, test_wrong_maps);
	tcase_add_test(tests, test_rejects);
	tcase_add_test(tests, test_nul_and_byte_order_mark);
	tcase_add_test(tests, test_labels);
	tcase_add_loop_test(tests, test_times, 0, sizeof times / sizeof times[0]);
	tcase_add_test(tests, test_numbers_as_times);
	tcase_add_test(tests, test_plain_text);
	tcase_add_test(tests, test_raw_text_is_capped_between_characters);
	tcase_add_test(tests, test_large_value);
	return run_case("message", tests);
}
