/* How far apart two bodies of text are: the measures by hand, words, weeks, and a profile's way to a file and back. */
#include "daemon/drift_profile.h"
#include "daemon/drift_weeks.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- measures ---- */

START_TEST(stability_is_that_of_the_book)
{
	const double before[] = {50, 30, 20, 0}, now[] = {20, 30, 50, 0};
	/* With half a count more in each of three bins: 2 x 30 / 101.5 x ln(50.5 / 20.5). */
	ck_assert_double_eq_tol(drift_stability(before, now, 4), 0.532935, 1e-6);
	ck_assert_double_eq(drift_stability(before, before, 4), 0);
	const double empty[] = {0, 100}, full[] = {100, 0};
	ck_assert_double_eq_tol(drift_stability(empty, full, 2), 2 * 100 / 101.0 * log(100.5 / 0.5), 1e-9);
}
END_TEST

START_TEST(distance_is_between_none_and_one)
{
	const double left[] = {3, 0}, right[] = {0, 5}, even[] = {2, 2};
	ck_assert_double_eq_tol(drift_distance(left, right, 2), 1, 1e-12);
	ck_assert_double_eq(drift_distance(left, left, 2), 0);
	/* Half of (0.5 log2(0.5 / 0.75) + 0.5 log2(0.5 / 0.25)) + log2(1 / 0.75), and its root. */
	ck_assert_double_eq_tol(drift_distance(even, left, 2), 0.557923, 1e-6);
	ck_assert_double_eq_tol(drift_distance(left, even, 2), 0.557923, 1e-6);
	const double nothing[] = {0, 0};
	ck_assert_double_eq(drift_distance(nothing, nothing, 2), 0);
	ck_assert_double_eq(drift_distance(nothing, even, 2), 1);
}
END_TEST

