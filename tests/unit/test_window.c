#include "alerts/window.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdlib.h>

static struct tally stories(uint32_t count, uint32_t negative)
{
	return (struct tally){.documents = count, .stories = count, .judged = count, .negative = negative, .score = -5 * (int64_t)negative};
}

static void add(struct window *window, int32_t slot, uint32_t count, uint32_t negative)
{
	struct tally tally = stories(count, negative);

	window_add(window, slot, &tally);
}

START_TEST(sums_are_over_what_lies_between)
{
	struct window window;

	window_init(&window, 100);
	add(&window, 10, 1, 0);
	add(&window, 20, 2, 1);
	add(&window, 30, 4, 4);
	ck_assert_uint_eq(window_sum(&window, 0, 100).stories, 7);
	ck_assert_uint_eq(window_sum(&window, 10, 30).stories, 6); /* after is left out, upto is in */
	ck_assert_uint_eq(window_sum(&window, 9, 29).stories, 3);
	ck_assert_uint_eq(window_sum(&window, 30, 30).stories, 0);
	ck_assert_uint_eq(window_sum(&window, 30, 20).stories, 0);
	ck_assert_int_eq(window_sum(&window, 10, 30).score, -25);
	window_reset(&window);
	ck_assert_uint_eq(window_sum(&window, 0, 100).stories, 0);
}
END_TEST

START_TEST(a_late_count_goes_to_its_own_slot)
{
	struct window window;

	window_init(&window, 100);
	add(&window, 30, 4, 4);
	add(&window, 10, 1, 0);
	add(&window, 20, 2, 1);
	add(&window, 20, 1, 1);
	ck_assert_uint_eq(window_size(&window), 3);
	ck_assert_int_eq(window_slot(&window, 1), 20);
	ck_assert_uint_eq(window_at(&window, 1).stories, 3);
	ck_assert_uint_eq(window_at(&window, 1).negative, 2);
	ck_assert_uint_eq(window_at(&window, 2).stories, 4);
	ck_assert_uint_eq(window_after(&window, 9), 0);
	ck_assert_uint_eq(window_after(&window, 20), 2);
	ck_assert_uint_eq(window_after(&window, 30), 3);
	window_reset(&window);
}
END_TEST

START_TEST(what_is_out_of_the_span_is_forgotten)
{
	struct window window;

	window_init(&window, 100);
	add(&window, 10, 1, 0);
	add(&window, 50, 2, 0);
	add(&window, 110, 4, 0); /* 10 is a whole span back */
	ck_assert_int_eq(window_oldest(&window), 50);
	ck_assert_int_eq(window_newest(&window), 110);
	add(&window, 10, 8, 0);
	ck_assert_uint_eq(window_sum(&window, 0, 200).stories, 6);
	add(&window, 11, 16, 0);
	ck_assert_int_eq(window_oldest(&window), 11);
	ck_assert_uint_eq(window_sum(&window, 0, 200).stories, 22);
	add(&window, 100000, 1, 0);
	ck_assert_uint_eq(window_size(&window), 1);
	ck_assert_uint_eq(window_at(&window, 0).stories, 1);
	window_reset(&window);
}
END_TEST

/* Against plain arrays: many counts in a disorder like that of real sources, sums over windows of all lengths. */
START_TEST(a_thousand_counts_in_disorder)
{
	enum { SLOTS = 3000, SPAN = 400 };
	static uint32_t plain[SLOTS];
	struct window window;
	int newest = 0;

	srand((unsigned)_i + 1);
	for (int i = 0; i < SLOTS; i++)
		plain[i] = 0;
	window_init(&window, SPAN);
	for (int i = 0; i < 5000; i++) {
		int slot = newest + rand() % 12 - 10;

		if (rand() % 50 == 0)
			slot = newest - rand() % 500;
		if (slot < 1 || slot >= SLOTS)
			continue;
		if (slot > newest - SPAN)
			plain[slot]++;
		if (slot > newest)
			newest = slot;
		for (int old = newest - SPAN; old > 0 && old > newest - SPAN - 20; old--)
			plain[old] = 0;
		add(&window, slot, 1, 0);
		if (i % 7 == 0) {
			int after = newest - rand() % 450, upto = after + rand() % 450;
			uint32_t expected = 0;

			for (int s = after + 1; s <= upto; s++)
				expected += s > 0 && s > newest - SPAN && s < SLOTS ? plain[s] : 0;
			ck_assert_uint_eq(window_sum(&window, after, upto).stories, expected);
		}
	}
	ck_assert_uint_lt(window_bytes(&window), 64 * 1024);
	window_reset(&window);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("window");

	tcase_add_test(tcase, sums_are_over_what_lies_between);
	tcase_add_test(tcase, a_late_count_goes_to_its_own_slot);
	tcase_add_test(tcase, what_is_out_of_the_span_is_forgotten);
	tcase_add_loop_test(tcase, a_thousand_counts_in_disorder, 0, 20);
	return run_case("window", tcase);
}
