#include "alerts/topics.h"
#include "daemon/base/check.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST_MAX 16

/* One topic out of lists that end with NULL. */
static struct topic_spec spec(const char *const *any, const char *const *none, const char *regex)
{
	struct topic_spec s = {.name = "watched", .any = any, .none = none, .regex = regex};
	while (any != NULL && any[s.any_count] != NULL)
		s.any_count++;
	while (none != NULL && none[s.none_count] != NULL)
		s.none_count++;
	return s;
}

static struct topics *create(const struct topic_spec *specs, size_t count)
{
	struct err e = {.text = ""};
	struct topics *topics = topics_create(specs, count, &e);
	ck_assert_msg(topics != NULL, "%s", e.text);
	return topics;
}

static size_t match(const struct topics *topics, const char *text, uint32_t *out, size_t max)
{
	struct topics_scratch *scratch = topics_scratch_create(topics);
	size_t count = topics_match(topics, scratch, text, strlen(text), out, max);
	topics_scratch_free(scratch);
	return count;
}

static bool matches(struct topic_spec s, const char *text)
{
	struct topics *topics = create(&s, 1);
	uint32_t out[1];
	bool found = match(topics, text, out, 1) == 1;
	topics_free(topics);
	return found;
}

static bool regex_matches(const char *regex, const char *text)
{
	return matches(spec(NULL, NULL, regex), text);
}

/* ---- the table of boundary cases ---- */

static void put_utf8(char **out, unsigned long c)
{
	if (c < 0x80) {
		*(*out)++ = (char)c;
		return;
	}
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	*(*out)++ = (char)((0xff << (7 - more) & 0xff) | (int)(c >> 6 * more));
	while (more-- > 0)
		*(*out)++ = (char)(0x80 | (c >> 6 * more & 0x3f));
}

