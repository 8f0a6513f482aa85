#include "model/half.h"
#include "model/ops.h"
#include "tests/lib/activations.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Every operation of every table against the same few lines in double
 * precision.  Sizes are odd on purpose: kernels work in blocks of 4, 6, 16, 32.
 */
enum { TABLES = 16 }; /* at least as many as there are */

enum { HIDDEN = 42, HEADS = 3, SIZE = HIDDEN / HEADS, WIDE = 131, TEXTS = 5, LONGEST = 37 };
static const int32_t lengths[TEXTS] = {1, LONGEST, 2, 16, 33};
enum { TOKENS = 1 + LONGEST + 2 + 16 + 33 };

/* One open table with four buffers. */
struct fixture {
	const struct ops *ops;
	struct device *device;
	struct stream *stream;
	struct buffer *a, *b, *ids, *starts;
	struct packed batch;
	int32_t host_starts[TEXTS + 1];
	double tolerance; /* of a linear layer over values below 1 */
};

static uint64_t state;

static float next_float(void)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (float)((double)(state >> 33) / (1u << 30) - 1.0);
}

static float *random_floats(size_t count, float scale)
{
	float *out = malloc(count * sizeof *out);
	for (size_t i = 0; i < count; i++)
		out[i] = next_float() * scale;
	return out;
}

/*
 * What rounding may change in sums of up to 131 products of values below 1.  A bfloat16 is off by 2^-9 of its value at
 * most, a byte by half of 2 / 255: over 42 products, a standard deviation of 0.0035 and 0.012.  The largest of some
 * thousand values lies at four to five of them.
 */
static double tolerance_of(const char *precision)
{
	if (strcmp(precision, "fp32") == 0)
		return 1e-5;
	return strcmp(precision, "bf16") == 0 ? 0.03 : 0.06;
}

/* False where there is no such table, and (said so) where this CPU cannot run it. */
static bool fixture_open(struct fixture *f, size_t index)
{
	struct err e = {0};
	*f = (struct fixture){.ops = ops_table(index)};
	if (f->ops == NULL)
		return false;
	f->tolerance = tolerance_of(f->ops->precision);
	state = 42;
	f->device = f->ops->device_open(f->ops, DEVICE_ANY, &e);
	if (f->device == NULL) {
		printf("SKIP table %zu, %s: %s\n", index, f->ops->precision, e.text);
		return false;
	}
	size_t activations = f->ops->activation_size(TOKENS, 3 * WIDE);
	size_t part = (activations + 63) / 64 * 64;
	struct stream_limits limits = {
		.tokens = TOKENS, .longest = LONGEST, .hidden = HIDDEN, .widest = WIDE, .heads = HEADS,
		.block_size = 4 * part};
	f->stream = f->ops->stream_open(f->device, &limits, &e);
	ck_assert_msg(f->stream != NULL, "%s", e.text);
	struct buffer **buffers[] = {&f->a, &f->b, &f->ids, &f->starts};
	for (size_t i = 0; i < 4; i++)
		*buffers[i] = f->ops->buffer_at(f->stream, i * part);
	for (size_t i = 0; i < TEXTS; i++)
		f->host_starts[i + 1] = f->host_starts[i] + lengths[i];
	f->ops->upload(f->stream, f->host_starts, TEXTS + 1, f->starts);
	f->batch = (struct packed){
		.ids = f->ids, .starts = f->starts, .texts = TEXTS, .tokens = TOKENS, .longest = LONGEST};
	return true;
}

static void fixture_close(struct fixture *f)
{
	f->ops->stream_close(f->stream);
	f->ops->device_close(f->device);
}

/* Activations go in and out as float32: these tables keep them so. */
static void put(struct fixture *f, struct buffer *buffer, const float *values, size_t count)
{
	int32_t *bits = malloc(count * sizeof *bits);
	memcpy(bits, values, count * sizeof *bits);
	f->ops->upload(f->stream, bits, count, buffer);
	free(bits);
}

