#include "alerts/story.h"
#include "daemon/base/check.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR INT64_C(3600000000)
#define SPAN (72 * HOUR)

static int64_t add(struct story_index *index, int64_t document, int64_t at, const char *title)
{
	struct story_signature signature;
	story_sign(title, strlen(title), &signature);
	return story_index_add(index, document, at, &signature);
}

static bool same_story(const char *a, const char *b)
{
	bool same[2];
	for (int turned = 0; turned < 2; turned++) {
		struct story_index *index = story_index_create(SPAN, 100);
		add(index, 1, 0, turned ? b : a);
		same[turned] = add(index, 2, HOUR, turned ? a : b) == 1;
		story_index_free(index);
	}
	ck_assert_msg(same[0] == same[1], "\"%s\" and \"%s\": the order matters", a, b);
	return same[0];
}

static const char *const alike[][2] = {
	/* a wire's own updates */
	{"Orbel cuts profit forecast as battery recall widens", "UPDATE 1-Orbel cuts profit forecast as battery recall widens"},
	{"UPDATE 3-Orbel cuts profit forecast as battery recall widens", "WRAPUP 12-Orbel cuts profit forecast as battery recall widens"},
	{"BRIEF-Lurex Foods names Ada Quill as chief executive", "CORRECTED-UPDATE 2-Lurex Foods names Ada Quill as chief executive"},
	{"Breaking: Lurex Foods names Ada Quill as chief executive", "Lurex Foods names Ada Quill as chief executive"},
	{"Orbel plans to close two plants in Ruritania - sources", "Orbel plans to close two plants in Ruritania: source"},
	{"Orbel plans to close two plants in Ruritania -sources", "Orbel plans to close two plants in Ruritania"},
	{"Tam Oil sets $7.5 bln buyback, raises dividend", "Tam Oil sets $7.5 billion buyback, raises dividend"},
	{"Orbel shares fall after battery recall widens to Ruritania", "Orbel shares slide after battery recall widens to Ruritania"},
	{"Orbel's battery recall widens to all of its models", "Orbel battery recall widens to all models"},
	/* other publishers */
	{"Orbel cuts profit forecast as battery recall widens - Example Wire", "Orbel cuts profit forecast as battery recall widens | The Daily Example"},
	{"ORBEL CUTS PROFIT FORECAST AS BATTERY RECALL WIDENS", "Orbel cuts profit forecast as battery recall widens"},
	{"Lurex’s “secret” ledger found by auditors in Strelsau", "Lurex's \"secret\" ledger found by auditors in Strelsau"},
	{"Orbel names Quill CEO", "Orbel names Quill CEO"},
	{"Orbel Quill", "ORBEL: Quill"},
	{"华穹科技公布第三季度财报利润下滑", "华穹科技公布第三季度财报利润大幅下滑"},
	{"ミナト電機、電池の回収を拡大　株価急落", "ミナト電機、電池の回収を拡大、株価が急落"},
	{"the it of", "the it of"},
};

static const char *const different[][2] = {
	{"Orbel cuts profit forecast as battery recall widens", "Orbel names Ada Quill as its next chief executive"},
	{"Orbel cuts profit forecast as battery recall widens", "Orbel sued by investors over battery recall"},
	{"Tam Oil to raise 2.5 billion crowns in private placement", "Lurex Foods to raise 2.5 billion crowns in private placement"},
	{"Central bank says repo bids fall to 42.75 bln crowns", "Central bank says repo bids fall to 174.34 bln crowns"},
	{"Top economic events to Sept 22", "Top economic events to Sept 23"},
	{"Strelsau stocks - Factors to watch - Sept 14", "Strelsau stocks - Factors to watch - Sept 15"},
	{"Strelsau Rovers - team report", "Strelsau Rovers - player watch"},
	{"Orbel falls", "Orbel rises"},
	{"Orbel Quill", "Quill Orbel"},
	{"Orbel", "Lurex"},
	{"Orbel", "Orbel recall"},
	{"华穹科技公布第三季度财报利润下滑", "美达汽车宣布召回两万辆电动车"},
};

START_TEST(what_is_one_story)
{
	for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
		ck_assert_msg(same_story(alike[i][0], alike[i][1]), "\"%s\" and \"%s\" are one story", alike[i][0], alike[i][1]);
	for (size_t i = 0; i < sizeof different / sizeof different[0]; i++)
		ck_assert_msg(!same_story(different[i][0], different[i][1]), "\"%s\" and \"%s\" are two", different[i][0],
			      different[i][1]);
}
END_TEST

START_TEST(nothing_to_compare_is_a_story_of_its_own)
{
	static const char *const empty[] = {"", " ", "--", "🚀🚀", "\xff\xfe"};
	struct story_index *index = story_index_create(SPAN, 100);
	int64_t id = 1;
	for (size_t i = 0; i < 2 * sizeof empty / sizeof empty[0]; i++, id++) {
		struct story_signature signature;
		const char *title = empty[i / 2];
		story_sign(title, strlen(title), &signature);
		ck_assert_uint_eq(signature.words, 0);
		ck_assert_int_eq(story_index_add(index, id, 0, &signature), id);
	}
	story_index_free(index);
	story_index_free(NULL);
}
END_TEST