static void unescape(char *text)
{
	char *out = text;
	for (char *in = text; *in != '\0';) {
		if (strncmp(in, "\\u{", 3) == 0) {
			put_utf8(&out, strtoul(in + 3, &in, 16));
			ck_assert_int_eq(*in, '}');
			in++;
		} else if (*in == '\\') {
			ck_assert_ptr_nonnull(strchr("nrt", in[1]));
			*out++ = in[1] == 'n' ? '\n' : in[1] == 'r' ? '\r' : '\t';
			in += 2;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
}

static void split(char *list, const char **out)
{
	size_t count = 0;
	unescape(list);
	for (char *word = strtok(list, "|"); word != NULL; word = strtok(NULL, "|")) {
		ck_assert_uint_lt(count, LIST_MAX - 1);
		out[count++] = word;
	}
	out[count] = NULL;
}

START_TEST(boundary_cases)
{
	FILE *file = fopen(TEST_DATA "/topics/boundary_cases.tsv", "r");
	ck_assert_ptr_nonnull(file);
	char line[1024];
	int cases = 0, number = 0, wrong = 0;
	while (fgets(line, sizeof line, file) != NULL) {
		number++;
		if (line[0] == '#')
			continue;
		line[strcspn(line, "\n")] = '\0';
		char *rest = line, *field[5];
		for (int i = 0; i < 5; i++) {
			field[i] = strsep(&rest, "\t");
			ck_assert_msg(field[i] != NULL, "line %d: five columns expected", number);
		}
		const char *any[LIST_MAX], *none[LIST_MAX];
		split(field[1], any);
		split(field[2], none);
		unescape(field[3]);
		bool expected = strcmp(field[0], "yes") == 0;
		ck_assert(expected || strcmp(field[0], "no") == 0);
		if (matches(spec(any, none, NULL), field[3]) != expected) {
			printf("line %d: %s: expected %s\n", number, field[4], field[0]);
			wrong++;
		}
		cases++;
	}
	fclose(file);
	printf("%d boundary cases, %d wrong\n", cases, wrong);
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_ge(cases, 200);
}
END_TEST

/* ---- many topics ---- */

START_TEST(topics_match_independently)
{
	const char *bank[] = {"bank", NULL}, *phrase[] = {"bank of orbel", NULL}, *inner[] = {"of", NULL};
	const char *field[] = {"bank of orbel field", NULL}, *other[] = {"lurex", NULL};
	struct topic_spec specs[] = {spec(other, NULL, NULL), spec(bank, field, NULL), spec(phrase, NULL, NULL),
				     spec(inner, NULL, NULL), spec(NULL, NULL, "or.el")};
	struct topics *topics = create(specs, 5);
	uint32_t out[5];
	ck_assert_uint_eq(match(topics, "the Bank of Orbel fell", out, 5), 4);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(out[i], i + 1);
	ck_assert_uint_eq(match(topics, "the Bank of Orbel Field", out, 5), 3);
	ck_assert_uint_eq(out[0], 2);
	ck_assert_uint_eq(match(topics, "the Bank of Orbel fell", out, 2), 2);
	ck_assert_uint_eq(out[1], 2);
	ck_assert_uint_eq(match(topics, "nothing", out, 5), 0);
	ck_assert_uint_eq(match(topics, "", out, 5), 0);
	topics_free(topics);
}
END_TEST

START_TEST(labels_alone_never_match)
{
	const char *labels[] = {"Earnings"};
	struct topic_spec s = {.name = "earnings", .labels = labels, .label_count = 1};
	ck_assert(!matches(s, "Earnings"));
	struct topics *none = create(NULL, 0);
	ck_assert_uint_eq(match(none, "text", NULL, 0), 0);
	topics_free(none);
	topics_free(NULL);
	topics_scratch_free(NULL);
}
END_TEST

START_TEST(a_scratch_forgets_the_text_before)
{
	const char *any[] = {"orbel", NULL}, *none[] = {"football", "orbel field", NULL};
	struct topic_spec s = spec(any, none, NULL);
	struct topics *topics = create(&s, 1);
	struct topics_scratch *scratch = topics_scratch_create(topics);
	uint32_t out[1];
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(topics_match(topics, scratch, "orbel football", 14, out, 1), 0);
		ck_assert_uint_eq(topics_match(topics, scratch, "orbel field", 11, out, 1), 0);
		ck_assert_uint_eq(topics_match(topics, scratch, "orbel", 5, out, 1), 1);
		ck_assert_uint_eq(topics_match(topics, scratch, "", 0, out, 1), 0);
	}
	topics_scratch_free(scratch);
	topics_free(topics);
}
END_TEST

/* ---- refusals ---- */

static void refused(struct topic_spec s, const char *expected)
{
	struct err e = {.text = ""};
	ck_assert_ptr_null(topics_create(&s, 1, &e));
	ck_assert_msg(strstr(e.text, expected) != NULL, "\"%s\" does not hold \"%s\"", e.text, expected);
	ck_assert_ptr_nonnull(strstr(e.text, "topic \"watched\""));
	ck_assert_ptr_null(topics_create(&s, 1, NULL));
}

START_TEST(refusals_name_the_topic_and_the_reason)
{
	const char *good[] = {"orbel", NULL}, *empty[] = {"orbel", "", NULL}, *blank[] = {" \t\xc2\xa0", NULL};
	const char *signs[] = {"$", NULL}, *vanishing[] = {"\xc2\xad\xe2\x80\x8d", NULL}, *same[] = {"lurex", "ORBEL", NULL};
	char text[1200] = "";
	memset(text, 'x', sizeof text - 1);
	const char *endless[] = {text, NULL};
	refused(spec(NULL, NULL, NULL), "nothing to find");
	refused(spec(NULL, good, NULL), "nothing to find");
	refused(spec(empty, NULL, NULL), "any: \"\" holds no letter");
	refused(spec(blank, NULL, NULL), "holds no letter");
	refused(spec(signs, NULL, NULL), "any: \"$\" holds no letter");
	refused(spec(vanishing, NULL, NULL), "holds no letter");
	refused(spec(good, empty, NULL), "none: \"\" holds no letter");
	refused(spec(endless, NULL, NULL), "longer than");
	refused(spec(good, same, NULL), "stands in any and in none");
	refused(spec(NULL, NULL, "a(b"), "at offset 3 of \"a(b\": missing closing parenthesis");
	refused(spec(NULL, NULL, "é[z-a]"), "at offset 5 of");
	refused(spec(NULL, NULL, "a|"), "matches the empty text");
	refused(spec(NULL, NULL, ".*"), "matches the empty text");
	refused(spec(NULL, NULL, "a\\C"), "regex: at offset");
	refused(spec(NULL, NULL, "\xff"), "regex: at offset");
}
END_TEST

START_TEST(words_given_twice_are_one)
{
	const char *any[] = {"orbel", "ORBEL", " Orbel", "orbel-field", "orbel field", NULL};
	ck_assert(matches(spec(any, NULL, NULL), "at Orbel"));
}
END_TEST

/* ---- regular expressions ---- */

START_TEST(regexes_match_without_case)
{
	ck_assert(regex_matches("\\bbq\\b|deepwater orbel", "BQ cuts jobs"));
	ck_assert(regex_matches("\\bbq\\b|deepwater orbel", "the Deepwater Orbel rig"));
	ck_assert(!regex_matches("\\bbq\\b|deepwater orbel", "up 5 bqs in deep water"));
	ck_assert(!regex_matches("(?-i)BQ", "bq"));
	ck_assert(regex_matches("(?-i)BQ", "BQ"));
	ck_assert(regex_matches("orbel (cuts|sheds)", "ORBEL SHEDS jobs"));
	ck_assert(regex_matches("\\$\\d+(\\.\\d+)? billion", "a $7.5 billion charge"));
	ck_assert(regex_matches("(?=.*orbel)(?=.*strike)", "Strike ends at Orbel"));
	ck_assert(!regex_matches("(?=.*orbel)(?=.*strike)", "Orbel ends talks"));
	ck_assert(regex_matches("^orbel", "Orbel first"));
	ck_assert(!regex_matches("^orbel", "At Orbel"));
	ck_assert(regex_matches("газол", "ГАЗОЛ"));
	ck_assert(regex_matches("华穹.{0,4}下跌", "华穹科技下跌"));
}
END_TEST

START_TEST(regexes_see_folded_text)
{
	ck_assert(regex_matches("orbel", "Ｏｒｂｅｌ"));
	ck_assert(regex_matches("nestelé", "NESTELE\xcc\x81"));
	ck_assert(regex_matches("nestele\xcc\x81", "Nestelé"));
	ck_assert(regex_matches("macrudd's", "MacRudd’s"));
	ck_assert(regex_matches("macrudd’s", "MacRudd's"));
	ck_assert(regex_matches("747 max", "747\xc2\xa0MAX"));
	ck_assert(regex_matches("finro", "ﬁnro"));
	ck_assert(regex_matches("orbel", "\xff\xfe Orbel \xc3"));
	ck_assert(regex_matches("^.orbel", "\xffOrbel"));
}
END_TEST

START_TEST(exclusions_take_regexes_out)
{
	const char *none[] = {"orbel field", "football", NULL}, *any[] = {"orbel", NULL};
	ck_assert(matches(spec(NULL, none, "or.el"), "Orbel fell"));
	ck_assert(!matches(spec(NULL, none, "or.el"), "Orbel plays football"));
	ck_assert(!matches(spec(NULL, none, "or.el"), "Orbel left Orbel Field"));
	ck_assert(matches(spec(any, none, "or.el"), "Orbel left Orbel Field"));
	ck_assert(!matches(spec(any, none, "or.el"), "Orbel plays football"));
	ck_assert(matches(spec(any, NULL, "lurex"), "Orbel fell"));
	ck_assert(matches(spec(any, NULL, "lurex"), "Lurex fell"));
}
END_TEST

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Time without a bound would be minutes here, so the limits may be generous. */
static bool match_long(struct topic_spec s, const char *unit, uint64_t *limit_hits)
{
	size_t length = ((size_t)1 << 20) / one_in(), each = strlen(unit);
	char *text = xmalloc(length);
	for (size_t i = 0; i < length; i++)
		text[i] = unit[i % each];
	struct topics *topics = create(&s, 1);
	struct topics_scratch *scratch = topics_scratch_create(topics);
	uint32_t out[1];
	double start = cpu_seconds();
	bool found = topics_match(topics, scratch, text, length, out, 1) == 1;
	ck_assert_double_lt(cpu_seconds() - start, 20);
	*limit_hits = topics_match_limit_hits(topics);
	topics_scratch_free(scratch);
	topics_free(topics);
	free(text);
	return found;
}

START_TEST(regexes_that_explode_are_given_up_and_counted)
{
	static const char *const exploding[] = {"\\w+\\d", "(a+)+\\d", "(a|aa)+\\d", "(?=.*\\d)a", "(.*a){12}\\d", "\\w*?[!?]"};
	for (size_t i = 0; i < sizeof exploding / sizeof exploding[0]; i++) {
		uint64_t hits;
		ck_assert_msg(!match_long(spec(NULL, NULL, exploding[i]), "a", &hits), "%s", exploding[i]);
		ck_assert_msg(hits == 1, "%s", exploding[i]);
	}
	uint64_t hits;
	ck_assert(match_long(spec(NULL, NULL, "a{3}"), "a", &hits));
	ck_assert_uint_eq(hits, 0);
}
END_TEST

START_TEST(long_hostile_texts_take_linear_time)
{
	const char *nested[] = {"a", "a a", "a a a", "a a a a", "a a a a a a a a", NULL}, *none[] = {"a a b", "a a a a a b", NULL};
	static const char *const units[] = {
		"a ", "a", " ", "-", "a-", "$", "\xcc\x81", "a\xcc\x81\xcc\xa3", "\xff", "\xf0\x90", "\xef\xb7\xba", "$a", "\xe4\xb8\xad",
		"\xe1\x84\x80", "\xe1\x85\xa1", "\n", "\xe2\x80\x8d", "a a a a a a a ",
	};
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		uint64_t hits;
		match_long(spec(nested, none, "\\bx\\b"), units[i], &hits);
	}
}
END_TEST

