#include "model/train/random.h"
#include "tests/lib/run.h"
#include "tests/lib/transfer.h"

/* Learning from a teacher, against PyTorch and against differences of the loss. */

START_TEST(targets_at_a_temperature_equal_pytorch)
{
	static struct texts texts;
	struct err e = {0};
	json_t *json = fixture_read(), *said = json_object_get(json, "distil"), *weights = json_object_get(said, "weights");
	struct weights *fixture = weights_read_file(TEST_DATA "/train/transfer.safetensors");
	struct trainer_options options = exact_options();
	float classes[16];
	for (size_t i = 0; i < json_array_size(weights); i++)
		classes[i] = (float)json_number_value(json_array_get(weights, i));
	options.weights = classes;
	options.smoothing = json_number_value(json_object_get(said, "smoothing"));
	options.soft = json_number_value(json_object_get(said, "soft"));
	options.hard = json_number_value(json_object_get(said, "hard"));
	options.temperature = json_number_value(json_object_get(said, "temperature"));
	struct trainer *trainer = model_open(&options, NULL);
	float *gradients = calloc(trainer_layout(trainer)->total, sizeof *gradients);
	struct trainer_result result;
	texts_read(json_object_get(said, "batch"), &texts);
	ck_assert_int_eq(trainer_gradients(trainer, texts.list, texts.count, gradients, &result, &e), 0);
	double loss = json_number_value(json_object_get(said, "loss"));
	ck_assert_double_eq_tol(result.loss, loss, 1e-5 * loss);
	expect_block(trainer_layout(trainer), fixture, "distil", gradients);
	free(gradients);
	trainer_close(trainer);
	weights_close(fixture);
	json_decref(json);
}
END_TEST

START_TEST(relations_to_a_teacher_equal_pytorch)
{
	static struct texts texts;
	struct err e = {0};
	const char *name = _i % 2 == 0 ? "cls" : "mean";
	char prefix[32];
	json_t *json = fixture_read(), *said = json_object_get(json, name);
	struct weights *fixture = weights_read_file(TEST_DATA "/train/transfer.safetensors");
	struct trainer_options options = exact_options();
	options.batch_tokens = _i < 2 ? 2048 : 20;
	options.threads = _i < 2 ? 1 : 3;
	options.frozen = true;
	struct trainer *teacher = model_open(&options, &(struct shape){.pooling = _i % 2 == 0 ? POOLING_CLS : POOLING_MEAN});
	options.frozen = false;
	options.teacher = teacher;
	options.relations = json_number_value(json_object_get(said, "weight"));
	struct trainer *trainer = model_open(&options, &(struct shape){.pooling = _i % 2 == 0 ? POOLING_CLS : POOLING_MEAN});
	const struct layout *layout = trainer_layout(trainer);
	for (size_t i = 0; i < layout->tensor_count; i++)
		for (size_t k = 0; k < count_of(&layout->tensors[i]) && layout->tensors[i].rows > 0; k++)
			trainer_state(trainer).values[layout->tensors[i].offset + k] *= 0.8f;
	trainer_restart(trainer);
	float *gradients = calloc(layout->total, sizeof *gradients);
	struct trainer_result result;
	texts_read(json_object_get(said, "batch"), &texts);
	ck_assert_msg(trainer_gradients(trainer, texts.list, texts.count, gradients, &result, &e) == 0, "%s", e.text);
	double loss = json_number_value(json_object_get(said, "loss"));
	ck_assert_double_eq_tol(result.loss, loss, 1e-5 * loss);
	snprintf(prefix, sizeof prefix, "relate.%s", name);
	expect_block(layout, fixture, prefix, gradients);
	free(gradients);
	trainer_close(trainer);
	trainer_close(teacher);
	weights_close(fixture);
	json_decref(json);
}
END_TEST

/* A teacher of another width and number of heads: along the gradient the loss changes by its length. */
START_TEST(relations_to_a_wider_teacher_have_their_gradient)
{
	static struct texts texts;
	struct err e = {0};
	json_t *json = fixture_read();
	struct trainer_options options = exact_options();
	const struct teacher_shape wide = {.width = 40, .layers = 1, .heads = 5, .pooling = _i == 0 ? POOLING_CLS : POOLING_MEAN};
	struct trainer *teacher = teacher_open_like(&options, &wide);
	options.teacher = teacher;
	options.relations = 5;
	struct trainer *trainer = model_open(&options, NULL);
	texts_read(json_object_get(json_object_get(json, "cls"), "batch"), &texts);
	size_t total = trainer_layout(trainer)->total;
	float *gradients = calloc(total, sizeof *gradients), *scratch = calloc(total, sizeof *scratch);
	float *values = trainer_state(trainer).values, *before = calloc(total, sizeof *before);
	struct trainer_result result;
	double loss[2], step = 2e-3;
	ck_assert_int_eq(trainer_gradients(trainer, texts.list, texts.count, gradients, &result, &e), 0);
	memcpy(before, values, total * sizeof *before);
	for (int side = 0; side < 2; side++) {
		struct trainer_result here;
		for (size_t i = 0; i < total; i++)
			values[i] = (float)((double)before[i] + (side == 0 ? -step : step) * (double)gradients[i] / result.norm);
		trainer_set(trainer, 0);
		ck_assert_int_eq(trainer_gradients(trainer, texts.list, texts.count, scratch, &here, &e), 0);
		loss[side] = here.loss;
	}
	ck_assert_double_eq_tol((loss[1] - loss[0]) / (2 * step), result.norm, 2e-3 * result.norm);
	free(gradients);
	free(scratch);
	free(before);
	trainer_close(trainer);
	trainer_close(teacher);
	json_decref(json);
}
END_TEST

/* It gives the same answers, and has no moments to learn with. */
START_TEST(a_frozen_trainer_answers)
{
	static struct texts texts;
	json_t *json = fixture_read();
	struct trainer_options options = exact_options();
	struct trainer *free_one = model_open(&options, NULL);
	options.frozen = true;
	options.average = 0.99;
	struct trainer *frozen = model_open(&options, NULL);
	float a[MAX_TEXTS * 7], b[MAX_TEXTS * 7];
	texts_read(json_object_get(json_object_get(json, "distil"), "batch"), &texts);
	ck_assert_int_eq(trainer_run(free_one, true, texts.list, texts.count, a, NULL), 0);
	ck_assert_int_eq(trainer_run(frozen, true, texts.list, texts.count, b, NULL), 0);
	ck_assert_int_eq(memcmp(a, b, texts.count * 7 * sizeof *a), 0);
	ck_assert_ptr_null(trainer_state(frozen).first);
	trainer_close(free_one);
	trainer_close(frozen);
	json_decref(json);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("distil");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, targets_at_a_temperature_equal_pytorch);
	tcase_add_loop_test(tests, relations_to_a_teacher_equal_pytorch, 0, 4);
	tcase_add_loop_test(tests, relations_to_a_wider_teacher_have_their_gradient, 0, 2);
	tcase_add_test(tests, a_frozen_trainer_answers);
	return run_case("distil", tests);
}
