/*
 * What must not change what is alerted: every property is held against many
 * made-up tapes, and every alert is compared as the payload that receivers get.
 * A failure names the seed; BELLWETHER_TEST_SEED is added to all of them.
 */
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"
#include "tests/lib/watch_tape.h"

#include <time.h>

static const struct tape_habits wild = {0}, taped = {.prompt = true, .own_clock = true};

static char directory[64], path[128];

static unsigned seed_of(int i)
{
	const char *more = getenv("BELLWETHER_TEST_SEED");

	return (unsigned)i + (more ? (unsigned)strtoul(more, NULL, 10) : 0);
}

static void make_directory(void)
{
	strcpy(directory, "/tmp/bellwether-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/b.db", directory);
}

static void remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

/* The same tape played in two ways. */
static void assert_no_difference(unsigned seed, struct tape_habits habits, struct tape_run one, struct tape_run other)
{
	struct tape tape = tape_make(seed, habits);
	struct telling a, b;

	one.seed = other.seed = seed;
	a = tape_play(&tape, one);
	b = tape_play(&tape, other);
	assert_same_telling(seed, &a, &b);
	tape_free(&tape);
}

START_TEST(batches_may_end_anywhere)
{
	assert_no_difference(seed_of(_i), wild, (struct tape_run){.batch = 1}, (struct tape_run){.batch = 2 + (unsigned)_i * 7});
}
END_TEST

/* Evidence tells of a story by the first report that is remembered: of one that has gone on for days, a restart remembers a
 * later one. */
static void forget_evidence(struct telling *telling)
{
	for (size_t i = 0; i < telling->count; i++) {
		char *begin = strstr(telling->changes[i].full, "\"evidence\":["), *end = begin ? strstr(begin, "],\"change\"") : NULL;

		if (end)
			memmove(begin, end, strlen(end) + 1);
	}
}

START_TEST(a_restart_may_come_anywhere)
{
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, wild);
	struct telling a = tape_play(&tape, (struct tape_run){.batch = 8, .seed = seed});
	struct telling b = tape_play(&tape, (struct tape_run){.batch = 8, .seed = seed, .path = path, .restart = 6});

	forget_evidence(&a);
	forget_evidence(&b);
	assert_same_telling(seed, &a, &b);
	tape_free(&tape);
}
END_TEST

/* But for the time of a digest, and of the word that a silence ran out: they are told by the tick that finds it so. */
START_TEST(ticks_may_be_rare)
{
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, (struct tape_habits){.prompt = true, .quiet = true});
	struct telling a = tape_play(&tape, (struct tape_run){0});
	struct telling b = tape_play(&tape, (struct tape_run){.leave_ticks = 30, .seed = seed});

	telling_keep(&a, TAPE_TOPICS, TAPE_RULES);
	telling_keep(&b, TAPE_TOPICS, TAPE_RULES);
	assert_same_telling(seed, &a, &b);
	tape_free(&tape);
}
END_TEST

static void shuffle(struct tape *dice, uint32_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		numbers[i] = i;
	for (uint32_t i = count; i > 1; i--) {
		uint32_t j = tape_draw(dice, i), last = numbers[i - 1];

		numbers[i - 1] = numbers[j];
		numbers[j] = last;
	}
}

START_TEST(the_configuration_may_have_any_order)
{
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, wild), dice = {.state = seed + 5};
	uint32_t topics[TAPE_TOPICS], rules[TAPE_RULES];
	struct telling a, b;

	shuffle(&dice, topics, TAPE_TOPICS);
	shuffle(&dice, rules, TAPE_RULES);
	a = tape_play(&tape, (struct tape_run){.seed = seed});
	b = tape_play(&tape, (struct tape_run){.topics = topics, .topic_count = TAPE_TOPICS, .rules = rules,
					       .rule_count = TAPE_RULES, .seed = seed});
	telling_sort(&a);
	telling_sort(&b);
	assert_same_telling(seed, &a, &b);
	tape_free(&tape);
}
END_TEST

/* A backlog is told in one message for everybody: whether that is one's own message is not asked. */
static void forget_digests(struct telling *telling)
{
	for (size_t i = 0; i < telling->count; i++) {
		char *notify = strstr(telling->changes[i].outline, " notify");

		if (notify)
			*notify = '\0';
	}
}