/* Settling in pieces gives what settling at the end would. */
START_TEST(exclusions_hold_through_long_texts)
{
	const char *any[] = {"orbel", NULL}, *none[] = {"orbel field air", NULL};
	uint64_t hits;
	ck_assert(!match_long(spec(any, none, NULL), "Orbel-Field Air ", &hits));
	ck_assert(match_long(spec(any, none, NULL), "Orbel-Field Air Orbel-Field ", &hits));
}
END_TEST

/* ---- threads ---- */

struct thread {
	pthread_t id;
	const struct topics *topics;
	size_t found;
};

static void *match_often(void *context)
{
	struct thread *thread = context;
	struct topics_scratch *scratch = topics_scratch_create(thread->topics);
	uint32_t out[2];
	for (int i = 0; i < 2000; i++)
		thread->found += topics_match(thread->topics, scratch, "Orbel é 7", 10, out, 2);
	char text[20000];
	memset(text, 'a', sizeof text);
	for (int i = 0; i < 3; i++)
		topics_match(thread->topics, scratch, text, sizeof text, out, 2);
	topics_scratch_free(scratch);
	return NULL;
}

START_TEST(threads_share_a_watch_list)
{
	const char *any[] = {"orbel", NULL};
	struct topic_spec specs[] = {spec(any, NULL, NULL), spec(NULL, NULL, "(?:\\w+)+[,;]|é 7")};
	struct topics *topics = create(specs, 2);
	struct thread threads[4];
	for (int i = 0; i < 4; i++) {
		threads[i] = (struct thread){.topics = topics};
		ck_assert_int_eq(pthread_create(&threads[i].id, NULL, match_often, &threads[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i].id, NULL);
		ck_assert_uint_eq(threads[i].found, 4000);
	}
	ck_assert_uint_eq(topics_match_limit_hits(topics), 12);
	topics_free(topics);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("topics");
	TCase *words = tcase_create("words");
	tcase_set_timeout(words, 60);
	tcase_add_test(words, boundary_cases);
	tcase_add_test(words, topics_match_independently);
	tcase_add_test(words, labels_alone_never_match);
	tcase_add_test(words, a_scratch_forgets_the_text_before);
	tcase_add_test(words, refusals_name_the_topic_and_the_reason);
	tcase_add_test(words, words_given_twice_are_one);
	suite_add_tcase(suite, words);

	TCase *regexes = tcase_create("regexes");
	tcase_set_timeout(regexes, 600);
	tcase_add_test(regexes, regexes_match_without_case);
	tcase_add_test(regexes, regexes_see_folded_text);
	tcase_add_test(regexes, exclusions_take_regexes_out);
	tcase_add_test(regexes, regexes_that_explode_are_given_up_and_counted);
	tcase_add_test(regexes, long_hostile_texts_take_linear_time);
	tcase_add_test(regexes, exclusions_hold_through_long_texts);
	tcase_add_test(regexes, threads_share_a_watch_list);
	suite_add_tcase(suite, regexes);
	return run_suite(suite);
}
