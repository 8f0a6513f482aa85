#include "model/config.h"
#include "model/train/calibrate.h"
#include "model/train/params.h"
#include "model/train/random.h"
#include "model/train/trainer.h"
#include "model/weights.h"
#include "tests/lib/draw_values.h"
#include "tests/lib/run.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Training against Hugging Face's logits, against PyTorch's gradients and
 * steps (tests/lib/make_train_fixture.py wrote them), against differences of
 * the loss, and against itself on other numbers of threads.
 */
static const char *const models[] = {"cls-gelu-f32", "mean-relu-bf16", "cls-gelu_new-f16"};
enum { MODELS = sizeof models / sizeof *models, MAX_TEXTS = 64, MAX_IDS = 4096 };

struct texts {
	size_t count, used;
	struct trainer_text list[MAX_TEXTS];
	int32_t ids[MAX_IDS];
};

static struct trainer_options exact_options(void)
{
	struct trainer_options options = trainer_defaults();
	options.longest = 16;
	options.dropout = 0;
	return options;
}

/* A trainer over one of the parity models. */
static struct trainer *model_open(const char *name, const struct trainer_options *options)
{
	struct err e = {0};
	char directory[512], path[600];
	struct model_config config;
	struct layout layout;
	bool drew;
	snprintf(directory, sizeof directory, "%s/parity/%s", TEST_DATA, name);
	snprintf(path, sizeof path, "%s/model.safetensors", directory);
	ck_assert_msg(model_config_read(&config, directory, &e) == 0, "%s", e.text);
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	ck_assert_int_eq(layout_make(&layout, &config, config.topic_count, 0, &e), 0);
	struct trainer *trainer = trainer_open(&layout, options, &e);
	ck_assert_msg(trainer != NULL, "%s", e.text);
	ck_assert_msg(params_read(trainer_layout(trainer), weights, &(struct params_fresh){0}, trainer_state(trainer).values,
				  &drew, &e) == 0, "%s", e.text);
	ck_assert(!drew);
	trainer_restart(trainer);
	weights_close(weights);
	model_config_clear(&config);
	return trainer;
}

static int label_read(const json_t *label)
{
	return json_is_integer(label) ? (int)json_integer_value(label) : -1;
}

static void text_add(struct texts *texts, const json_t *row)
{
	const json_t *ids = json_object_get(row, "ids");
	struct trainer_text *text = &texts->list[texts->count++];
	*text = (struct trainer_text){.ids = texts->ids + texts->used, .length = json_array_size(ids), .source = -1,
				      .polarity = label_read(json_object_get(row, "polarity")),
				      .topic = label_read(json_object_get(row, "topic"))};
	for (size_t i = 0; i < text->length; i++)
		texts->ids[texts->used++] = (int32_t)json_integer_value(json_array_get(ids, i));
	ck_assert(texts->used < MAX_IDS && texts->count < MAX_TEXTS);
}

static void texts_read(const json_t *list, struct texts *texts)
{
	texts->count = texts->used = 0;
	for (size_t i = 0; i < json_array_size(list); i++)
		text_add(texts, json_array_get(list, i));
}

static json_t *json_read(const char *room, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s/%s.json", TEST_DATA, room, name);
	json_t *json = json_load_file(path, 0, NULL);
	ck_assert_msg(json != NULL, "%s", path);
	return json;
}

START_TEST(philox_gives_its_authors_numbers)
{
	uint32_t out[4];
	random_block((uint32_t[4]){0}, (uint32_t[2]){0}, out);
	ck_assert_uint_eq(out[0], 0x6627e8d5);
	ck_assert_uint_eq(out[1], 0xe169c58d);
	ck_assert_uint_eq(out[2], 0xbc57ac4c);
	ck_assert_uint_eq(out[3], 0x9b00dbd8);
	const uint32_t ones = 0xffffffff;
	random_block((uint32_t[4]){ones, ones, ones, ones}, (uint32_t[2]){ones, ones}, out);
	ck_assert_uint_eq(out[0], 0x408f276d);
	ck_assert_uint_eq(out[1], 0x41c83b0e);
	ck_assert_uint_eq(out[2], 0xa20bc7c6);
	ck_assert_uint_eq(out[3], 0x6d5451fd);
}
END_TEST

