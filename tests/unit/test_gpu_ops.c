#include "tests/lib/activations.h"
#include "tests/lib/gpu_fixture.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

/*
 * Every operation of CUDA's tables but attention against double precision, in
 * five orders of threads and blocks, and what the tables refuse.
 */
enum { INPUTS = 48, OUTPUTS = 136, MANY_ROWS = 193, WIDEST = 1024 };

typedef void linear_op(struct stream *, const struct linear *, const struct buffer *, size_t, struct buffer *);

/* What the device makes of weights: those of a hidden layer are as activations are. */
static void round_weights(const struct gpu_fixture *f, enum linear_use use, float *weight, size_t count)
{
	for (size_t i = 0; i < count && f->narrow && use == LINEAR_HIDDEN; i++)
		weight[i] = bfloat_widen(bfloat_narrow(weight[i]));
}

/* function(x weight^T + bias) over counts of rows around the steps of a plan and the kernels' tiles. */
static void check_linear(struct gpu_fixture *f, linear_op *op, enum linear_use use, size_t outputs,
			 double (*function)(double), const char *what)
{
	static const size_t row_counts[] = {1, 2, 31, 33, 64, 65, MANY_ROWS};
	float *weight = gpu_values(outputs * INPUTS, 0.3f, 1), *bias = gpu_values(outputs, 1, 2);
	float *x = gpu_values(MANY_ROWS * INPUTS, 1, 3);
	double *wanted = malloc(MANY_ROWS * outputs * sizeof *wanted);
	struct linear_source source = {.use = use, .weight = weight, .bias = bias, .outputs = outputs, .inputs = INPUTS};
	struct linear *linear = f->ops->pack_linear(f->device, &source, NULL);
	round_weights(f, use, weight, outputs * INPUTS);
	gpu_put(f, f->a, x, MANY_ROWS * INPUTS);
	for (size_t i = 0; i < MANY_ROWS * outputs; i++) {
		double sum = (double)bias[i % outputs];
		for (size_t k = 0; k < INPUTS; k++)
			sum += (double)x[i / outputs * INPUTS + k] * (double)weight[i % outputs * INPUTS + k];
		wanted[i] = function(sum);
	}
	for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
		op(f->stream, linear, f->a, row_counts[i], f->b);
		gpu_expect(f, f->b, wanted, row_counts[i] * outputs / 2 * 2, 3e-6, 8e-3, what);
	}
	free(weight);
	free(bias);
	free(x);
	free(wanted);
}

/* Rows past those of a batch hold sevens before and after. */
enum { PAST = 8, SEVEN = 7 };

static void put_sevens(struct gpu_fixture *f, size_t count)
{
	float *values = malloc(count * sizeof *values);
	for (size_t i = 0; i < count; i++)
		values[i] = SEVEN;
	gpu_put(f, f->b, values, count);
	free(values);
}

static void expect_sevens(struct gpu_fixture *f, size_t first, size_t count)
{
	float *got = gpu_get(f, f->b, first + count);
	for (size_t i = first; i < first + count; i++)
		ck_assert_msg(got[i] == (float)SEVEN, "%s: value %zu past the rows is %g", f->ops->precision, i - first,
			      (double)got[i]);
	free(got);
}

static void open_for(struct gpu_fixture *f, int index, size_t rows, size_t width)
{
	gpu_fixture_open(f, (size_t)index / GPU_ORDERS, (size_t)index % GPU_ORDERS, rows, width, INPUTS, 8);
}

START_TEST(linear_and_its_fusions)
{
	if ((unsigned)_i % GPU_ORDERS % one_in() != 0)
		return;
	struct gpu_fixture f;
	open_for(&f, _i, MANY_ROWS, OUTPUTS);
	check_linear(&f, f.ops->linear, LINEAR_HIDDEN, OUTPUTS, same, "linear");
	check_linear(&f, f.ops->linear_gelu, LINEAR_HIDDEN, OUTPUTS, gelu, "gelu");
	check_linear(&f, f.ops->linear_gelu_tanh, LINEAR_HIDDEN, OUTPUTS, gelu_tanh, "gelu by tanh");
	check_linear(&f, f.ops->linear_relu, LINEAR_HIDDEN, OUTPUTS, relu, "relu");
	check_linear(&f, f.ops->linear_tanh, LINEAR_EXACT, OUTPUTS, tanh, "pooler");
	check_linear(&f, f.ops->linear_tanh, LINEAR_EXACT, 23, tanh, "pooler of odd width");
	gpu_fixture_close(&f);
}
END_TEST

