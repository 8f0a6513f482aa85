#include "tests/lib/gpu_fixture.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

/*
 * Attention of both tables against double precision: heads that the tensor
 * cores' kernel has (32, 64) and those that it has not, every length around its
 * tiles and on to 512, in five orders of threads and blocks.
 */
enum { BF16, FP32 };
static const struct {
	size_t size, table;
} heads[] = {{32, BF16}, {64, BF16}, {32, FP32}, {64, FP32}, {8, BF16}, {8, FP32}, {128, BF16}, {128, FP32}};
static const int32_t lengths[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64, 65, 97, 1, 128, 129, 257, 512, 3};
/* The long ones run in one order alone. */
enum { KINDS = sizeof heads / sizeof *heads, ON_TENSOR_CORES = 2 /* the first ones */, TEXTS = sizeof lengths / sizeof *lengths, SHORT = 17, HEADS = 2, LONGEST = 512 };

struct texts {
	int32_t starts[TEXTS + 1];
	size_t tokens, hidden, size;
	float *qkv; /* [tokens, 3 hidden] */
};

static void texts_make(struct texts *texts, size_t size)
{
	*texts = (struct texts){.hidden = HEADS * size, .size = size};
	for (size_t i = 0; i < TEXTS; i++)
		texts->starts[i + 1] = texts->starts[i] + lengths[i];
	texts->tokens = (size_t)texts->starts[TEXTS];
	texts->qkv = gpu_values(texts->tokens * 3 * texts->hidden, 2, size);
}

/* One query of one head. */
static void attend(const struct texts *texts, size_t text, size_t query, size_t head, double *out)
{
	size_t first = (size_t)texts->starts[text], length = (size_t)lengths[text], hidden = texts->hidden;
	const float *row = texts->qkv + first * 3 * hidden + head * texts->size;
	double score[LONGEST], top = -INFINITY, sum = 0;
	for (size_t i = 0; i < length; i++) {
		score[i] = 0;
		for (size_t c = 0; c < texts->size; c++)
			score[i] += (double)row[query * 3 * hidden + c] * (double)row[(i * 3 + 1) * hidden + c];
		score[i] /= sqrt((double)texts->size);
		top = fmax(top, score[i]);
	}
	for (size_t c = 0; c < texts->size; c++)
		out[c] = 0;
	for (size_t i = 0; i < length; i++) {
		double weight = exp(score[i] - top);
		sum += weight;
		for (size_t c = 0; c < texts->size; c++)
			out[c] += weight * (double)row[(i * 3 + 2) * hidden + c];
	}
	for (size_t c = 0; c < texts->size; c++)
		out[c] /= sum;
}

/* `got` is the row of query `query` of text `text`. */
static void check_row(const struct gpu_fixture *f, const struct texts *texts, size_t text, size_t query,
		      const float *got)
{
	double wanted[128];
	char what[64];
	snprintf(what, sizeof what, "size %zu, length %d, query %zu", texts->size, lengths[text], query);
	for (size_t head = 0; head < HEADS; head++) {
		attend(texts, text, query, head, wanted);
		for (size_t c = 0; c < texts->size; c++)
			gpu_near(f, got[head * texts->size + c], wanted[c], 3e-6, 8e-3, what, c);
	}
}

static void run(struct gpu_fixture *f, const struct texts *texts, size_t first, size_t count)
{
	int32_t starts[TEXTS + 1];
	struct packed batch = {.starts = f->starts, .texts = count};
	for (size_t i = 0; i <= count; i++)
		starts[i] = texts->starts[first + i] - texts->starts[first];
	for (size_t i = 0; i < count; i++)
		if (batch.longest < (size_t)lengths[first + i])
			batch.longest = (size_t)lengths[first + i];
	batch.tokens = (size_t)starts[count];
	f->ops->upload(f->stream, starts, count + 1, f->starts);
	gpu_put(f, f->a, texts->qkv + (size_t)texts->starts[first] * 3 * texts->hidden,
		batch.tokens * 3 * texts->hidden);
	f->ops->attention(f->stream, &batch, f->a, f->b);
}

START_TEST(every_length)
{
	size_t size = heads[_i / GPU_ORDERS].size, order = (size_t)_i % GPU_ORDERS;
	struct gpu_fixture f;
	struct texts texts;
	if (order % one_in() != 0)
		return;
	texts_make(&texts, size);
	gpu_fixture_open(&f, heads[_i / GPU_ORDERS].table, order, texts.tokens, 3 * texts.hidden, texts.hidden, size);
	size_t count = order == 0 && one_in() == 1 ? TEXTS : SHORT;
	run(&f, &texts, 0, count);
	float *got = gpu_get(&f, f.b, (size_t)texts.starts[count] * texts.hidden);
	for (size_t text = 0; text < count; text++)
		for (int32_t query = 0; query < lengths[text]; query += query < 34 ? 1 : 13)
			check_row(&f, &texts, text, (size_t)query,
				  got + (size_t)(texts.starts[text] + query) * texts.hidden);
	free(got);
	free(texts.qkv);
	gpu_fixture_close(&f);
}
END_TEST