/* Runs of numbers, which wide instructions make where there are any, are the function's own. */
START_TEST(numbers_of_a_place_are_the_functions)
{
	const struct random_place place = {.row = 0x89ABCDEF, .site = 0xFFFF1, .step = 7};
	const uint64_t seed = UINT64_C(0xFEDCBA9876543210);
	const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	uint32_t words[3 * RANDOM_GROUP], block[4];
	random_fill(seed, place, words, 2 * RANDOM_GROUP + 1);
	for (uint32_t i = 0; i < 3 * RANDOM_GROUP / 4; i++) {
		const uint32_t counter[4] = {i, place.row, place.site, place.step};
		random_block(counter, key, block);
		for (size_t word = 0; word < 4; word++)
			ck_assert_uint_eq(words[i / 16 * RANDOM_GROUP + word * 16 + i % 16], block[word]);
	}
}
END_TEST

START_TEST(shuffling_keeps_every_item_and_normal_numbers_are_normal)
{
	uint32_t items[1000];
	bool seen[1000] = {false};
	for (uint32_t i = 0; i < 1000; i++)
		items[i] = i;
	struct random_stream stream = random_stream(7, 1, 2);
	random_shuffle(&stream, items, 1000);
	size_t moved = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		ck_assert(!seen[items[i]]);
		seen[items[i]] = true;
		moved += items[i] != i;
	}
	ck_assert_uint_gt(moved, 980);
	double sum = 0, squares = 0;
	for (int i = 0; i < 20000; i++) {
		double x = (double)random_normal(&stream);
		sum += x;
		squares += x * x;
	}
	ck_assert_double_eq_tol(sum / 20000, 0, 0.03);
	ck_assert_double_eq_tol(squares / 20000, 1, 0.04);
}
END_TEST

START_TEST(logits_equal_hugging_face)
{
	static struct texts texts;
	struct trainer_options options = exact_options();
	options.dropout = 0.5; /* none without a step */
	struct trainer *trainer = model_open(models[_i], &options);
	size_t outputs = trainer_layout(trainer)->outputs;
	json_t *json = json_read("parity", models[_i]), *cases = json_object_get(json, "cases");
	texts_read(cases, &texts);
	float *logits = calloc(texts.count, outputs * sizeof *logits);
	ck_assert_int_eq(trainer_run(trainer, true, texts.list, texts.count, logits, NULL), 0);
	for (size_t i = 0; i < texts.count; i++) {
		json_t *wanted = json_object_get(json_array_get(cases, i), "logits");
		ck_assert_uint_eq(json_array_size(wanted), outputs);
		for (size_t k = 0; k < outputs; k++)
			ck_assert_double_eq_tol((double)logits[i * outputs + k], json_number_value(json_array_get(wanted, k)), 1e-4);
	}
	free(logits);
	json_decref(json);
	trainer_close(trainer);
}
END_TEST

/* |a - b| / |b| over a tensor. */
static double distance(const float *a, const float *b, size_t count)
{
	double apart = 0, length = 0;
	for (size_t i = 0; i < count; i++) {
		apart += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
		length += (double)b[i] * (double)b[i];
	}
	return sqrt(apart) / (sqrt(length) + 1e-12);
}

