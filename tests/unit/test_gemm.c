#include "model/cpu/gemm.h"
#include "model/cpu/level.h"
#include "model/cpu/operand.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/amx_modelled.h"

/*
 * Every product on the CPU against the same sums in double precision, on
 * shapes around the edges of tiles and panels.  The kernels for AMX run here
 * over a model of its instructions in plain C as well, on any machine.
 */
static const struct gemm *const gemms[] = {
	&gemm_plain_fp32, &gemm_plain_bf16, &gemm_plain_int8,
#if defined(__x86_64__)
	&gemm_avx2_fp32, &gemm_avx2_bf16, &gemm_avx2_int8, &gemm_avx_vnni_int8,
	&gemm_avx512_fp32, &gemm_avx512_bf16, &gemm_avx512_dot_bf16, &gemm_avx512_int8,
	&gemm_amx_bf16, &gemm_amx_int8, &modelled_amx_bf16, &modelled_amx_int8,
#endif
};
enum { GEMMS = sizeof gemms / sizeof *gemms };

/* A model runs anywhere; and what is merely slower than another table on this CPU is tested here too. */
static bool runs_here(const struct gemm *gemm)
{
#if defined(__x86_64__)
	if (gemm == &modelled_amx_bf16 || gemm == &modelled_amx_int8)
		return true;
	if (gemm == &gemm_avx512_dot_bf16)
		return cpu_has(CPU_AVX512_BF16);
#endif
	return gemm->available();
}

static uint64_t state;

static uint32_t next_random(void)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(state >> 33);
}

static int next_between(int least, int most)
{
	return least + (int)(next_random() % (uint32_t)(most - least + 1));
}

/* NULL where this CPU lacks what the kernel needs. */
static const struct gemm *gemm_at(int index)
{
	const struct gemm *gemm = gemms[index];
	state = 42;
	return runs_here(gemm) ? gemm : NULL;
}

/* One product: x[rows, inputs], weight[outputs, inputs], and what came out of it with room around. */
struct product {
	const struct gemm *gemm;
	size_t rows, outputs, inputs;
	float *x, *weight, *bias;
	float *y; /* [rows + 1, stride] */
	size_t stride;
};

enum { ROOM = 3, GAP = 5 };
static const float untouched = -12345.5f;

static void *allocate(size_t count, size_t size)
{
	void *memory = aligned_alloc(64, (count * size + 63) / 64 * 64);
	ck_assert_ptr_nonnull(memory);
	memset(memory, 0, count * size);
	return memory;
}

static struct product product_open(const struct gemm *gemm, size_t rows, size_t outputs, size_t inputs)
{
	struct product p = {.gemm = gemm, .rows = rows, .outputs = outputs, .inputs = inputs, .stride = outputs + ROOM};
	p.x = calloc(rows * inputs, sizeof *p.x);
	p.weight = calloc(outputs * inputs, sizeof *p.weight);
	p.bias = calloc(outputs, sizeof *p.bias);
	p.y = calloc((rows + 1) * p.stride, sizeof *p.y);
	ck_assert(p.x != NULL && p.weight != NULL && p.bias != NULL && p.y != NULL);
	for (size_t i = 0; i < (rows + 1) * p.stride; i++)
		p.y[i] = untouched;
	return p;
}

static void product_close(struct product *p)
{
	free(p->x);
	free(p->weight);
	free(p->bias);
	free(p->y);
}

/* Rows further apart than they are long, with bytes between them that are NaN as floats: nobody may use them. */
static gemm_word *rows_spread(const struct gemm_rows *rows)
{
	size_t stride = rows->stride + GAP, count = rows->count * stride - GAP;
	gemm_word *out = malloc(count * sizeof *out);
	ck_assert_ptr_nonnull(out);
	memset(out, 0xFF, count * sizeof *out);
	for (size_t i = 0; i < rows->count; i++)
		memcpy(out + i * stride, rows->words + i * rows->stride, rows->stride * sizeof *out);
	return out;
}