/* One topic or one rule more, on the same tape: nobody else's alerts change. */
START_TEST(a_topic_or_a_rule_may_be_added)
{
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, wild);
	uint32_t topics = TAPE_TOPICS - (_i % 3 != 0), rules = TAPE_RULES - (_i % 3 != 1);
	static const uint32_t order[] = {0, 1, 2, 3, 4};
	struct telling a, b;

	a = tape_play(&tape, (struct tape_run){.topics = order, .topic_count = topics, .rules = order, .rule_count = rules});
	b = tape_play(&tape, (struct tape_run){0});
	telling_keep(&a, topics, rules);
	telling_keep(&b, topics, rules);
	forget_digests(&a);
	forget_digests(&b);
	assert_same_telling(seed, &a, &b);
	tape_free(&tape);
}
END_TEST

START_TEST(a_source_with_nothing_to_say_changes_nothing)
{
	assert_no_difference(seed_of(_i), wild, (struct tape_run){.without_bystander = true}, (struct tape_run){0});
}
END_TEST

/* A recording by its own clock: as it was, at sixty times its speed years before its time, and all in one second years later. */
START_TEST(a_recording_may_be_played_at_any_speed)
{
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, taped);
	struct telling as_it_was, faster;
	int64_t speed = _i % 2 ? 60 : TAPE_DAYS * 86400;

	for (size_t i = 0; i < tape.count; i++) { /* one source alone: others have no clock of their own */
		if (tape.events[i].kind == TAPE_DOCUMENT && !tape.events[i].bystander)
			continue;
		tape.events[i].kind = TAPE_DOCUMENT;
		tape.events[i].bystander = true;
	}
	as_it_was = tape_play(&tape, (struct tape_run){.without_bystander = true});
	for (size_t i = 0; i < tape.count; i++)
		tape.events[i].document.applied_us =
			TAPE_START_US + (_i % 2 ? -900 : 900) * DAY_US + (tape.events[i].document.applied_us - TAPE_START_US) / speed;
	faster = tape_play(&tape, (struct tape_run){.without_bystander = true});
	assert_same_telling(seed, &as_it_was, &faster);
	tape_free(&tape);
}
END_TEST

/* A recording of other years, at a hundred times its speed, by its own clock, on a topic of its own. */
START_TEST(a_recording_may_be_played_beside)
{
	static const uint32_t order[] = {0, 1, 2, 3, 4};
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, wild);
	int64_t years_us = (_i % 2 ? 8 : -8) * 365 * DAY_US;
	struct telling a, b;

	for (size_t i = 0; i < tape.count; i++) {
		struct tape_event *event = &tape.events[i];

		if (event->kind != TAPE_DOCUMENT || !event->bystander)
			continue;
		event->document.source = "tape";
		event->document.flags = ITEM_OWN_CLOCK;
		event->document.published_us = TAPE_START_US + years_us + 100 * (event->document.applied_us - TAPE_START_US);
		event->document.topic_count = 1;
		event->topics[0] = TAPE_TOPICS - 1;
	}
	a = tape_play(&tape, (struct tape_run){.topics = order, .topic_count = TAPE_TOPICS - 1, .without_bystander = true});
	b = tape_play(&tape, (struct tape_run){0});
	telling_keep(&a, TAPE_TOPICS - 1, TAPE_RULES);
	telling_keep(&b, TAPE_TOPICS - 1, TAPE_RULES);
	assert_same_telling(seed, &a, &b);
	tape_free(&tape);
}
END_TEST

/* The tape lies around the night in which clocks go back in New York; Lord Howe's clocks move by half an hour. */
START_TEST(local_time_plays_no_part)
{
	static const char *const zones[] = {"EST5EDT,M3.2.0,M11.1.0", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "<-12>12"};
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, wild);
	struct telling a, b;

	setenv("TZ", "UTC0", 1);
	tzset();
	a = tape_play(&tape, (struct tape_run){0});
	setenv("TZ", zones[_i % 3], 1);
	tzset();
	b = tape_play(&tape, (struct tape_run){0});
	assert_same_telling(seed, &a, &b);
	tape_free(&tape);
}
END_TEST

/* Or a restart, or a document sooner, would learn something else. */
START_TEST(what_is_learnt_hangs_on_the_hours_before_alone)
{
	const int32_t hour = 472000;
	struct tape dice = {.state = seed_of(_i) + 31};
	struct rule_baseline before, after;
	struct window hours;

	for (int metric = 0; metric < RULE_METRICS; metric++) {
		window_init(&hours, RULE_HISTORY_HOURS);
		for (int32_t h = hour - (int32_t)tape_draw(&dice, 3000); h < hour; h++) {
			uint32_t stories = tape_draw(&dice, 5) ? 0 : 1 + tape_draw(&dice, 4);

			if (stories)
				window_add(&hours, h, &(struct tally){.documents = stories, .stories = stories, .judged = stories,
								      .negative = tape_draw(&dice, stories + 1)});
		}
		memset(&before, 0, sizeof before);
		memset(&after, 0, sizeof after);
		rule_learn(&before, (enum rule_metric)metric, &hours, hour);
		for (int i = 0; i < 9; i++)
			window_add(&hours, hour + (int32_t)tape_draw(&dice, 24), &(struct tally){.documents = 9, .stories = 9, .negative = 7});
		rule_learn(&after, (enum rule_metric)metric, &hours, hour);
		ck_assert_msg(memcmp(&before, &after, sizeof before) == 0, "seed %u: metric %d", seed_of(_i), metric);
		window_reset(&hours);
	}
}
END_TEST