/* Every tensor of a block against PREFIX.NAME of the fixture.  A key's bias changes no softmax: its gradient is rounding. */
static void expect_block(const struct layout *layout, const struct weights *fixture, const char *prefix, const float *block)
{
	double worst = 0;
	for (size_t i = 0; i < layout->tensor_count; i++) {
		const struct layout_tensor *tensor = &layout->tensors[i];
		size_t count = (tensor->rows == 0 ? 1 : tensor->rows) * tensor->columns;
		char name[200];
		struct err e = {0};
		snprintf(name, sizeof name, "%s.%s%s", prefix, layout_is_head(tensor) ? "" : "bert.", tensor->name);
		if (strstr(name, "attention.self.key.bias") != NULL)
			continue;
		float *wanted = calloc(count, sizeof *wanted);
		ck_assert_msg(weights_read(fixture, name, tensor->rows, tensor->columns, wanted, &e) == 0, "%s", e.text);
		double apart = distance(block + tensor->offset, wanted, count);
		worst = apart > worst ? apart : worst;
		ck_assert_msg(apart < 1e-4, "%s: relative distance %.3g", name, apart);
		free(wanted);
	}
	printf("%s: at most %.2g apart\n", prefix, worst);
}

START_TEST(gradients_and_ten_steps_equal_pytorch)
{
	static struct texts texts;
	char path[512];
	struct err e = {0};
	json_t *json = json_read("train", models[_i]), *batches = json_object_get(json, "batches");
	snprintf(path, sizeof path, "%s/train/%s.safetensors", TEST_DATA, models[_i]);
	struct weights *fixture = weights_open(path, &e);
	ck_assert_msg(fixture != NULL, "%s", e.text);

	struct trainer_options options = exact_options();
	float classes[16];
	json_t *weights = json_object_get(json, "weights");
	for (size_t i = 0; i < json_array_size(weights); i++)
		classes[i] = (float)json_number_value(json_array_get(weights, i));
	options.weights = json_is_array(weights) ? classes : NULL;
	options.smoothing = json_number_value(json_object_get(json, "smoothing"));
	struct trainer *trainer = model_open(models[_i], &options);
	const struct layout *layout = trainer_layout(trainer);

	struct trainer_result result;
	float *gradients = calloc(layout->total, sizeof *gradients);
	texts_read(json_array_get(batches, 0), &texts);
	ck_assert_int_eq(trainer_gradients(trainer, texts.list, texts.count, gradients, &result, &e), 0);
	expect_block(layout, fixture, "gradient", gradients);
	for (size_t step = 0; step < json_array_size(batches); step++) {
		texts_read(json_array_get(batches, step), &texts);
		double rate = json_number_value(json_array_get(json_object_get(json, "rates"), step));
		double loss = json_number_value(json_array_get(json_object_get(json, "losses"), step));
		double norm = json_number_value(json_array_get(json_object_get(json, "norms"), step));
		ck_assert_msg(trainer_step(trainer, texts.list, texts.count, rate, &result, &e) == 0, "%s", e.text);
		ck_assert_double_eq_tol(result.loss, loss, 1e-4 * loss);
		ck_assert_double_eq_tol(result.norm, norm, 1e-4 * norm);
	}
	expect_block(layout, fixture, "after", trainer_state(trainer).values);
	free(gradients);
	trainer_close(trainer);
	weights_close(fixture);
	json_decref(json);
}
END_TEST

/* A model of a shape of our own with values drawn, for texts longer than a vector. */
static struct trainer *drawn_open(enum pooling pooling, enum activation activation, size_t heads, struct trainer_options *options)
{
	struct err e = {0};
	struct layout layout;
	const struct model_config config = {.hidden = 40, .layers = 2, .heads = heads, .intermediate = 72, .vocab_size = 50,
					    .positions = 70, .types = 2, .norm_epsilon = 1e-12f, .activation = activation,
					    .pooling = pooling};
	options->longest = 70;
	ck_assert_int_eq(layout_make(&layout, &config, 4, 3, &e), 0);
	struct trainer *trainer = trainer_open(&layout, options, &e);
	ck_assert_msg(trainer != NULL, "%s", e.text);
	draw_values(trainer, 3, 0.25f);
	return trainer;
}

