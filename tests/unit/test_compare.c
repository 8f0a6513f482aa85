#include "model/train/compare.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Two models on the same rows, against what SciPy and scikit-learn say. */

/* scipy.stats.binomtest(a, a + b, 0.5).pvalue */
START_TEST(mcnemar_is_the_exact_binomial_test)
{
	static const struct {
		size_t a, b;
		double p;
	} cases[] = {
		{3, 10, 0.09228515625},
		{5, 20, 0.00407731533050537},
		{0, 6, 0.03125},
		{7, 7, 1},
		{500, 600, 0.00281954499143643},
		{1200, 1500, 8.41208632862861e-09},
		{0, 1, 1},
		{40, 90, 1.37150684451754e-05},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_double_eq_tol(comparison_mcnemar(cases[i].a, cases[i].b) / cases[i].p, 1, 1e-9);
		ck_assert_double_eq(comparison_mcnemar(cases[i].a, cases[i].b), comparison_mcnemar(cases[i].b, cases[i].a));
	}
}
END_TEST

enum { ROWS = 300, CLASSES = 3 };

/* The same rows as the script that made the numbers below:
 * truth = i * 7 % 3; first = truth, but (truth + 1) % 3 where i % 5 == 0; second = truth, but (truth + 2) % 3 where
 * i % 8 == 0 or i % 50 == 7; a row is left out where i % 30 == 29. */
static void rows_make(int *truth, int *first, int *second)
{
	for (int i = 0; i < ROWS; i++) {
		int label = i * 7 % 3;
		truth[i] = i % 30 == 29 ? -1 : label;
		first[i] = i % 5 == 0 ? (label + 1) % 3 : label;
		second[i] = i % 8 == 0 || i % 50 == 7 ? (label + 2) % 3 : label;
	}
}

START_TEST(rows_are_counted_both_ways)
{
	int truth[ROWS], first[ROWS], second[ROWS];
	struct comparison forth, back;
	rows_make(truth, first, second);
	ck_assert_int_eq(comparison_make(&forth, truth, first, second, ROWS, CLASSES, 0, 1, NULL), 0);
	ck_assert_int_eq(comparison_make(&back, truth, second, first, ROWS, CLASSES, 0, 1, NULL), 0);
	ck_assert_uint_eq(forth.rows, 290);
	ck_assert_uint_eq(forth.both_right, 194);
	ck_assert_uint_eq(forth.first_alone, 36);
	ck_assert_uint_eq(forth.second_alone, 52);
	ck_assert_uint_eq(forth.none_right, 8);
	ck_assert_uint_eq(forth.changed, 96);
	ck_assert_double_eq_tol(forth.accuracy[0], 0.793103448276, 1e-9);
	ck_assert_double_eq_tol(forth.accuracy[1], 0.848275862069, 1e-9);
	ck_assert_double_eq_tol(forth.macro_f1[0], 0.792592592593, 1e-9);
	ck_assert_double_eq_tol(forth.macro_f1[1], 0.847775361051, 1e-9);
	ck_assert_double_eq_tol(forth.p_value, 0.109295429777, 1e-9);
	ck_assert_uint_eq(back.first_alone, forth.second_alone);
	ck_assert_uint_eq(back.second_alone, forth.first_alone);
	ck_assert_double_eq(back.p_value, forth.p_value);
	ck_assert_double_eq(back.accuracy[0], forth.accuracy[1]);
	ck_assert_double_eq(forth.accuracy_gain.high, 0);
}
END_TEST

/* scipy.stats.bootstrap((truth, first, second), gain, paired=True, method="percentile", n_resamples=20000); its seeds move
 * an end by about 0.001. */
START_TEST(gains_have_the_paired_bootstraps_intervals)
{
	int truth[ROWS], first[ROWS], second[ROWS];
	struct comparison comparison, again, other;
	rows_make(truth, first, second);
	ck_assert_int_eq(comparison_make(&comparison, truth, first, second, ROWS, CLASSES, 20000, 1, NULL), 0);
	ck_assert_double_eq_tol(comparison.accuracy_gain.low, -0.0069, 0.003);
	ck_assert_double_eq_tol(comparison.accuracy_gain.high, 0.1172, 0.003);
	ck_assert_double_eq_tol(comparison.macro_f1_gain.low, -0.0085, 0.003);
	ck_assert_double_eq_tol(comparison.macro_f1_gain.high, 0.1195, 0.003);
	ck_assert_int_eq(comparison_make(&again, truth, first, second, ROWS, CLASSES, 500, 1, NULL), 0);
	ck_assert_int_eq(comparison_make(&other, truth, first, second, ROWS, CLASSES, 500, 1, NULL), 0);
	ck_assert_double_eq(again.macro_f1_gain.low, other.macro_f1_gain.low);
	ck_assert_int_eq(comparison_make(&other, truth, first, second, ROWS, CLASSES, 500, 2, NULL), 0);
	ck_assert(again.macro_f1_gain.low != other.macro_f1_gain.low);
	/* A model differs from itself by nothing. */
	ck_assert_int_eq(comparison_make(&other, truth, first, first, ROWS, CLASSES, 500, 2, NULL), 0);
	ck_assert_double_eq(other.p_value, 1);
	ck_assert_double_eq(other.accuracy_gain.low, 0);
	ck_assert_double_eq(other.macro_f1_gain.high, 0);
	/* No rows, no figures. */
	for (int i = 0; i < ROWS; i++)
		truth[i] = -1;
	ck_assert_int_eq(comparison_make(&other, truth, first, second, ROWS, CLASSES, 500, 2, NULL), 0);
	ck_assert_uint_eq(other.rows, 0);
	ck_assert_double_eq(other.p_value, 1);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("compare");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, mcnemar_is_the_exact_binomial_test);
	tcase_add_test(tests, rows_are_counted_both_ways);
	tcase_add_test(tests, gains_have_the_paired_bootstraps_intervals);
	return run_case("compare", tests);
}
