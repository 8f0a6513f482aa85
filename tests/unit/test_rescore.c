/*
 * A new model is not a crisis: a history judged by one model, then another that
 * says "negative" twice as often.
 */
#include "daemon/rescore.h"

#include "alerts/story.h"
#include "daemon/base/check.h"
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"
#include "tests/lib/tiny_model.h"

#include <math.h>
#include <sys/wait.h>

enum { TOPICS = 8, DAYS = 60, A_DAY = 20 /* documents of a topic */ };

static const char configuration[] =
	"topics:\n"
	"  - {name: northwind, any: [a]}\n"
	"  - {name: halberd, any: [b]}\n"
	"  - {name: orvane, any: [c]}\n"
	"  - {name: tessaly, any: [d]}\n"
	"  - {name: kestrel, any: [e]}\n"
	"  - {name: marrow, any: [f]}\n"
	"  - {name: quillon, any: [g]}\n"
	"  - {name: seldom, any: [h]}\n"
	"rules:\n"
	"  - {name: spike, false_alarms: 1 per month}\n"
	"  - {name: tone, metric: mean_score, false_alarms: 1 per month}\n";

static struct config *config;
static struct classifier *model_a, *model_b;

/* ---- two models ---- */

static struct classifier *open_model(float negative)
{
	struct tiny_model model = TINY_MODEL;
	model.bias = (const float[]){negative, 0, 0};
	char directory[] = "/tmp/test_rescore-XXXXXX";
	struct err e = {0};
	tiny_model_make(&model, directory);
	struct classifier *classifier =
		classifier_open(&(struct classifier_options){.path = directory, .device = "cpu", .precision = "fp32", .threads = 1}, &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	tiny_model_remove(directory);
	return classifier;
}

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % n;
}

/* Words that the models know, and some that make each title a story of its own. */
static void write_title(char out[160])
{
	static const char *const words[] = {"shares", "orvane", "fall", "rise", "after", "warning", "profit",
					    "bank",   "cuts",	"raises", "outlook", "the"};
	size_t at = 0;
	for (int i = 0; i < 7; i++)
		at += (size_t)snprintf(out + at, 160 - at, "%s ", words[random_below(12)]);
	snprintf(out + at, 160 - at, "%08x %08x %08x", random_below(UINT32_MAX), random_below(UINT32_MAX),
		 random_below(UINT32_MAX));
}

static struct score judge(struct classifier *classifier, const char *title)
{
	struct score score;
	struct err e;
	ck_assert_msg(classifier_run(classifier, &(struct text){title, strlen(title)}, 1, &score, NULL, &e) == 0, "%s", e.text);
	return score;
}

static double negative_share(struct classifier *classifier)
{
	int negative = 0;
	random_state = 99;
	for (int i = 0; i < 400; i++) {
		char title[160];
		write_title(title);
		struct score score = judge(classifier, title);
		negative += score_polarity(&score) == POLARITY_NEGATIVE;
	}
	return negative / 400.0;
}

/* A model of the wanted share, by bisection. */
static struct classifier *find_model(double share)
{
	float low = -8, high = 8;
	for (int i = 0; i < 20; i++) {
		float middle = (low + high) / 2;
		struct classifier *classifier = open_model(middle);
		double found = negative_share(classifier);
		if (fabs(found - share) < 0.02)
			return classifier;
		classifier_close(classifier);
		*(found < share ? &low : &high) = middle;
	}
	ck_abort_msg("no bias gives a share of %g", share);
}

static void make_models(void)
{
	config = config_parse(configuration, strlen(configuration), "test.yaml", config_print_problem, NULL);
	ck_assert_ptr_nonnull(config);
	model_a = find_model(0.25);
	model_b = find_model(0.5);
	ck_assert_str_ne(classifier_get_info(model_a)->version, classifier_get_info(model_b)->version);
}

static void free_models(void)
{
	classifier_close(model_a);
	classifier_close(model_b);
	config_free(config);
}

/* ---- a daemon in little: core and store ---- */

struct run {
	struct store *store;
	struct watch *watch;
	struct watch_effects *effects;
	int64_t id, now;
	uint32_t fired[TOPICS], all_fired;
	double expected; /* a day, of the last count of negative stories that fired */
};

static void open_store(struct run *run)
{
	struct err e = {0};
	const char *rules[] = {"spike", "tone"};
	struct store_names names = {config->watch.topics, TOPICS, rules, 2, NULL, 0};
	run->store = store_open(fixture_path, STORE_DAEMON, 0, &e);
	ck_assert_msg(run->store != NULL, "%s", e.text);
	ck_assert_msg(store_set_names(run->store, &names, &e) == STORE_DONE, "%s", e.text);
}