static void texts_draw(struct texts *texts, size_t count, uint32_t which)
{
	static const float target[] = {0.5f, 0.125f, 0.375f};
	struct random_stream stream = random_stream(5, 0, which);
	texts->count = texts->used = 0;
	for (size_t i = 0; i < count; i++) {
		struct trainer_text *text = &texts->list[texts->count++];
		size_t length = i == 0 ? 70 : 2 + random_below(&stream, i % 4 == 0 ? 60 : 20);
		*text = (struct trainer_text){.ids = texts->ids + texts->used, .length = length,
					      .polarity = i % 3 != 1 ? (int)random_below(&stream, 3) : -1,
					      .topic = i % 3 != 0 ? (int)random_below(&stream, 4) : -1,
					      .source = (int)random_below(&stream, 4) - 1};
		if (text->polarity < 0 && i % 2 == 0)
			text->polarity_target = target;
		for (size_t k = 0; k < length; k++)
			texts->ids[texts->used++] = (int32_t)random_below(&stream, 50);
		ck_assert(texts->used < MAX_IDS);
	}
}

static double loss_at(struct trainer *trainer, const struct texts *texts, float *gradients)
{
	struct trainer_result result;
	trainer_set(trainer, 0);
	ck_assert_int_eq(trainer_gradients(trainer, texts->list, texts->count, gradients, &result, NULL), 0);
	return result.loss;
}

/* Along each tensor's own gradient the loss must change by its length; dropout is the same at the same step. */
START_TEST(gradients_equal_differences_of_the_loss)
{
	static struct texts texts;
	struct trainer_options options = trainer_defaults();
	const enum activation activations[] = {ACTIVATION_GELU, ACTIVATION_GELU_TANH, ACTIVATION_RELU};
	const size_t heads[] = {1, 5, 10};
	options.dropout = _i % 2 == 0 ? 0.2 : 0;
	options.smoothing = 0.1;
	struct trainer *trainer = drawn_open(_i < 3 ? POOLING_CLS : POOLING_MEAN, activations[_i % 3], heads[_i % 3], &options);
	const struct layout *layout = trainer_layout(trainer);
	float *gradients = calloc(layout->total, sizeof *gradients), *scratch = calloc(layout->total, sizeof *scratch);
	float *values = trainer_state(trainer).values, *before = calloc(layout->total, sizeof *before);
	texts_draw(&texts, 9, (uint32_t)_i);
	loss_at(trainer, &texts, gradients);
	memcpy(before, values, layout->total * sizeof *before);
	double worst = 0;
	for (size_t i = 0; i < layout->tensor_count; i++) {
		const struct layout_tensor *tensor = &layout->tensors[i];
		size_t count = (tensor->rows == 0 ? 1 : tensor->rows) * tensor->columns, at = tensor->offset;
		double squares = 0, loss[2];
		for (size_t k = at; k < at + count; k++)
			squares += (double)gradients[k] * (double)gradients[k];
		double length = sqrt(squares);
		if (length < 1e-3) /* a key's bias, and rows that no text has */
			continue;
		for (int side = 0; side < 2; side++) {
			double step = (side == 0 ? -3e-3 : 3e-3) / length;
			for (size_t k = at; k < at + count; k++)
				values[k] = (float)((double)before[k] + step * (double)gradients[k]);
			loss[side] = loss_at(trainer, &texts, scratch);
		}
		memcpy(values + at, before + at, count * sizeof *values);
		double measured = (loss[1] - loss[0]) / 6e-3;
		worst = fmax(worst, fabs(measured / length - 1));
		/* The loss has seven digits, and a ReLU's corners are crossed by some of so long a step. */
		ck_assert_msg(fabs(measured - length) < 5e-5 + (_i % 3 == 2 ? 2e-2 : 2e-3) * length,
			      "%s: gradient %.6g, measured %.6g", tensor->name, length, measured);
	}
	printf("differences: at most %.2g apart\n", worst);
	free(gradients);
	free(scratch);
	free(before);
	trainer_close(trainer);
}
END_TEST

