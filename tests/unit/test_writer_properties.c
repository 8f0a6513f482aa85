/*
 * The same of the whole writer, with its thread, its database and a clock that
 * jumps: what was alerted is read back from the database.  A failure names the
 * seed; BELLWETHER_TEST_SEED is added to all of them.
 *
 * Documents stand on a grid of twenty minutes and alerts fall due five minutes
 * or more off it, so that a tick up to four minutes early or late decides
 * nothing.
 */
#include "alerts/writer.h"
#include "daemon/base/check.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOPICS = 3, RULES = 3, DAYS = 14, DOCUMENTS_MAX = 1500 };
#define START_US (INT64_C(1698710400) * SECOND_US)
#define LAG_US (6 * MINUTE_US) /* from the publication to the arrival */

static const char *const topics[TOPICS] = {"orbel", "lurex", "quill"};
static const struct rule_spec rules[RULES] = {
	{.name = "spike", .metric = RULE_NEGATIVE_COUNT, .min_count = 5, .min_ratio = 4, .keep_firing_us = 125 * MINUTE_US},
	{.name = "steady", .metric = RULE_NEGATIVE_COUNT, .min_count = 5, .min_ratio = 4, .for_us = 25 * MINUTE_US,
	 .keep_firing_us = 65 * MINUTE_US},
	{.name = "volume", .metric = RULE_VOLUME, .min_count = 5, .min_ratio = 4, .keep_firing_us = 35 * MINUTE_US},
};

static _Atomic int64_t now_us;

static int64_t told_now(const struct clock *clock)
{
	(void)clock;
	return now_us;
}

static const struct clock told_clock = {told_now};

static char directory[64], path[128];
static uint64_t state;

