/* The state in the database is the state in memory: the real core, put away and brought back between batches. */
#include "alerts/story.h"
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"

static const struct rule_spec rules[] = {
	{.name = "spike", .metric = RULE_NEGATIVE_COUNT, .false_alarms_per_day = 1.0 / 30, .keep_firing_us = HOUR_US},
	{.name = "volume", .metric = RULE_VOLUME, .false_alarms_per_day = 1.0 / 30, .for_us = 10 * MINUTE_US,
	 .keep_firing_us = HOUR_US},
};
static const struct watch_options options = {.topics = fixture_topics, .topic_count = 3, .rules = rules, .rule_count = 2};

static uint32_t state;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

struct run {
	struct store *store;
	struct watch *watch;
	struct watch_effects *effects;
	int64_t last, now_us, tick_us;
	struct item *items[64];
	struct store_document documents[64];
	uint32_t topics[64][3];
	size_t count;
	size_t alerts;
};

/* A few hours of chatter, with an outbreak about the first topic now and then. */
static struct item *make_item(const struct run *run, bool outbreak)
{
	static const char *const subjects[] = {"Acme Rockets", "Brim Bank", "Corvid Foods", "Dune Energy"};
	static const char *const verbs[] = {"sinks after", "rises on", "says", "denies", "recalls", "halts"};
	char title[160];
	struct item item = {.kind = ITEM_DOCUMENT, .flags = draw(40) == 0 ? ITEM_BACKFILL : 0, .received_us = run->now_us,
			    .source = draw(5) == 0 ? "social" : "wire", .publisher = draw(2) ? "Example Wire" : "Other Wire",
			    .url = "https://example.com/", .title = title};
	item.published_us = run->now_us - draw(300) * SECOND_US - (draw(30) == 0 ? 3 * HOUR_US : 0);
	snprintf(title, sizeof title, "%s %s %s %u in %s quarter %u", subjects[outbreak ? 0 : draw(4)], verbs[draw(6)],
		 draw(2) ? "report of" : "fears over", draw(40), draw(2) ? "first" : "last", draw(12));
	return item_create(&item);
}

static void feed(struct run *run, bool outbreak)
{
	size_t i = run->count++;
	struct item *item = run->items[i] = make_item(run, outbreak);
	struct store_document *document = &run->documents[i];
	size_t topics = 0;
	for (uint32_t t = 0; t < 3; t++)
		if (t == 0 ? outbreak || draw(6) == 0 : draw(4) == 0)
			run->topics[i][topics++] = t;
	enum polarity polarity = outbreak ? POLARITY_NEGATIVE : (enum polarity)((int)draw(4) - 1);
	*document = (struct store_document){
		.id = ++run->last, .item = item, .published_us = item->published_us, .polarity = polarity,
		.score = polarity == POLARITY_NONE ? 0 : (float)((int)polarity - 1) * (float)draw(1000) / 1000.0f,
		.topics = run->topics[i], .topic_count = topics};
	struct watch_document one = {
		.id = run->last, .source = item->source, .flags = item->flags, .published_us = item->published_us,
		.applied_us = run->now_us, .polarity = polarity, .score = document->score, .topics = run->topics[i],
		.topic_count = topics, .publisher = item->publisher, .title = item->title, .url = item->url};
	story_sign(item->title, strlen(item->title), &one.signature);
	document->story = watch_document(run->watch, &one, run->effects);
}

static void step(struct run *run, bool outbreak)
{
	run->now_us += (1 + draw(120)) * SECOND_US;
	for (; run->tick_us <= run->now_us; run->tick_us += WATCH_TICK_US)
		watch_tick(run->watch, run->tick_us, run->effects);
	run->count = 0;
	for (uint32_t n = outbreak ? 10 + draw(20) : draw(6); n > 0; n--)
		feed(run, outbreak && draw(3) != 0);
	if (draw(20) == 0)
		watch_progress(run->watch, "social", 0, run->now_us - SECOND_US, run->now_us, run->effects);
	if (draw(60) == 0)
		watch_silence(run->watch, draw(2) ? "rates" : NULL, run->now_us + HOUR_US, run->effects);
	run->alerts += run->effects->alert_count;
	fixture_write(run->store, &(struct store_batch){.applied_us = run->now_us, .documents = run->documents,
							.document_count = run->count, .effects = run->effects});
	watch_effects_clear(run->effects);
	for (size_t i = 0; i < run->count; i++)
		item_free(run->items[i]);
}