static void expect(struct fixture *f, const struct buffer *buffer, const double *wanted, size_t count, double most)
{
	float *got = malloc(count * sizeof *got);
	ck_assert_int_eq(f->ops->download(f->stream, buffer, count, got, NULL), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(fabs((double)got[i] - wanted[i]) <= most, "%s: value %zu is %.9g, not %.9g",
			      f->ops->kernels(f->device), i, (double)got[i], wanted[i]);
	free(got);
}

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

typedef void linear_op(struct stream *, const struct linear *, const struct buffer *, size_t, struct buffer *);

/* More than the CPU's tables take at a time, by one: two blocks, of unequal heights. */
enum { MANY_ROWS = 193 };

/* f over counts of rows around the kernels' tile heights. */
static void check_linear(struct fixture *f, linear_op *op, enum linear_use use, double (*function)(double))
{
	static const size_t row_counts[] = {1, 2, 6, 7, 29, MANY_ROWS};
	float *weight = random_floats(WIDE * HIDDEN, 1), *bias = random_floats(WIDE, 1);
	float *x = random_floats(MANY_ROWS * HIDDEN, 1);
	double *wanted = malloc(MANY_ROWS * WIDE * sizeof *wanted);
	struct linear *linear = f->ops->pack_linear(
		f->device,
		&(struct linear_source){.use = use, .weight = weight, .bias = bias, .outputs = WIDE, .inputs = HIDDEN},
		NULL);
	for (size_t i = 0; i < MANY_ROWS * WIDE; i++) {
		double sum = (double)bias[i % WIDE];
		for (size_t k = 0; k < HIDDEN; k++)
			sum += (double)x[i / WIDE * HIDDEN + k] * (double)weight[i % WIDE * HIDDEN + k];
		wanted[i] = function(sum);
	}
	for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
		put(f, f->a, x, row_counts[i] * HIDDEN);
		op(f->stream, linear, f->a, row_counts[i], f->b);
		expect(f, f->b, wanted, row_counts[i] * WIDE, use == LINEAR_EXACT ? 1e-5 : f->tolerance);
	}
	free(weight);
	free(bias);
	free(x);
	free(wanted);
}

START_TEST(linear_and_its_fusions)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	check_linear(&f, f.ops->linear, LINEAR_HIDDEN, same);
	check_linear(&f, f.ops->linear_gelu, LINEAR_HIDDEN, gelu);
	check_linear(&f, f.ops->linear_gelu_tanh, LINEAR_HIDDEN, gelu_tanh);
	check_linear(&f, f.ops->linear_relu, LINEAR_HIDDEN, relu);
	check_linear(&f, f.ops->linear_tanh, LINEAR_HIDDEN, tanh);
	check_linear(&f, f.ops->linear_logits, LINEAR_EXACT, same);
	fixture_close(&f);
}
END_TEST

START_TEST(activations_over_their_whole_range)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	/* One weight of 1: the layer is its activation. */
	enum { COUNT = 4001 };
	const float one = 1, zero = 0;
	struct linear *linear = f.ops->pack_linear(
		f.device,
		&(struct linear_source){.use = LINEAR_EXACT, .weight = &one, .bias = &zero, .outputs = 1, .inputs = 1},
		NULL);
	float x[COUNT];
	double wanted[COUNT];
	const struct {
		linear_op *op;
		double (*function)(double);
	} cases[] = {{f.ops->linear_gelu, gelu}, {f.ops->linear_gelu_tanh, gelu_tanh}, {f.ops->linear_tanh, tanh}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int k = 0; k < COUNT; k++) {
			x[k] = (float)(k - COUNT / 2) * 0.005f;
			wanted[k] = cases[i].function((double)x[k]);
		}
		x[0] = -1e30f;
		x[COUNT - 1] = 1e30f;
		wanted[0] = cases[i].function(-1e30);
		wanted[COUNT - 1] = cases[i].function(1e30);
		put(&f, f.a, x, COUNT);
		cases[i].op(f.stream, linear, f.a, COUNT, f.b);
		expect(&f, f.b, wanted, COUNT - 1, 1e-6);
	}
	fixture_close(&f);
}
END_TEST

