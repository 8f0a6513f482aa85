#include "model/ops.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Attention over head sizes that models have and text lengths on every side of
 * the kernels' tiles, at each level of the CPU, against double precision.
 */
enum { HEADS = 2, MOST_SIZE = 64, MOST_HIDDEN = HEADS * MOST_SIZE };
static const size_t sizes[] = {14, 32, 48, 64};
static const char *const levels[] = {"plain", "avx2", "avx512"};
enum { SIZES = 4, LEVELS = 3 };

/* Texts of 1 to 40 tokens, and a long one. */
enum { SHORT = 40, TEXTS = SHORT + 1, LONGEST = 131, TOKENS = SHORT * (SHORT + 1) / 2 + LONGEST };

struct fixture {
	const struct ops *ops;
	struct device *device;
	struct stream *stream;
	struct buffer *x, *q, *out, *starts;
	size_t size, hidden;
	int32_t host_starts[TEXTS + 1];
	float qkv[TOKENS * 3 * MOST_HIDDEN], got[TOKENS * MOST_HIDDEN];
};
static struct fixture fixture;

static float next_float(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (float)((double)(*state >> 33) / (1u << 29) - 2.0);
}

static struct fixture *fixture_open(const char *level, size_t size)
{
	struct fixture *f = &fixture;
	struct err e = {0};
	setenv("BELLWETHER_CPU", level, 1);
	f->size = size;
	f->hidden = HEADS * size;
	f->ops = ops_open("cpu", DEVICE_ANY, "fp32", &f->device, &e);
	ck_assert_msg(f->ops != NULL, "%s", e.text);
	size_t part = TOKENS * 3 * MOST_HIDDEN * sizeof(float);
	struct stream_limits limits = {.tokens = TOKENS, .longest = LONGEST, .hidden = f->hidden, .heads = HEADS,
				       .widest = 3 * f->hidden, .block_size = 4 * part};
	f->stream = f->ops->stream_open(f->device, &limits, &e);
	ck_assert_msg(f->stream != NULL, "%s", e.text);
	struct buffer **buffers[] = {&f->x, &f->q, &f->out, &f->starts};
	for (size_t i = 0; i < 4; i++)
		*buffers[i] = f->ops->buffer_at(f->stream, i * part);
	for (int32_t i = 0; i < TEXTS; i++)
		f->host_starts[i + 1] = f->host_starts[i] + (i < SHORT ? i + 1 : LONGEST);
	uint64_t state = size;
	for (size_t i = 0; i < TOKENS * 3 * f->hidden; i++)
		f->qkv[i] = next_float(&state);
	return f;
}

static void fixture_close(struct fixture *f)
{
	f->ops->stream_close(f->stream);
	f->ops->device_close(f->device);
}

/* Activations go in and out as float32: the CPU's tables keep them so. */
static void put(struct fixture *f, struct buffer *buffer, const float *values, size_t count)
{
	int32_t *bits = malloc(count * sizeof *bits);
	memcpy(bits, values, count * sizeof *bits);
	f->ops->upload(f->stream, bits, count, buffer);
	free(bits);
}

/* Attention of `texts` texts from number `first` on, into f->got. */
static void run(struct fixture *f, size_t first, size_t texts)
{
	int32_t starts[TEXTS + 1];
	for (size_t i = 0; i <= texts; i++)
		starts[i] = f->host_starts[first + i] - f->host_starts[first];
	size_t tokens = (size_t)starts[texts];
	f->ops->upload(f->stream, starts, texts + 1, f->starts);
	put(f, f->x, f->qkv + (size_t)f->host_starts[first] * 3 * f->hidden, tokens * 3 * f->hidden);
	struct packed batch = {.starts = f->starts, .texts = texts, .tokens = tokens, .longest = LONGEST};
	f->ops->attention(f->stream, &batch, f->x, f->out);
	ck_assert_int_eq(f->ops->download(f->stream, f->out, tokens * f->hidden, f->got, NULL), 0);
}