static void product_run(struct product *p, enum gemm_finish finish)
{
	const struct gemm *gemm = p->gemm;
	size_t padded = (p->outputs + gemm->panel - 1) / gemm->panel * gemm->panel;
	size_t words = operand_words(gemm->form, p->inputs);
	gemm_word *panels = allocate(padded * words, sizeof *panels);
	gemm_word *row_words = allocate(2 * p->rows * words + p->inputs, sizeof *row_words);
	float *bias = allocate(padded, sizeof *bias), *scale = allocate(padded, sizeof *scale);
	float *sum = allocate(padded, sizeof *sum);
	struct gemm_range *ranges = allocate(p->rows, sizeof *ranges);
	struct gemm_weights weights = {.form = gemm->form, .outputs = p->outputs, .inputs = p->inputs, .words = words,
				       .panel = gemm->panel, .panels = panels, .bias = bias, .scale = scale, .sum = sum};
	memcpy(bias, p->bias, p->outputs * sizeof *bias);
	operand_pack_weights(&weights, p->weight, panels, scale, sum);
	/* Integers are made of rotated rows: those that rotate to p->x, which is exact for the small integers here. */
	float *x = allocate(p->rows * p->inputs, sizeof *x);
	memcpy(x, p->x, p->rows * p->inputs * sizeof *x);
	if (gemm_is_integer(gemm->form))
		operand_rotate_weights(x, p->rows, p->inputs);
	struct gemm_rows rows = operand_prepare_rows(gemm->form, x, p->rows, p->inputs, row_words, ranges);
	gemm_word *spread = rows_spread(&rows);
	rows.words = spread;
	rows.stride += GAP;
	gemm->multiply(&weights, &rows, finish, p->y, p->stride);
	free(spread);
	free(x);
	free(panels);
	free(row_words);
	free(bias);
	free(scale);
	free(sum);
	free(ranges);
}

/* x weight^T + bias of one value, and how large its parts are together. */
static double product_wanted(const struct product *p, size_t row, size_t output, double *size)
{
	double sum = (double)p->bias[output];
	*size = fabs(sum);
	for (size_t i = 0; i < p->inputs; i++) {
		double part = (double)p->x[row * p->inputs + i] * (double)p->weight[output * p->inputs + i];
		sum += part;
		*size += fabs(part);
	}
	return sum;
}

static void expect(const struct product *p, size_t row, size_t column, double wanted, double most)
{
	double got = (double)p->y[row * p->stride + column];
	if (!(fabs(got - wanted) <= most)) /* not ck_assert: that notes down each success */
		ck_abort_msg("%s %s: [%zu, %zu] of %zu x %zu x %zu is %.9g, not %.9g", p->gemm->name, p->gemm->precision,
			     row, column, p->rows, p->outputs, p->inputs, got, wanted);
}

static void expect_room_untouched(const struct product *p)
{
	for (size_t row = 0; row <= p->rows; row++)
		for (size_t column = row < p->rows ? p->outputs : 0; column < p->stride; column++)
			expect(p, row, column, (double)untouched, 0);
}

/* Every value within `error` times the size of its parts. */
static void product_check(const struct product *p, double error)
{
	for (size_t row = 0; row < p->rows; row++)
		for (size_t output = 0; output < p->outputs; output++) {
			double size, wanted = product_wanted(p, row, output, &size);
			expect(p, row, output, wanted, error * size);
		}
	expect_room_untouched(p);
}

/*
 * Values that every form holds exactly, and whose sums float32 does, in any
 * order: for int8 each row spans 0 to 255 and each output has a weight of 127, so
 * that ranges and scales are 1.
 */
static void fill_with_integers(struct product *p)
{
	bool integer = gemm_is_integer(p->gemm->form);
	for (size_t i = 0; i < p->rows * p->inputs; i++)
		p->x[i] = (float)(integer ? next_between(0, 255) : next_between(-16, 16));
	for (size_t i = 0; i < p->outputs * p->inputs; i++)
		p->weight[i] = (float)(integer ? next_between(-127, 127) : next_between(-128, 128));
	for (size_t i = 0; i < p->outputs; i++)
		p->bias[i] = (float)next_between(-1000, 1000);
	for (size_t row = 0; integer && row < p->rows; row++) {
		p->x[row * p->inputs + (size_t)next_between(0, (int)p->inputs - 1)] = 255;
		p->x[(row + 1) * p->inputs - 1] = 0;
		p->x[row * p->inputs] = p->inputs > 1 ? 255 : 0;
	}
	for (size_t output = 0; integer && output < p->outputs; output++)
		p->weight[output * p->inputs + (size_t)next_between(0, (int)p->inputs - 1)] = 127;
}

