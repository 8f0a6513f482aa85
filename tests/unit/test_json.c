#include "ingest/json.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct json_path paths[] = {
	{{"a"}, 1},
	{{"b", "c"}, 2},
	{{"b", "d", "e"}, 3},
};

#define PATHS (sizeof paths / sizeof paths[0])

static struct json_value values[PATHS];
static char scratch[1 << 16];
static struct err e;

static enum json_type read_text(const char *text)
{
	e.text[0] = '\0';
	return json_read(text, strlen(text), scratch, paths, values, PATHS, &e);
}

START_TEST(test_values_are_found)
{
	ck_assert_int_eq(read_text(" {\"x\":[1,{\"a\":2}], \"a\" : \"t\" ,\"b\":{\"c\":-1.5e3,\"d\":{\"e\":true}}}\n"),
			 JSON_IS_OBJECT);
	ck_assert_int_eq(values[0].type, JSON_IS_STRING);
	ck_assert_str_eq(values[0].text, "t");
	ck_assert_int_eq(values[1].type, JSON_IS_NUMBER);
	ck_assert_str_eq(values[1].text, "-1.5e3");
	ck_assert_int_eq(values[2].type, JSON_IS_BOOLEAN);
	ck_assert_str_eq(values[2].text, "");
}
END_TEST

START_TEST(test_the_last_of_a_repeated_key_counts)
{
	ck_assert_int_eq(read_text("{\"a\":1,\"a\":2}"), JSON_IS_OBJECT);
	ck_assert_str_eq(values[0].text, "2");
	ck_assert_int_eq(read_text("{\"b\":{\"c\":1},\"b\":7}"), JSON_IS_OBJECT);
	ck_assert_int_eq(values[1].type, JSON_IS_NONE);
	ck_assert_int_eq(read_text("{\"b\":{\"c\":1},\"b\":{\"c\":null}}"), JSON_IS_OBJECT);
	ck_assert_int_eq(values[1].type, JSON_IS_NULL);
	ck_assert_int_eq(read_text("{\"a\":{\"a\":1},\"b\":[{\"c\":1}]}"), JSON_IS_OBJECT);
	ck_assert_int_eq(values[0].type, JSON_IS_OBJECT);
	ck_assert_int_eq(values[1].type, JSON_IS_NONE);
}
END_TEST

static void expect_string(const char *json, const char *expected)
{
	char text[256];
	snprintf(text, sizeof text, "{\"a\":\"%s\"}", json);
	ck_assert_msg(read_text(text) == JSON_IS_OBJECT, "%s: %s", text, e.text);
	ck_assert_str_eq(values[0].text, expected);
}