START_TEST(chance_grows_with_bins_and_shrinks_with_texts)
{
	const double three[] = {1, 1, 1, 0}, ten[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	/* Chi-squared's 95 % quantiles are 5.991 for two degrees of freedom, 16.919 for nine. */
	ck_assert_double_eq_tol(drift_chance(three, three, 4, 200, 200), 5.991 / 100, 0.0006);
	ck_assert_double_eq_tol(drift_chance(ten, ten, 10, 1000, 500), 16.919 * 3 / 1000, 0.0005);
	ck_assert(isinf(drift_chance(ten, ten, 10, 0, 10)));
	const double one[] = {0, 7};
	ck_assert_double_eq(drift_chance(one, one, 2, 10, 10), 0);
}
END_TEST

START_TEST(verdicts_are_the_usual_ones)
{
	ck_assert_int_eq(drift_judge(0.09, 0.01), DRIFT_STABLE);
	ck_assert_int_eq(drift_judge(0.1, 0.01), DRIFT_WATCH);
	ck_assert_int_eq(drift_judge(0.24, 0.01), DRIFT_WATCH);
	ck_assert_int_eq(drift_judge(0.25, 0.01), DRIFT_SHIFTED);
	ck_assert_int_eq(drift_judge(0.3, 0.4), DRIFT_STABLE);
	ck_assert_int_eq(drift_judge(0.3, INFINITY), DRIFT_UNKNOWN);
	ck_assert_str_eq(drift_verdict_name(DRIFT_SHIFTED), "shifted");
}
END_TEST

START_TEST(weeks_begin_on_mondays)
{
	struct drift_weeks weeks = {0};
	int64_t sunday, monday, long_ago;
	ck_assert(time_parse_iso("2026-11-22T23:59:59Z", &sunday));
	ck_assert(time_parse_iso("2026-11-23", &monday));
	ck_assert(time_parse_iso("1969-12-30", &long_ago));
	drift_weeks_add(&weeks, monday);
	drift_weeks_add(&weeks, sunday);
	drift_weeks_add(&weeks, sunday - 6 * DAY_US);
	drift_weeks_add(&weeks, long_ago);
	ck_assert_uint_eq(weeks.count, 3);
	ck_assert_int_eq(weeks.each[0].number, -1);
	ck_assert_uint_eq(weeks.each[1].texts, 2);
	ck_assert_uint_eq(drift_weeks_find(&weeks, monday + DAY_US), 2);
	ck_assert_uint_eq(drift_weeks_find(&weeks, monday + 7 * DAY_US), SIZE_MAX);
	drift_weeks_keep(&weeks, 2);
	ck_assert_uint_eq(weeks.count, 2);
	ck_assert_uint_eq(drift_weeks_find(&weeks, sunday), 0);
	ck_assert_uint_eq(drift_weeks_find(&weeks, long_ago), SIZE_MAX);
	drift_weeks_clear(&weeks);
}
END_TEST

/* ---- words ---- */

static struct tokenizer *tokenizer;

static void tokenizer_make(void)
{
	struct err e = {0};
	tokenizer = tokenizer_open_model(TEST_DATA "/parity/cls-gelu-f32", &e);
	ck_assert_msg(tokenizer != NULL, "%s", e.text);
}

static void tokenizer_remove(void)
{
	tokenizer_free(tokenizer);
}

static void collect(void *context, const struct drift_word *word)
{
	char *text = context;
	strcat(strcat(text, word->text), " ");
}

START_TEST(words_are_put_together_from_pieces)
{
	int32_t ids[16];
	const char *text = "Banks: the PROFIT of a 7 unheard raised";
	size_t count = tokenizer_encode(tokenizer, text, strlen(text), ids, 16);
	char words[200] = "";
	drift_words_each(tokenizer_vocab(tokenizer), ids, count, 1, collect, words);
	ck_assert_str_eq(words, "banks the profit raised ");
	drift_words_each(tokenizer_vocab(tokenizer), ids, 2, 1, collect, words);
	ck_assert_str_eq(words, "banks the profit raised ");
}
END_TEST

START_TEST(a_filter_forgets_nothing_and_invents_little)
{
	struct drift_filter filter = {0};
	size_t invented = 0;
	for (uint64_t i = 0; i < 5000; i++)
		drift_filter_add(&filter, (i + 1) * UINT64_C(0x9e3779b97f4a7c15));
	drift_filter_seal(&filter);
	for (uint64_t i = 0; i < 5000; i++)
		ck_assert(drift_filter_has(&filter, (i + 1) * UINT64_C(0x9e3779b97f4a7c15)));
	for (uint64_t i = 5000; i < 15000; i++)
		invented += drift_filter_has(&filter, (i + 1) * UINT64_C(0x9e3779b97f4a7c15));
	ck_assert_uint_lt(invented, 300);
	drift_filter_clear(&filter);
	ck_assert(!drift_filter_has(&filter, 1));
}
END_TEST

START_TEST(a_tally_counts_texts)
{
	struct drift_tally tally = {0};
	struct drift_word words[3] = {{.hash = 1, .text = "often"}, {.hash = 2, .text = "twice"}, {.hash = 1025, .text = "once"}};
	for (int text = 0; text < 3; text++) {
		drift_tally_next(&tally);
		drift_tally_add(&tally, &words[0]);
		drift_tally_add(&tally, &words[0]);
		if (text < 2)
			drift_tally_add(&tally, &words[1]);
	}
	drift_tally_add(&tally, &words[2]);
	for (uint64_t i = 0; i < 5000; i++)
		drift_tally_add(&tally, &(struct drift_word){.hash = 2000 + i, .text = "noise"});
	size_t count;
	struct drift_tallied *top = drift_tally_top(&tally, 10, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(top[0].word.text, "often");
	ck_assert_uint_eq(top[0].texts, 3);
	ck_assert_uint_eq(top[1].texts, 2);
	free(top);
	drift_tally_clear(&tally);
}
END_TEST

/* ---- profiles ---- */

static void add(struct drift_profile *profile, const char *text, int polarity)
{
	int32_t ids[16];
	drift_profile_add(profile, ids, tokenizer_encode(tokenizer, text, strlen(text), ids, 16));
	drift_profile_judge(profile, polarity, 1, 0.75);
}

static void profile_make(struct drift_profile *profile)
{
	drift_profile_open(profile, tokenizer, 16, 2);
	for (int i = 0; i < 200; i++) {
		add(profile, "the bank raised the outlook", 2);
		add(profile, "orvane shares fell", 0);
		add(profile, "a warning to unheard shares of orvane after profit fell in the bank", i % 2);
	}
	drift_profile_seal(profile);
}

static int read_text(const char *text, struct drift_profile *out)
{
	char path[] = "/tmp/bellwether-drift-XXXXXX";
	struct err e = {0};
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int result = drift_profile_read(out, path, tokenizer, 2, &e);
	unlink(path);
	ck_assert(result == 0 || e.text[0] != '\0');
	return result;
}

static char *written(const struct drift_profile *profile)
{
	char directory[] = "/tmp/bellwether-drift-XXXXXX", path[64];
	static char text[65536];
	struct err e = {0};
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/drift.json", directory);
	ck_assert_msg(drift_profile_write(profile, path, &e) == 0, "%s", e.text);
	FILE *file = fopen(path, "r");
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	unlink(path);
	rmdir(directory);
	return text;
}

START_TEST(a_profile_comes_back_as_it_was)
{
	struct drift_profile profile, back;
	struct drift_comparison comparison;
	profile_make(&profile);
	ck_assert_double_eq(profile.texts, 600);
	ck_assert_double_eq(profile.unknown, 200);
	ck_assert_double_eq(profile.lengths[0], 200); /* three pieces */
	ck_assert_double_eq(profile.lengths[1], 200); /* five */
	ck_assert_double_eq(profile.confidence[4], 600);
	ck_assert_int_eq(read_text(written(&profile), &back), 0);
	ck_assert_uint_eq(back.longest, 16);
	drift_compare(&profile, &back, &comparison);
	for (int i = 0; i < DRIFT_MEASURES; i++) {
		ck_assert_double_eq(comparison.of[i].stability, 0);
		ck_assert_double_eq(comparison.of[i].distance, 0);
	}
	ck_assert_int_eq(comparison.verdict, DRIFT_STABLE);
	ck_assert_uint_eq(back.words.size, profile.words.size);
	ck_assert_mem_eq(back.words.bits, profile.words.bits, profile.words.size);
	drift_profile_close(&profile);
	drift_profile_close(&back);
}
END_TEST

START_TEST(other_text_is_told)
{
	struct drift_profile before, now;
	struct drift_comparison comparison;
	profile_make(&before);
	drift_profile_open(&now, tokenizer, 16, 2);
	for (int i = 0; i < 300; i++)
		add(&now, "and cut and cut and cut", -1);
	drift_compare(&before, &now, &comparison);
	ck_assert_int_eq(comparison.of[DRIFT_PIECE].verdict, DRIFT_SHIFTED);
	ck_assert_double_gt(comparison.of[DRIFT_PIECE].distance, 0.9);
	ck_assert_int_eq(comparison.of[DRIFT_POLARITY].verdict, DRIFT_SHIFTED);
	ck_assert_int_eq(comparison.of[DRIFT_LENGTH].verdict, DRIFT_SHIFTED);
	drift_profile_close(&now);
	/* The same, but two texts alone: nobody could say. */
	drift_profile_open(&now, tokenizer, 16, 2);
	add(&now, "the bank raised the outlook", 2);
	add(&now, "orvane shares fell", 0);
	drift_compare(&before, &now, &comparison);
	ck_assert_int_eq(comparison.verdict, DRIFT_STABLE);
	drift_profile_close(&now);
	drift_profile_open(&now, tokenizer, 16, 2);
	drift_compare(&before, &now, &comparison);
	ck_assert_int_eq(comparison.verdict, DRIFT_UNKNOWN);
	drift_profile_close(&now);
	drift_profile_close(&before);
}
END_TEST

/* One value of the file is another. */
static char *changed(const char *text, const char *from, const char *to)
{
	static char out[65536];
	const char *at = strstr(text, from);
	ck_assert_msg(at != NULL, "no %s in %s", from, text);
	snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return out;
}

START_TEST(a_damaged_profile_is_refused)
{
	static const char *const changes[][2] = {
		{"\"format\":1", "\"format\":2"},
		{"\"vocabulary\":25", "\"vocabulary\":26"},
		{"\"texts\":600", "\"texts\":-600"},
		{"\"tokens\":", "\"tokens\":1,\"was\":"},
		{"\"longest\":16", "\"longest\":1"},
		{"\"topics\":[0,600]", "\"topics\":[0,600,0]"},
		{"\"topics\":[0,600]", "\"topics\":[0,\"600\"]"},
		{"\"pieces\":[[", "\"pieces\":[[25,1],["},
		{"\"pieces\":[[", "\"pieces\":[[-1,1],["},
		{"\"words\":\"", "\"words\":\"00"},
		{"}", ""},
	};
	struct drift_profile profile, back;
	profile_make(&profile);
	char *text = strdup(written(&profile));
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		ck_assert_msg(read_text(changed(text, changes[i][0], changes[i][1]), &back) < 0, "%s", changes[i][1]);
	ck_assert_int_eq(read_text("[]", &back), -1);
	ck_assert_int_eq(read_text("", &back), -1);
	free(text);
	drift_profile_close(&profile);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("drift");
	tcase_add_checked_fixture(tests, tokenizer_make, tokenizer_remove);
	tcase_add_test(tests, stability_is_that_of_the_book);
	tcase_add_test(tests, distance_is_between_none_and_one);
	tcase_add_test(tests, chance_grows_with_bins_and_shrinks_with_texts);
	tcase_add_test(tests, verdicts_are_the_usual_ones);
	tcase_add_test(tests, weeks_begin_on_mondays);
	tcase_add_test(tests, words_are_put_together_from_pieces);
	tcase_add_test(tests, a_filter_forgets_nothing_and_invents_little);
	tcase_add_test(tests, a_tally_counts_texts);
	tcase_add_test(tests, a_profile_comes_back_as_it_was);
	tcase_add_test(tests, other_text_is_told);
	tcase_add_test(tests, a_damaged_profile_is_refused);
	return run_case("drift", tests);
}