/* The heads' output is float32 in both tables. */
START_TEST(logits)
{
	if ((unsigned)_i % GPU_ORDERS % one_in() != 0)
		return;
	enum { HEADS = 23 };
	struct gpu_fixture f;
	open_for(&f, _i, MANY_ROWS, OUTPUTS);
	float *weight = gpu_values(HEADS * INPUTS, 1, 1), *bias = gpu_values(HEADS, 1, 2), *got;
	float *x = gpu_values(MANY_ROWS * INPUTS, 1, 3);
	struct linear *linear = f.ops->pack_linear(
		f.device, &(struct linear_source){.use = LINEAR_EXACT, .weight = weight, .bias = bias, .outputs = HEADS,
						  .inputs = INPUTS}, NULL);
	gpu_put(&f, f.a, x, MANY_ROWS * INPUTS);
	f.ops->linear_logits(f.stream, linear, f.a, MANY_ROWS, f.b);
	got = malloc(MANY_ROWS * HEADS * sizeof *got);
	ck_assert_int_eq(f.ops->download(f.stream, f.b, MANY_ROWS * HEADS, got, NULL), 0);
	for (size_t i = 0; i < MANY_ROWS * HEADS; i++) {
		double sum = (double)bias[i % HEADS];
		for (size_t k = 0; k < INPUTS; k++)
			sum += (double)x[i / HEADS * INPUTS + k] * (double)weight[i % HEADS * INPUTS + k];
		gpu_near(&f, got[i], sum, 3e-6, 3e-6, "logits", i);
	}
	free(weight);
	free(bias);
	free(x);
	free(got);
	gpu_fixture_close(&f);
}
END_TEST

START_TEST(a_pooler_writes_its_rows_alone)
{
	if ((unsigned)_i % GPU_ORDERS % one_in() != 0)
		return;
	enum { ROWS = 5 };
	struct gpu_fixture f;
	open_for(&f, _i, MANY_ROWS, OUTPUTS);
	float *weight = gpu_values(OUTPUTS * INPUTS, 1, 1), *bias = gpu_values(OUTPUTS, 1, 2);
	float *x = gpu_values(MANY_ROWS * INPUTS, 1, 3);
	struct linear *linear = f.ops->pack_linear(
		f.device, &(struct linear_source){.use = LINEAR_EXACT, .weight = weight, .bias = bias, .outputs = OUTPUTS,
						  .inputs = INPUTS}, NULL);
	gpu_put(&f, f.a, x, MANY_ROWS * INPUTS);
	put_sevens(&f, (ROWS + PAST) * OUTPUTS);
	f.ops->linear_tanh(f.stream, linear, f.a, ROWS, f.b);
	expect_sevens(&f, ROWS * OUTPUTS, PAST * OUTPUTS);
	free(weight);
	free(bias);
	free(x);
	gpu_fixture_close(&f);
}
END_TEST

/* A layer of ones on its diagonal is its activation. */
START_TEST(activations_over_their_whole_range)
{
	if ((unsigned)_i % GPU_ORDERS % one_in() != 0)
		return;
	enum { ROWS = 401, WIDTH = 8 };
	struct gpu_fixture f;
	open_for(&f, _i, ROWS, OUTPUTS);
	float weight[WIDTH * WIDTH] = {0}, bias[WIDTH] = {0}, *x = malloc(ROWS * WIDTH * sizeof *x);
	double wanted[ROWS * WIDTH];
	for (size_t i = 0; i < WIDTH; i++)
		weight[i * WIDTH + i] = 1;
	struct linear *linear = f.ops->pack_linear(
		f.device, &(struct linear_source){.weight = weight, .bias = bias, .outputs = WIDTH, .inputs = WIDTH}, NULL);
	const struct {
		linear_op *op;
		double (*function)(double);
	} cases[] = {{f.ops->linear_gelu, gelu}, {f.ops->linear_gelu_tanh, gelu_tanh}, {f.ops->linear_tanh, tanh},
		     {f.ops->linear_relu, relu}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int k = 0; k < ROWS * WIDTH; k++)
			x[k] = (float)(k - ROWS * WIDTH / 2) * 0.0078125f;
		x[0] = -1e30f;
		gpu_put(&f, f.a, x, ROWS * WIDTH);
		for (int k = 0; k < ROWS * WIDTH; k++)
			wanted[k] = cases[i].function((double)x[k]);
		cases[i].op(f.stream, linear, f.a, ROWS, f.b);
		gpu_expect(&f, f.b, wanted, ROWS * WIDTH, 5e-7, 4e-3, "activation");
	}
	free(x);
	gpu_fixture_close(&f);
}
END_TEST