static void check_exact(const struct gemm *gemm, size_t rows, size_t outputs, size_t inputs)
{
	struct product p = product_open(gemm, rows, outputs, inputs);
	fill_with_integers(&p);
	product_run(&p, GEMM_STORE);
	product_check(&p, 0);
	product_close(&p);
}

START_TEST(sums_are_exact_on_every_shape)
{
	const struct gemm *gemm = gemm_at(_i);
	if (gemm == NULL) {
		printf("SKIP %s %s: not on this CPU\n", gemms[_i]->name, gemms[_i]->precision);
		return;
	}
	for (size_t rows = 1; rows <= 70; rows++)
		check_exact(gemm, rows, (size_t)next_between(1, 70), (size_t)next_between(1, 200));
	for (size_t outputs = 1; outputs <= 70; outputs++)
		check_exact(gemm, (size_t)next_between(1, 40), outputs, (size_t)next_between(1, 200));
	for (size_t inputs = 1; inputs <= 200; inputs++)
		check_exact(gemm, (size_t)next_between(1, 40), (size_t)next_between(1, 70), inputs);
	check_exact(gemm, 33, 65, 384);
	check_exact(gemm, 15, 33, 1536);
}
END_TEST

/* Sums that would saturate in 16 bits, and the largest that 32 bits must hold. */
START_TEST(extreme_bytes_do_not_saturate)
{
	const struct gemm *gemm = gemm_at(_i);
	if (gemm == NULL || !gemm_is_integer(gemm->form))
		return;
	static const size_t inputs[] = {2, 3, 64, 384, OPERAND_MOST_INPUTS};
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		struct product p = product_open(gemm, 3, 2, inputs[i]);
		for (size_t k = 0; k < inputs[i]; k++) {
			p.x[k] = 255;
			p.x[inputs[i] + k] = k % 2 == 0 ? 255 : 0;
			p.x[2 * inputs[i] + k] = k == 0 ? 0 : 255;
			p.weight[k] = 127;
			p.weight[inputs[i] + k] = -127;
		}
		p.x[0] = 0;
		product_run(&p, GEMM_STORE);
		product_check(&p, 0x1p-24); /* the sum is exact, its float32 is rounded */
		product_close(&p);
	}
}
END_TEST

/*
 * n additions in any order err by n 2^-24 of the parts' size at most (Higham, Accuracy and Stability of Numerical
 * Algorithms, 4.2), each factor's rounding to bfloat16 by 2^-8 of it.
 */
static double error_bound(enum gemm_form form, size_t inputs)
{
	double sums = (double)(inputs + 2) * 0x1p-24;
	switch (form) {
	case GEMM_FP32:
		return sums;
	case GEMM_BF16:
		return sums + 0x1p-7 + 0x1p-16;
	case GEMM_BF16_WIDE:
		return sums + 0x1p-8;
	case GEMM_INT16:
	case GEMM_INT8:
		break; /* their error is not one of the parts' size: see below */
	}
	return 0;
}

START_TEST(errors_stay_within_bounds)
{
	const struct gemm *gemm = gemm_at(_i);
	if (gemm == NULL || gemm_is_integer(gemm->form))
		return;
	static const size_t inputs[] = {1, 2, 47, 384, 1536};
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		struct product p = product_open(gemm, 21, 45, inputs[i]);
		for (size_t k = 0; k < p.rows * p.inputs; k++)
			p.x[k] = (float)next_between(-1000000, 1000000) * 1e-5f;
		for (size_t k = 0; k < p.outputs * p.inputs; k++)
			p.weight[k] = (float)next_between(-1000000, 1000000) * 1e-7f;
		product_run(&p, GEMM_STORE);
		product_check(&p, error_bound(gemm->form, p.inputs));
		product_close(&p);
	}
}
END_TEST