/* Rows of what a broken model may bring about, and an ordinary one between them, which must not notice. */
START_TEST(what_is_not_finite_stays_in_its_row)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	static const float strange[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f, 0};
	enum { STRANGE = sizeof strange / sizeof *strange, ROWS = 2 * STRANGE };
	float *weight = random_floats(WIDE * HIDDEN, 1), *x = random_floats(ROWS * HIDDEN, 1), bias[WIDE] = {0};
	float *got = malloc(ROWS * WIDE * sizeof *got);
	for (size_t i = 0; i < STRANGE; i++) {
		memmove(x + (2 * i + 1) * HIDDEN, x + HIDDEN, HIDDEN * sizeof *x);
		for (size_t k = 0; k < HIDDEN; k++)
			x[2 * i * HIDDEN + k] = strange[(i + k % 2) % STRANGE];
	}
	struct linear *linear = f.ops->pack_linear(
		f.device,
		&(struct linear_source){.weight = weight, .bias = bias, .outputs = WIDE, .inputs = HIDDEN}, NULL);
	put(&f, f.a, x, ROWS * HIDDEN);
	f.ops->linear_gelu(f.stream, linear, f.a, ROWS, f.b);
	ck_assert_int_eq(f.ops->download(f.stream, f.b, ROWS * WIDE, got, NULL), 0);
	for (size_t i = 0; i < WIDE; i++) {
		ck_assert(!isfinite(got[i]) && !isfinite(got[2 * WIDE + i])); /* said, not hidden */
		ck_assert(isfinite(got[(ROWS - 1) * WIDE + i]));
	}
	for (size_t row = 1; row < ROWS; row += 2)
		ck_assert_mem_eq(got + row * WIDE, got + (ROWS - 1) * WIDE, WIDE * sizeof *got);
	free(weight);
	free(x);
	free(got);
	fixture_close(&f);
}
END_TEST

/* 32 bits hold the sums of 65536 products of bytes. */
START_TEST(too_wide_for_bytes)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	enum { INPUTS = 65537 };
	struct err e = {0};
	float *weight = random_floats(INPUTS, 1);
	const float bias = 0;
	struct linear_source source = {.weight = weight, .bias = &bias, .outputs = 1, .inputs = INPUTS};
	if (strcmp(f.ops->precision, "int8") == 0) {
		ck_assert_ptr_null(f.ops->pack_linear(f.device, &source, &e));
		ck_assert_str_eq(e.text, "a layer of 65537 inputs is too wide for int8: use fp32");
	} else {
		ck_assert_ptr_nonnull(f.ops->pack_linear(f.device, &source, &e));
	}
	source.use = LINEAR_EXACT;
	ck_assert_ptr_nonnull(f.ops->pack_linear(f.device, &source, &e));
	free(weight);
	fixture_close(&f);
}
END_TEST