/* bfloat16 has eight bits: products of rounded values are near, and training by them is the same training. */
START_TEST(gradients_by_bf16_are_near)
{
	static struct texts texts;
	struct trainer_options options = trainer_defaults();
	float *gradients[2];
	size_t count = 0;
	for (int i = 0; i < 2; i++) {
		options.precision = i == 0 ? "fp32" : "bf16";
		struct trainer *trainer = drawn_open(_i == 0 ? POOLING_CLS : POOLING_MEAN, ACTIVATION_GELU, 5, &options);
		count = trainer_layout(trainer)->total;
		gradients[i] = calloc(count, sizeof *gradients[i]);
		texts_draw(&texts, 30, 1);
		loss_at(trainer, &texts, gradients[i]);
		trainer_close(trainer);
	}
	double apart = distance(gradients[1], gradients[0], count);
	printf("bf16: %.2g apart\n", apart);
	ck_assert_double_lt(apart, 0.03);
	ck_assert_double_gt(apart, 1e-4);
	free(gradients[0]);
	free(gradients[1]);
}
END_TEST

/* A temperature that fits is found once: a second time nothing is left to do, and no answer has changed. */
START_TEST(calibration_fits_and_changes_no_answer)
{
	static struct texts texts;
	struct trainer_options options = trainer_defaults();
	struct trainer *trainer = drawn_open(POOLING_MEAN, ACTIVATION_GELU, 5, &options);
	const struct layout *layout = trainer_layout(trainer);
	uint32_t all[60];
	texts_draw(&texts, 60, 2);
	for (uint32_t i = 0; i < 60; i++) {
		all[i] = i;
		texts.list[i].polarity = (int)(i % 3);
	}
	const struct fit_texts rows = {.texts = texts.list, .validation = all, .validation_count = 60};
	struct fit_figures before;
	struct fit_outcome outcome = {.block = calloc(layout->total, sizeof *outcome.block)};
	struct calibration first, second;
	memcpy(outcome.block, trainer_state(trainer).values, layout->total * sizeof *outcome.block);
	ck_assert_int_eq(fit_evaluate(trainer, false, texts.list, all, 60, &before, NULL), 0);
	ck_assert_int_eq(fit_calibrate(trainer, &rows, &outcome, &first, NULL), 0);
	ck_assert_double_gt(first.polarity, 1.05); /* the labels are chance, so the answers are too sure */
	ck_assert_double_eq(first.topic, 1);       /* 40 rows are too few */
	ck_assert_double_lt(outcome.figures.polarity.loss, before.polarity.loss - 1e-3);
	ck_assert_double_eq(outcome.figures.polarity.macro_f1, before.polarity.macro_f1);
	ck_assert_double_eq(outcome.figures.topic.loss, before.topic.loss);
	if (first.polarity < 2.9) {
		ck_assert_int_eq(fit_calibrate(trainer, &rows, &outcome, &second, NULL), 0);
		ck_assert_double_eq_tol(second.polarity, 1, 1e-3);
	}
	fit_clear(&outcome);
	trainer_close(trainer);
}
END_TEST

/* Steps with everything on; the values after them. */
static float *values_after(size_t threads, size_t batch_tokens, double dropout, size_t *count)
{
	static struct texts texts;
	struct trainer_options options = trainer_defaults();
	options.threads = threads;
	options.batch_tokens = batch_tokens;
	options.dropout = dropout;
	options.average = 0.9;
	options.smoothing = 0.05;
	struct trainer *trainer = drawn_open(POOLING_CLS, ACTIVATION_GELU, 5, &options);
	for (uint32_t step = 0; step < 10; step++) {
		struct trainer_result result;
		texts_draw(&texts, 40, step);
		ck_assert_int_eq(trainer_step(trainer, texts.list, texts.count, 1e-3, &result, NULL), 0);
	}
	struct trainer_state state = trainer_state(trainer);
	*count = 2 * state.count;
	float *values = calloc(*count, sizeof *values);
	memcpy(values, state.values, state.count * sizeof *values);
	memcpy(values + state.count, state.average, state.count * sizeof *values);
	trainer_close(trainer);
	return values;
}