static void load_watch(struct run *run)
{
	struct err e = {0};
	int64_t applied;
	run->watch = watch_create(&config->watch);
	run->effects = watch_effects_create();
	ck_assert_msg(store_load_watch(run->store, run->watch, &e) == 0, "%s", e.text);
	ck_assert_msg(store_load_marks(run->store, &run->id, &applied, &e) == 0, "%s", e.text);
	memset(run->fired, 0, sizeof run->fired);
	run->all_fired = 0;
}

static void close_run(struct run *run)
{
	watch_effects_free(run->effects);
	watch_free(run->watch);
	store_close(run->store);
}

/* Documents that are not stored yet. */
static struct {
	struct item *items[64];
	struct store_document documents[64];
	uint32_t topics[64];
	size_t count;
} waiting;

static void flush(struct run *run)
{
	fixture_write(run->store, &(struct store_batch){.applied_us = run->now, .documents = waiting.documents,
							.document_count = waiting.count, .effects = run->effects});
	watch_effects_clear(run->effects);
	while (waiting.count > 0)
		item_free(waiting.items[--waiting.count]);
}

/* What comes is stored with the history, or only told to the core. */
static void feed(struct run *run, struct classifier *classifier, uint32_t topic, bool stored, bool negative)
{
	char title[160];
	struct score score;
	do { /* for a crisis, until it is one */
		write_title(title);
		score = judge(classifier, title);
	} while (negative && score_polarity(&score) != POLARITY_NEGATIVE);
	struct item *item = item_create(&(struct item){.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE, .published_us = run->now,
						       .received_us = run->now, .source = "wire", .title = title, .publisher = "Wire"});
	struct watch_document document = {.id = ++run->id, .source = "wire", .published_us = run->now, .applied_us = run->now,
					  .polarity = (enum polarity)score_polarity(&score), .score = score_value(&score),
					  .topics = &topic, .topic_count = 1, .publisher = "Wire", .title = item->title};
	story_sign(title, strlen(title), &document.signature);
	int64_t story = watch_document(run->watch, &document, run->effects);
	for (size_t i = 0; i < run->effects->alert_count; i++)
		if (run->effects->alerts[i].state == ALERT_FIRING && run->effects->alerts[i].change == CHANGE_FIRED) {
			run->fired[run->effects->alerts[i].topic]++;
			if (run->effects->alerts[i].rule == 0)
				run->expected = run->effects->alerts[i].expected * DAY_US / run->effects->alerts[i].window_us;
			run->all_fired++;
		}
	if (!stored) {
		watch_effects_clear(run->effects);
		item_free(item);
		return;
	}
	size_t at = waiting.count++;
	waiting.topics[at] = topic;
	waiting.items[at] = item;
	waiting.documents[at] = (struct store_document){
		.id = document.id, .item = item, .published_us = run->now, .polarity = document.polarity, .score = document.score,
		.model = classifier_get_info(classifier)->version, .topics = &waiting.topics[at], .topic_count = 1, .story = story};
	run->effects->alert_count = 0; /* alerts of the history are none of this test's */
	if (waiting.count == 64)
		flush(run);
}

/* `days` of all topics, the last of which is seldom written about. */
static void live(struct run *run, struct classifier *classifier, int days, bool stored)
{
	const int a_day = A_DAY * (TOPICS - 1) + 1;
	for (int i = 0; i < days * a_day; i++) {
		run->now += DAY_US / a_day - SECOND_US * random_below(60) + SECOND_US * 30;
		uint32_t topic = i % a_day == 0 ? TOPICS - 1 : random_below(TOPICS - 1);
		feed(run, classifier, topic, stored, false);
	}
}

/* A history that model A has judged; the database stays open. */
static struct run make_history(void)
{
	struct run run = {.now = NOON_US};
	fixture_make_directory();
	open_store(&run);
	load_watch(&run);
	random_state = 1;
	live(&run, model_a, DAYS, true);
	flush(&run);
	watch_effects_free(run.effects);
	watch_free(run.watch);
	return run;
}

static struct rescore_result rescore(struct run *run, struct classifier *classifier)
{
	struct rescore_options options = {.store = run->store, .classifier = classifier, .config = config, .now_us = run->now};
	struct rescore_result result;
	struct err e = {0};
	ck_assert_msg(rescore_history(&options, &result, &e) == 0, "%s", e.text);
	return result;
}

/* ---- the tests ---- */

START_TEST(without_a_switch_a_new_model_is_a_crisis)
{
	struct run run = make_history();
	load_watch(&run);
	random_state = 2;
	live(&run, model_b, 10, false);
	ck_assert_uint_ge(run.all_fired, 5);
	close_run(&run);
	fixture_remove_directory();
}
END_TEST