START_TEST(linear_residual_norm)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	enum { ROWS = MANY_ROWS }; /* of the widest inputs: all of a stream's scratch is used */
	float *weight = random_floats(HIDDEN * WIDE, 1), *bias = random_floats(HIDDEN, 1);
	float *x = random_floats(ROWS * WIDE, 1), *y = random_floats(ROWS * HIDDEN, 3);
	float *gamma = random_floats(HIDDEN, 1), *beta = random_floats(HIDDEN, 1);
	struct norm_source norm = {.gamma = gamma, .beta = beta, .epsilon = 1e-12f};
	struct linear *linear = f.ops->pack_linear(f.device,
						   &(struct linear_source){.weight = weight, .bias = bias,
									   .outputs = HIDDEN, .inputs = WIDE, .norm = &norm},
						   NULL);
	double wanted[ROWS * HIDDEN];
	for (size_t row = 0; row < ROWS; row++) {
		for (size_t i = 0; i < HIDDEN; i++) {
			double sum = (double)bias[i] + (double)y[row * HIDDEN + i];
			for (size_t k = 0; k < WIDE; k++)
				sum += (double)x[row * WIDE + k] * (double)weight[i * WIDE + k];
			wanted[row * HIDDEN + i] = sum;
		}
		norm_row(wanted + row * HIDDEN, HIDDEN, &norm);
	}
	put(&f, f.a, x, ROWS * WIDE);
	put(&f, f.b, y, ROWS * HIDDEN);
	f.ops->linear_residual_norm(f.stream, linear, f.a, ROWS, f.b);
	expect(&f, f.b, wanted, ROWS * HIDDEN, f.tolerance);
	free(weight);
	free(bias);
	free(x);
	free(y);
	free(gamma);
	free(beta);
	fixture_close(&f);
}
END_TEST

enum { WORDS = 11 };

/* The words' table in one of its types. */
struct words {
	enum table_type type;
	const float *full;     /* [WORDS, HIDDEN] */
	const uint16_t *bits;
};

static int words_read(const struct table_source *source, size_t first, size_t count, void *out, struct err *e)
{
	(void)e;
	const struct words *words = source->context;
	if (words->type == TABLE_F32)
		memcpy(out, words->full + first * HIDDEN, count * HIDDEN * sizeof(float));
	else
		memcpy(out, words->bits + first * HIDDEN, count * HIDDEN * sizeof(uint16_t));
	return 0;
}

static void check_embed(struct fixture *f, struct words words, double tolerance)
{
	float *positions = random_floats(LONGEST * HIDDEN, 1), *type = random_floats(HIDDEN, 1);
	float *gamma = random_floats(HIDDEN, 1), *beta = random_floats(HIDDEN, 1);
	struct embedding_source source = {.words = {.type = words.type, .read = words_read, .context = &words},
					  .positions = positions, .type = type, .word_count = WORDS,
					  .position_count = LONGEST, .width = HIDDEN,
					  .norm = {.gamma = gamma, .beta = beta, .epsilon = 1e-12f}};
	struct embedding *embedding = f->ops->pack_embedding(f->device, &source, NULL);
	int32_t ids[TOKENS];
	double wanted[TOKENS * HIDDEN];
	for (size_t text = 0, token = 0; text < TEXTS; text++) {
		for (int32_t position = 0; position < lengths[text]; position++, token++) {
			ids[token] = (int32_t)(token * 7 % WORDS);
			for (size_t i = 0; i < HIDDEN; i++)
				wanted[token * HIDDEN + i] = (double)words.full[(size_t)ids[token] * HIDDEN + i] +
							     (double)positions[(size_t)position * HIDDEN + i] +
							     (double)type[i];
			norm_row(wanted + token * HIDDEN, HIDDEN, &source.norm);
		}
	}
	f->ops->upload(f->stream, ids, TOKENS, f->ids);
	f->ops->embed(f->stream, embedding, &f->batch, f->a);
	expect(f, f->a, wanted, TOKENS * HIDDEN, tolerance);
	free(positions);
	free(type);
	free(gamma);
	free(beta);
}