START_TEST(bits_do_not_depend_on_the_threads)
{
	size_t count, other;
	float *one = values_after(1, 300, 0.1, &count);
	for (size_t threads = 2; threads <= 5; threads += 3) {
		float *more = values_after(threads, 300, 0.1, &other);
		ck_assert_uint_eq(count, other);
		ck_assert_int_eq(memcmp(one, more, count * sizeof *one), 0);
		free(more);
	}
	free(one);
}
END_TEST

/* Micro-batches are there for the memory alone: dropout too falls on the same values. */
START_TEST(micro_batches_change_nothing_but_rounding)
{
	size_t count;
	float *whole = values_after(2, 4096, 0, &count), *parts = values_after(2, 100, 0, &count);
	ck_assert_double_lt(distance(parts, whole, count), 1e-3);
	float *other = values_after(2, 4096, 0.1, &count);
	ck_assert_double_gt(distance(other, whole, count), 2e-3);
	free(whole);
	free(parts);
	free(other);
}
END_TEST

/* The average is what a run's result is: after one step it is on its way already. */
START_TEST(the_average_follows_from_the_first_step)
{
	static struct texts texts;
	struct trainer_options options = trainer_defaults();
	options.average = 0.99;
	struct trainer *trainer = drawn_open(POOLING_CLS, ACTIVATION_GELU, 5, &options);
	struct trainer_state state = trainer_state(trainer);
	float *start = calloc(state.count, sizeof *start);
	memcpy(start, state.values, state.count * sizeof *start);
	double before = 0;
	for (uint32_t step = 0; step < 3; step++) {
		struct trainer_result result;
		texts_draw(&texts, 8, step);
		ck_assert_int_eq(trainer_step(trainer, texts.list, texts.count, 1e-3, &result, NULL), 0);
		double moved = distance(state.average, start, state.count);
		ck_assert_double_gt(moved, before);
		before = moved;
	}
	ck_assert_double_le(before, distance(state.values, start, state.count));
	free(start);
	trainer_close(trainer);
}
END_TEST

START_TEST(a_loss_that_is_no_number_changes_nothing)
{
	static struct texts texts;
	struct err e = {0};
	struct trainer_result result;
	struct trainer_options options = trainer_defaults();
	struct trainer *trainer = drawn_open(POOLING_MEAN, ACTIVATION_GELU, 2, &options);
	const struct layout *layout = trainer_layout(trainer);
	struct trainer_state state = trainer_state(trainer);
	texts_draw(&texts, 8, 0);
	state.values[layout->word + (size_t)texts.ids[0] * layout->hidden] = NAN;
	float *before = calloc(state.count, sizeof *before);
	memcpy(before, state.values, state.count * sizeof *before);
	trainer_set(trainer, 0);
	ck_assert_int_eq(trainer_step(trainer, texts.list, texts.count, 1e-3, &result, &e), -1);
	ck_assert_msg(strstr(e.text, "not a number") != NULL, "%s", e.text);
	ck_assert_int_eq(memcmp(before, state.values, state.count * sizeof *before), 0);
	free(before);
	trainer_close(trainer);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("train");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, philox_gives_its_authors_numbers);
	tcase_add_test(tests, numbers_of_a_place_are_the_functions);
	tcase_add_test(tests, shuffling_keeps_every_item_and_normal_numbers_are_normal);
	tcase_add_loop_test(tests, logits_equal_hugging_face, 0, MODELS);
	tcase_add_loop_test(tests, gradients_and_ten_steps_equal_pytorch, 0, MODELS);
	tcase_add_loop_test(tests, gradients_equal_differences_of_the_loss, 0, 6);
	tcase_add_loop_test(tests, gradients_by_bf16_are_near, 0, 2);
	tcase_add_test(tests, calibration_fits_and_changes_no_answer);
	tcase_add_test(tests, bits_do_not_depend_on_the_threads);
	tcase_add_test(tests, micro_batches_change_nothing_but_rounding);
	tcase_add_test(tests, the_average_follows_from_the_first_step);
	tcase_add_test(tests, a_loss_that_is_no_number_changes_nothing);
	return run_case("train", tests);
}