/* ---- the order of arrival ---- */

static int by_arrival(const void *a, const void *b)
{
	const struct tape_event *x = a, *y = b;

	if (x->document.applied_us != y->document.applied_us)
		return x->document.applied_us < y->document.applied_us ? -1 : 1;
	return strcmp(x->title, y->title); /* distinct, but for copies, which are equal */
}

static bool same_cell(const struct tape_event *a, const struct tape_event *b)
{
	return a->document.published_us / RULE_CELL_US == b->document.published_us / RULE_CELL_US;
}

/* Which alert began, fired and ended, and when: without what the messages in between count, and how many they are. */
static void telling_keep_steps(struct telling *telling)
{
	size_t kept = 0;

	for (size_t i = 0; i < telling->count; i++) {
		struct tape_told *told = &telling->changes[i];
		char id[32], rule[16], topic[16], change[16];
		unsigned event;
		int state;
		long long at_s;
		bool step = sscanf(told->outline, "%31s %u %15s %15s %15s state %d at %lld", id, &event, rule, topic, change,
				   &state, &at_s) == 7 &&
			    (strcmp(change, "pending") == 0 || strcmp(change, "fired") == 0 || strcmp(change, "resolved") == 0);

		if (!step) {
			free(told->full);
			continue;
		}
		snprintf(told->outline, sizeof told->outline, "%s %s %s %s at %lld", id, change, rule, topic, at_s);
		telling->changes[kept++] = *told;
	}
	telling->count = kept;
}

/*
 * Documents of one minute, in any order: the same alerts at the same times, of
 * rules that count.  (What had been counted when one began is of the order: it
 * begins with the document that crosses the line.  A share may be high for some
 * seconds where its negative stories come first.)
 */
START_TEST(documents_of_a_minute_may_come_in_any_order)
{
	unsigned seed = seed_of(_i);
	struct tape tape = tape_make(seed, (struct tape_habits){.prompt = true, .quiet = true});
	static const uint32_t counts[] = {0, 1, 2};
	struct tape_run run = {.rules = counts, .rule_count = 3};
	struct telling a, b;
	size_t swapped = 0;

	for (size_t i = 0; i < tape.count; i++) { /* on time, of one publisher and topic, or the last one would decide */
		struct watch_document *document = &tape.events[i].document;

		document->published_us = document->applied_us -= document->applied_us % (10 * MINUTE_US);
		document->publisher = "Example Wire";
		document->topic_count = document->topic_count > 0; /* who leads a group is who fires first */
		snprintf(tape.events[i].title, sizeof tape.events[i].title, "Number %zu", i);
		document->signature = (struct story_signature){0};
	}
	a = tape_play(&tape, run);
	telling_keep_steps(&a);
	for (size_t i = 0; i + 1 < tape.count; i++) {
		struct tape_event first = tape.events[i];

		if (!same_cell(&first, &tape.events[i + 1]) || !tape_draw(&tape, 2))
			continue;
		tape.events[i] = tape.events[i + 1];
		tape.events[i + 1] = first;
		swapped++;
	}
	b = tape_play(&tape, run);
	telling_keep_steps(&b);
	telling_sort(&a);
	telling_sort(&b);
	ck_assert_uint_gt(swapped, 20);
	ck_assert_msg(a.count >= 8 && a.count == b.count, "seed %u: %zu changes became %zu", seed, a.count, b.count);
	for (size_t i = 0; i < a.count; i++)
		assert_same_text(seed, a.changes[i].outline, b.changes[i].outline);
	telling_free(&a);
	telling_free(&b);
	tape_free(&tape);
}
END_TEST

/* When an alert was firing, of one rule and topic. */
struct episode {
	uint32_t rule, topic;
	int64_t from_s, upto_s;
};