START_TEST(embed)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	/* A table that is stored in 16 bits is read to the last of them, whatever the precision. */
	float *full = random_floats(WORDS * HIDDEN, 1), rounded[WORDS * HIDDEN];
	uint16_t bits[WORDS * HIDDEN];
	bool exact = strcmp(f.ops->precision, "fp32") == 0;
	check_embed(&f, (struct words){.type = TABLE_F32, .full = full}, exact ? 1e-5 : 2e-3);
	for (size_t i = 0; i < WORDS * HIDDEN; i++) {
		bits[i] = half_narrow(full[i]);
		rounded[i] = half_widen(bits[i]);
	}
	check_embed(&f, (struct words){.type = TABLE_F16, .full = rounded, .bits = bits}, 1e-5);
	for (size_t i = 0; i < WORDS * HIDDEN; i++) {
		bits[i] = bfloat_narrow(full[i]);
		rounded[i] = bfloat_widen(bits[i]);
	}
	check_embed(&f, (struct words){.type = TABLE_BF16, .full = rounded, .bits = bits}, 1e-5);
	free(full);
	fixture_close(&f);
}
END_TEST

/* One query of one head over the tokens from `first` on of qkv[tokens, 3 HIDDEN]. */
static void attend(const float *qkv, size_t query, size_t first, size_t length, size_t head, double *out)
{
	double scores[LONGEST], sum = 0;
	for (size_t i = 0; i < length; i++) {
		scores[i] = 0;
		for (size_t c = 0; c < SIZE; c++)
			scores[i] += (double)qkv[query * 3 * HIDDEN + head * SIZE + c] *
				     (double)qkv[(first + i) * 3 * HIDDEN + HIDDEN + head * SIZE + c];
		scores[i] = exp(scores[i] / sqrt(SIZE));
		sum += scores[i];
	}
	for (size_t c = 0; c < SIZE; c++) {
		out[head * SIZE + c] = 0;
		for (size_t i = 0; i < length; i++)
			out[head * SIZE + c] += scores[i] / sum *
						(double)qkv[(first + i) * 3 * HIDDEN + 2 * HIDDEN + head * SIZE + c];
	}
}

START_TEST(attention)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	float *qkv = random_floats(TOKENS * 3 * HIDDEN, 4);
	float *q = malloc(TEXTS * HIDDEN * sizeof *q), *kv = malloc(TOKENS * 2 * HIDDEN * sizeof *kv);
	double *wanted = malloc(TOKENS * HIDDEN * sizeof *wanted), first_wanted[TEXTS * HIDDEN];
	for (size_t text = 0; text < TEXTS; text++) {
		size_t first = (size_t)f.host_starts[text], length = (size_t)lengths[text];
		for (size_t token = first; token < first + length; token++) {
			for (size_t head = 0; head < HEADS; head++)
				attend(qkv, token, first, length, head, wanted + token * HIDDEN);
			memcpy(kv + token * 2 * HIDDEN, qkv + token * 3 * HIDDEN + HIDDEN, 2 * HIDDEN * sizeof *kv);
		}
		memcpy(q + text * HIDDEN, qkv + first * 3 * HIDDEN, HIDDEN * sizeof *q);
		memcpy(first_wanted + text * HIDDEN, wanted + first * HIDDEN, HIDDEN * sizeof *wanted);
	}
	put(&f, f.a, qkv, TOKENS * 3 * HIDDEN);
	f.ops->attention(f.stream, &f.batch, f.a, f.b);
	expect(&f, f.b, wanted, TOKENS * HIDDEN, 1e-5);

	put(&f, f.a, kv, TOKENS * 2 * HIDDEN);
	put(&f, f.ids, q, TEXTS * HIDDEN);
	f.ops->attention_first(f.stream, &f.batch, f.ids, f.a, f.b);
	expect(&f, f.b, first_wanted, TEXTS * HIDDEN, 1e-5);
	free(qkv);
	free(q);
	free(kv);
	free(wanted);
	fixture_close(&f);
}
END_TEST

