#include "model/cpu/device.h"
#include "model/encoder.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/amx_modelled.h"

/*
 * Logits against Hugging Face's (tests/lib/make_parity.py wrote the cases), for
 * every table: every case alone, and all in one batch.
 */
static const char *const models[] = {"cls-gelu-f32", "mean-relu-bf16", "cls-gelu_new-f16", "shipped"};
enum { MODELS = sizeof models / sizeof *models, TABLES = 16 /* at least as many as there are */ };

/* The device whose tables are tested: test_gpu_encoder.c says another. */
#if !defined(TEST_DEVICE)
#define TEST_DEVICE "cpu"
#endif

/* One in how many of the shipped model's cases runs alone; 0: none of them, in no batch either.  An emulated one takes a
 * second, and ten under a sanitizer. */
static size_t shipped_step(void)
{
	if (strcmp(TEST_DEVICE, "cpu") == 0)
		return one_in();
	return one_in() == 1 ? 7 : 0;
}

/* After the tables of the program those of AMX over the model of its instructions, which any machine runs. */
static const struct ops *table_at(size_t index)
{
	if (index < TABLES)
		return ops_table(index);
	if (strcmp(TEST_DEVICE, "cpu") != 0)
		return NULL;
#if defined(__x86_64__)
	static const struct gemm *const gemms[] = {&modelled_amx_bf16, &modelled_amx_int8};
	static struct cpu_ops tables[2];
	static struct gemm available[2];
	size_t i = index - TABLES;
	available[i] = *gemms[i];
	available[i].available = gemm_plain_fp32.available;
	tables[i] = *(const struct cpu_ops *)ops_table(0);
	tables[i].ops.precision = gemms[i]->precision;
	tables[i].gemm = &available[i];
	tables[i].exact = &gemm_plain_fp32;
	return &tables[i].ops;
#else
	return NULL;
#endif
}

enum { MAX_CASES = 32, MAX_TOKENS = 4096, MAX_OUTPUTS = 32 };

struct cases {
	size_t count, outputs;
	int32_t ids[MAX_TOKENS];
	int32_t starts[MAX_CASES + 1];
	float logits[MAX_CASES][MAX_OUTPUTS];
};

static void cases_read(const char *name, struct cases *cases)
{
	char path[512];
	snprintf(path, sizeof path, "%s/parity/%s.json", TEST_DATA, name);
	json_t *json = json_load_file(path, 0, NULL), *list = json_object_get(json, "cases");
	ck_assert_msg(json_array_size(list) > 0, "%s", path);
	*cases = (struct cases){.count = json_array_size(list)};
	size_t used = 0;
	for (size_t i = 0; i < cases->count; i++) {
		json_t *entry = json_array_get(list, i), *ids = json_object_get(entry, "ids");
		json_t *logits = json_object_get(entry, "logits");
		for (size_t k = 0; k < json_array_size(ids); k++)
			cases->ids[used++] = (int32_t)json_integer_value(json_array_get(ids, k));
		cases->starts[i + 1] = (int32_t)used;
		cases->outputs = json_array_size(logits);
		for (size_t k = 0; k < cases->outputs; k++)
			cases->logits[i][k] = (float)json_number_value(json_array_get(logits, k));
	}
	json_decref(json);
}

struct fixture {
	const struct ops *ops;
	struct device *device;
	struct encoder *encoder;
	struct encoder_context *context;
};

