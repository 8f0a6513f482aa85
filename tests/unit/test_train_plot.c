#include "daemon/train_plot.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The picture of a run: whatever metrics.csv holds, it is a whole document without a value that is none. */

static const char header[] =
	"phase,rate,epoch,step,loss,learning_rate,gradient_norm,polarity_loss,polarity_accuracy,polarity_macro_f1,topic_loss,"
	"topic_accuracy,topic_macro_f1,score,tokens_per_second,seconds\n";

static char directory[] = "/tmp/bellwether-plot-XXXXXX", csv[64], svg[64];

static void directory_make(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(csv, sizeof csv, "%s/metrics.csv", directory);
	snprintf(svg, sizeof svg, "%s/metrics.svg", directory);
}

static void directory_remove(void)
{
	unlink(csv);
	unlink(svg);
	rmdir(directory);
}

/* The picture of these lines. */
static char *picture_of(const char *head, const char *lines)
{
	static char text[1 << 20];
	struct err e = {0};
	FILE *file = fopen(csv, "w");
	fputs(head, file);
	fputs(lines, file);
	fclose(file);
	ck_assert_msg(train_plot_write(directory, &e) == 0, "%s", e.text);
	file = fopen(svg, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	ck_assert_int_eq(strncmp(text, "<svg ", 5), 0);
	ck_assert_ptr_nonnull(strstr(text, "</svg>\n"));
	ck_assert_ptr_null(strstr(text, "nan"));
	ck_assert_ptr_null(strstr(text, "inf"));
	return text;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;
	for (; (text = strstr(text, what)) != NULL; text++)
		count++;
	return count;
}

START_TEST(a_run_is_drawn_and_its_trials_are_not)
{
	const char *text = picture_of(header, "trial,0.1,1,5,9.5,1,1,8.5,0.9,0.9,,,,0.9,1,1\n"
					      "run,0.1,1,5,1.5,1,1,,,,,,,,1,1\n"
					      "run,0.1,1,10,1.2,1,1,1.1,0.5,0.4,,,,0.4,1,1\n"
					      "run,0.1,2,20,1.0,1,1,0.9,0.7,0.6,,,,0.6,1,1\n"
					      "run,0.1,3,30,0.8,1,1,0.8,0.7,0.6,,,,0.6,1,1\n");
	ck_assert_uint_eq(count_of(text, "<circle"), 9);
	ck_assert_ptr_nonnull(strstr(text, "polarity macro F1"));
	ck_assert_ptr_null(strstr(text, "topic"));
	ck_assert_ptr_nonnull(strstr(text, ">1.4<")); /* with the trial's loss the axis would have no such steps */
	/* The best of equal scores has the lower loss: the last step, at the right edge. */
	ck_assert_ptr_nonnull(strstr(text, "stroke-dasharray=\"2 3\" d=\"M940.0 "));
}
END_TEST

START_TEST(odd_files_are_pictures_too)
{
	ck_assert_uint_eq(count_of(picture_of("", ""), "no values"), 2);
	ck_assert_uint_eq(count_of(picture_of(header, ""), "no values"), 2);
	ck_assert_uint_eq(count_of(picture_of("a,b\n", "1,2\n"), "no values"), 2);
	ck_assert_uint_eq(count_of(picture_of(header, "run,1,1,1,nan,1,1,inf,x,-nan,,,,,1,1\n"), "no values"), 2);
	ck_assert_uint_eq(count_of(picture_of(header, "run,0.1,1,1,1.5\nrun\n\n,,,,,,,\n"), "no values"), 1);
	picture_of(header, "run,0.1,1,1,1e-300,1,1,1e300,0,0,,,,0,1,1\n");
	picture_of(header, "run,0.1,1,1,-5,1,1,-5,1,1,,,,1,1,1\nrun,0.1,1,1e15,-5,1,1,-5,1,1,,,,1,1,1\n");
	struct err e = {0};
	unlink(csv);
	ck_assert_int_eq(train_plot_write(directory, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "metrics.csv"));
}
END_TEST

START_TEST(a_long_run_is_no_long_picture)
{
	size_t size = 100 * 30000;
	char *lines = malloc(size), *end = lines;
	for (int i = 1; i <= 30000; i++)
		end += snprintf(end, (size_t)(lines + size - end), "run,0.1,%d,%d,%g,1,1,%g,0.5,0.5,,,,0.5,1,1\n", i, i, 1 + 1.0 / i,
				2 + 1.0 / i);
	ck_assert_uint_lt(strlen(picture_of(header, lines)), 60000);
	free(lines);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("train_plot");
	tcase_add_unchecked_fixture(tests, directory_make, directory_remove);
	tcase_add_test(tests, a_run_is_drawn_and_its_trials_are_not);
	tcase_add_test(tests, odd_files_are_pictures_too);
	tcase_add_test(tests, a_long_run_is_no_long_picture);
	return run_case("train_plot", tests);
}