START_TEST(a_signature_is_a_function_of_the_title)
{
	char title[3000];
	for (size_t length = 0; length < sizeof title; length += 37) {
		for (size_t i = 0; i < length; i++)
			title[i] = (char)(i * 31 + length);
		struct story_signature a, b;
		memset(&a, 1, sizeof a);
		memset(&b, 2, sizeof b);
		story_sign(title, length, &a);
		story_sign(title, length, &b);
		ck_assert_mem_eq(&a, &b, sizeof a);
	}
}
END_TEST

START_TEST(stories_end_with_the_span)
{
	const char *title = "Orbel cuts profit forecast as battery recall widens";
	struct story_index *index = story_index_create(SPAN, 100);
	ck_assert_int_eq(add(index, 1, 0, title), 1);
	ck_assert_int_eq(add(index, 2, SPAN, title), 1);
	ck_assert_int_eq(add(index, 3, 2 * SPAN + 1, title), 3);
	ck_assert_int_eq(add(index, 4, 2 * SPAN, title), 1); /* near both: the older story */
	ck_assert_int_eq(add(index, 5, -SPAN, title), 1); /* late documents count too */
	ck_assert_int_eq(add(index, 6, INT64_MIN, title), 6);
	ck_assert_int_eq(add(index, 7, INT64_MAX, title), 7);
	story_index_free(index);
}
END_TEST

static void make_title(char *out, size_t size, unsigned number)
{
	unsigned state = number * 2654435761U + 1;
	size_t used = 0;
	for (int w = 0; w < 9; w++) {
		state = state * 1664525U + 1013904223U;
		used += (size_t)snprintf(out + used, size - used, "%sw%c%c%u", w ? " " : "", 'a' + (int)(state >> 27) % 26,
					 'a' + (int)(state >> 21) % 26, 0U);
		out[used - 1] = (char)('a' + (int)(state >> 14) % 26);
	}
}

START_TEST(memory_is_a_ring)
{
	char title[200];
	struct story_index *index = story_index_create(SPAN, 1000);
	for (unsigned i = 1; i <= 5000; i++) {
		make_title(title, sizeof title, i);
		ck_assert_int_eq(add(index, i, i, title), i);
	}
	make_title(title, sizeof title, 4001); /* the oldest that is still there */
	ck_assert_int_eq(add(index, 6000, 6000, title), 4001);
	make_title(title, sizeof title, 3900);
	ck_assert_int_eq(add(index, 6001, 6001, title), 6001);
	story_index_free(index);
	index = story_index_create(SPAN, 1);
	ck_assert_int_eq(add(index, 1, 0, "Orbel recalls all of its batteries"), 1);
	ck_assert_int_eq(add(index, 2, 0, "Orbel recalls all of its batteries"), 1);
	ck_assert_int_eq(add(index, 3, 0, "Lurex names new chief executive"), 3);
	ck_assert_int_eq(add(index, 4, 0, "Orbel recalls all of its batteries"), 4);
	story_index_free(index);
}
END_TEST

/* What a restart does: the documents of the last span, loaded with their stories, go on as before. */
START_TEST(a_loaded_index_goes_on_as_before)
{
	enum { BEFORE = 3000, ALL = 6000 };
	static int64_t stories[ALL];
	struct story_index *whole = story_index_create(1000, 10000), *loaded = story_index_create(1000, 10000);
	char title[200];
	for (int i = 0; i < ALL; i++) {
		make_title(title, sizeof title, (unsigned)(i * 7919 % 900));
		struct story_signature signature;
		story_sign(title, strlen(title), &signature);
		if (i == BEFORE) {
			for (int j = BEFORE - 1200; j < BEFORE; j++) {
				make_title(title, sizeof title, (unsigned)(j * 7919 % 900));
				struct story_signature old;
				story_sign(title, strlen(title), &old);
				story_index_load(loaded, j, j, &old, stories[j]);
			}
		}
		stories[i] = story_index_add(whole, i, i, &signature);
		if (i >= BEFORE)
			ck_assert_int_eq(story_index_add(loaded, i, i, &signature), stories[i]);
	}
	ck_assert_int_lt(stories[ALL - 1], BEFORE); /* a story lives as long as its documents follow each other */
	story_index_free(whole);
	story_index_free(loaded);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("story");
	tcase_add_test(tcase, what_is_one_story);
	tcase_add_test(tcase, nothing_to_compare_is_a_story_of_its_own);
	tcase_add_test(tcase, a_signature_is_a_function_of_the_title);
	tcase_add_test(tcase, stories_end_with_the_span);
	tcase_add_test(tcase, memory_is_a_ring);
	tcase_add_test(tcase, a_loaded_index_goes_on_as_before);
	return run_case("story", tcase);
}
