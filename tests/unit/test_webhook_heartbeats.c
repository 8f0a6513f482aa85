/* Signs of life: beside what waits, tried once, never kept. */
#include "tests/lib/run.h"
#include "tests/lib/webhook_harness.h"

static void set_up(const char *responses)
{
	post_box_open(&box, responses);
	struct receiver_spec spec = desk();
	harness_start(&h, &spec, 1);
}

static void tear_down(void)
{
	harness_stop(&h);
	post_box_close(&box);
}

#define HEARTBEAT                                                                                                      \
	"{\"id\":\"heartbeat-7\",\"state\":\"heartbeat\",\"at\":\"2026-01-05T09:30:00Z\",\"status\":\"ok\",\"sources\":[]}"

/* Waits until so many have come to an end. */
static struct webhook_heartbeats heartbeats_of(const char *receiver, uint64_t count)
{
	struct webhook_heartbeats got;
	for (int i = 0; i < 60; i++) {
		webhook_get_heartbeats(h.webhook, receiver, &got);
		if (got.sent + got.failed + got.skipped >= count)
			break;
		harness_let_it_be();
	}
	ck_assert_uint_eq(got.sent + got.failed + got.skipped, count);
	return got;
}

START_TEST(test_heartbeat_is_signed_and_not_kept)
{
	set_up("200,500,200");
	struct webhook_heartbeats got;
	webhook_get_heartbeats(h.webhook, "desk", &got);
	ck_assert(got.sent == 0 && got.failed == 0 && got.skipped == 0 && got.sent_us == TIME_NONE && got.error[0] == '\0');

	webhook_heartbeat(h.webhook, "desk", HEARTBEAT);
	got = heartbeats_of("desk", 1);
	ck_assert_uint_eq(got.sent, 1);
	ck_assert_int_gt(got.sent_us, harness_now_us(NULL) - MINUTE_US);
	webhook_heartbeat(h.webhook, "desk", HEARTBEAT);
	got = heartbeats_of("desk", 2);
	ck_assert_uint_eq(got.failed, 1);
	ck_assert_str_eq(got.error, "HTTP 500");
	harness_advance(&h, HOUR_US);
	harness_let_it_be();
	ck_assert_uint_eq(post_box_count(&box), 2); /* nobody tried it again */
	webhook_heartbeat(h.webhook, "desk", HEARTBEAT);
	got = heartbeats_of("desk", 3);
	ck_assert_uint_eq(got.sent, 2);
	ck_assert_str_eq(got.error, "");
	ck_assert_uint_eq(harness_result_count(&h), 0);

	json_t *rows = post_box_read(&box);
	ck_assert_msg(json_is_true(json_object_get(json_array_get(rows, 0), "verified")), "%s", text_at(rows, 0, "why"));
	ck_assert_str_eq(text_at(rows, 0, "webhook_id"), "heartbeat-7");
	ck_assert_ptr_nonnull(strstr(text_at(rows, 0, "body"), "{\"type\":\"heartbeat\""));
	json_decref(rows);
	tear_down();
}
END_TEST

START_TEST(test_heartbeat_goes_beside_what_waits)
{
	post_box_open(&box, "hang,hang,hang,hang,hang,hang,hang,hang");
	struct receiver_spec spec = desk();
	spec.timeout_us = 20 * SECOND_US;
	harness_start(&h, &spec, 1);
	char alert[32];
	for (int i = 0; i < 20; i++) {
		snprintf(alert, sizeof alert, "alert-%d", i);
		harness_add(&h, firing(alert, 1));
	}
	while (post_box_count(&box) < 8)
		harness_let_it_be();
	webhook_heartbeat(h.webhook, "desk", HEARTBEAT);
	ck_assert_uint_eq(heartbeats_of("desk", 1).sent, 1);
	tear_down();
}
END_TEST

START_TEST(test_heartbeats_that_are_skipped_or_fail)
{
	set_up("hang,429:60");
	webhook_heartbeat(h.webhook, "desk", HEARTBEAT);
	while (post_box_count(&box) < 1)
		harness_let_it_be();
	webhook_heartbeat(h.webhook, "desk", HEARTBEAT); /* the one before hangs */
	ck_assert_uint_eq(heartbeats_of("desk", 1).skipped, 1);
	struct webhook_heartbeats got = heartbeats_of("desk", 2); /* and then it has timed out */
	ck_assert_uint_eq(got.failed, 1);

	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_PENDING);
	webhook_heartbeat(h.webhook, "desk", HEARTBEAT); /* it asked for a pause */
	ck_assert_uint_eq(heartbeats_of("desk", 3).skipped, 2);

	webhook_heartbeat(h.webhook, "stranger", HEARTBEAT);
	got = heartbeats_of("stranger", 1);
	ck_assert_uint_eq(got.failed, 1);
	ck_assert_ptr_nonnull(strstr(got.error, "configured"));
	webhook_heartbeat(h.webhook, "desk", "no payload");
	tear_down();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("heartbeats");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_heartbeat_is_signed_and_not_kept);
	tcase_add_test(tcase, test_heartbeat_goes_beside_what_waits);
	tcase_add_test(tcase, test_heartbeats_that_are_skipped_or_fail);
	return run_case("webhook_heartbeats", tcase);
}
