#include "daemon/search_halving.h"
#include "daemon/search_space.h"
#include "daemon/train_search.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A search for a recipe: the plan, what is drawn, and a run of it over trials that only look like training. */

static char directory[] = "/tmp/bellwether-search-XXXXXX";

static char *path_of(const char *name)
{
	static char path[300];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static void file_write(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static char *file_text(const char *name)
{
	static char text[16384];
	FILE *file = fopen(path_of(name), "r");
	ck_assert_msg(file != NULL, "there is no %s", name);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

START_TEST(rungs_cost_about_the_same)
{
	struct halving_rung rungs[HALVING_RUNGS];
	ck_assert_uint_eq(halving_plan(27, rungs), 4);
	const size_t candidates[] = {27, 9, 3, 1};
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(rungs[i].candidates, candidates[i]);
		ck_assert_double_eq_tol((double)rungs[i].candidates * rungs[i].part, 1, 1e-12);
	}
	ck_assert_uint_eq(halving_plan(1, rungs), 1);
	ck_assert_double_eq(rungs[0].part, 1);
	ck_assert_uint_eq(halving_plan(2, rungs), 2);
	ck_assert_uint_eq(rungs[1].candidates, 1);
	ck_assert_double_eq_tol(rungs[0].part, 1 / 3.0, 1e-12);
	/* Of very many the last rung has several, since less than 1/27 of a run tells nothing. */
	ck_assert_uint_eq(halving_plan(200, rungs), 4);
	ck_assert_uint_eq(rungs[3].candidates, 7);
	ck_assert_double_eq(rungs[3].part, 1);
}
END_TEST

START_TEST(the_best_stay_and_failures_go_first)
{
	const double scores[] = {0.5, NAN, 0.9, 0.5, 0.1, NAN, 0.7};
	uint32_t alive[] = {6, 5, 4, 3, 2, 1, 0};
	halving_keep(alive, 7, scores, 4);
	ck_assert_uint_eq(alive[0], 2);
	ck_assert_uint_eq(alive[1], 6);
	ck_assert_uint_eq(alive[2], 0);
	ck_assert_uint_eq(alive[3], 3);
	halving_keep(alive, 7, scores, 7);
	ck_assert_uint_eq(alive[4], 4);
	ck_assert_uint_eq(alive[5], 1);
}
END_TEST

START_TEST(draws_lie_in_the_space_and_come_again)
{
	struct search_space space;
	struct err e = {0};
	file_write("space.yaml", "lr: {min: 1e-5, max: 1e-3, log: true}\nepochs: {min: 2, max: 5}\nbatch: [16, 32]\n"
				 "polarity: [a, /b]\ndropout: {min: 0, max: 0.9}\n");
	ck_assert_msg(search_space_read(&space, path_of("space.yaml"), &e) == 0, "%s", e.text);
	ck_assert_uint_eq(space.count, 5);
	ck_assert_str_eq(space.keys[3].choices[0], path_of("a"));
	ck_assert_str_eq(space.keys[3].choices[1], "/b");
	size_t low = 0, epochs[6] = {0}, sixteen = 0, same = 0;
	for (uint32_t trial = 0; trial < 400; trial++) {
		char *values[5], *again[5], *other[5];
		search_space_draw(&space, 1, trial, values);
		search_space_draw(&space, 1, trial, again);
		search_space_draw(&space, 2, trial, other);
		double rate = strtod(values[0], NULL), dropout = strtod(values[4], NULL);
		ck_assert(rate >= 1e-5 && rate <= 1e-3 && dropout >= 0 && dropout <= 1);
		low += rate < 1e-4;
		ck_assert_uint_eq(strlen(values[1]), 1);
		ck_assert(values[1][0] >= '2' && values[1][0] <= '5');
		epochs[values[1][0] - '0']++;
		sixteen += strcmp(values[2], "16") == 0;
		same += strcmp(values[0], other[0]) == 0;
		for (size_t i = 0; i < 5; i++) {
			ck_assert_str_eq(values[i], again[i]);
			free(values[i]);
			free(again[i]);
			free(other[i]);
		}
	}
	ck_assert(low > 150 && low < 250 && sixteen > 150 && sixteen < 250 && same < 5);
	for (size_t i = 2; i <= 5; i++)
		ck_assert_msg(epochs[i] > 60 && epochs[i] < 140, "%zu epochs %zu times of 400", i, epochs[i]);
	search_space_clear(&space);
}
END_TEST

START_TEST(wrong_spaces_are_told_with_their_place)
{
	static const char *const cases[][2] = {
		{"lr: [1e-4]\nepoch: [1]\n", "space.yaml:2:9: there is no key \"epoch\""},
		{"epochs: {min: 1, max: 2}\nbatch: 3\n", "space.yaml:2:8: batch takes a list of values or a range"},
		{"pooling: [cls, max]\n", "space.yaml:1:16: pooling is one of cls|mean, not \"max\""},
		{"pooling: {min: 0, max: 1}\n", "pooling is one of cls|mean"},
		{"dropout: {min: 0, max: 2}\n", "dropout takes a number from 0 to 0.9, not \"2\""},
		{"dropout: {min: 0.3, max: 0.1}\n", "needs a min below its max"},
		{"dropout: {min: 0.3}\n", "needs a min below its max"},
		{"dropout: {min: 0, max: 0.1, log: true}\n", "a logarithm needs a min above 0"},
		{"dropout: {least: 0, max: 0.1}\n", "space.yaml:1:11: dropout: a range has min and max"},
		{"dropout: {min: x, max: 0.1}\n", "a range has min and max"},
		{"dropout: []\n", "dropout: the list is empty"},
		{"dropout: [[0, 1]]\n", "a choice is a single value"},
		{"out: [a, b]\n", "\"out\" is nothing to search over"},
		{"seed: [1, 2]\n", "\"seed\" is nothing to search over"},
		{"- a\n", "keys of a recipe are needed"},
		{"", "keys of a recipe are needed"},
		{"{}\n", "no keys"},
		{"a: [\n", "space.yaml:2:"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct search_space space;
		struct err e = {0};
		file_write("space.yaml", cases[i][0]);
		ck_assert_msg(search_space_read(&space, path_of("space.yaml"), &e) < 0, "taken: %s", cases[i][0]);
		ck_assert_msg(strstr(e.text, cases[i][1]) != NULL, "%s: %s", cases[i][0], e.text);
		search_space_clear(&space);
	}
}
END_TEST

/* Trials whose score is a matter of their values alone: the nearer dropout is to 0.2, the better, and longer runs show it
 * more clearly.  Above 0.6 they fail. */
struct pretence {
	size_t runs, stop_after;
	double parts;
	bool impossible;
	uint64_t rows; /* a hash of what they hold */
};

static enum trial_end pretend(void *context, const struct train_options *options, double part, struct trial_result *result,
			      struct err *e)
{
	struct pretence *pretence = context;
	if (pretence->impossible) {
		err_set(e, "rows.tsv: no rows");
		return TRIAL_IMPOSSIBLE;
	}
	if (pretence->runs == pretence->stop_after)
		return TRIAL_STOPPED;
	pretence->runs++;
	pretence->parts += part;
	if (options->dropout > 0.6) {
		err_set(e, "the loss is not a number");
		return TRIAL_FAILED;
	}
	*result = (struct trial_result){.figures = {.score = 0.9 - part * fabs(options->dropout - 0.2)}, .seconds = 1};
	return TRIAL_DONE;
}

static int look(void *context, const struct train_options *options, uint64_t *hash, struct err *e)
{
	(void)options, (void)e;
	*hash = ((const struct pretence *)context)->rows;
	return 0;
}

static void say(void *context, const char *text)
{
	(void)context;
	(void)text;
}

static enum search_end search_run(struct pretence *pretence, bool resume, struct err *e)
{
	struct train_options options;
	char out[300], space[300];
	snprintf(out, sizeof out, "%s/out", directory);
	snprintf(space, sizeof space, "%s/space.yaml", directory);
	char *arguments[] = {"train", "--base", "b", "--topic", "t", "--out", out, "--search", space, "--trials", "20", "--lr", "1e-4",
			     "--seed", "7", resume ? "--resume" : NULL, NULL};
	ck_assert_msg(train_options_parse(&options, resume ? 16 : 15, arguments, e) == 0, "%s", e->text);
	const struct train_search search = {.look = look, .run = pretend, .say = say, .context = pretence};
	enum search_end end = train_search_run(&search, &options, e);
	train_options_clear(&options);
	return end;
}

static void out_remove(void)
{
	static const char *const names[] = {"out/search.txt", "out/trials.csv", "out/best.yaml"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_of(names[i]));
	rmdir(path_of("out"));
}

START_TEST(a_search_finds_the_best_and_goes_on_where_it_was_stopped)
{
	struct err e = {0};
	struct pretence whole = {.stop_after = SIZE_MAX};
	char trials[16384];
	file_write("space.yaml", "dropout: {min: 0, max: 0.9}\nclass-weights: [none, balanced]\n");
	ck_assert_msg(search_run(&whole, false, &e) == SEARCH_DONE, "%s", e.text);
	ck_assert_uint_eq(whole.runs, 20 + 6 + 2 + 1);
	strcpy(trials, file_text("out/trials.csv"));
	ck_assert_ptr_nonnull(strstr(trials, ",failed,"));
	ck_assert_ptr_nonnull(strstr(trials, "rung,trial,part,state,score,"));

	/* The best recipe is one that `train --config` takes. */
	struct train_options best = {0};
	ck_assert_msg(train_options_read(&best, path_of("out/best.yaml"), &e) == 0, "%s: %s", file_text("out/best.yaml"), e.text);
	ck_assert_double_eq_tol(best.dropout, 0.2, 0.1);
	ck_assert_ptr_nonnull(strstr(best.out, "/out/model"));
	ck_assert_double_eq(best.seed, 7);
	train_options_clear(&best);

	/* It does not go on by accident, nor as another search. */
	ck_assert_int_eq(search_run(&whole, false, &e), SEARCH_WRONG);
	ck_assert_ptr_nonnull(strstr(e.text, "--resume goes on"));
	file_write("space.yaml", "dropout: {min: 0, max: 0.8}\nclass-weights: [none, balanced]\n");
	ck_assert_int_eq(search_run(&whole, true, &e), SEARCH_WRONG);
	ck_assert_ptr_nonnull(strstr(e.text, "another search"));
	file_write("space.yaml", "dropout: {min: 0, max: 0.9}\nclass-weights: [none, balanced]\n");
	whole.rows++;
	ck_assert_int_eq(search_run(&whole, true, &e), SEARCH_WRONG);
	ck_assert_ptr_nonnull(strstr(e.text, "have changed since"));
	out_remove();

	/* Stopped again and again, once in the middle of a line. */
	size_t runs = 0;
	for (size_t i = 0; i < 100; i++) {
		struct pretence part = {.stop_after = 3};
		enum search_end end = search_run(&part, i > 0, &e);
		runs += part.runs;
		if (end == SEARCH_DONE)
			break;
		ck_assert_int_eq(end, SEARCH_STOPPED);
		if (i == 2) {
			FILE *file = fopen(path_of("out/trials.csv"), "a");
			fputs("1,19,0.1,ok,0.99", file);
			fclose(file);
		}
	}
	ck_assert_uint_eq(runs, whole.runs);
	ck_assert_str_eq(file_text("out/trials.csv"), trials);
	out_remove();
}
END_TEST

START_TEST(a_search_without_a_way_says_why)
{
	struct err e = {0};
	struct pretence pretence = {.stop_after = SIZE_MAX, .impossible = true};
	file_write("space.yaml", "dropout: {min: 0, max: 0.9}\n");
	ck_assert_int_eq(search_run(&pretence, false, &e), SEARCH_WRONG);
	ck_assert_ptr_nonnull(strstr(e.text, "rows.tsv: no rows"));
	out_remove();
	pretence.impossible = false;
	file_write("space.yaml", "dropout: {min: 0.85, max: 0.9}\n");
	ck_assert_int_eq(search_run(&pretence, false, &e), SEARCH_FAILED);
	ck_assert_ptr_nonnull(strstr(e.text, "no trial came to its end"));
	out_remove();
	unlink(path_of("space.yaml"));
	rmdir(directory);
}
END_TEST

int main(void)
{
	if (mkdtemp(directory) == NULL)
		return EXIT_FAILURE;
	TCase *tests = tcase_create("search");
	tcase_add_test(tests, rungs_cost_about_the_same);
	tcase_add_test(tests, the_best_stay_and_failures_go_first);
	tcase_add_test(tests, draws_lie_in_the_space_and_come_again);
	tcase_add_test(tests, wrong_spaces_are_told_with_their_place);
	tcase_add_test(tests, a_search_finds_the_best_and_goes_on_where_it_was_stopped);
	tcase_add_test(tests, a_search_without_a_way_says_why);
	return run_case("search", tests);
}