/* softmax(queries keys^T / sqrt(size)) values for one query and head of text `text` */
static void attend(const struct fixture *f, size_t text, size_t query, size_t head, double *out)
{
	size_t first = (size_t)f->host_starts[text], length = (size_t)f->host_starts[text + 1] - first;
	const float *row = f->qkv + first * 3 * f->hidden + head * f->size;
	double sum = 0;
	for (size_t c = 0; c < f->size; c++)
		out[c] = 0;
	for (size_t i = 0; i < length; i++) {
		const float *key = row + (i * 3 + 1) * f->hidden, *value = key + f->hidden;
		double score = 0;
		for (size_t c = 0; c < f->size; c++)
			score += (double)row[query * 3 * f->hidden + c] * (double)key[c];
		score = exp(score / sqrt((double)f->size));
		sum += score;
		for (size_t c = 0; c < f->size; c++)
			out[c] += score * (double)value[c];
	}
	for (size_t c = 0; c < f->size; c++)
		out[c] /= sum;
}

static void expect(const struct fixture *f, size_t text, size_t query, const float *got)
{
	double wanted[MOST_SIZE];
	for (size_t head = 0; head < HEADS; head++) {
		attend(f, text, query, head, wanted);
		for (size_t c = 0; c < f->size; c++, got++)
			ck_assert_msg(fabs((double)*got - wanted[c]) < 5e-6,
				      "%s, size %zu, text %zu, query %zu: %.9g, not %.9g", f->ops->kernels(f->device),
				      f->size, text, query, (double)*got, wanted[c]);
	}
}

START_TEST(every_length)
{
	struct fixture *f = fixture_open(levels[_i / SIZES], sizes[_i % SIZES]);
	run(f, 0, TEXTS);
	for (size_t text = 0; text < TEXTS; text++)
		for (int32_t token = f->host_starts[text]; token < f->host_starts[text + 1]; token++)
			expect(f, text, (size_t)(token - f->host_starts[text]), f->got + (size_t)token * f->hidden);
	fixture_close(f);
}
END_TEST

START_TEST(first_tokens_alone)
{
	struct fixture *f = fixture_open(levels[_i / SIZES], sizes[_i % SIZES]);
	size_t hidden = f->hidden;
	float *kv = malloc(TOKENS * 2 * hidden * sizeof *kv), *q = malloc(TEXTS * hidden * sizeof *q);
	for (size_t i = 0; i < TOKENS; i++)
		memcpy(kv + i * 2 * hidden, f->qkv + (i * 3 + 1) * hidden, 2 * hidden * sizeof *kv);
	for (size_t i = 0; i < TEXTS; i++)
		memcpy(q + i * hidden, f->qkv + (size_t)f->host_starts[i] * 3 * hidden, hidden * sizeof *q);
	f->ops->upload(f->stream, f->host_starts, TEXTS + 1, f->starts);
	put(f, f->x, kv, TOKENS * 2 * hidden);
	put(f, f->q, q, TEXTS * hidden);
	struct packed batch = {.starts = f->starts, .texts = TEXTS, .tokens = TOKENS, .longest = LONGEST};
	f->ops->attention_first(f->stream, &batch, f->q, f->x, f->out);
	ck_assert_int_eq(f->ops->download(f->stream, f->out, TEXTS * hidden, f->got, NULL), 0);
	for (size_t text = 0; text < TEXTS; text++)
		expect(f, text, 0, f->got + text * hidden);
	free(kv);
	free(q);
	fixture_close(f);
}
END_TEST

/* Bit by bit: a text's scores must not hang on which texts come with it. */
START_TEST(a_text_knows_nothing_of_its_neighbours)
{
	struct fixture *f = fixture_open(levels[_i / SIZES], sizes[_i % SIZES]);
	static float together[TOKENS * MOST_HIDDEN];
	run(f, 0, TEXTS);
	memcpy(together, f->got, sizeof together);
	for (size_t text = 0; text < TEXTS; text++) {
		run(f, text, 1);
		size_t first = (size_t)f->host_starts[text], length = (size_t)f->host_starts[text + 1] - first;
		ck_assert_mem_eq(f->got, together + first * f->hidden, length * f->hidden * sizeof(float));
	}
	fixture_close(f);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("attention");
	tcase_add_loop_test(tests, every_length, 0, LEVELS * SIZES);
	tcase_add_loop_test(tests, first_tokens_alone, 0, LEVELS * SIZES);
	tcase_add_loop_test(tests, a_text_knows_nothing_of_its_neighbours, 0, LEVELS * SIZES);
	return run_case("attention", tests);
}
