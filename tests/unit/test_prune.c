#include "model/train/prune.h"
#include "tests/lib/run.h"
#include "tests/lib/transfer.h"

/* Fewer layers and heads: those that the file has, those that matter least, and that they stay away. */

START_TEST(some_layers_are_those_of_the_file)
{
	struct trainer_options options = exact_options();
	struct trainer *whole = model_open(&options, NULL), *second = model_open(&options, &(struct shape){.layers = (size_t[]){1}, .layer_count = 1});
	const struct layout *a = trainer_layout(whole), *b = trainer_layout(second);
	const float *from = trainer_state(whole).values, *to = trainer_state(second).values;
	ck_assert_uint_eq(b->layers, 1);
	ck_assert_int_eq(memcmp(to + b->layer[0].qkv, from + a->layer[1].qkv, 3 * 24 * 24 * sizeof *to), 0);
	ck_assert_int_ne(memcmp(to + b->layer[0].qkv, from + a->layer[0].qkv, 3 * 24 * 24 * sizeof *to), 0);
	ck_assert_int_eq(memcmp(to + b->layer[0].output_norm, from + a->layer[1].output_norm, 24 * sizeof *to), 0);
	ck_assert_int_eq(memcmp(to + b->head, from + a->head, 7 * 24 * sizeof *to), 0);
	trainer_close(whole);
	trainer_close(second);
}
END_TEST

START_TEST(layers_are_spaced_from_the_first_to_the_last)
{
	const size_t expected[6][6] = {{0}, {0, 5}, {0, 2, 5}, {0, 2, 3, 5}, {0, 1, 2, 4, 5}, {0, 1, 2, 3, 4, 5}};
	size_t spaced[24];
	for (size_t count = 1; count <= 6; count++) {
		prune_space(6, count, spaced);
		ck_assert_int_eq(memcmp(spaced, expected[count - 1], count * sizeof *spaced), 0);
	}
	for (size_t layers = 2; layers <= 24; layers++)
		for (size_t count = 2; count <= layers; count++) {
			prune_space(layers, count, spaced);
			ck_assert(spaced[0] == 0 && spaced[count - 1] == layers - 1);
			for (size_t i = 1; i < count; i++)
				ck_assert_uint_lt(spaced[i - 1], spaced[i]);
		}
}
END_TEST

static double loss_of(struct trainer *trainer, const struct trainer_text *text)
{
	static float gradients[1 << 16];
	struct trainer_result result;
	trainer_set(trainer, 0);
	ck_assert(trainer_layout(trainer)->total < 1 << 16);
	ck_assert_int_eq(trainer_gradients(trainer, text, 1, gradients, &result, NULL), 0);
	return result.loss;
}

/* The columns that read a head's output, scaled. */
static void head_scale(struct trainer *trainer, size_t layer, size_t head, double scale)
{
	const struct layout *layout = trainer_layout(trainer);
	size_t size = layout->hidden / layout->heads;
	float *values = trainer_state(trainer).values + layout->layer[layer].attended;
	for (size_t row = 0; row < layout->hidden; row++)
		for (size_t i = head * size; i < (head + 1) * size; i++)
			values[row * layout->hidden + i] = (float)((double)values[row * layout->hidden + i] * scale);
}

/* |gradient x output| of a head is how fast one text's loss changes as the head's output grows. */
START_TEST(importance_equals_differences_of_the_loss)
{
	static struct texts texts;
	json_t *json = fixture_read();
	struct trainer_options options = exact_options();
	options.threads = 2;
	options.dropout = 0.3; /* none where importance is asked for */
	struct trainer *trainer = model_open(&options, NULL);
	options.dropout = 0;
	struct trainer *exact = model_open(&options, NULL);
	double importance[2 * 3], sum[2 * 3] = {0}, all[2 * 3];
	texts_read(json_object_get(json_object_get(json, "distil"), "batch"), &texts);
	for (size_t i = 0; i < texts.count; i++) {
		texts.list[i].polarity_target = texts.list[i].topic_target = NULL;
		ck_assert_int_eq(trainer_importance(trainer, &texts.list[i], 1, importance, NULL), 0);
		for (size_t head = 0; head < 6; head++) {
			double loss[2];
			for (int side = 0; side < 2; side++) {
				double scale = side == 0 ? 0.99 : 1.01;
				head_scale(exact, head / 3, head % 3, scale);
				loss[side] = loss_of(exact, &texts.list[i]);
				head_scale(exact, head / 3, head % 3, 1 / scale);
			}
			double measured = fabs(loss[1] - loss[0]) / 0.02;
			ck_assert_double_eq_tol(importance[head], measured, 2e-4 + 0.01 * measured);
			sum[head] += importance[head];
		}
	}
	ck_assert_int_eq(trainer_importance(trainer, texts.list, texts.count, all, NULL), 0);
	for (size_t head = 0; head < 6; head++) /* a batch's loss is a mean over its labels, of which each text has one */
		ck_assert_double_eq_tol(all[head] * (double)texts.count, sum[head], 1e-4 * sum[head]);
	trainer_close(trainer);
	trainer_close(exact);
	json_decref(json);
}
END_TEST

START_TEST(a_removed_head_is_gone_and_stays_so)
{
	static struct texts texts;
	json_t *json = fixture_read();
	struct trainer_options options = exact_options();
	options.dropout = 0.1;
	struct trainer *trainer = model_open(&options, NULL);
	const struct layout *layout = trainer_layout(trainer);
	struct prune_head order[6];
	float before[MAX_TEXTS * 7], after[MAX_TEXTS * 7];
	float *values = trainer_state(trainer).values;
	texts_read(json_object_get(json_object_get(json, "distil"), "batch"), &texts);
	ck_assert_int_eq(prune_rank(trainer, texts.list, texts.count, order, NULL), 0);
	for (size_t i = 1; i < 6; i++)
		ck_assert(order[i].importance >= order[i - 1].importance);
	ck_assert_int_eq(trainer_run(trainer, false, texts.list, texts.count, before, NULL), 0);
	for (size_t layer = 0; layer < 2; layer++)
		prune_remove(layout, values, layer, 1);
	trainer_set(trainer, 0);
	ck_assert_int_eq(trainer_run(trainer, false, texts.list, texts.count, after, NULL), 0);
	ck_assert_double_gt(distance(after, before, texts.count * 7), 1e-3);
	for (int step = 0; step < 5; step++) {
		struct trainer_result result;
		ck_assert_int_eq(trainer_step(trainer, texts.list, texts.count, 1e-2, &result, NULL), 0);
	}
	for (size_t layer = 0; layer < 2; layer++) {
		const float *value = values + layout->layer[layer].qkv + (2 * 24 + 8) * 24;
		const float *attended = values + layout->layer[layer].attended;
		for (size_t i = 0; i < 8 * 24; i++)
			ck_assert(value[i] == 0 && attended[i / 8 * 24 + 8 + i % 8] == 0);
		for (size_t i = 0; i < 8; i++)
			ck_assert(values[layout->layer[layer].qkv_bias + 2 * 24 + 8 + i] == 0);
		ck_assert(value[-1] != 0 && value[8 * 24] != 0 && attended[7] != 0 && attended[16] != 0);
	}
	trainer_close(trainer);
	json_decref(json);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("prune");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, some_layers_are_those_of_the_file);
	tcase_add_test(tests, layers_are_spaced_from_the_first_to_the_last);
	tcase_add_test(tests, importance_equals_differences_of_the_loss);
	tcase_add_test(tests, a_removed_head_is_gone_and_stays_so);
	return run_case("prune", tests);
}