START_TEST(test_strings_are_decoded)
{
	expect_string("", "");
	expect_string("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
	expect_string("\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC");
	expect_string("\\ud83d\\ude00", "\xF0\x9F\x98\x80");
	expect_string("x\\u0000y", "x y");
	expect_string("\\ud83d", "\xEF\xBF\xBD");
	expect_string("\\ude00z", "\xEF\xBF\xBDz");
	expect_string("\\ud83d\\u0041", "\xEF\xBF\xBD" "A");
	expect_string("\\ud83d\\ud83d\\ude00", "\xEF\xBF\xBD\xF0\x9F\x98\x80");
	expect_string("\x7F", "\x7F");
	ck_assert_int_eq(read_text("{\"\\u0061\":\"escaped key\"}"), JSON_IS_OBJECT);
	ck_assert_str_eq(values[0].text, "escaped key");
}
END_TEST

START_TEST(test_outer_types)
{
	ck_assert_int_eq(read_text("null"), JSON_IS_NULL);
	ck_assert_int_eq(read_text("false"), JSON_IS_BOOLEAN);
	ck_assert_int_eq(read_text("0"), JSON_IS_NUMBER);
	ck_assert_int_eq(read_text("\"a\""), JSON_IS_STRING);
	ck_assert_int_eq(read_text("[[],{}]"), JSON_IS_ARRAY);
	ck_assert_int_eq(read_text("{}"), JSON_IS_OBJECT);
	ck_assert_str_eq(json_type_name(JSON_IS_OBJECT), "an object");
}
END_TEST

static const struct {
	const char *text, *reason;
} wrong[] = {
	{"", "not JSON: it ends at byte 0 where a value should be"},
	{"  ", "not JSON: it ends at byte 2 where a value should be"},
	{"hello", "not JSON: a value expected at byte 0"},
	{"{", "not JSON: it ends at byte 1 where a key should be"},
	{"{\"a\"", "not JSON: it ends at byte 4 where ':' should be"},
	{"{\"a\" 1}", "not JSON: ':' expected at byte 5"},
	{"{\"a\":}", "not JSON: a value expected at byte 5"},
	{"{\"a\":1", "not JSON: it ends at byte 6 where ',' or '}' should be"},
	{"{\"a\":1,}", "not JSON: a key expected at byte 7"},
	{"{a:1}", "not JSON: a key expected at byte 1"},
	{"{'a':1}", "not JSON: a key expected at byte 1"},
	{"[1,]", "not JSON: a value expected at byte 3"},
	{"[1}", "not JSON: ',' or ']' expected at byte 2"},
	{"{\"a\":1]", "not JSON: ',' or '}' expected at byte 6"},
	{"{} {}", "not JSON: the end expected at byte 3"},
	{"nul", "not JSON: a value expected at byte 0"},
	{"nullx", "not JSON: the end expected at byte 4"},
	{"01", "not JSON: the end expected at byte 1"},
	{"-", "not JSON: it ends at byte 1 where a digit should be"},
	{"1.", "not JSON: it ends at byte 2 where a digit should be"},
	{"1.e1", "not JSON: a digit expected at byte 2"},
	{"1e+", "not JSON: it ends at byte 3 where a digit should be"},
	{"+1", "not JSON: a value expected at byte 0"},
	{"\"a", "not JSON: it ends at byte 2 where a closing quote should be"},
	{"\"\\x\"", "not JSON: an escape expected at byte 2"},
	{"\"\\u12g4\"", "not JSON: an escape expected at byte 5"},
	{"\"\\", "not JSON: it ends at byte 2 where an escape should be"},
	{"\"\n\"", "not JSON: an escape expected at byte 1"},
	{"\"\xC3\"", "not valid UTF-8"},
	{"\"\xED\xA0\x80\"", "not valid UTF-8"},
};

START_TEST(test_wrong_text_is_named)
{
	ck_assert_int_eq(read_text(wrong[_i].text), JSON_IS_NONE);
	ck_assert_str_eq(e.text, wrong[_i].reason);
}
END_TEST

START_TEST(test_nul_bytes_are_wrong)
{
	ck_assert_int_eq(json_read("\"a\0b\"", 5, scratch, paths, values, PATHS, &e), JSON_IS_NONE);
	ck_assert_int_eq(json_read("1\0", 2, scratch, paths, values, PATHS, &e), JSON_IS_NONE);
}
END_TEST

START_TEST(test_depth_is_limited)
{
	char text[2 * JSON_DEPTH_MAX + 3];
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	text[2 * JSON_DEPTH_MAX] = '\0';
	ck_assert_int_eq(read_text(text), JSON_IS_ARRAY);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	ck_assert_int_eq(read_text(text), JSON_IS_NONE);
	ck_assert_str_eq(e.text, "nested deeper than 512");
}
END_TEST

/* Every text cut at every byte, and with every byte damaged, is judged as jansson judges it. */
START_TEST(test_jansson_agrees)
{
	static const char seed[] = "{\"a\":[1,-2.5e1,true,{\"c\":null}],\"b\":{\"c\":\"x\\n\\u00e9\",\"d\":{}},\"z\":\"\xC3\xA9\"}";
	static const char bytes[] = "\"\\{}[]:,01-.etn \x80\xC3";
	char text[sizeof seed];
	size_t step = one_in() > 9 ? 5 : 1; /* valgrind alone is that slow */
	for (size_t size = 0; size < sizeof seed; size += step) {
		for (size_t at = 0; at < size; at++) {
			for (size_t b = 0; b < sizeof bytes; b++) {
				memcpy(text, seed, size);
				text[at] = bytes[b];
				json_t *tree = json_loadb(text, size, JSON_DECODE_ANY, NULL);
				enum json_type type = json_read(text, size, scratch, paths, values, PATHS, &e);
				ck_assert_msg((tree != NULL) == (type != JSON_IS_NONE), "%.*s", (int)size, text);
				json_decref(tree);
			}
		}
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("json");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, test_values_are_found);
	tcase_add_test(tests, test_the_last_of_a_repeated_key_counts);
	tcase_add_test(tests, test_strings_are_decoded);
	tcase_add_test(tests, test_outer_types);
	tcase_add_loop_test(tests, test_wrong_text_is_named, 0, sizeof wrong / sizeof wrong[0]);
	tcase_add_test(tests, test_nul_bytes_are_wrong);
	tcase_add_test(tests, test_depth_is_limited);
	tcase_add_test(tests, test_jansson_agrees);
	return run_case("json", tests);
}
