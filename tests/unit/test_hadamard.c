#include "model/cpu/hadamard.h"
#include "model/cpu/operand.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 1;

static float next_integer(int most)
{
	state = state * 1664525 + 1013904223;
	return (float)((int)(state >> 8) % (2 * most + 1) - most);
}

START_TEST(sizes)
{
	static const struct {
		size_t inputs, size;
	} cases[] = {{384, 128}, {1536, 128}, {768, 128}, {4096, 128}, {192, 64}, {96, 32}, {48, 16}, {24, 1}, {1, 1}, {385, 1}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_uint_eq(hadamard_size(cases[i].inputs), cases[i].size);
}
END_TEST

/* Small integers, so that all sums are exact: against the definition, in which entry (i, k) is -1 where i & k has an odd
 * number of bits. */
START_TEST(equals_the_matrix_and_twice_is_the_identity)
{
	static const size_t inputs[] = {16, 32, 48, 64, 192, 256, 384, 24};
	size_t count = inputs[_i], size = hadamard_size(count);
	float x[384], once[384], twice[384];
	for (size_t i = 0; i < count; i++)
		x[i] = next_integer(100);
	hadamard_row(x, count, once);
	for (size_t i = 0; i < count; i++) {
		float sum = 0;
		size_t block = i / size * size;
		for (size_t k = 0; k < size; k++)
			sum += __builtin_parityll((i - block) & k) ? -x[block + k] : x[block + k];
		ck_assert_msg(once[i] == sum, "%zu: value %zu is %g, not %g", count, i, (double)once[i], (double)sum);
	}
	memcpy(twice, once, sizeof twice);
	hadamard_row(twice, count, twice);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(twice[i] == (float)size * x[i], "%zu: value %zu", count, i);
}
END_TEST

START_TEST(products_stay_as_they_were)
{
	enum { INPUTS = 384 };
	float x[INPUTS], w[INPUTS];
	double wanted = 0, got = 0;
	for (size_t i = 0; i < INPUTS; i++) {
		x[i] = next_integer(100);
		w[i] = next_integer(100);
		wanted += (double)x[i] * (double)w[i];
	}
	hadamard_row(x, INPUTS, x);
	operand_rotate_weights(w, 1, INPUTS);
	for (size_t i = 0; i < INPUTS; i++)
		got += (double)x[i] * (double)w[i];
	ck_assert(got == wanted);
	operand_unrotate_weights(w, 1, INPUTS);
	hadamard_row(x, INPUTS, x);
	for (size_t i = 0; i < INPUTS; i++)
		got -= (double)x[i] / 128 * (double)w[i];
	ck_assert(got == 0);
}
END_TEST

/* One large value among small ones takes the step of its whole row, but for the rotation. */
START_TEST(one_large_value_costs_the_others_little)
{
	enum { INPUTS = 384 };
	float x[INPUTS];
	gemm_word words[INPUTS / 4 + INPUTS];
	struct gemm_range range;
	for (size_t i = 0; i < INPUTS; i++)
		x[i] = next_integer(100) / 100;
	x[7] = 100;
	operand_prepare_rows(GEMM_INT8, x, 1, INPUTS, words, &range);
	/* The transform makes all values sqrt(128) times as long. */
	ck_assert_msg(range.step / sqrtf(128) < 100.0f / 255 / 4, "a step of %g in a rotated row", (double)range.step);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("hadamard");
	tcase_add_test(tests, sizes);
	tcase_add_loop_test(tests, equals_the_matrix_and_twice_is_the_identity, 0, 8);
	tcase_add_test(tests, products_stay_as_they_were);
	tcase_add_test(tests, one_large_value_costs_the_others_little);
	return run_case("hadamard", tests);
}
