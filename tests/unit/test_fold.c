#include "alerts/fold.h"
#include "daemon/base/check.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static char *folded_as(enum fold_form form, const char *text, size_t length, size_t *out_length)
{
	size_t size = length * 11 + 1;
	char *out = xmalloc(size);
	*out_length = fold_as(form, text, length, out, size);
	if (*out_length >= size || out[*out_length] != '\0')
		ck_abort_msg("longer than 11 times the input");
	return out;
}

static void folds_to(enum fold_form form, const char *text, const char *expected)
{
	size_t length;
	char *folded = folded_as(form, text, strlen(text), &length);
	ck_assert_str_eq(folded, expected);
	free(folded);
}

static void full(const char *text, const char *expected)
{
	folds_to(FOLD_FULL, text, expected);
}

START_TEST(the_table_of_the_header)
{
	full("", "");
	full("Orbel CUTS 7", "orbel cuts 7");
	full("ＯＲＢＥＬ　７", "orbel 7");
	full("oﬃx", "offix");
	full("Straße STRAẞE", "strasse strasse");
	full("NESTELE\xcc\x81", "nestelé");
	full("\xc3\x89\xcc\xa3", "ẹ\xcc\x81"); /* É + dot below: marks in canonical order */
	full("Nestele", "nestele");
	full("a\xc2\xa0" "b\xe2\x80\x89" "c\xe3\x80\x80" "d\xe2\x80\x8b" "e\t\n", "a b c d e\t\n");
	full("it’s ‘so’", "it's 'so'");
	full("a‐b‑c‒d–e−f—g", "a-b-c-d-e-f—g");
	full("so\xc2\xad" "ft\xe2\x80\x8d\xef\xbb\xbf", "soft");
	full("Orbel™ ℠", "orbel™ ℠");
	full("İzmar ISI ısı i\xcc\x87z", "izmar isi ısı iz");
	full("ΣΊΣΥΣ", "σίσυσ");
	full("ﾐﾅﾄｶﾞ", "ミナトガ");
	full("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "한");
	full("㍿", "株式会社");
	full("x\xffy\xc3", "x\xef\xbf\xbdy\xef\xbf\xbd");
	full("\xed\xa0\x80\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate, an overlong NUL */
}
END_TEST

START_TEST(forms_for_regexes)
{
	folds_to(FOLD_KEEP_CASE, "ＯＲＢＥＬ it’s É\xc2\xa0" "E\xcc\x81 ﬁ İ", "ORBEL it's É É fi İ");
	folds_to(FOLD_PATTERN, "（\\bE\\b|e\xcc\x81’）", "（\\bE\\b|é'）");
}
END_TEST

/* Every length and place of the eight-byte steps, against one byte at a time. */
START_TEST(ascii_of_every_length)
{
	char text[64], expected[64], out[64];
	for (size_t length = 0; length <= 40; length++) {
		for (int start = 0; start < 128; start++) {
			for (size_t i = 0; i < length; i++) {
				text[i] = (char)((size_t)start + i * 5) & 0x7f;
				expected[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
			}
			ck_assert_uint_eq(fold_text(text, length, out, sizeof out), length);
			ck_assert_mem_eq(out, expected, length);
		}
	}
}
END_TEST

START_TEST(too_little_room_is_told)
{
	const char *text = "Orbel é cuts ﷺ jobs";
	char out[100];
	size_t need = fold_text(text, strlen(text), NULL, 0);
	for (size_t size = 1; size < sizeof out; size++) {
		memset(out, '#', sizeof out);
		ck_assert_uint_eq(fold_text(text, strlen(text), out, size), need);
		ck_assert_int_eq(out[size > need ? need : 0], '\0');
		for (size_t i = size; i < sizeof out; i++)
			ck_assert_int_eq(out[i], '#');
	}
}
END_TEST

/* ---- against utf8proc on whole strings ---- */

/* For loops: ck_assert talks to its parent process every time. */
#define must(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			ck_abort_msg("%s", #condition);                        \
	} while (0)

static uint64_t random_state = 7;

static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % bound;
}

/* Characters that fold_text treats in its own way; the rest is what Unicode says. */
static bool is_special(utf8proc_int32_t c)
{
	static const utf8proc_int32_t list[] = {0x85, 0x130, 0x149, 0x1680, 0x2028, 0x2029, 0x200b, 0x2bc, 0x2018, 0x2019, 0x201b,
						0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0x2120, 0x2122, 0x307, 0x207b, 0x208b,
						0xff9e, 0xff9f /* marks only after the compatibility mapping */};
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		if (list[i] == c)
			return true;
	}
	/* Unicode orders marks before it drops ignorable characters between them, fold_text after. */
	return (c >= 0xfe30 && c <= 0xfe32) || utf8proc_get_property(c)->ignorable;
}

