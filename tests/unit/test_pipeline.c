/* The thread between sources and writer, with a queue on either side. */
#include "daemon/pipeline.h"

#include "alerts/writer.h"
#include "daemon/base/clock.h"
#include "tests/lib/run.h"
#include "tests/lib/tiny_model.h"

#include <stdlib.h>

/* A topic that names one label three times, and has no words. */
static const char configuration[] = "database: /tmp/x.db\n"
				    "score: all\n"
				    "topics:\n"
				    "  - name: rates\n"
				    "    labels: [Rates, Rates, Rates]\n";

struct fixture {
	struct classifier *classifier;
	struct config *config;
	struct queue *input, *output;
	struct pipeline *pipeline;
};

static struct classifier *open_tiny(void)
{
	struct tiny_model model = TINY_MODEL;
	model.topics = 1;
	model.extra = ",\"topic_labels\":[\"Rates\"]";
	char directory[] = "/tmp/test_pipeline-XXXXXX";
	struct err e = {0};
	tiny_model_make(&model, directory);
	struct classifier *classifier =
		classifier_open(&(struct classifier_options){.path = directory, .device = "cpu", .threads = 1}, &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	tiny_model_remove(directory);
	return classifier;
}

static struct fixture start(size_t output_room)
{
	struct fixture f = {.classifier = open_tiny()};
	f.config = config_parse(configuration, strlen(configuration), "test.yaml", config_print_problem, NULL);
	ck_assert_ptr_nonnull(f.config);
	f.input = queue_create(4096, 64 << 20);
	f.output = queue_create(output_room, 64 << 20);
	f.pipeline = pipeline_start(&(struct pipeline_options){f.input, f.output, f.classifier, f.config});
	return f;
}

static void push(struct fixture *f, const char *title, const char *body)
{
	struct item *item = item_create(&(struct item){.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE, .title = title,
						       .body = body, .published_us = TIME_NONE});
	ck_assert_int_eq(queue_push(f->input, item, item->size, 0), QUEUE_OK);
}

static struct writer_entry *pop(struct fixture *f, int64_t wait_us)
{
	void *entry = NULL;
	size_t count;
	return queue_pop(f->output, &entry, 1, &count, wait_us) == QUEUE_OK ? entry : NULL;
}

static void entry_free(struct writer_entry *entry)
{
	item_free(entry->item);
	free(entry);
}

/* Returns how many entries were left in the output. */
static size_t finish(struct fixture *f, int64_t drain_us)
{
	size_t left = 0;
	queue_close(f->input);
	pipeline_stop(f->pipeline, drain_us);
	for (struct writer_entry *entry; (entry = pop(f, 0)) != NULL; left++)
		entry_free(entry);
	queue_free(f->input);
	queue_free(f->output);
	classifier_close(f->classifier);
	config_free(f->config);
	return left;
}

START_TEST(a_label_named_twice_brings_its_topic_once)
{
	struct fixture f = start(64);
	push(&f, "bank cuts outlook", "");
	struct writer_entry *entry = pop(&f, 5 * SECOND_US);
	ck_assert_ptr_nonnull(entry);
	ck_assert_int_eq(entry->label, 0);
	ck_assert_uint_eq(entry->topic_count, 1);
	ck_assert_uint_eq(entry->topics[0], 0);
	entry_free(entry);
	ck_assert_uint_eq(finish(&f, SECOND_US), 0);
}
END_TEST

/* Longer than one call of the classifier: texts and scores must stay together, in order. */
START_TEST(a_batch_of_long_texts_keeps_its_order_and_scores)
{
	enum { DOCUMENTS = 60 };
	static char body[8000];
	struct fixture f = start(64);
	float alone[2] = {0};
	for (size_t i = 0; i + 12 < sizeof body; i += 12)
		memcpy(body + i, "shares fall ", 12);
	for (int round = 0; round < 2; round++) {
		push(&f, "profit rise", round == 0 ? "" : body);
		struct writer_entry *entry = pop(&f, 5 * SECOND_US);
		ck_assert_ptr_nonnull(entry);
		alone[round] = entry->score;
		entry_free(entry);
	}
	for (int i = 0; i < DOCUMENTS; i++)
		push(&f, "profit rise", i % 3 == 0 ? "" : body);
	for (int i = 0; i < DOCUMENTS; i++) {
		struct writer_entry *entry = pop(&f, 5 * SECOND_US);
		ck_assert_ptr_nonnull(entry);
		ck_assert_int_eq(entry->item->body[0] == '\0', i % 3 == 0);
		ck_assert_float_eq_tol(entry->score, alone[i % 3 != 0], 1e-5f);
		entry_free(entry);
	}
	ck_assert_uint_eq(finish(&f, SECOND_US), 0);
}
END_TEST

/* The writer that waits for a full disk empties nothing: the end of the daemon does not wait for it.  What is dropped is the
 * end of the stream, never something in its middle. */
START_TEST(stop_ends_in_time_where_nobody_takes_the_output)
{
	struct fixture f = start(4);
	for (int i = 0; i < 700; i++)
		push(&f, "bank cuts outlook", "");
	int64_t begin_us = monotonic_us();
	ck_assert_uint_eq(finish(&f, SECOND_US / 5), 4);
	ck_assert_int_lt(monotonic_us() - begin_us, 5 * SECOND_US);
}
END_TEST

START_TEST(stop_drains_what_is_there)
{
	struct fixture f = start(4096);
	for (int i = 0; i < 700; i++)
		push(&f, "bank cuts outlook", "");
	ck_assert_uint_eq(finish(&f, 30 * SECOND_US), 700);
}
END_TEST

/* A reload opens sources by what the database has: what they read before must be on its way there. */
START_TEST(pass_waits_for_all_that_was_pushed)
{
	struct fixture f = start(4096);
	for (int i = 0; i < 700; i++)
		push(&f, "bank cuts outlook", "");
	ck_assert(pipeline_pass(f.pipeline, 30 * SECOND_US));
	ck_assert_uint_eq(queue_depth(f.output), 700);
	ck_assert(pipeline_pass(f.pipeline, 30 * SECOND_US)); /* nothing to wait for */
	ck_assert_uint_eq(finish(&f, SECOND_US), 700);
}
END_TEST

START_TEST(pass_gives_up_where_nobody_takes_the_output)
{
	struct fixture f = start(4);
	for (int i = 0; i < 20; i++)
		push(&f, "bank cuts outlook", "");
	ck_assert(!pipeline_pass(f.pipeline, SECOND_US / 5));
	ck_assert(!pipeline_pass(f.pipeline, SECOND_US / 5));
	for (int i = 0; i < 20; i++)
		entry_free(pop(&f, 5 * SECOND_US));
	ck_assert_ptr_null(pop(&f, SECOND_US)); /* the marker is nobody's document */
	ck_assert(pipeline_pass(f.pipeline, 5 * SECOND_US));
	ck_assert_uint_eq(finish(&f, SECOND_US), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("pipeline");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_label_named_twice_brings_its_topic_once);
	tcase_add_test(tests, a_batch_of_long_texts_keeps_its_order_and_scores);
	tcase_add_test(tests, stop_ends_in_time_where_nobody_takes_the_output);
	tcase_add_test(tests, stop_drains_what_is_there);
	tcase_add_test(tests, pass_waits_for_all_that_was_pushed);
	tcase_add_test(tests, pass_gives_up_where_nobody_takes_the_output);
	return run_case("pipeline", tests);
}
