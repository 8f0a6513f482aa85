#include "tests/cuda/fragments.h"
#include "tests/lib/run.h"

#include <check.h>

/*
 * Which lane has which element of a product's matrices, from another origin
 * than fragments.h: CUTLASS states the same as shapes and strides of a layout
 * from (lane, value) to a place in the matrix by columns
 * (MMA_Traits<SM80_16x8x16_F32BF16BF16F32_TN>).  The numbers are stated here; how a
 * layout is read is its definition: digits of a mixed radix, the first fastest,
 * each times its stride.
 */
struct layout {
	int lane_shape[2], lane_stride[2];
	int value_shape[3], value_stride[3];
};

static const struct layout a_layout = {{4, 8}, {32, 1}, {2, 2, 2}, {16, 8, 128}}; /* of [16 rows, 16] */
static const struct layout b_layout = {{4, 8}, {16, 1}, {2, 2, 1}, {8, 64, 0}};   /* of [8 columns, 16] */
static const struct layout c_layout = {{4, 8}, {32, 1}, {2, 2, 1}, {16, 8, 0}};   /* of [16 rows, 8] */

static int layout_place(const struct layout *layout, int lane, int value)
{
	int place = 0;
	for (int i = 0; i < 2; i++) {
		place += lane % layout->lane_shape[i] * layout->lane_stride[i];
		lane /= layout->lane_shape[i];
	}
	for (int i = 0; i < 3; i++) {
		place += value % layout->value_shape[i] * layout->value_stride[i];
		value /= layout->value_shape[i];
	}
	return place;
}

START_TEST(left_side)
{
	for (int row = 0; row < 16; row++) {
		for (int k = 0; k < 16; k++) {
			struct fragment_place place = fragment_a(row, k);
			ck_assert_int_eq(layout_place(&a_layout, place.lane, place.value), row + 16 * k);
		}
	}
}
END_TEST

START_TEST(right_side)
{
	for (int k = 0; k < 16; k++) {
		for (int column = 0; column < 8; column++) {
			struct fragment_place place = fragment_b(k, column);
			ck_assert_int_eq(layout_place(&b_layout, place.lane, place.value), column + 8 * k);
		}
	}
}
END_TEST

START_TEST(sums)
{
	for (int lane = 0; lane < 32; lane++) {
		for (int value = 0; value < 4; value++) {
			struct fragment_element at = fragment_c(lane, value);
			ck_assert_int_eq(layout_place(&c_layout, lane, value), at.row + 16 * at.column);
		}
	}
}
END_TEST

/* A product's sums are the next one's left side: two tiles of eight columns, register by register. */
START_TEST(sums_are_the_next_left_side)
{
	for (int lane = 0; lane < 32; lane++) {
		for (int value = 0; value < 8; value++) {
			struct fragment_element at = fragment_c(lane, value % 4);
			struct fragment_place place = fragment_a(at.row, at.column + value / 4 * 8);
			ck_assert_int_eq(place.lane, lane);
			ck_assert_int_eq(place.value, value);
		}
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("gpu_fragments");
	tcase_add_test(tests, left_side);
	tcase_add_test(tests, right_side);
	tcase_add_test(tests, sums);
	tcase_add_test(tests, sums_are_the_next_left_side);
	return run_case("gpu_fragments", tests);
}