START_TEST(attention_of_large_scores)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	/* Scores of thousands: the softmax must not overflow, and picks one value. */
	float *qkv = calloc(2 * 3 * HIDDEN, sizeof *qkv);
	double wanted[2 * HIDDEN];
	for (size_t i = 0; i < HIDDEN; i++) {
		qkv[i] = qkv[3 * HIDDEN + i] = 100;
		qkv[HIDDEN + i] = 100;
		qkv[3 * HIDDEN + HIDDEN + i] = -100;
		qkv[2 * HIDDEN + i] = (float)i;
		wanted[i] = wanted[HIDDEN + i] = (double)i;
	}
	int32_t starts[2] = {0, 2};
	f.ops->upload(f.stream, starts, 2, f.starts);
	f.batch = (struct packed){.ids = f.ids, .starts = f.starts, .texts = 1, .tokens = 2, .longest = 2};
	put(&f, f.a, qkv, 2 * 3 * HIDDEN);
	f.ops->attention(f.stream, &f.batch, f.a, f.b);
	expect(&f, f.b, wanted, 2 * HIDDEN, 1e-6);
	free(qkv);
	fixture_close(&f);
}
END_TEST

START_TEST(pooling)
{
	struct fixture f;
	if (!fixture_open(&f, (size_t)_i))
		return;
	float *x = random_floats(TOKENS * HIDDEN, 1);
	double first[TEXTS * HIDDEN], mean[TEXTS * HIDDEN] = {0};
	for (size_t text = 0; text < TEXTS; text++) {
		for (size_t i = 0; i < HIDDEN; i++) {
			const float *column = x + (size_t)f.host_starts[text] * HIDDEN + i;
			first[text * HIDDEN + i] = (double)column[0];
			for (int32_t k = 0; k < lengths[text]; k++)
				mean[text * HIDDEN + i] += (double)column[(size_t)k * HIDDEN] / lengths[text];
		}
	}
	put(&f, f.a, x, TOKENS * HIDDEN);
	f.ops->gather_first(f.stream, &f.batch, f.a, f.b);
	expect(&f, f.b, first, TEXTS * HIDDEN, 0);
	f.ops->mean_pool(f.stream, &f.batch, f.a, f.b);
	expect(&f, f.b, mean, TEXTS * HIDDEN, 1e-6);
	free(x);
	fixture_close(&f);
}
END_TEST

START_TEST(tables_by_name)
{
	struct err e = {0};
	struct device *device;
	const struct ops *ops = ops_open("auto", DEVICE_ANY, "auto", &device, &e);
	ck_assert_msg(ops != NULL, "%s", e.text);
	ck_assert_int_eq(strncmp(ops->kernels(device), "cpu-", 4), 0);
	ops->device_close(device);
	ops->device_close(NULL);
	static const char *const refused[][3] = {
		{"cuda", "auto", "device cuda is not available in this build: use cpu, or build with -DBELLWETHER_CUDA=ON"},
		{"cpu", "fp8", "precision \"fp8\" is not known: auto, fp32, bf16 or int8"},
	};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		ck_assert_ptr_null(ops_open(refused[i][0], DEVICE_ANY, refused[i][1], &device, &e));
		ck_assert_str_eq(e.text, refused[i][2]);
	}
}
END_TEST