START_TEST(first_tokens_alone)
{
	size_t size = heads[_i].size;
	struct gpu_fixture f;
	struct texts texts;
	texts_make(&texts, size);
	size_t hidden = texts.hidden;
	float *kv = malloc(texts.tokens * 2 * hidden * sizeof *kv), *q = malloc(TEXTS * hidden * sizeof *q);
	gpu_fixture_open(&f, heads[_i].table, 2, texts.tokens, 3 * hidden, hidden, size);
	gpu_put(&f, f.a, texts.qkv, texts.tokens * 3 * hidden); /* for what it rounds */
	for (size_t i = 0; i < texts.tokens; i++)
		memcpy(kv + i * 2 * hidden, texts.qkv + (i * 3 + 1) * hidden, 2 * hidden * sizeof *kv);
	for (size_t i = 0; i < TEXTS; i++)
		memcpy(q + i * hidden, texts.qkv + (size_t)texts.starts[i] * 3 * hidden, hidden * sizeof *q);
	f.ops->upload(f.stream, texts.starts, TEXTS + 1, f.starts);
	gpu_put(&f, f.a, kv, texts.tokens * 2 * hidden);
	gpu_put(&f, f.c, q, TEXTS * hidden);
	struct packed batch = {.starts = f.starts, .texts = TEXTS, .tokens = texts.tokens, .longest = LONGEST};
	f.ops->attention_first(f.stream, &batch, f.c, f.a, f.b);
	float *got = gpu_get(&f, f.b, TEXTS * hidden);
	for (size_t text = 0; text < TEXTS; text++)
		check_row(&f, &texts, text, 0, got + text * hidden);
	free(got);
	free(kv);
	free(q);
	free(texts.qkv);
	gpu_fixture_close(&f);
}
END_TEST

/* Bit by bit, though a batch with a longer text runs in other blocks. */
START_TEST(a_text_knows_nothing_of_its_neighbours)
{
	size_t size = heads[_i].size;
	struct gpu_fixture f;
	struct texts texts;
	texts_make(&texts, size);
	gpu_fixture_open(&f, heads[_i].table, 0, texts.tokens, 3 * texts.hidden, texts.hidden, size);
	run(&f, &texts, 0, SHORT);
	float *together = gpu_get(&f, f.b, (size_t)texts.starts[SHORT] * texts.hidden);
	for (size_t text = 0; text < SHORT; text += one_in()) {
		size_t values = (size_t)lengths[text] * texts.hidden;
		run(&f, &texts, text, 1);
		float *alone = gpu_get(&f, f.b, values);
		ck_assert_mem_eq(alone, together + (size_t)texts.starts[text] * texts.hidden, values * sizeof *alone);
		free(alone);
	}
	free(together);
	free(texts.qkv);
	gpu_fixture_close(&f);
}
END_TEST

/*
 * Scores of a hundred thousand, above zero for every second query and below it
 * for the others: the softmax must not overflow, no query's largest score may be taken
 * for another's, and each picks one value.
 */
START_TEST(large_scores)
{
	enum { TOKENS = 20 };
	size_t size = heads[_i].size, hidden = HEADS * size, width = 3 * hidden;
	struct gpu_fixture f;
	gpu_fixture_open(&f, heads[_i].table, 0, TOKENS, width, hidden, size);
	float *qkv = calloc(TOKENS * width, sizeof *qkv);
	double *wanted = calloc(TOKENS * hidden, sizeof *wanted);
	for (size_t i = 0; i < TOKENS * hidden; i++) {
		size_t token = i / hidden, column = i % hidden;
		float *row = qkv + token * width;
		row[column] = token % 2 == 0 ? 96 : -96;
		row[hidden + column] = token == 3 ? 128 : token == 5 ? 64 : 96;
		row[2 * hidden + column] = (float)(column % 64 + 128 * (token == 5));
		wanted[i] = (double)(column % 64 + 128 * (token % 2));
	}
	int32_t starts[2] = {0, TOKENS};
	f.ops->upload(f.stream, starts, 2, f.starts);
	gpu_put(&f, f.a, qkv, TOKENS * width);
	struct packed batch = {.starts = f.starts, .texts = 1, .tokens = TOKENS, .longest = TOKENS};
	f.ops->attention(f.stream, &batch, f.a, f.b);
	gpu_expect(&f, f.b, wanted, TOKENS * hidden, 1e-6, 0, "large scores");
	free(qkv);
	free(wanted);
	gpu_fixture_close(&f);
}
END_TEST

/* Rows that end where the device's memory does, which AddressSanitizer watches; the last text is a warp's first query. */
START_TEST(nothing_past_the_rows_is_read)
{
	static const int32_t starts[] = {0, 63, 64};
	size_t size = heads[_i].size, hidden = HEADS * size, count = 64 * 3 * hidden;
	struct gpu_fixture f;
	gpu_fixture_open(&f, heads[_i].table, 0, 64, 3 * hidden, hidden, size);
	float *qkv = gpu_values(count, 2, 1);
	struct packed batch = {.starts = f.a, .texts = 2, .tokens = 64, .longest = 63};
	f.ops->upload(f.stream, starts, 3, f.a);
	gpu_put(&f, f.starts, qkv, count);
	f.ops->attention(f.stream, &batch, f.starts, f.b);
	free(gpu_get(&f, f.b, 64 * hidden));
	free(qkv);
	gpu_fixture_close(&f);
}
END_TEST

/* Those of the kinds of heads from `first` up to `end`. */
static TCase *tests_of(const char *name, int first, int end)
{
	TCase *tests = tcase_create(name);
	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(tests, large_scores, first, end);
	tcase_add_loop_test(tests, nothing_past_the_rows_is_read, first, end);
	tcase_add_loop_test(tests, every_length, first * GPU_ORDERS, end * GPU_ORDERS);
	tcase_add_loop_test(tests, first_tokens_alone, first, end);
	tcase_add_loop_test(tests, a_text_knows_nothing_of_its_neighbours, first, end);
	return tests;
}

int main(void)
{
	Suite *suite = suite_create("gpu_attention");
	suite_add_tcase(suite, tests_of("tensor", 0, ON_TENSOR_CORES));
	suite_add_tcase(suite, tests_of("plain", ON_TENSOR_CORES, KINDS));
	return run_suite(suite);
}