static struct watch *load(struct store *store)
{
	struct err e = {0};
	struct watch *watch = watch_create(&options);
	ck_assert_msg(store_load_watch(store, watch, &e) == 0, "%s", e.text);
	return watch;
}

/* Ends with the alerts as text; `restarts`: the core is thrown away and loaded at random. */
static char *play(uint32_t seed, bool restarts, size_t *alerts)
{
	uint32_t other = seed * 7 + 1;
	fixture_make_directory();
	struct run *run = calloc(1, sizeof *run);
	*run = (struct run){.store = fixture_open(), .watch = watch_create(&options), .effects = watch_effects_create(),
			    .now_us = NOON_US, .tick_us = NOON_US + WATCH_TICK_US};
	state = seed;
	for (int i = 0; i < 600; i++) {
		step(run, i % 250 > 200 && i % 250 < 215);
		other = other * 1103515245 + 12345;
		if (!restarts || other >> 16 & 7)
			continue;
		struct watch *loaded = load(run->store);
		ck_assert_msg(watch_digest(loaded) == watch_digest(run->watch), "seed %u, batch %d", seed, i);
		watch_free(run->watch);
		run->watch = loaded;
	}
	*alerts = run->alerts;
	store_close(run->store);
	char *answer = fixture_ask("select group_concat(id || event || state || coalesce(at, '') || payload, char(10)) from"
				   " (select a.id, e.event, e.state, e.at, e.payload from alert_events e join alerts a on a.id = e.alert"
				   " order by e.applied, a.id, e.event)");
	watch_free(run->watch);
	watch_effects_free(run->effects);
	free(run);
	fixture_remove_directory();
	return answer;
}

START_TEST(a_core_that_was_loaded_goes_on_as_if_nothing_had_been)
{
	size_t without, with;
	char *expected = play((uint32_t)_i + 1, false, &without);
	char *answer = play((uint32_t)_i + 1, true, &with);
	ck_assert_uint_gt(without, 0);
	ck_assert_uint_eq(without, with);
	ck_assert_str_eq(answer, expected);
	free(expected);
	free(answer);
}
END_TEST

START_TEST(the_sums_of_the_trends_are_those_of_the_documents)
{
	fixture_make_directory();
	struct run *run = calloc(1, sizeof *run);
	*run = (struct run){.store = fixture_open(), .watch = watch_create(&options), .effects = watch_effects_create(),
			    .now_us = NOON_US, .tick_us = NOON_US + WATCH_TICK_US};
	state = 99;
	for (int i = 0; i < 200; i++)
		step(run, i % 50 > 40);
	store_close(run->store);
	static const char *const views[] = {"trend_hourly", "trend_daily"};
	static const int widths[] = {3600, 86400};
	for (int i = 0; i < 2; i++) {
		char sql[1024];
		snprintf(sql, sizeof sql,
			 "with d as (select t.name topic, published / 1000000 / %d * %d start, polarity, score from documents d,"
			 " json_each('[' || d.topics || ']') j join topics t on t.id = j.value),"
			 " c as (select topic, strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', start, 'unixepoch') bucket, count(*) total,"
			 " sum(polarity is 0) negative, sum(polarity is 1) neutral, sum(polarity is 2) positive,"
			 " round(avg(score), 6) mean from d group by 1, start)"
			 " select (select count(*) from c) > 2, (select count(*) from %s) - (select count(*) from c), (select count(*)"
			 " from %s v join c using (topic, bucket, total, negative, neutral, positive)"
			 " where round(v.mean_score, 6) is c.mean) - (select count(*) from c)",
			 widths[i], widths[i], views[i], views[i]);
		assert_answer(sql, i == 0 ? "1|0|0" : "1|0|0");
	}
	/* Every story of the documents that may alert counts once for each of its topics. */
	assert_answer("select sum(stories) > 0 and sum(stories) <= sum(total) from trend_hourly", "1");
	watch_free(run->watch);
	watch_effects_free(run->effects);
	free(run);
	fixture_remove_directory();
}
END_TEST

/* ---- a configuration that has less ---- */

static void use(struct run *run, const struct watch_options *less, bool reload)
{
	struct err e = {0};
	const char *names[2];
	for (size_t r = 0; r < less->rule_count; r++)
		names[r] = less->rules[r].name;
	struct store_names now = {less->topics, less->topic_count, names, less->rule_count, fixture_receivers, 2};
	ck_assert_msg(store_set_names(run->store, &now, &e) == STORE_DONE, "%s", e.text);
	if (reload) {
		watch_reconfigure(run->watch, less, run->effects);
		return;
	}
	watch_free(run->watch);
	run->watch = watch_create(less);
	ck_assert_msg(store_load_watch(run->store, run->watch, &e) == 0, "%s", e.text);
}