START_TEST(devices_by_name)
{
	struct err e = {0};
	struct devices devices;
	static const char *const kinds[] = {"auto", "cpu", "cuda"};
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(devices_parse(kinds[i], &devices, &e), 0);
		ck_assert_str_eq(devices.kind, kinds[i]);
		ck_assert_uint_eq(devices.count, 1);
		ck_assert_int_eq(devices.numbers[0], DEVICE_ANY);
	}
	ck_assert_int_eq(devices_parse("cuda:12,0", &devices, &e), 0);
	ck_assert_str_eq(devices.kind, "cuda");
	ck_assert_uint_eq(devices.count, 2);
	ck_assert_int_eq(devices.numbers[0], 12);
	ck_assert_int_eq(devices.numbers[1], 0);
	static const char *const refused[][2] = {
		{"tpu", "device \"tpu\" is not known: auto, cpu, cuda, or GPUs by number such as cuda:0,1"},
		{"", "device \"\" is not known: auto, cpu, cuda, or GPUs by number such as cuda:0,1"},
		{"cpu:0", "device \"cpu:0\" is not known: auto, cpu, cuda, or GPUs by number such as cuda:0,1"},
		{"cuda:", "device \"cuda:\": \"\" is not the number of a GPU: cuda:0,1 takes the first two"},
		{"cuda:0,x", "device \"cuda:0,x\": \"x\" is not the number of a GPU: cuda:0,1 takes the first two"},
		{"cuda:0,", "device \"cuda:0,\": \"\" is not the number of a GPU: cuda:0,1 takes the first two"},
		{"cuda:-1", "device \"cuda:-1\": \"-1\" is not the number of a GPU: cuda:0,1 takes the first two"},
		{"cuda:99999", "device \"cuda:99999\": \"99999\" is not the number of a GPU: cuda:0,1 takes the first two"},
		{"cuda:1,01", "device \"cuda:1,01\": GPU 1 is named twice"},
		{"cuda:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
		 "device \"cuda:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\": more than 16 GPUs"},
	};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		ck_assert_int_eq(devices_parse(refused[i][0], &devices, &e), -1);
		ck_assert_str_eq(e.text, refused[i][1]);
	}
}
END_TEST

START_TEST(level_is_capped_by_the_environment)
{
	const char *fork = getenv("CK_FORK");
	if (fork != NULL && strcmp(fork, "no") == 0) {
		printf("SKIP the environment's cap: it was read already\n");
		return;
	}
	/* Where a cap stands in this list, tables of what comes after it are not taken. */
	static const char *const caps[] = {"plain", "avx2", "avx512", "amx"};
	struct err e = {0};
	struct device *device;
	setenv("BELLWETHER_CPU", caps[_i], 1);
	const struct ops *ops = ops_open("auto", DEVICE_ANY, "auto", &device, &e);
	ck_assert_msg(ops != NULL, "%s", e.text);
	const char *kernels = ops->kernels(device);
	if (_i == 0)
		ck_assert_str_eq(kernels, "cpu-plain");
	for (size_t above = (size_t)_i + 1; above < 4; above++)
		ck_assert_msg(strstr(kernels, caps[above]) == NULL, "%s in spite of %s", kernels, caps[_i]);
	ops->device_close(device);
}
END_TEST

START_TEST(unknown_level_is_refused)
{
	struct err e = {0};
	struct device *device;
	setenv("BELLWETHER_CPU", "avx1024", 1);
	ck_assert_ptr_null(ops_open("auto", DEVICE_ANY, "auto", &device, &e));
	ck_assert_str_eq(e.text, "BELLWETHER_CPU is \"avx1024\": plain, avx2, avx512 or amx");
	unsetenv("BELLWETHER_CPU");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("ops");
	tcase_add_loop_test(tests, linear_and_its_fusions, 0, TABLES);
	tcase_add_loop_test(tests, activations_over_their_whole_range, 0, TABLES);
	tcase_add_loop_test(tests, what_is_not_finite_stays_in_its_row, 0, TABLES);
	tcase_add_loop_test(tests, too_wide_for_bytes, 0, TABLES);
	tcase_add_loop_test(tests, linear_residual_norm, 0, TABLES);
	tcase_add_loop_test(tests, embed, 0, TABLES);
	tcase_add_loop_test(tests, attention, 0, TABLES);
	tcase_add_loop_test(tests, attention_of_large_scores, 0, TABLES);
	tcase_add_loop_test(tests, pooling, 0, TABLES);
	tcase_add_test(tests, tables_by_name);
	tcase_add_test(tests, devices_by_name);
	tcase_add_loop_test(tests, level_is_capped_by_the_environment, 0, 4);
	tcase_add_test(tests, unknown_level_is_refused);
	return run_case("ops", tests);
}
