#include "gpu/gpu.h"
#include "model/encoder.h"
#include "tests/cuda/emulation.h"
#include "tests/cuda/fibres.h"
#include "tests/lib/highest.h"
#include "tests/lib/learned_model.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <math.h>

/*
 * A whole encoder, with heads of a size that the tensor cores' kernel has, in
 * CUDA's tables and in the reference: texts of every length from 1 to 512, ragged
 * batches, 2,000 texts' labels, and five orders of threads and blocks.
 */
enum { MOST_TOKENS = 4096, MOST_TEXTS = 256 };

struct side {
	const struct ops *ops;
	struct device *device;
	struct encoder *encoder;
	struct encoder_context *context;
};

static void side_open(struct side *side, const struct ops *ops, const struct weights *weights)
{
	struct err e = {0};
	side->ops = ops;
	side->device = ops->device_open(ops, DEVICE_ANY, &e);
	ck_assert_msg(side->device != NULL, "%s", e.text);
	side->encoder = encoder_open(ops, side->device, &config, weights, &e);
	ck_assert_msg(side->encoder != NULL, "%s", e.text);
	side->context = encoder_context_open(side->encoder, MOST_TOKENS, MOST_TEXTS, &e);
	ck_assert_msg(side->context != NULL, "%s", e.text);
}

static void side_close(struct side *side)
{
	encoder_context_close(side->context);
	encoder_close(side->encoder);
	side->ops->device_close(side->device);
}

/* The last table of all is plain C in float32 of the CPU; it stands third from the end. */
static const struct ops *reference(void)
{
	const struct ops *found = NULL, *ops;
	for (size_t i = 0; (ops = ops_table(i)) != NULL; i++)
		if (strcmp(ops->device, "cpu") == 0 && strcmp(ops->precision, "fp32") == 0)
			found = ops;
	return found;
}

static struct side wanted, got;

static void open_both(size_t table, size_t order)
{
	struct weights *weights = file_open(trained, trained_size);
	launch_order(order);
	side_open(&wanted, reference(), weights);
	side_open(&got, gpu_table(table), weights);
	weights_close(weights);
}

static void close_both(void)
{
	side_close(&wanted);
	side_close(&got);
	ck_assert_uint_eq(emulation_live(), 0);
}

struct tally {
	double largest; /* difference of a logit */
	size_t texts, polarities, topics; /* whose labels differ */
	size_t right; /* polarities of the reference */
};

static int32_t ids[MOST_TOKENS], starts[MOST_TEXTS + 1];
static int polarities[MOST_TEXTS];

/* Both sides over one batch. */
static void compare(const struct token_batch *batch, struct tally *tally)
{
	static float a[MOST_TEXTS * OUTPUTS], b[MOST_TEXTS * OUTPUTS];
	struct err e = {0};
	ck_assert_int_eq(encoder_run(wanted.context, batch, a, &e), 0);
	ck_assert_msg(encoder_run(got.context, batch, b, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < batch->texts * OUTPUTS; i++) {
		ck_assert(isfinite(b[i]));
		tally->largest = fmax(tally->largest, fabs((double)a[i] - (double)b[i]));
	}
	for (size_t i = 0; i < batch->texts; i++) {
		const float *x = a + i * OUTPUTS, *y = b + i * OUTPUTS;
		tally->polarities += highest(x, 3) != highest(y, 3);
		tally->topics += highest(x + 3, TOPICS) != highest(y + 3, TOPICS);
		tally->right += (int)highest(x, 3) == polarities[i];
	}
	tally->texts += batch->texts;
}

/* Takes texts of such lengths while they fit. */
static void batch_fill(const int32_t *lengths, size_t count, struct token_batch *batch)
{
	size_t texts = 0;
	while (texts < count && texts < MOST_TEXTS && starts[texts] + lengths[texts] <= MOST_TOKENS) {
		int topic;
		text_make(ids + starts[texts], lengths[texts], &polarities[texts], &topic);
		starts[texts + 1] = starts[texts] + lengths[texts];
		texts++;
	}
	*batch = (struct token_batch){.ids = ids, .starts = starts, .texts = texts};
}

static void compare_all(const int32_t *lengths, size_t count, struct tally *tally)
{
	struct token_batch batch;
	for (size_t first = 0; first < count; first += batch.texts) {
		batch_fill(lengths + first, count - first, &batch);
		compare(&batch, tally);
	}
}

static bool exact(void)
{
	return strcmp(got.ops->precision, "fp32") == 0;
}

/* `most` is what a logit of bfloat16 may differ by. */
static void report(const struct tally *tally, double most, const char *what)
{
	printf("%s, %s: %zu texts, the largest difference of a logit is %.3g, %zu polarities and %zu topics differ, "
	       "%zu polarities are right\n",
	       got.ops->precision, what, tally->texts, tally->largest, tally->polarities, tally->topics, tally->right);
	fflush(stdout);
	ck_assert_msg(tally->largest <= (exact() ? 2e-5 : most), "%s: %g", what, tally->largest);
}

START_TEST(lengths_from_1_to_512)
{
	int32_t lengths[POSITIONS];
	size_t count = 0;
	struct tally tally = {0};
	for (int32_t i = 1; i <= POSITIONS; i += (i < 140 ? 1 : 31) * (int32_t)one_in())
		lengths[count++] = i;
	lengths[count++] = POSITIONS;
	open_both((size_t)_i, 0);
	compare_all(lengths, count, &tally);
	report(&tally, 4e-2, "lengths"); /* longer than those it learnt from */
	close_both();
}
END_TEST

/* The same batch, whatever the order of threads and blocks: the same bits. */
START_TEST(orders_of_threads)
{
	static const int32_t lengths[] = {30, 1, 65, 2, 17, 128, 16, 64, 33, 5};
	enum { COUNT = sizeof lengths / sizeof *lengths };
	static float first[COUNT * OUTPUTS], other[COUNT * OUTPUTS];
	struct token_batch batch;
	open_both((size_t)_i, 0);
	batch_fill(lengths, COUNT, &batch);
	ck_assert_int_eq(encoder_run(got.context, &batch, first, NULL), 0);
	for (uint64_t order = 1; order < 5; order++) {
		launch_order(order);
		ck_assert_int_eq(encoder_run(got.context, &batch, other, NULL), 0);
		ck_assert_mem_eq(first, other, sizeof first);
	}
	close_both();
}
END_TEST

START_TEST(two_thousand_labels)
{
	enum { TEXTS = 2000 };
	static int32_t lengths[TEXTS];
	struct tally tally = {0};
	size_t count = TEXTS / one_in();
	open_both((size_t)_i, 3);
	for (size_t i = 0; i < count; i++)
		lengths[i] = headline_length();
	compare_all(lengths, count, &tally);
	report(&tally, 2e-2, "headlines");
	if (learning_steps() > 1000) {
		ck_assert_uint_ge(tally.right, count * 85 / 100);
		ck_assert_uint_le(tally.polarities + tally.topics, exact() ? 0 : count / 1000);
	}
	close_both();
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("gpu_agreement");
	tcase_set_timeout(tests, 300);
	tcase_add_unchecked_fixture(tests, learn, forget);
	tcase_add_loop_test(tests, lengths_from_1_to_512, 0, 2);
	tcase_add_loop_test(tests, orders_of_threads, 0, 2);
	tcase_add_loop_test(tests, two_thousand_labels, 0, 2);
	return run_case("gpu_agreement", tests);
}