START_TEST(with_it_nothing_fires_but_a_spike)
{
	struct run run = make_history();
	struct rescore_result result = rescore(&run, model_b);
	ck_assert(result.switched);
	ck_assert_uint_ge(result.texts, RESCORE_TEXTS * 4 / 5);
	ck_assert_double_eq_tol(result.negative_before, 0.25, 0.05);
	ck_assert_double_eq_tol(result.negative_after, 0.5, 0.05);
	load_watch(&run);
	random_state = 2;
	live(&run, model_b, 10, false);
	ck_assert_uint_le(run.all_fired, 1);
	uint32_t before = run.fired[2];
	for (int i = 0; i < 40; i++) {
		run.now += 3 * MINUTE_US;
		feed(&run, model_b, 2, false, true);
	}
	ck_assert_uint_gt(run.fired[2], before);
	close_run(&run);
	fixture_remove_directory();
}
END_TEST

/* The other way round: a model that says it half as often is held against half as much. */
START_TEST(a_milder_model_is_expected_to_say_less)
{
	struct classifier *swap = model_a;
	model_a = model_b;
	model_b = swap;
	struct run run = make_history();
	double expected[2];
	for (int switched = 0; switched < 2; switched++) {
		int64_t now = run.now;
		if (switched)
			ck_assert(rescore(&run, model_b).switched);
		load_watch(&run);
		random_state = 3;
		live(&run, model_b, 2, false);
		ck_assert_uint_le(run.all_fired, 1);
		run.expected = 0;
		for (int i = 0; run.expected == 0 && i < 200; i++) {
			run.now += 3 * MINUTE_US;
			feed(&run, model_b, 3, false, true);
		}
		expected[switched] = run.expected;
		run.now = now;
		watch_effects_free(run.effects);
		watch_free(run.watch);
	}
	ck_assert_double_lt(expected[1], 0.7 * expected[0]);
	ck_assert_double_gt(expected[1], 0.3 * expected[0]);
	store_close(run.store);
	fixture_remove_directory();
	model_b = model_a;
	model_a = swap;
}
END_TEST

START_TEST(it_is_done_once)
{
	struct run run = make_history();
	ck_assert(!rescore(&run, model_a).switched);
	ck_assert(rescore(&run, model_b).switched);
	ck_assert(!rescore(&run, model_b).switched);
	store_close(run.store);
	open_store(&run);
	ck_assert(!rescore(&run, model_b).switched);
	assert_answer("SELECT count(*) FROM model_switches", "1");
	assert_answer("SELECT count(*) FROM switch_pairs WHERE topic > 0", "8");
	store_close(run.store);
	fixture_remove_directory();
}
END_TEST

static void die(void *context)
{
	(void)context;
	kill(getpid(), SIGKILL);
}

