#include "gpu/gpu.h"
#include "model/encoder.h"
#include "model/weights.h"
#include "tests/cuda/emulation.h"
#include "tests/cuda/fibres.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"
#include "tests/lib/safetensors_writer.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/*
 * A whole encoder, with heads of a size that the tensor cores' kernel has, in
 * CUDA's tables and in the reference: texts of every length from 1 to 512, ragged
 * batches, 2,000 texts' labels, and five orders of threads and blocks.
 */
enum { HIDDEN = 64, HEADS = 2, WIDE = 128, LAYERS = 2, VOCAB = 97, POSITIONS = 512, TOPICS = 5, OUTPUTS = 3 + TOPICS };
enum { MOST_TOKENS = 4096, MOST_TEXTS = 256 };

static const struct model_config config = {
	.model_type = "bert", .hidden = HIDDEN, .layers = LAYERS, .heads = HEADS, .intermediate = WIDE,
	.vocab_size = VOCAB, .positions = POSITIONS, .types = 2, .norm_epsilon = 1e-12f, .activation = ACTIVATION_GELU,
	.pooling = POOLING_CLS, .polarity_row = {0, 1, 2}, .topic_count = TOPICS, .max_tokens = POSITIONS};

static uint64_t state;

static float next_float(void)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (float)((double)(state >> 33) / (1u << 30) - 1.0);
}

/* Around `middle`; [rows, columns], or [columns] where rows is 0. */
static void add_tensor(struct safetensors *file, const char *name, int rows, int columns, float middle, float scale)
{
	char shape[48];
	int count = (rows == 0 ? 1 : rows) * columns;
	float *values = malloc((size_t)count * sizeof *values);
	for (int i = 0; i < count; i++)
		values[i] = middle + scale * next_float();
	if (rows == 0)
		snprintf(shape, sizeof shape, "[%d]", columns);
	else
		snprintf(shape, sizeof shape, "[%d,%d]", rows, columns);
	safetensors_add(file, name, "F32", shape, values, (size_t)count * sizeof *values);
	free(values);
}

static void add_pair(struct safetensors *file, const char *base, int rows, int columns, float middle, float scale)
{
	char name[192];
	snprintf(name, sizeof name, "%s.weight", base);
	add_tensor(file, name, rows, columns, middle, scale);
	snprintf(name, sizeof name, "%s.bias", base);
	add_tensor(file, name, 0, rows > 0 ? rows : columns, 0, 0.1f);
}

static void add_layer(struct safetensors *file, int layer)
{
	static const struct {
		const char *base;
		int rows, columns;
		float middle, scale;
	} parts[] = {
		{"attention.self.query", HIDDEN, HIDDEN, 0, 0.3f}, {"attention.self.key", HIDDEN, HIDDEN, 0, 0.3f},
		{"attention.self.value", HIDDEN, HIDDEN, 0, 0.2f}, {"attention.output.dense", HIDDEN, HIDDEN, 0, 0.2f},
		{"attention.output.LayerNorm", 0, HIDDEN, 1, 0.2f}, {"intermediate.dense", WIDE, HIDDEN, 0, 0.2f},
		{"output.dense", HIDDEN, WIDE, 0, 0.2f},	   {"output.LayerNorm", 0, HIDDEN, 1, 0.2f},
	};
	char base[128];
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(base, sizeof base, "encoder.layer.%d.%s", layer, parts[i].base);
		add_pair(file, base, parts[i].rows, parts[i].columns, parts[i].middle, parts[i].scale);
	}
}