START_TEST(bytes_are_within_half_a_step)
{
	const struct gemm *gemm = gemm_at(_i);
	if (gemm == NULL || !gemm_is_integer(gemm->form))
		return;
	/* x in 2 to 6: a step of 4 / 255; weights to 0.1: a step of 0.1 / 127; both are off by half of it at most. */
	struct product p = product_open(gemm, 35, 45, 384);
	for (size_t k = 0; k < p.rows * p.inputs; k++)
		p.x[k] = 4 + (float)next_between(-1000, 1000) * 2e-3f;
	for (size_t k = 0; k < p.outputs * p.inputs; k++)
		p.weight[k] = (float)next_between(-1000, 1000) * 1e-4f;
	product_run(&p, GEMM_STORE);
	for (size_t row = 0; row < p.rows; row++)
		for (size_t output = 0; output < p.outputs; output++) {
			double size, wanted = product_wanted(&p, row, output, &size);
			double most = 0.5 * 4 / 255 * 0.1 * 384 + 0.5 * 0.1 / 127 * 6 * 384;
			/* Half steps have either sign: their sum is like a walk, far below `most`. */
			expect(&p, row, output, wanted, most / 6);
		}
	product_close(&p);
}
END_TEST

static double finished(enum gemm_finish finish, double value, double before)
{
	switch (finish) {
	case GEMM_STORE:
		return value;
	case GEMM_ADD:
		return before + value;
	case GEMM_GELU:
		return 0.5 * value * (1 + erf(value / sqrt(2)));
	case GEMM_GELU_TANH:
		return 0.5 * value * (1 + tanh(sqrt(2 / M_PI) * (value + 0.044715 * value * value * value)));
	case GEMM_RELU:
		return value > 0 ? value : 0;
	case GEMM_TANH:
		return tanh(value);
	}
	return NAN;
}

START_TEST(finishes)
{
	const struct gemm *gemm = gemm_at(_i);
	if (gemm == NULL)
		return;
	for (int finish = GEMM_STORE; finish <= GEMM_TANH; finish++) {
		/* Weights of 0, so that the bias is all that is finished. */
		struct product p = product_open(gemm, 37, 67, 5);
		for (size_t i = 0; i < p.outputs; i++)
			p.bias[i] = ((float)i - 33) * 0.2f;
		for (size_t row = 0; row < p.rows; row++)
			for (size_t output = 0; output < p.outputs; output++)
				p.y[row * p.stride + output] = (float)row;
		product_run(&p, (enum gemm_finish)finish);
		for (size_t row = 0; row < p.rows; row++)
			for (size_t output = 0; output < p.outputs; output++)
				expect(&p, row, output,
				       finished((enum gemm_finish)finish, (double)p.bias[output], (double)row), 4e-6);
		expect_room_untouched(&p);
		product_close(&p);
	}
}
END_TEST

#if defined(__x86_64__)
START_TEST(tiles_are_given_back)
{
	state = 42;
	check_exact(&modelled_amx_int8, 50, 40, 100);
	ck_assert(!amx_state.configured);
	check_exact(&modelled_amx_bf16, 7, 7, 7);
	ck_assert(!amx_state.configured);
}
END_TEST
#endif

int main(void)
{
	TCase *tests = tcase_create("gemm");
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, sums_are_exact_on_every_shape, 0, GEMMS);
	tcase_add_loop_test(tests, extreme_bytes_do_not_saturate, 0, GEMMS);
	tcase_add_loop_test(tests, errors_stay_within_bounds, 0, GEMMS);
	tcase_add_loop_test(tests, bytes_are_within_half_a_step, 0, GEMMS);
	tcase_add_loop_test(tests, finishes, 0, GEMMS);
#if defined(__x86_64__)
	tcase_add_test(tests, tiles_are_given_back);
#endif
	return run_case("gemm", tests);
}