static utf8proc_int32_t random_character(void)
{
	static const struct {
		utf8proc_int32_t first, count;
	} blocks[] = {{0x20, 0x60}, {0x20, 0x60}, {0x80, 0x300}, {0x300, 0x70}, {0x370, 0x1500}, {0x1100, 0x100},
		      {0x1e00, 0x400}, {0x2000, 0x1200}, {0x3040, 0x100}, {0x4e00, 0x5000}, {0xac00, 0x2ba0}, {0xf900, 0x600},
		      {0xff00, 0xf0}, {0x10000, 0x3000}, {0x1d000, 0x800}, {0x1f000, 0x1000}, {0x2f800, 0x220}, {0x900, 0x500}};
	for (;;) {
		uint32_t b = random_below(sizeof blocks / sizeof blocks[0]);
		utf8proc_int32_t c = blocks[b].first + (utf8proc_int32_t)random_below((uint32_t)blocks[b].count);
		if (utf8proc_codepoint_valid(c) && !is_special(c))
			return c;
	}
}

static size_t random_text(char *out, size_t characters)
{
	size_t length = 0;
	for (size_t i = 0; i < characters; i++)
		length += (size_t)utf8proc_encode_char(random_character(), (utf8proc_uint8_t *)out + length);
	out[length] = '\0';
	return length;
}

static char *whole_string(const char *text, size_t length, int options)
{
	utf8proc_uint8_t *out = NULL;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &out,
					  (utf8proc_option_t)(options | UTF8PROC_STABLE));
	must(n >= 0);
	return (char *)out;
}

/* Unicode's definition D147: NFKC_Casefold of the NFD. */
START_TEST(clusters_fold_as_whole_strings)
{
	char text[256];
	for (unsigned round = 0; round < 50000 / one_in(); round++) {
		size_t length = random_text(text, random_below(24)), folded_length;
		char *folded = folded_as(FOLD_FULL, text, length, &folded_length);
		char *apart = whole_string(text, length, UTF8PROC_DECOMPOSE);
		char *expected = whole_string(apart, strlen(apart),
					      UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
		if (strcmp(folded, expected) != 0)
			ck_abort_msg("\"%s\" gave \"%s\", not \"%s\"", text, folded, expected);
		free(folded);
		free(apart);
		free(expected);
	}
}
END_TEST

START_TEST(composed_and_decomposed_are_one)
{
	char text[256];
	for (unsigned round = 0; round < 50000 / one_in(); round++) {
		size_t length = random_text(text, random_below(24)), ignored;
		char *apart = whole_string(text, length, UTF8PROC_DECOMPOSE);
		char *together = whole_string(text, length, UTF8PROC_COMPOSE);
		char *first = folded_as(FOLD_FULL, text, length, &ignored);
		char *second = folded_as(FOLD_FULL, apart, strlen(apart), &ignored);
		char *third = folded_as(FOLD_FULL, together, strlen(together), &ignored);
		must(strcmp(first, second) == 0 && strcmp(first, third) == 0);
		free(first);
		free(second);
		free(third);
		free(apart);
		free(together);
	}
}
END_TEST

static bool is_valid(const char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &c);
		if (step <= 0)
			return false;
		at += (size_t)step;
	}
	return true;
}

START_TEST(any_bytes_give_valid_text)
{
	char bytes[64], out[64 * 11 + 1];
	for (unsigned round = 0; round < 100000 / one_in(); round++) {
		size_t length = random_below(sizeof bytes);
		for (size_t i = 0; i < length; i++)
			bytes[i] = (char)(random_below(3) ? 0x80 + random_below(128) : random_below(256));
		for (int form = FOLD_FULL; form <= FOLD_PATTERN; form++) {
			size_t n = fold_as((enum fold_form)form, bytes, length, out, sizeof out);
			must(n < sizeof out && out[n] == '\0');
			must(is_valid(out, n));
		}
	}
}
END_TEST

/* utf8proc alone sorts a megabyte of marks for minutes. */
START_TEST(marks_without_end_are_cut)
{
	size_t length = 1 << 20, n;
	char *text = xmalloc(length);
	for (size_t i = 0; i + 4 <= length; i += 4)
		memcpy(text + i, "\xcc\x81\xcc\xa3", 4);
	char *folded = folded_as(FOLD_FULL, text, length, &n);
	ck_assert_uint_eq(n, length);
	free(folded);
	free(text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("fold");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, the_table_of_the_header);
	tcase_add_test(tcase, forms_for_regexes);
	tcase_add_test(tcase, ascii_of_every_length);
	tcase_add_test(tcase, too_little_room_is_told);
	tcase_add_test(tcase, clusters_fold_as_whole_strings);
	tcase_add_test(tcase, composed_and_decomposed_are_one);
	tcase_add_test(tcase, any_bytes_give_valid_text);
	tcase_add_test(tcase, marks_without_end_are_cut);
	return run_case("fold", tcase);
}