static struct weights *model_make(void)
{
	struct safetensors file = {0};
	char path[] = "/tmp/bellwether-gpu-XXXXXX";
	struct err e = {0};
	size_t size;
	state = 42;
	add_tensor(&file, "embeddings.word_embeddings.weight", VOCAB, HIDDEN, 0, 1);
	add_tensor(&file, "embeddings.position_embeddings.weight", POSITIONS, HIDDEN, 0, 0.3f);
	add_tensor(&file, "embeddings.token_type_embeddings.weight", 2, HIDDEN, 0, 0.1f);
	add_pair(&file, "embeddings.LayerNorm", 0, HIDDEN, 1, 0.2f);
	for (int layer = 0; layer < LAYERS; layer++)
		add_layer(&file, layer);
	add_pair(&file, "pooler.dense", HIDDEN, HIDDEN, 0, 0.2f);
	add_pair(&file, "classifier", 3, HIDDEN, 0, 0.3f);
	add_pair(&file, "topic_classifier", TOPICS, HIDDEN, 0, 0.3f);
	void *bytes = safetensors_finish(&file, &size);
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	free(bytes);
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	unlink(path);
	return weights;
}

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
	struct weights *weights = model_make();
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
	size_t texts, differ; /* in the polarity of the highest logit */
};

static size_t label(const float *logits)
{
	size_t best = 0;
	for (size_t i = 1; i < 3; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

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
	for (size_t i = 0; i < batch->texts; i++)
		tally->differ += label(a + i * OUTPUTS) != label(b + i * OUTPUTS);
	tally->texts += batch->texts;
}

static int32_t ids[MOST_TOKENS], starts[MOST_TEXTS + 1];

/* Takes texts of such lengths, from `first` on, while they fit; returns how many. */
static size_t batch_fill(const int32_t *lengths, size_t count, struct token_batch *batch)
{
	size_t texts = 0;
	while (texts < count && texts < MOST_TEXTS && starts[texts] + lengths[texts] <= MOST_TOKENS) {
		starts[texts + 1] = starts[texts] + lengths[texts];
		for (int32_t i = starts[texts]; i < starts[texts + 1]; i++)
			ids[i] = (int32_t)((double)(next_float() + 1) / 2 * VOCAB) % VOCAB;
		texts++;
	}
	*batch = (struct token_batch){.ids = ids, .starts = starts, .texts = texts};
	return texts;
}

static void compare_all(const int32_t *lengths, size_t count, struct tally *tally)
{
	struct token_batch batch;
	for (size_t first = 0; first < count; first += batch.texts) {
		batch_fill(lengths + first, count - first, &batch);
		compare(&batch, tally);
	}
}

static double most(const struct side *side)
{
	return strcmp(side->ops->precision, "fp32") == 0 ? 2e-5 : 5e-2;
}

static void report(const struct tally *tally, const char *what)
{
	printf("%s, %s: %zu texts, the largest difference of a logit is %.3g, %zu labels differ\n", got.ops->precision, what,
	       tally->texts, tally->largest, tally->differ);
	fflush(stdout);
	ck_assert_msg(tally->largest <= most(&got), "%s: %g", what, tally->largest);
}

START_TEST(lengths_from_1_to_512)
{
	int32_t lengths[POSITIONS];
	size_t count = 0;
	struct tally tally = {0};
	for (int32_t i = 1; i <= POSITIONS; i += i < 140 ? 1 : 31 * (int32_t)one_in())
		lengths[count++] = i;
	lengths[count++] = POSITIONS;
	open_both((size_t)_i, 0);
	compare_all(lengths, count, &tally);
	report(&tally, "lengths");
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
		lengths[i] = 4 + (int32_t)((next_float() + 1) * 14);
	compare_all(lengths, count, &tally);
	report(&tally, "headlines");
	ck_assert_uint_le(tally.differ, strcmp(got.ops->precision, "fp32") == 0 ? 0 : count / 100 + 1);
	close_both();
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("gpu_agreement");
	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(tests, lengths_from_1_to_512, 0, 2);
	tcase_add_loop_test(tests, orders_of_threads, 0, 2);
	tcase_add_loop_test(tests, two_thousand_labels, 0, 2);
	return run_case("gpu_agreement", tests);
}