START_TEST(killed_in_the_middle_it_is_done_again)
{
	struct run run = make_history();
	store_close(run.store);
	pid_t child = fork();
	if (child == 0) {
		struct rescore_result result;
		model_b = find_model(0.5); /* of the child's own: threads are not inherited */
		open_store(&run);
		rescore_history(&(struct rescore_options){.store = run.store, .classifier = model_b, .config = config,
							  .now_us = run.now, .progress = die}, &result, NULL);
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	open_store(&run);
	assert_answer("SELECT count(*) FROM model_switches", "0");
	assert_answer("SELECT count(*) FROM switch_pairs", "0");
	ck_assert(rescore(&run, model_b).switched);
	store_close(run.store);
	fixture_remove_directory();
}
END_TEST

/* A replay that comes to the switch, a start behind it, a second start: the same state. */
static int replay_one(void *context, const struct store_past *past)
{
	struct run *run = context;
	struct watch_document document = past->document;
	document.applied_us = document.published_us; /* a batch has one stamp, and here came one by one */
	watch_document(run->watch, &document, run->effects);
	watch_effects_clear(run->effects);
	return 0;
}

START_TEST(a_replay_and_a_start_come_to_the_same)
{
	struct run run = make_history(), replay = {.now = run.now};
	struct store_switch *switches;
	size_t count;
	struct err e = {0};
	load_watch(&run);
	uint64_t unswitched = watch_digest(run.watch);
	watch_effects_free(run.effects);
	watch_free(run.watch);
	ck_assert(rescore(&run, model_b).switched);
	load_watch(&run);
	uint64_t loaded = watch_digest(run.watch);
	watch_effects_free(run.effects);
	watch_free(run.watch);
	load_watch(&run);
	ck_assert_uint_eq(watch_digest(run.watch), loaded);

	replay.watch = watch_create(&config->watch);
	replay.effects = watch_effects_create();
	ck_assert_msg(store_each_document(run.store, INT64_MIN, replay_one, &replay, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(watch_digest(replay.watch), unswitched);
	ck_assert_msg(store_load_switches(run.store, &switches, &count, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(switches[0].switched.last_document, run.id);
	watch_switch_model(replay.watch, &switches[0].switched);
	ck_assert_uint_ne(watch_digest(replay.watch), unswitched);
	ck_assert_uint_eq(watch_digest(replay.watch), loaded);
	store_switches_free(switches, count);
	watch_effects_free(replay.effects);
	watch_free(replay.watch);
	close_run(&run);
	fixture_remove_directory();
}
END_TEST

/* Back to the model of before, of which the new one has judged nothing: history is as it was. */
START_TEST(the_way_back_is_the_way_there_turned_round)
{
	struct run run = make_history();
	struct store_switch *switches;
	size_t count;
	struct err e = {0};
	ck_assert(rescore(&run, model_b).switched);
	run.now += HOUR_US;
	ck_assert(rescore(&run, model_a).switched);
	ck_assert_msg(store_load_switches(run.store, &switches, &count, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(count, 2);
	for (int old = 0; old < JUDGEMENTS; old++)
		for (int new = 0; new < JUDGEMENTS; new++)
			ck_assert_uint_eq(switches[1].overall.counts[new][old], switches[0].overall.counts[old][new]);
	load_watch(&run);
	random_state = 4;
	live(&run, model_a, 10, false);
	ck_assert_uint_le(run.all_fired, 1);
	store_switches_free(switches, count);
	close_run(&run);
	fixture_remove_directory();
}
END_TEST

/* ---- counts ---- */

START_TEST(a_draw_keeps_the_mean_and_the_order_of_counts)
{
	struct switch_pairs pairs = {.counts = {{90, 10, 0}, {30, 70, 0}, {0, 0, 10}}};
	struct switch_chances chances = switch_chances_overall(&pairs);
	double negative = 0, judged = 0;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct tally tally = {.documents = 12, .negative_documents = 4, .stories = 10, .judged = 9, .negative = 3,
				      .score = 900000};
		switch_redraw(&chances, seed * 0xd1342543de82ef95u, &tally);
		ck_assert_uint_le(tally.negative, tally.judged);
		ck_assert_uint_le(tally.judged, tally.stories);
		ck_assert_uint_eq(tally.stories, 10);
		ck_assert_uint_eq(tally.documents, 12);
		negative += tally.negative / 2000.0;
		judged += tally.judged / 2000.0;
	}
	double stay = 95 / 105.0, become = 30 / 105.0;
	ck_assert_double_eq_tol(negative, 3 * stay + 6 * become, 0.15);
	ck_assert_double_eq_tol(judged, 9, 0.1);
}
END_TEST

START_TEST(large_counts_are_drawn_as_well)
{
	struct switch_pairs pairs = {.counts = {{50, 50, 0}, {0, 100, 0}, {0, 0, 10}}};
	struct switch_chances chances = switch_chances_overall(&pairs);
	double chance = chances.become[JUDGED_NEGATIVE][JUDGED_NEGATIVE], mean = 0, squares = 0;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct tally tally = {.documents = 10000, .stories = 10000, .judged = 10000, .negative = 10000};
		switch_redraw(&chances, seed * 0xd1342543de82ef95u, &tally);
		mean += tally.negative / 1000.0;
		squares += (tally.negative - 10000 * chance) * (tally.negative - 10000 * chance) / 1000.0;
	}
	ck_assert_double_eq_tol(mean, 10000 * chance, 5);
	ck_assert_double_eq_tol(sqrt(squares), sqrt(10000 * chance * (1 - chance)), 3);
}
END_TEST

START_TEST(without_pairs_nothing_changes)
{
	struct switch_chances overall = switch_chances_overall(&(struct switch_pairs){0});
	struct switch_chances chances = switch_chances_topic(&(struct switch_pairs){0}, &overall);
	struct tally tally = {.documents = 500, .negative_documents = 50, .stories = 400, .judged = 300, .negative = 40,
			      .score = -12345678}, was = tally;
	switch_redraw(&chances, 7, &tally);
	ck_assert_mem_eq(&tally, &was, sizeof tally);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("rescore");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, make_models, free_models);
	tcase_add_test(tests, without_a_switch_a_new_model_is_a_crisis);
	tcase_add_test(tests, with_it_nothing_fires_but_a_spike);
	tcase_add_test(tests, a_milder_model_is_expected_to_say_less);
	tcase_add_test(tests, it_is_done_once);
	tcase_add_test(tests, killed_in_the_middle_it_is_done_again);
	tcase_add_test(tests, a_replay_and_a_start_come_to_the_same);
	tcase_add_test(tests, the_way_back_is_the_way_there_turned_round);
	tcase_add_test(tests, a_draw_keeps_the_mean_and_the_order_of_counts);
	tcase_add_test(tests, large_counts_are_drawn_as_well);
	tcase_add_test(tests, without_pairs_nothing_changes);
	return run_case("rescore", tests);
}
