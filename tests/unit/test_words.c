/* The words that weighed most, against what the classifier says of the title without them. */
#include "daemon/words.h"

#include "daemon/base/clock.h"
#include "tests/lib/run.h"
#include "tests/lib/tiny_model.h"

#include <stdlib.h>

static struct classifier *classifier;
static struct words *words;

static const char title[] = "\"Orvane shares\" fall, after profit warning (the bank)";

static struct classifier *open_model(const float *bias)
{
	struct tiny_model model = TINY_MODEL;
	char directory[] = "/tmp/test_words-XXXXXX";
	struct err e = {0};
	model.sharp = 2000; /* else it hardly tells words apart */
	model.bias = bias;
	tiny_model_make(&model, directory);
	struct classifier *opened = classifier_open(
		&(struct classifier_options){.path = directory, .device = "cpu", .precision = "fp32", .threads = 1}, &e);
	ck_assert_msg(opened != NULL, "%s", e.text);
	tiny_model_remove(directory);
	return opened;
}

static struct score judge(const char *text)
{
	struct score score;
	struct err e;
	ck_assert(classifier_run(classifier, &(struct text){text, strlen(text)}, 1, &score, NULL, &e) == 0);
	return score;
}

/* A model that is in two minds about the title. */
static void set_up(void)
{
	float bias[3];
	classifier = open_model(NULL);
	struct score score = judge(title);
	for (int i = 0; i < 3; i++)
		bias[i] = -score.polarity_logits[i];
	classifier_close(classifier);
	classifier = open_model(bias);
	words = words_start(classifier);
}

static void tear_down(void)
{
	words_stop(words);
	classifier_close(classifier);
}

START_TEST(weights_are_what_leaving_out_changes)
{
	struct score whole = judge(title);
	enum polarity polarity = (enum polarity)score_polarity(&whole);
	const char *titles[] = {title};
	struct watch_words found = {0};
	words_find(words, titles, &polarity, 1, &found, 60 * SECOND_US);
	ck_assert_uint_gt(found.count, 0);
	ck_assert_uint_le(found.count, WORDS_TOLD);
	for (size_t i = 0; i < found.count; i++) {
		const char *place = strstr(title, found.each[i].text);
		char without[sizeof title];
		ck_assert_msg(place != NULL, "\"%s\" does not stand there", found.each[i].text);
		ck_assert_msg(strpbrk(found.each[i].text, "\"(), ") == NULL, "\"%s\" is no word", found.each[i].text);
		snprintf(without, sizeof without, "%.*s%s", (int)(place - title), title, place + strlen(found.each[i].text));
		float before = whole.polarity[polarity], after = judge(without).polarity[polarity];
		ck_assert_float_eq_tol(found.each[i].weight, logf(before / (1 - before)) - logf(after / (1 - after)), 0.1f);
		ck_assert_float_ge(found.each[i].weight, WORDS_LEAST);
		if (i > 0)
			ck_assert_float_le(found.each[i].weight, found.each[i - 1].weight);
	}
}
END_TEST

START_TEST(another_polarity_than_the_title_has_explains_nothing)
{
	struct score whole = judge(title);
	enum polarity polarities[] = {(enum polarity)((score_polarity(&whole) + 1) % 3), POLARITY_NONE};
	const char *titles[] = {title, title};
	struct watch_words found[2] = {0};
	words_find(words, titles, polarities, 2, found, 60 * SECOND_US);
	ck_assert_uint_eq(found[0].count, 0);
	ck_assert_uint_eq(found[1].count, 0);
}
END_TEST

/* One that gave up gets nothing, and does not spoil the next. */
START_TEST(who_cannot_wait_goes_on)
{
	struct score whole = judge(title);
	enum polarity polarity = (enum polarity)score_polarity(&whole);
	const char *titles[] = {title};
	for (int i = 0; i < 200; i++) {
		struct watch_words found = {0};
		words_find(words, titles, &polarity, 1, &found, i % 3 == 0 ? 60 * SECOND_US : 0);
		if (i % 3 == 0)
			ck_assert_uint_gt(found.count, 0);
	}
}
END_TEST

START_TEST(odd_titles_do_no_harm)
{
	static char blanks[5000], wide[5000];
	memset(blanks, ' ', sizeof blanks - 1);
	memset(wide, 'x', sizeof wide - 1);
	const char *titles[WORDS_TITLES + 1] = {"", "...", " a ", blanks, wide, "\xff\xfe \xc3", "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a",
						"(((", title};
	enum polarity polarities[WORDS_TITLES + 1];
	struct watch_words found[WORDS_TITLES + 1] = {0};
	for (int polarity = 0; polarity < 3; polarity++) {
		for (size_t i = 0; i <= WORDS_TITLES; i++)
			polarities[i] = (enum polarity)polarity;
		words_find(words, titles, polarities, WORDS_TITLES + 1, found, 60 * SECOND_US);
		ck_assert_uint_eq(found[WORDS_TITLES].count, 0); /* more than it takes */
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("words");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, weights_are_what_leaving_out_changes);
	tcase_add_test(tests, another_polarity_than_the_title_has_explains_nothing);
	tcase_add_test(tests, who_cannot_wait_goes_on);
	tcase_add_test(tests, odd_titles_do_no_harm);
	return run_case("words", tests);
}