static size_t retire(struct run *run)
{
	struct err e = {0};
	size_t closed;
	watch_silence(run->watch, NULL, 0, run->effects);
	ck_assert_msg(store_retire_rules(run->store, run->watch, run->now_us, &closed, &e) == STORE_DONE, "%s", e.text);
	return closed;
}

static const char *const others[] = {"rates", "acme"};
static const struct rule_spec narrow[] = {
	{.name = "spike", .metric = RULE_NEGATIVE_COUNT, .topics = others, .topic_count = 2, .keep_firing_us = HOUR_US},
	{.name = "volume", .metric = RULE_VOLUME, .topics = others, .topic_count = 2, .keep_firing_us = HOUR_US},
};
static const struct watch_options fewer[] = {
	{.topics = others, .topic_count = 2, .rules = rules, .rule_count = 2},          /* the topic is gone, */
	{.topics = fixture_topics, .topic_count = 3, .rule_count = 0},                  /* the rules are, */
	{.topics = fixture_topics, .topic_count = 3, .rules = narrow, .rule_count = 2}, /* or the rules watch others */
};

#define OPEN "select count(*) from alert_history where topic = 'boeing' and state in ('pending', 'firing')"

START_TEST(what_is_configured_no_more_ends_its_alerts)
{
	bool reload = _i % 2;
	fixture_make_directory();
	struct run *run = calloc(1, sizeof *run);
	*run = (struct run){.store = fixture_open(), .watch = watch_create(&options), .effects = watch_effects_create(),
			    .now_us = NOON_US, .tick_us = NOON_US + WATCH_TICK_US};
	state = 5;
	for (int i = 0; i < 1000 && watch_get_state(run->watch, 0, 0) != ALERT_FIRING; i++) {
		watch_silence(run->watch, NULL, 0, run->effects);
		step(run, i > 200);
	}
	char *id = fixture_ask("select id from alert_history where topic = 'boeing' and rule = 'spike' and state = 'firing'");
	ck_assert_uint_eq(strlen(id), 16);
	use(run, &fewer[_i / 2], reload);
	ck_assert_uint_ge(retire(run), 1);
	assert_answer(OPEN, "0");
	ck_assert_uint_eq(retire(run), 0);
	char sql[512], expected[64];
	snprintf(sql, sizeof sql, "select state, resolved >= fired, evidence <> '[]', expected > 0 from alert_history where id = '%s'",
		 id);
	assert_answer(sql, "resolved|1|1|1");
	/* Both receivers hear of the firing, and of the end. */
	snprintf(sql, sizeof sql, "select count(*), count(distinct event) from delivery_status where alert_id = '%s'", id);
	assert_answer(sql, "4|2");
	snprintf(sql, sizeof sql,
		 "select payload ->> 'state', payload ->> 'topic', payload ->> 'rule', notify from alert_events"
		 " where alert = '%s' order by event desc limit 1", id);
	snprintf(expected, sizeof expected, "resolved|boeing|spike|1");
	assert_answer(sql, expected);

	/* All comes back: nothing is open, and the next alert is another one. */
	use(run, &options, reload);
	ck_assert_uint_eq(retire(run), 0);
	ck_assert_int_eq(watch_get_state(run->watch, 0, 0), ALERT_OK);
	struct watch *loaded = load(run->store);
	if (_i / 2 > 0) /* the topic was there all the time */
		ck_assert(watch_digest(loaded) == watch_digest(run->watch));
	watch_free(run->watch);
	run->watch = loaded;
	for (int i = 0; i < 300 && watch_get_state(run->watch, 0, 0) != ALERT_FIRING; i++)
		step(run, true);
	snprintf(sql, sizeof sql, "select count(*), count(distinct id), sum(id = '%s') from alert_history where topic = 'boeing'"
				  " and rule = 'spike' and (state = 'firing' or id = '%s')", id, id);
	assert_answer(sql, "2|2|1");
	free(id);
	store_close(run->store);
	watch_free(run->watch);
	watch_effects_free(run->effects);
	free(run);
	fixture_remove_directory();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store_core");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, a_core_that_was_loaded_goes_on_as_if_nothing_had_been, 0, 3);
	tcase_add_test(tcase, the_sums_of_the_trends_are_those_of_the_documents);
	tcase_add_loop_test(tcase, what_is_configured_no_more_ends_its_alerts, 0, 6);
	return run_case("store_core", tcase);
}