static void norm_row(double *row, size_t width, const struct norm_source *norm)
{
	double mean = 0, squares = 0;
	for (size_t i = 0; i < width; i++)
		mean += row[i] / (double)width;
	for (size_t i = 0; i < width; i++)
		squares += (row[i] - mean) * (row[i] - mean) / (double)width;
	for (size_t i = 0; i < width; i++)
		row[i] = (row[i] - mean) / sqrt(squares + (double)norm->epsilon) * (double)norm->gamma[i] +
			 (double)norm->beta[i];
}

/* Each kernel of the three widths, full and not; every second one is of each kernel too. */
static const size_t widths[] = {8, 48, 376, 384, 392, 768, 776, 1024};
enum { WIDTHS = sizeof widths / sizeof *widths };

START_TEST(linear_residual_norm)
{
	if (_i % WIDTHS % 2 != 0 && one_in() > 5)
		return;
	enum { ROWS = 7 };
	struct gpu_fixture f;
	size_t width = widths[_i % WIDTHS];
	gpu_fixture_open(&f, (size_t)_i / WIDTHS, (size_t)_i % GPU_ORDERS, ROWS, WIDEST, width, 8);
	float *weight = gpu_values(width * INPUTS, 0.3f, 1), *bias = gpu_values(width, 1, 2);
	float *x = gpu_values(ROWS * INPUTS, 1, 3), *y = gpu_values(ROWS * width, 3, 4);
	float *gamma = gpu_values(width, 1, 5), *beta = gpu_values(width, 1, 6);
	struct norm_source norm = {.gamma = gamma, .beta = beta, .epsilon = 1e-12f};
	struct linear_source source = {.weight = weight, .bias = bias, .outputs = width, .inputs = INPUTS, .norm = &norm};
	struct linear *linear = f.ops->pack_linear(f.device, &source, NULL);
	double *wanted = malloc(ROWS * width * sizeof *wanted);
	round_weights(&f, LINEAR_HIDDEN, weight, width * INPUTS);
	gpu_put(&f, f.a, x, ROWS * INPUTS);
	put_sevens(&f, (ROWS + PAST) * width);
	gpu_put(&f, f.b, y, ROWS * width);
	for (size_t i = 0; i < ROWS * width; i++) {
		wanted[i] = (double)bias[i % width] + (double)y[i];
		for (size_t k = 0; k < INPUTS; k++)
			wanted[i] += (double)x[i / width * INPUTS + k] * (double)weight[i % width * INPUTS + k];
	}
	for (size_t row = 0; row < ROWS; row++)
		norm_row(wanted + row * width, width, &norm);
	f.ops->linear_residual_norm(f.stream, linear, f.a, ROWS, f.b);
	gpu_expect(&f, f.b, wanted, ROWS * width, 5e-6, 4e-3, "norm");
	expect_sevens(&f, ROWS * width, PAST * width);
	free(weight);
	free(bias);
	free(x);
	free(y);
	free(gamma);
	free(beta);
	free(wanted);
	gpu_fixture_close(&f);
}
END_TEST

enum { TEXTS = 5, TOKENS = 1 + 37 + 2 + 16 + 33, WORDS = 11, LONGEST = 37 };
static const int32_t starts[TEXTS + 1] = {0, 1, 38, 40, 56, TOKENS};

struct words {
	enum table_type type;
	size_t width;
	const float *full; /* [WORDS, width] */
	const uint16_t *bits;
};

static int words_read(const struct table_source *source, size_t first, size_t count, void *out, struct err *e)
{
	(void)e;
	const struct words *words = source->context;
	if (words->type == TABLE_F32)
		memcpy(out, words->full + first * words->width, count * words->width * sizeof(float));
	else
		memcpy(out, words->bits + first * words->width, count * words->width * sizeof(uint16_t));
	return 0;
}

static void check_embed(struct gpu_fixture *f, struct words words)
{
	size_t width = words.width;
	float *positions = gpu_values(LONGEST * width, 1, 1), *type = gpu_values(width, 1, 2);
	float *gamma = gpu_values(width, 1, 3), *beta = gpu_values(width, 1, 4);
	struct embedding_source source = {.words = {.type = words.type, .read = words_read, .context = &words},
					  .positions = positions, .type = type, .word_count = WORDS,
					  .position_count = LONGEST, .width = width,
					  .norm = {.gamma = gamma, .beta = beta, .epsilon = 1e-12f}};
	struct embedding *embedding = f->ops->pack_embedding(f->device, &source, NULL);
	int32_t ids[TOKENS];
	double *wanted = malloc(TOKENS * width * sizeof *wanted);
	for (size_t text = 0; text < TEXTS; text++) {
		for (int32_t token = starts[text]; token < starts[text + 1]; token++) {
			double *row = wanted + (size_t)token * width;
			ids[token] = token * 7 % WORDS;
			for (size_t i = 0; i < width; i++)
				row[i] = (double)words.full[(size_t)ids[token] * width + i] + (double)type[i] +
					 (double)positions[(size_t)(token - starts[text]) * width + i];
			norm_row(row, width, &source.norm);
		}
	}
	struct packed batch = {.ids = f->a, .starts = f->starts, .texts = TEXTS, .tokens = TOKENS, .longest = LONGEST};
	put_sevens(f, (TOKENS + PAST) * width);
	f->ops->upload(f->stream, ids, TOKENS, f->a);
	f->ops->upload(f->stream, starts, TEXTS + 1, f->starts);
	f->ops->embed(f->stream, embedding, &batch, f->b);
	gpu_expect(f, f->b, wanted, TOKENS * width, 5e-6, 4e-3, "embedding");
	expect_sevens(f, TOKENS * width, PAST * width);
	free(positions);
	free(type);
	free(gamma);
	free(beta);
	free(wanted);
}