static unsigned draw(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static unsigned seed_of(int i)
{
	const char *more = getenv("BELLWETHER_TEST_SEED");

	return (unsigned)i + (more ? (unsigned)strtoul(more, NULL, 10) : 0);
}

static void make_directory(void)
{
	strcpy(directory, "/tmp/bellwether-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

/* ---- a writer ---- */

static struct writer *writer;
static struct queue *queue;

static void start(void)
{
	static const struct watch_options watch = {.topics = topics, .topic_count = TOPICS, .rules = rules, .rule_count = RULES};
	struct err e = {0};
	struct store *store = store_open(path, STORE_DAEMON, 0, &e);

	ck_assert_msg(store, "%s", e.text);
	queue = queue_create(100, 1 << 20);
	writer = writer_start(&(struct writer_options){.store = store, .configuration = {.watch = &watch}, .model_version = "none",
						       .input = queue, .clock = &told_clock}, &e);
	ck_assert_msg(writer, "%s", e.text);
}

static void stop(void)
{
	queue_close(queue);
	writer_stop(writer);
	queue_free(queue);
}

/* ---- documents ---- */

struct made {
	int64_t published_us;
	uint32_t topic;
	enum polarity polarity;
};

static struct made made[DOCUMENTS_MAX];
static size_t made_count;

/* A storm of two hours every fifth evening. */
static void make(unsigned seed)
{
	int64_t at_us = START_US;

	state = seed * 2654435761u + 1;
	made_count = 0;
	while (at_us < START_US + DAYS * DAY_US) {
		int64_t day = (at_us - START_US) / DAY_US, hour = (at_us - START_US) / HOUR_US % 24;
		bool storm = day % 5 == 2 && (hour == 18 || hour == 19);

		at_us += storm ? (int64_t)draw(2) * 20 * MINUTE_US : (int64_t)(1 + draw(5)) * 20 * MINUTE_US; /* no step over a storm */
		ck_assert_uint_lt(made_count, DOCUMENTS_MAX);
		made[made_count++] = (struct made){at_us, storm ? (uint32_t)(day / 5) % TOPICS : draw(TOPICS),
						   storm || draw(8) == 0 ? POLARITY_NEGATIVE : POLARITY_NEUTRAL};
	}
}

static void push(size_t i)
{
	struct writer_entry *entry = xcalloc(1, sizeof *entry + sizeof *entry->topics);
	char previous[24] = "", next[24], title[64];

	if (i > 0)
		snprintf(previous, sizeof previous, "%zu", i);
	snprintf(next, sizeof next, "%zu", i + 1);
	snprintf(title, sizeof title, "Number %zu", i);
	entry->kind = ENTRY_ITEM;
	entry->item = item_create(&(struct item){
		.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE, .published_us = made[i].published_us, .received_us = now_us,
		.source = "wire", .position = {"news/0", previous, next}, .external_id = next, .publisher = "Example Wire",
		.title = title});
	entry->polarity = made[i].polarity;
	entry->score = made[i].polarity == POLARITY_NEGATIVE ? -0.5f : 0.1f;
	entry->label = -1;
	entry->topics = memcpy(entry + 1, &made[i].topic, sizeof made[i].topic);
	entry->topic_count = 1;
	ck_assert_int_eq(queue_push(queue, entry, entry->item->size, 10 * SECOND_US), QUEUE_OK);
}

/* ---- runs ---- */

struct trouble {
	int64_t jitter_us;   /* one reading in three is off by at most this, either way */
	int64_t leap_us;     /* in the calm before each storm the clock is off by this for some documents */
	unsigned restart;    /* one in so many documents is followed by a restart */
};

/* When the longest window has forgotten the last storm. */
static bool is_calm(int64_t time_us)
{
	int64_t day = (time_us - START_US) / DAY_US, hour = (time_us - START_US) / HOUR_US % 24;

	return day % 5 == 0 && hour >= 4 && hour < 10;
}

struct answer {
	char *text;
	size_t size;
};

static int add_row(void *context, size_t columns, const char *const *values)
{
	FILE *out = context;

	for (size_t i = 0; i < columns; i++)
		fprintf(out, "%s%s", i ? "|" : "", values[i] ? values[i] : "");
	fputc('\n', out);
	return 0;
}

static char *ask(const char *sql)
{
	struct answer answer;
	struct err e = {0};
	FILE *out = open_memstream(&answer.text, &answer.size);
	struct store *store = store_open(path, STORE_READ, 0, &e);

	ck_assert_msg(store && store_query(store, sql, add_row, out, &e) == 0, "%s", e.text);
	store_close(store);
	fclose(out);
	return answer.text;
}

/* Every message of an alert; and only when each began, fired and ended. */
static const char messages[] =
	"SELECT payload -> '$.id', event, payload -> '$.rule', payload -> '$.topic', payload -> '$.state',"
	" payload -> '$.at', payload -> '$.count', payload -> '$.expected' FROM alert_events ORDER BY at, alert, event";
static const char steps[] =
	"SELECT DISTINCT payload -> '$.id', payload -> '$.rule', payload -> '$.topic', payload -> '$.state', payload -> '$.at'"
	" FROM alert_events WHERE payload ->> '$.change' IN ('pending', 'fired', 'resolved') ORDER BY at, alert, event";

/* Plays what was made; the alerts as the database has them. */
static char *play(const char *name, unsigned seed, struct trouble trouble, const char *question)
{
	char *order;

	snprintf(path, sizeof path, "%s/%s.db", directory, name);
	now_us = made[0].published_us;
	start();
	state = seed + 99;
	for (size_t i = 0; i < made_count; i++) {
		int64_t arrival_us = made[i].published_us + LAG_US;

		if (trouble.jitter_us && draw(3) == 0)
			arrival_us += (int64_t)draw((unsigned)(2 * trouble.jitter_us / SECOND_US)) * SECOND_US - trouble.jitter_us;
		if (trouble.leap_us && is_calm(made[i].published_us))
			arrival_us += trouble.leap_us;
		now_us = arrival_us;
		push(i);
		ck_assert(writer_flush(writer, 30 * SECOND_US));
		if (trouble.restart && draw(trouble.restart) == 0) {
			stop();
			start();
		}
	}
	stop();
	order = ask("SELECT count(*) FROM documents a JOIN documents b ON b.id = a.id + 1 WHERE b.applied < a.applied");
	ck_assert_str_eq(order, "0\n"); /* whatever the clock does, the stamps ascend */
	free(order);
	return ask(question);
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void assert_same(unsigned seed, char *expected, char *found)
{
	size_t same = 0; /* whole lines */

	ck_assert_msg(count_lines(expected) >= 6, "seed %u: only\n%s", seed, expected);
	for (size_t i = 0; expected[i] && expected[i] == found[i]; i++)
		if (expected[i] == '\n')
			same = i + 1;
	ck_assert_msg(strcmp(expected, found) == 0, "seed %u:\n%.500s\nbecame\n%.500s", seed, expected + same, found + same);
	free(expected);
	free(found);
}

static void assert_harmless(unsigned seed, struct trouble trouble, const char *question)
{
	char *expected, *found;

	make(seed);
	expected = play("straight", seed, (struct trouble){0}, question);
	found = play("troubled", seed, trouble, question);
	assert_same(seed, expected, found);
}

START_TEST(a_restart_may_come_anywhere)
{
	assert_harmless(seed_of(_i), (struct trouble){.restart = 12}, messages);
}
END_TEST

START_TEST(a_clock_that_trembles_changes_nothing)
{
	assert_harmless(seed_of(_i), (struct trouble){.jitter_us = 2 * MINUTE_US, .restart = 40}, messages);
}
END_TEST

/* An hour, a day, a year; the stamps stand still until the clock has caught up.  Until then every alert counts as late and
 * is told by digests: the alerts are the same, their messages are not. */
START_TEST(a_clock_that_was_ahead_for_a_while_changes_nothing)
{
	static const int64_t leaps_us[] = {HOUR_US, DAY_US, 365 * DAY_US};

	assert_harmless(seed_of(_i), (struct trouble){.leap_us = leaps_us[_i % 3]}, steps);
}
END_TEST

START_TEST(a_clock_that_was_behind_for_a_while_changes_nothing)
{
	assert_harmless(seed_of(_i), (struct trouble){.leap_us = -(int64_t)(1 + _i) * MINUTE_US}, messages);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("writer_properties");
	int cases = one_in() > 1 ? 2 : 6;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, make_directory, remove_directory);
	tcase_add_loop_test(tcase, a_restart_may_come_anywhere, 0, cases);
	tcase_add_loop_test(tcase, a_clock_that_trembles_changes_nothing, 0, cases);
	tcase_add_loop_test(tcase, a_clock_that_was_ahead_for_a_while_changes_nothing, 0, cases);
	tcase_add_loop_test(tcase, a_clock_that_was_behind_for_a_while_changes_nothing, 0, cases > 4 ? 4 : cases);
	return run_case("writer_properties", tcase);
}
