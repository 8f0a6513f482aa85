#ifndef TESTS_LIB_WRITER_FIXTURE_H
#define TESTS_LIB_WRITER_FIXTURE_H

#include "alerts/writer.h"
#include "tests/lib/fake_core.h"
#include "tests/lib/store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

/* A writer over the fake core, with a clock that the test moves and a queue that it fills. */
static _Atomic int64_t harness_now;
static _Atomic int64_t harness_step; /* it moves by itself, whenever it is looked at */

static int64_t harness_clock_now(const struct clock *clock)
{
	(void)clock;
	return atomic_fetch_add(&harness_now, harness_step) + harness_step;
}

static const struct clock harness_clock = {harness_clock_now};

static struct {
	struct writer *writer;
	struct queue *queue;
	atomic_int fatal;
	char fatal_message[512];
	_Atomic uint64_t committed;
	char committed_next[64];
	int64_t retain_documents_us;
} harness;

static void harness_committed(void *context, const char *source, const char *stream, const char *next)
{
	(void)context, (void)source, (void)stream;
	snprintf(harness.committed_next, sizeof harness.committed_next, "%s", next);
	harness.committed++;
}

static void harness_fatal(void *context, const char *message)
{
	(void)context;
	snprintf(harness.fatal_message, sizeof harness.fatal_message, "%s", message);
	harness.fatal++;
}

static const struct rule_spec harness_rules[] = {{.name = "spike"}};
static const struct watch_options harness_watch = {.topics = fixture_topics, .topic_count = 3, .rules = harness_rules,
						   .rule_count = 1};

__attribute__((unused)) static void harness_start(void)
{
	static const char *const labels[] = {"Earnings", "Stock Movement"};
	struct err e = {0};
	struct store *store = store_open(fixture_path, STORE_DAEMON, 0, &e);
	ck_assert_msg(store != NULL, "%s", e.text);
	fake_reset();
	harness.fatal = 0;
	harness.committed = 0;
	harness.committed_next[0] = '\0';
	harness.queue = queue_create(100000, 64 << 20);
	struct writer_options options = {
		.store = store,
		.configuration = {.watch = &harness_watch, .receivers = fixture_receivers, .receiver_count = 2,
				  .retain_documents_us = harness.retain_documents_us,
				  .retain_trends_us = harness.retain_documents_us},
		.labels = labels, .model_version = "tiny-1", .input = harness.queue, .webhook = (struct webhook *)&harness,
		.clock = &harness_clock, .callbacks = {.committed = harness_committed, .fatal = harness_fatal}};
	harness.writer = writer_start(&options, &e);
	ck_assert_msg(harness.writer != NULL, "%s", e.text);
}

__attribute__((unused)) static void harness_stop(void)
{
	queue_close(harness.queue);
	writer_stop(harness.writer);
	queue_free(harness.queue);
	harness.writer = NULL;
}

__attribute__((unused)) static void harness_flush(void)
{
	ck_assert(writer_flush(harness.writer, 30 * SECOND_US));
}

static void harness_push_entry(struct writer_entry *entry)
{
	ck_assert_int_eq(queue_push(harness.queue, entry, 1000, 10 * SECOND_US), QUEUE_OK);
}

static void harness_push(struct item *item)
{
	static const uint32_t topics[] = {0, 2};
	struct writer_entry *entry = xcalloc(1, sizeof *entry + sizeof topics);
	entry->kind = ENTRY_ITEM;
	entry->item = item;
	entry->polarity = POLARITY_NEGATIVE;
	entry->score = -0.5f;
	entry->label = 1;
	entry->label_p = 0.75f;
	entry->scored = true;
	entry->topics = memcpy(entry + 1, topics, sizeof topics);
	entry->topic_count = 2;
	harness_push_entry(entry);
}

/* Message number `n` of a partition: its position is its number. */
__attribute__((unused)) static void harness_push_message(int64_t n, const char *id, const char *title)
{
	char previous[24] = "", next[24];
	if (n > 1)
		snprintf(previous, sizeof previous, "%lld", (long long)n - 1);
	snprintf(next, sizeof next, "%lld", (long long)n);
	harness_push(fixture_item(0, "news/0", previous, next, id, title));
}

__attribute__((unused)) static struct writer_status harness_status(void)
{
	struct writer_status status;
	writer_get_status(harness.writer, &status);
	return status;
}

/* Wait for something that the writer's thread does by itself. */
#define wait_until(condition)                                                                                          \
	do {                                                                                                           \
		int64_t until_ = monotonic_us() + 20 * SECOND_US;                                                      \
		while (!(condition)) {                                                                                 \
			ck_assert_msg(monotonic_us() < until_, "never: %s", #condition);                               \
			usleep(5000);                                                                                  \
		}                                                                                                      \
	} while (0)

#endif
