/* What a webhook thread waits for must end: clocks that jump, names that nobody answers for, answers that are history. */
#include "tests/lib/run.h"
#include "tests/lib/webhook_harness.h"

#include <dlfcn.h>
#include <netdb.h>

#define HANGS "nameserver-is-gone.example"
#define NAME_HANGS_S 8

/* libcurl finds this one before libc's. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	typedef int real_one(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (node == NULL || strcmp(node, HANGS) != 0)
		return ((real_one *)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, out);
	sleep(NAME_HANGS_S);
	return EAI_AGAIN;
}

START_TEST(test_a_name_server_that_hangs_holds_up_nobody)
{
	post_box_open(&box, "");
	struct receiver_spec specs[] = {desk(), desk()};
	specs[0].name = "lost";
	specs[0].url = "http://" HANGS "/hook";
	specs[0].timeout_us = SECOND_US;
	harness_start(&h, specs, 2);
	struct delivery lost = firing("a1", 1);
	lost.receiver = "lost";
	int64_t start_us = monotonic_us();
	harness_add(&h, lost);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_PENDING);
	harness_add(&h, firing("a2", 1));
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_SENT);
	/* Nor the end, with a name that is still being looked for. */
	harness_advance(&h, MINUTE_US);
	harness_let_it_be();
	harness_stop(&h);
	ck_assert_int_lt(monotonic_us() - start_us, (NAME_HANGS_S - 3) * SECOND_US);
	post_box_close(&box);
}
END_TEST

START_TEST(test_clock_that_is_set_back_while_a_message_waits)
{
	post_box_open(&box, "500");
	struct receiver_spec spec = desk();
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_PENDING);
	harness_advance(&h, -30 * DAY_US);
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_SENT);
	harness_stop(&h);
	post_box_close(&box);
}
END_TEST

/* Retry-After of an address that was configured before holds up nothing at the one that is now. */
START_TEST(test_a_pause_that_an_address_of_before_asked_for)
{
	struct post_box before;
	post_box_open(&box, "");
	struct receiver_spec now = desk(), then;
	post_box_open(&before, "late:429:3600");
	then = now;
	then.url = before.url;
	harness_start(&h, &then, 1);
	harness_add(&h, firing("a1", 1));
	harness_let_it_be();
	ck_assert_int_eq(webhook_reconfigure(h.webhook, &now, 1, NULL), 0);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_PENDING);
	harness_add(&h, firing("a2", 1));
	harness_advance(&h, MINUTE_US);
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_SENT);
	ck_assert_int_eq(harness_result(&h, 3).state, DELIVERY_SENT);
	harness_stop(&h);
	post_box_close(&before);
	post_box_close(&box);
}
END_TEST

START_TEST(test_what_comes_after_the_end_is_left)
{
	post_box_open(&box, "");
	struct receiver_spec spec = desk();
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	webhook_drain(h.webhook, 5 * SECOND_US);
	ck_assert_uint_eq(harness_result_count(&h), 1);
	harness_add(&h, firing("a2", 1));
	harness_let_it_be();
	ck_assert_uint_eq(harness_result_count(&h), 1);
	ck_assert_uint_eq(post_box_count(&box), 1);
	harness_stop(&h);
	post_box_close(&box);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("waits");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_a_name_server_that_hangs_holds_up_nobody);
	tcase_add_test(tcase, test_clock_that_is_set_back_while_a_message_waits);
	tcase_add_test(tcase, test_a_pause_that_an_address_of_before_asked_for);
	tcase_add_test(tcase, test_what_comes_after_the_end_is_left);
	return run_case("webhook_waits", tcase);
}