static size_t find_episodes(const struct telling *telling, struct episode *episodes, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < telling->count; i++) {
		const struct tape_told *told = &telling->changes[i];
		const char *state = strstr(told->outline, " state ");
		struct episode *last = NULL;
		int number;
		long long at;

		ck_assert_int_eq(sscanf(state, " state %d at %lld", &number, &at), 2);
		for (size_t e = 0; e < count; e++)
			if (episodes[e].rule == told->rule && episodes[e].topic == told->topic && episodes[e].upto_s == INT64_MAX)
				last = &episodes[e];
		if (number == ALERT_FIRING && !last) {
			ck_assert_uint_lt(count, most);
			episodes[count++] = (struct episode){told->rule, told->topic, at, INT64_MAX};
		} else if (number == ALERT_RESOLVED && last) {
			last->upto_s = at;
		}
	}
	return count;
}

/* How many of these are met by none of those, give or take an hour. */
static size_t count_unmet(const struct episode *these, size_t count, const struct episode *those, size_t others)
{
	size_t unmet = 0;

	for (size_t i = 0; i < count; i++) {
		bool met = false;

		for (size_t o = 0; o < others && !met; o++)
			met = those[o].rule == these[i].rule && those[o].topic == these[i].topic &&
			      those[o].from_s - 3600 <= these[i].upto_s && these[i].from_s - 3600 <= those[o].upto_s;
		unmet += !met;
	}
	return unmet;
}

/*
 * A third of the documents come up to fifty minutes late, within the lateness.
 * An alert is told as soon as its documents are there, so it may begin later or
 * with other documents; a storm is a storm in both orders.  Only what stands
 * on the line may fall on either side of it: at most one in a hundred.
 */
START_TEST(documents_may_come_late_within_the_lateness)
{
	enum { EPISODES = 200 };
	static struct episode one[EPISODES], other[EPISODES];
	static const uint32_t spike[] = {0};
	const struct tape_run run = {.rules = spike, .rule_count = 1};
	size_t all = 0, unmet = 0;

	for (int i = 0; i < _i; i++) {
		struct tape tape = tape_make(seed_of(i), (struct tape_habits){.prompt = true, .quiet = true});
		struct telling a = tape_play(&tape, run), b;
		size_t count, others;

		for (size_t e = 0; e < tape.count; e++)
			if (tape_draw(&tape, 3) == 0)
				tape.events[e].document.applied_us += (int64_t)tape_draw(&tape, 50 * 60) * SECOND_US;
		qsort(tape.events, tape.count, sizeof *tape.events, by_arrival);
		b = tape_play(&tape, run);
		count = find_episodes(&a, one, EPISODES);
		others = find_episodes(&b, other, EPISODES);
		ck_assert_uint_ge(count, 4);
		all += count + others;
		unmet += count_unmet(one, count, other, others) + count_unmet(other, others, one, count);
		telling_free(&a);
		telling_free(&b);
		tape_free(&tape);
	}
	ck_assert_msg(unmet * 100 <= all, "%zu of %zu alerts in one order alone", unmet, all);
}
END_TEST

int main(void)
{
	TCase *core = tcase_create("core"), *store = tcase_create("store");
	Suite *suite = suite_create("watch_properties");
	int cases = one_in() > 1 ? 3 : 24;

	tcase_set_timeout(core, 60);
	tcase_add_loop_test(core, batches_may_end_anywhere, 0, cases);
	tcase_add_loop_test(core, ticks_may_be_rare, 0, cases);
	tcase_add_loop_test(core, the_configuration_may_have_any_order, 0, cases);
	tcase_add_loop_test(core, a_topic_or_a_rule_may_be_added, 0, cases);
	tcase_add_loop_test(core, a_source_with_nothing_to_say_changes_nothing, 0, cases);
	tcase_add_loop_test(core, a_recording_may_be_played_at_any_speed, 0, cases);
	tcase_add_loop_test(core, a_recording_may_be_played_beside, 0, cases);
	tcase_add_loop_test(core, local_time_plays_no_part, 0, cases);
	tcase_add_loop_test(core, what_is_learnt_hangs_on_the_hours_before_alone, 0, 10 * cases);
	tcase_add_loop_test(core, documents_of_a_minute_may_come_in_any_order, 0, cases);
	tcase_add_loop_test(core, documents_may_come_late_within_the_lateness, 2 * cases, 2 * cases + 1);
	tcase_set_timeout(store, 120);
	tcase_add_checked_fixture(store, make_directory, remove_directory);
	tcase_add_loop_test(store, a_restart_may_come_anywhere, 0, cases);
	suite_add_tcase(suite, core);
	suite_add_tcase(suite, store);
	return run_suite(suite);
}
