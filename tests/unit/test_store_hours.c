/* Hours are packed when they are over, and what is loaded stays what the rows say. */
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"

#define HOUR_S 3600
#define FIRST_S (NOON_US / SECOND_US)

static struct watch *load(struct store *store)
{
	static const struct rule_spec rules[] = {{.name = "spike"}, {.name = "volume", .metric = RULE_VOLUME}};
	struct watch_options options = {.topics = fixture_topics, .topic_count = 3, .rules = rules, .rule_count = 2};
	struct watch *watch = watch_create(&options);
	struct err e = {0};

	ck_assert_msg(store_load_watch(store, watch, &e) == 0, "%s", e.text);
	return watch;
}

static uint64_t digest(struct store *store)
{
	struct watch *watch = load(store);
	uint64_t digest = watch_digest(watch);

	watch_free(watch);
	return digest;
}

static void add(struct store *store, int64_t start_s, uint32_t topic, uint32_t stories)
{
	struct watch_bucket bucket = {
		.topic = topic, .width_s = HOUR_S, .start_s = start_s, .total = stories + 1, .negative = stories / 2,
		.neutral = stories + 1 - stories / 2, .stories = stories, .judged_stories = stories,
		.negative_stories = stories / 2, .score_sum = -0.25 * stories, .story_score_sum = topic ? -0.1 * stories : 0.3};
	struct watch_effects effects = {.increments = &bucket, .increment_count = 1};

	fixture_write(store, &(struct store_batch){.applied_us = start_s * SECOND_US, .effects = &effects});
}

/* Five days: a busy topic, one in gaps, one with many stories in an hour. */
static void fill(struct store *store)
{
	for (int hour = 0; hour < 120; hour++) {
		add(store, FIRST_S + hour * HOUR_S, 0, 3 + (uint32_t)hour % 5);
		if (hour % 7 == 3)
			add(store, FIRST_S + hour * HOUR_S, 1, 1);
		if (hour == 50)
			add(store, FIRST_S + hour * HOUR_S, 2, 3000000);
	}
}

static void retain(struct store *store, int64_t now_s)
{
	struct err e = {0};
	bool more = true;

	for (int i = 0; i < 200 && more; i++)
		ck_assert_int_eq(store_retain(store, now_s * SECOND_US, 0, 0, 10, &more, &e), STORE_DONE);
	ck_assert(!more);
}

START_TEST(what_is_packed_loads_as_its_rows)
{
	struct store *store = fixture_open();
	uint64_t rows;

	fill(store);
	rows = digest(store);
	assert_answer("SELECT count(*) FROM packed_hours", "0");
	retain(store, FIRST_S + 120 * HOUR_S);
	assert_answer("SELECT count(*), max(start) FROM packed_hours", "96|1767956400"); /* all but the last day */
	ck_assert_uint_eq(digest(store), rows);
	store_close(store);
	store = fixture_open();
	ck_assert_uint_eq(digest(store), rows);
	store_close(store);
}
END_TEST

START_TEST(a_late_document_is_not_lost_behind_its_packed_hour)
{
	struct store *store = fixture_open();
	uint64_t before, after;

	fill(store);
	retain(store, FIRST_S + 120 * HOUR_S);
	before = digest(store);
	if (_i) { /* the handle that packed, or another one */
		store_close(store);
		store = fixture_open();
	}
	add(store, FIRST_S + 10 * HOUR_S, 1, 5);
	assert_answer("SELECT count(*) FROM packed_hours", "95");
	after = digest(store);
	ck_assert_uint_ne(before, after);
	retain(store, FIRST_S + 120 * HOUR_S);
	assert_answer("SELECT count(*) FROM packed_hours", "96");
	ck_assert_uint_eq(digest(store), after);
	store_close(store);
}
END_TEST

START_TEST(what_is_packed_goes_with_its_rows)
{
	struct store *store = fixture_open();
	uint64_t rest;

	fill(store);
	retain(store, FIRST_S + 120 * HOUR_S);
	retain(store, FIRST_S + WATCH_HISTORY_US / SECOND_US + 60 * HOUR_S + 1);
	assert_answer("SELECT count(DISTINCT start) FROM buckets WHERE width = 3600", "59");
	assert_answer("SELECT count(*), min(start) FROM packed_hours", "59|1767834000");
	rest = digest(store);
	store_close(store);
	store = fixture_open();
	ck_assert_uint_eq(digest(store), rest);
	store_close(store);
}
END_TEST

/* A topic that is configured no more stands in what is packed, and is passed over; the ids of others are not its own. */
START_TEST(other_topics_find_their_own)
{
	static const char *const topics[] = {"acme", "boeing"};
	struct store_names fewer = {topics, 2, fixture_rules, 2, NULL, 0};
	struct store *store = fixture_open();
	static const struct rule_spec rules[] = {{.name = "spike"}};
	struct watch_options options = {.topics = topics, .topic_count = 2, .rules = rules, .rule_count = 1};
	uint64_t digests[2];
	struct err e = {0};

	fill(store);
	for (int packed = 0; packed < 2; packed++) {
		struct watch *watch = watch_create(&options);

		if (packed)
			retain(store, FIRST_S + 120 * HOUR_S);
		ck_assert_int_eq(store_set_names(store, &fewer, &e), STORE_DONE);
		ck_assert_int_eq(store_load_watch(store, watch, &e), 0);
		digests[packed] = watch_digest(watch);
		watch_free(watch);
	}
	ck_assert_uint_eq(digests[0], digests[1]);
	store_close(store);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store_hours");

	tcase_add_checked_fixture(tcase, fixture_make_directory, fixture_remove_directory);
	tcase_add_test(tcase, what_is_packed_loads_as_its_rows);
	tcase_add_loop_test(tcase, a_late_document_is_not_lost_behind_its_packed_hour, 0, 2);
	tcase_add_test(tcase, what_is_packed_goes_with_its_rows);
	tcase_add_test(tcase, other_topics_find_their_own);
	return run_case("store_hours", tcase);
}