START_TEST(embed)
{
	if (_i % WIDTHS % 2 != 0 && one_in() > 5)
		return;
	struct gpu_fixture f;
	size_t width = widths[_i % WIDTHS], count = WORDS * width;
	gpu_fixture_open(&f, (size_t)_i / WIDTHS, (size_t)_i % GPU_ORDERS, TOKENS, width, width, 8);
	float *full = gpu_values(count, 1, 7), *rounded = malloc(count * sizeof *rounded);
	uint16_t *bits = malloc(count * sizeof *bits);
	check_embed(&f, (struct words){.type = TABLE_F32, .width = width, .full = full});
	for (size_t i = 0; i < count; i++)
		rounded[i] = half_widen(bits[i] = half_narrow(full[i]));
	check_embed(&f, (struct words){.type = TABLE_F16, .width = width, .full = rounded, .bits = bits});
	for (size_t i = 0; i < count; i++)
		rounded[i] = bfloat_widen(bits[i] = bfloat_narrow(full[i]));
	check_embed(&f, (struct words){.type = TABLE_BF16, .width = width, .full = rounded, .bits = bits});
	free(full);
	free(rounded);
	free(bits);
	gpu_fixture_close(&f);
}
END_TEST

START_TEST(pooling)
{
	if (_i % WIDTHS % 2 != 0 && one_in() > 5)
		return;
	struct gpu_fixture f;
	size_t width = widths[_i % WIDTHS];
	gpu_fixture_open(&f, (size_t)_i / WIDTHS, (size_t)_i % GPU_ORDERS, TOKENS, width, width, 8);
	float *x = gpu_values(TOKENS * width, 1, 1);
	double *first = calloc(TEXTS * width, sizeof *first), *mean = calloc(TEXTS * width, sizeof *mean);
	struct packed batch = {.starts = f.starts, .texts = TEXTS, .tokens = TOKENS, .longest = LONGEST};
	f.ops->upload(f.stream, starts, TEXTS + 1, f.starts);
	gpu_put(&f, f.a, x, TOKENS * width);
	for (size_t i = 0; i < TEXTS * width; i++) {
		size_t text = i / width;
		first[i] = (double)x[(size_t)starts[text] * width + i % width];
		for (int32_t row = starts[text]; row < starts[text + 1]; row++)
			mean[i] += (double)x[(size_t)row * width + i % width] / (starts[text + 1] - starts[text]);
	}
	f.ops->gather_first(f.stream, &batch, f.a, f.b);
	gpu_expect(&f, f.b, first, TEXTS * width, 0, 0, "first rows");
	f.ops->mean_pool(f.stream, &batch, f.a, f.b);
	gpu_expect(&f, f.b, mean, TEXTS * width, 1e-6, 4e-3, "means");
	free(x);
	free(first);
	free(mean);
	gpu_fixture_close(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu_ops");
	TCase *products = tcase_create("products"), *rows = tcase_create("rows");
	tcase_set_timeout(products, 300);
	tcase_set_timeout(rows, 300);
	tcase_add_loop_test(products, activations_over_their_whole_range, 0, GPU_TABLES * GPU_ORDERS);
	tcase_add_loop_test(products, a_pooler_writes_its_rows_alone, 0, GPU_TABLES * GPU_ORDERS);
	tcase_add_loop_test(products, logits, 0, GPU_TABLES * GPU_ORDERS);
	tcase_add_loop_test(products, linear_and_its_fusions, 0, GPU_TABLES * GPU_ORDERS);
	tcase_add_loop_test(rows, pooling, 0, GPU_TABLES * WIDTHS);
	tcase_add_loop_test(rows, embed, 0, GPU_TABLES * WIDTHS);
	tcase_add_loop_test(rows, linear_residual_norm, 0, GPU_TABLES * WIDTHS);
	suite_add_tcase(suite, products);
	suite_add_tcase(suite, rows);
	return run_suite(suite);
}