/* False where there is no such table, and (said so) where this CPU cannot run it. */
static bool fixture_open(struct fixture *f, const char *name, const struct ops *ops)
{
	if (ops == NULL || strcmp(ops->device, TEST_DEVICE) != 0)
		return false;
	struct err e = {0};
	char directory[512], path[600];
	*f = (struct fixture){.ops = ops, .device = ops->device_open(ops, DEVICE_ANY, &e)};
	if (f->device == NULL) {
		printf("SKIP %s: %s\n", name, e.text);
		return false;
	}
	if (strcmp(name, "shipped") == 0)
		snprintf(directory, sizeof directory, "%s/model/weights", SOURCE_DIR);
	else
		snprintf(directory, sizeof directory, "%s/parity/%s", TEST_DATA, name);
	snprintf(path, sizeof path, "%s/model.safetensors", directory);
	struct model_config config;
	ck_assert_msg(model_config_read(&config, directory, &e) == 0, "%s", e.text);
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	f->encoder = encoder_open(ops, f->device, &config, weights, &e);
	ck_assert_msg(f->encoder != NULL, "%s", e.text);
	f->context = encoder_context_open(f->encoder, MAX_TOKENS, MAX_CASES, &e);
	ck_assert_msg(f->context != NULL, "%s", e.text);
	weights_close(weights);
	model_config_clear(&config);
	return true;
}

static void fixture_close(struct fixture *f)
{
	encoder_context_close(f->context);
	encoder_close(f->encoder);
	f->ops->device_close(f->device);
}

/*
 * Logits reach 10.  bfloat16 and bytes add noise layer by layer, most in the smallest of these models: bounds are one
 * and a half times the largest difference that the reference showed.  Whether labels agree is measured by the bench.
 */
static double tolerance_of(const char *precision)
{
	if (strcmp(precision, "fp32") == 0)
		return 1e-4;
	return strcmp(precision, "bf16") == 0 ? 0.09 : 0.55;
}

static void expect_row(const float *got, const float *wanted, size_t count, double most, const char *what, size_t index)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(fabs((double)got[i] - (double)wanted[i]) <= most, "%s, case %zu: logit %zu is %.7g, not %.7g",
			      what, index, i, (double)got[i], (double)wanted[i]);
}

START_TEST(equals_hugging_face_alone_and_in_a_batch)
{
	const char *name = models[_i % MODELS];
	static struct cases cases;
	struct fixture f;
	cases_read(name, &cases);
	if (strcmp(name, "shipped") == 0 && (_i / MODELS >= TABLES || shipped_step() == 0))
		return; /* minutes */
	if (!fixture_open(&f, name, table_at((size_t)_i / MODELS)))
		return;
	size_t outputs = encoder_outputs(f.encoder);
	ck_assert_uint_eq(outputs, cases.outputs);
	static float together[MAX_CASES * MAX_OUTPUTS], alone[MAX_OUTPUTS];
	struct token_batch batch = {.ids = cases.ids, .starts = cases.starts, .texts = cases.count};
	ck_assert_int_eq(encoder_run(f.context, &batch, together, NULL), 0);
	size_t step = strcmp(name, "shipped") == 0 ? shipped_step() : 1; /* all of them stood in the batch */
	for (size_t i = 0; i < cases.count; i += step) {
		int32_t starts[2] = {0, cases.starts[i + 1] - cases.starts[i]};
		batch = (struct token_batch){.ids = cases.ids + cases.starts[i], .starts = starts, .texts = 1};
		ck_assert_int_eq(encoder_run(f.context, &batch, alone, NULL), 0);
		expect_row(alone, cases.logits[i], outputs, tolerance_of(f.ops->precision), name, i);
		expect_row(together + i * outputs, alone, outputs, 1e-5, "in a batch", i);
	}
	fixture_close(&f);
}
END_TEST

START_TEST(runs_no_text_at_all)
{
	struct fixture f;
	size_t table = 0;
	while (!fixture_open(&f, "cls-gelu-f32", ops_table(table)))
		table++;
	const int32_t starts[1] = {0};
	struct token_batch batch = {.ids = NULL, .starts = starts, .texts = 0};
	ck_assert_int_eq(encoder_run(f.context, &batch, NULL, NULL), 0);
	fixture_close(&f);
	encoder_context_close(NULL);
	encoder_close(NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("encoder");
	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(tests, equals_hugging_face_alone_and_in_a_batch, 0, MODELS * (TABLES + 2));
	tcase_add_test(tests, runs_no_text_at_all);
	return run_case("encoder", tests);
}
