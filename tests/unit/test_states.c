#include "model/train/fit.h"
#include "model/train/random.h"
#include "tests/lib/run.h"
#include "tests/lib/transfer.h"

#include <unistd.h>

/* A teacher's hidden states: the loss in closed form, its gradients by differences, and runs that learn them. */

enum { WIDTH = 24, OTHER_WIDTH = 40, MAX_LAYERS = 3 }; /* WIDTH: of the student, which has two layers */

static struct trainer *teacher_open(size_t width, size_t layers, enum pooling pooling)
{
	struct trainer_options options = exact_options();
	return teacher_open_like(&options, &(struct teacher_shape){width, layers, .heads = 2, .pooling = pooling});
}

static struct trainer *student_open(struct trainer *teacher, double weight, enum pooling pooling)
{
	struct trainer_options options = exact_options();
	options.teacher = teacher;
	options.states = weight;
	return model_open(&options, &(struct shape){.pooling = pooling});
}

static void batch_read(struct texts *texts)
{
	json_t *json = fixture_read();
	texts_read(json_object_get(json_object_get(json, "cls"), "batch"), texts);
	json_decref(json);
}

static double loss_of(struct trainer *trainer)
{
	static struct texts texts;
	struct err e = {0};
	struct trainer_result result;
	float *gradients = calloc(trainer_layout(trainer)->total, sizeof *gradients);
	batch_read(&texts);
	ck_assert_msg(trainer_gradients(trainer, texts.list, texts.count, gradients, &result, &e) == 0, "%s", e.text);
	free(gradients);
	return result.loss;
}

/* What the states add to the loss of this student: `plain` is one without a teacher, for its labels' part. */
static double distance_of(struct trainer *trainer)
{
	const struct layout *layout = trainer_layout(trainer);
	struct trainer *plain = student_open(NULL, 0, layout->pooling);
	const struct layout *other = trainer_layout(plain);
	params_copy_encoder(other, trainer_state(plain).values, layout, trainer_state(trainer).values);
	size_t head = layout->outputs * layout->hidden;
	memcpy(trainer_state(plain).values + other->head, trainer_state(trainer).values + layout->head, head * sizeof(float));
	memcpy(trainer_state(plain).values + other->head_bias, trainer_state(trainer).values + layout->head_bias,
	       layout->outputs * sizeof(float));
	trainer_set(plain, 0);
	double distance = loss_of(trainer) - loss_of(plain);
	trainer_close(plain);
	return distance;
}

/* Makes every value of a state, of all texts, one number. */
static void states_fix(struct trainer *trainer, const double *values)
{
	const struct layout *layout = trainer_layout(trainer);
	float *block = trainer_state(trainer).values;
	for (size_t state = 0; state <= layout->layers; state++) {
		float *gamma = block + (state == 0 ? layout->embedding_norm : layout->layer[state - 1].output_norm);
		for (size_t i = 0; i < layout->hidden; i++) {
			gamma[i] = 0;
			gamma[i + layout->norm_step] = (float)values[state];
		}
	}
	trainer_set(trainer, 0);
}

static void projection_fix(struct trainer *trainer, float bias)
{
	const struct layout *layout = trainer_layout(trainer);
	float *block = trainer_state(trainer).values;
	memset(block + layout->projection, 0, layout->projected * layout->hidden * sizeof *block);
	for (size_t i = 0; i < layout->projected; i++)
		block[layout->projection_bias + i] = bias;
	trainer_set(trainer, 0);
}

static double share(double got, double wanted)
{
	return (got - wanted) * (got - wanted) / (wanted * wanted);
}

/* States of one number each: which is compared with which, and what that counts. */
START_TEST(states_are_compared_evenly)
{
	static const double own[] = {1, 2, 3}, wanted[MAX_LAYERS + 1] = {2, 4, 5, 8};
	static const size_t pairs[MAX_LAYERS][3] = {{0, 0, 1}, {0, 1, 2}, {0, 1, 3}};
	size_t layers = (size_t)_i % MAX_LAYERS + 1;
	enum pooling pooling = _i / MAX_LAYERS % 2 == 0 ? POOLING_CLS : POOLING_MEAN;
	bool projects = _i / MAX_LAYERS >= 2;
	struct trainer *teacher = teacher_open(projects ? OTHER_WIDTH : WIDTH, layers, POOLING_MEAN);
	struct trainer *trainer = student_open(teacher, 0.7, pooling);
	const struct layout *layout = trainer_layout(trainer);
	ck_assert_uint_eq(layout->projected, projects ? OTHER_WIDTH : 0);
	ck_assert_uint_eq(layout->layers, 2);
	states_fix(teacher, wanted);
	states_fix(trainer, own);
	if (projects)
		projection_fix(trainer, 3);
	double loss = 0;
	for (size_t i = 0; i < 3; i++)
		loss += 0.7 / 3 * share(projects ? 3 : own[i], wanted[pairs[layers - 1][i]]);
	ck_assert_double_eq_tol(distance_of(trainer), loss, 1e-5 * loss);
	trainer_close(trainer);
	trainer_close(teacher);
}
END_TEST

/* A student whose projection gives nothing misses all of it, whatever the teacher's states are. */
START_TEST(nothing_is_a_distance_of_one)
{
	struct trainer *teacher = teacher_open(OTHER_WIDTH, 3, _i == 0 ? POOLING_CLS : POOLING_MEAN);
	struct trainer *trainer = student_open(teacher, 1, POOLING_MEAN);
	projection_fix(trainer, 0);
	ck_assert_double_eq_tol(distance_of(trainer), 1, 1e-5);
	trainer_close(trainer);
	trainer_close(teacher);
}
END_TEST

/* The model itself as its teacher, of either pooling: each state is held against its own. */
START_TEST(a_copy_is_no_distance)
{
	struct trainer_options options = exact_options();
	options.frozen = true;
	struct trainer *teacher = model_open(&options, &(struct shape){.pooling = _i % 2 == 0 ? POOLING_CLS : POOLING_MEAN});
	struct trainer *trainer = student_open(teacher, 1, _i / 2 == 0 ? POOLING_CLS : POOLING_MEAN);
	ck_assert_double_eq_tol(distance_of(trainer), 0, 1e-9);
	trainer_state(trainer).values[trainer_layout(trainer)->layer[1].output_norm] += 0.5f;
	trainer_set(trainer, 0);
	ck_assert_double_gt(distance_of(trainer), 1e-5);
	trainer_close(trainer);
	trainer_close(teacher);
}
END_TEST

/* Along a tensor's gradient the loss changes by its length. */
static void expect_slope(struct trainer *trainer, const struct layout_tensor *tensor, const float *gradient, const char *name)
{
	float *values = trainer_state(trainer).values + tensor->offset;
	size_t count = count_of(tensor);
	float *before = calloc(count, sizeof *before);
	double loss[2], step = 4e-3, norm = 0;
	memcpy(before, values, count * sizeof *before);
	for (size_t i = 0; i < count; i++)
		norm += (double)gradient[i] * (double)gradient[i];
	norm = sqrt(norm);
	for (int side = 0; side < 2; side++) {
		for (size_t i = 0; i < count; i++)
			values[i] = (float)((double)before[i] + (side == 0 ? -step : step) * (double)gradient[i] / norm);
		trainer_set(trainer, 0);
		loss[side] = loss_of(trainer);
	}
	memcpy(values, before, count * sizeof *before);
	double slope = (loss[1] - loss[0]) / (2 * step);
	ck_assert_msg(fabs(slope - norm) < 1e-2 * norm + 2e-3, "%s: %g by differences, %g", name, slope, norm);
	free(before);
}

/* Every tensor's, the projection's among them, with any two poolings and teachers of either width and of any depth. */
START_TEST(states_have_their_gradients)
{
	static struct texts texts;
	struct err e = {0};
	struct trainer *teacher = teacher_open(_i % 2 == 0 ? WIDTH : OTHER_WIDTH, _i / 2 % 2 == 0 ? 1 : 3,
					       _i / 4 % 2 == 0 ? POOLING_CLS : POOLING_MEAN);
	struct trainer *trainer = student_open(teacher, 5, _i / 8 == 0 ? POOLING_CLS : POOLING_MEAN);
	const struct layout *layout = trainer_layout(trainer);
	float *gradients = calloc(layout->total, sizeof *gradients);
	struct trainer_result result;
	size_t projection = 0;
	batch_read(&texts);
	ck_assert_int_eq(trainer_gradients(trainer, texts.list, texts.count, gradients, &result, &e), 0);
	for (size_t i = 0; i < layout->tensor_count; i++) {
		const struct layout_tensor *tensor = &layout->tensors[i];
		bool flat = strstr(tensor->name, "self.key.bias") != NULL; /* it changes no softmax */
		projection += tensor->name[0] == '\0';
		if (!flat && strncmp(tensor->name, "classifier", 10) != 0 && strncmp(tensor->name, "topic_", 6) != 0)
			expect_slope(trainer, tensor, gradients + tensor->offset, tensor->name);
	}
	ck_assert_uint_eq(projection, _i % 2 == 0 ? 0 : 2);
	free(gradients);
	trainer_close(trainer);
	trainer_close(teacher);
}
END_TEST

/* The projection is drawn by the seed, its bias is zero, and no file holds either. */
START_TEST(a_projection_is_drawn_and_not_written)
{
	struct err e = {0};
	struct trainer *teacher = teacher_open(OTHER_WIDTH, 1, POOLING_CLS);
	struct trainer *one = student_open(teacher, 1, POOLING_CLS), *two = student_open(teacher, 1, POOLING_CLS);
	struct trainer *plain = student_open(NULL, 0, POOLING_CLS);
	const struct layout *layout = trainer_layout(one);
	const float *values = trainer_state(one).values, *drawn = values + layout->projection;
	double squares = 0, count = OTHER_WIDTH * WIDTH;
	for (size_t i = 0; i < OTHER_WIDTH * WIDTH; i++)
		squares += (double)drawn[i] * (double)drawn[i];
	ck_assert_double_eq_tol(sqrt(squares / count), 0.02, 0.003);
	ck_assert_int_eq(memcmp(drawn, trainer_state(two).values + layout->projection, OTHER_WIDTH * WIDTH * sizeof *drawn), 0);
	for (size_t i = 0; i < OTHER_WIDTH; i++)
		ck_assert(values[layout->projection_bias + i] >= 0 && values[layout->projection_bias + i] <= 0);
	char *files[2] = {NULL, NULL};
	size_t sizes[2];
	for (int i = 0; i < 2; i++) {
		struct trainer *trainer = i == 0 ? one : plain;
		FILE *out = open_memstream(&files[i], &sizes[i]);
		ck_assert_int_eq(params_write(trainer_layout(trainer), trainer_state(trainer).values, "F32", "test", out, &e), 0);
		fclose(out);
	}
	ck_assert_uint_eq(sizes[0], sizes[1]);
	ck_assert_int_eq(memcmp(files[0], files[1], sizes[0]), 0);
	free(files[0]);
	free(files[1]);
	trainer_close(one);
	trainer_close(two);
	trainer_close(plain);
	trainer_close(teacher);
}
END_TEST

/* All values after some steps with dropout, to be freed. */
static float *values_after(size_t steps, size_t threads, size_t width, size_t batch_tokens, size_t *count)
{
	static struct texts texts;
	struct err e = {0};
	struct trainer_options options = exact_options();
	options.threads = threads;
	options.batch_tokens = batch_tokens;
	struct trainer *teacher = teacher_open_like(&options, &(struct teacher_shape){width, 3, .heads = 2, .pooling = POOLING_MEAN});
	options.teacher = teacher;
	options.states = 1;
	options.dropout = 0.1;
	options.average = 0.9;
	struct trainer *trainer = model_open(&options, NULL);
	struct trainer_result result;
	batch_read(&texts);
	for (size_t i = 0; i < steps; i++)
		ck_assert_int_eq(trainer_step(trainer, texts.list, texts.count, 1e-3, &result, &e), 0);
	*count = trainer_state(trainer).count;
	float *values = calloc(*count, sizeof *values);
	memcpy(values, trainer_state(trainer).average, *count * sizeof *values);
	trainer_close(trainer);
	trainer_close(teacher);
	return values;
}

/* 10 texts in one micro-batch of two shards, or in several. */
START_TEST(threads_change_no_bit)
{
	size_t width = _i % 2 == 0 ? WIDTH : OTHER_WIDTH, batch_tokens = _i / 2 == 0 ? 2048 : 40, count, same;
	float *one = values_after(4, 1, width, batch_tokens, &count), *three = values_after(4, 3, width, batch_tokens, &same);
	ck_assert_uint_eq(count, same);
	ck_assert_int_eq(memcmp(one, three, count * sizeof *one), 0);
	free(three);
	three = values_after(4, 1, width, _i / 2 == 0 ? 40 : 2048, &same); /* cut otherwise: the same but for rounding */
	ck_assert_double_lt(distance(three, one, count), 2e-3);
	free(one);
	free(three);
}
END_TEST

/* Products of rounded values, the projection's among them, with a teacher wider than anything of the student. */
START_TEST(bf16_is_near)
{
	static struct texts texts;
	struct err e = {0};
	float *gradients[2];
	size_t total = 0;
	batch_read(&texts);
	for (int i = 0; i < 2; i++) {
		struct trainer *teacher = teacher_open(160, 3, POOLING_CLS);
		struct trainer_options options = exact_options();
		struct trainer_result result;
		options.precision = i == 0 ? "fp32" : "bf16";
		options.teacher = teacher;
		options.states = 5;
		struct trainer *trainer = model_open(&options, NULL);
		total = trainer_layout(trainer)->total;
		gradients[i] = calloc(total, sizeof **gradients);
		ck_assert_int_eq(trainer_gradients(trainer, texts.list, texts.count, gradients[i], &result, &e), 0);
		trainer_close(trainer);
		trainer_close(teacher);
	}
	ck_assert_double_lt(distance(gradients[1], gradients[0], total), 0.02);
	free(gradients[0]);
	free(gradients[1]);
}
END_TEST

/* A model of one layer learns the states of two, and labels alone do not bring it there. */
START_TEST(a_student_comes_nearer)
{
	static struct texts texts;
	static const size_t kept[] = {0};
	struct err e = {0};
	struct trainer_options options = exact_options();
	double ends[2], start = 0;
	options.frozen = true;
	struct trainer *teacher = _i == 0 ? model_open(&options, NULL) : teacher_open(OTHER_WIDTH, 2, POOLING_CLS);
	batch_read(&texts);
	for (int learns = 0; learns < 2; learns++) {
		options = exact_options();
		options.teacher = teacher;
		struct trainer *trainers[2];
		for (int i = 0; i < 2; i++) { /* one that learns, and one that measures */
			options.states = i == 0 && !learns ? 1e-9 : 1;
			trainers[i] = model_open(&options, &(struct shape){.layers = kept, .layer_count = 1});
		}
		float *measured = trainer_state(trainers[1]).values;
		start = loss_of(trainers[1]);
		for (int i = 0; i < 150; i++) {
			struct trainer_result result;
			ck_assert_int_eq(trainer_step(trainers[0], texts.list, texts.count, 3e-3, &result, &e), 0);
		}
		double labels = loss_of(trainers[0]);
		memcpy(measured, trainer_state(trainers[0]).values, trainer_state(trainers[0]).count * sizeof *measured);
		trainer_set(trainers[1], 0);
		ends[learns] = loss_of(trainers[1]) - (learns ? 0 : labels); /* what is learnt may keep its labels' part */
		trainer_close(trainers[0]);
		trainer_close(trainers[1]);
	}
	printf("distance: loss %.3f at first, %.4f with labels alone, loss %.4f with the states\n", start, ends[0], ends[1]);
	ck_assert_double_lt(ends[1], 0.5 * ends[0]);
	trainer_close(teacher);
}
END_TEST

/* A run that is stopped and goes on from its checkpoint, or one that is not. */
struct run {
	char directory[64];
	size_t steps, stop_at;
};

static void run_look(void *context, const struct fit_event *event)
{
	if (event->kind == FIT_STEP)
		((struct run *)context)->steps = event->step;
}

static bool run_stop(void *context)
{
	const struct run *run = context;
	return run->steps == run->stop_at;
}

static float *run_do(struct run *run, struct trainer *teacher, bool resume)
{
	static struct texts texts;
	uint32_t which[MAX_TEXTS];
	struct err e = {0};
	struct fit_outcome outcome;
	struct trainer_options options = exact_options();
	options.dropout = 0.1;
	options.teacher = teacher;
	options.states = 1;
	struct trainer *trainer = model_open(&options, NULL);
	batch_read(&texts);
	for (uint32_t i = 0; i < texts.count; i++)
		which[i] = i;
	const struct fit_texts rows = {.texts = texts.list, .training = which, .training_count = texts.count,
				       .validation = which, .validation_count = 4};
	const struct fit_options how = {.epochs = 4, .batch = 3, .rates = {1e-3}, .rate_count = 1, .directory = run->directory,
					.checkpoint_s = 1e9, .resume = resume, .look = run_look, .stop = run_stop, .context = run};
	ck_assert_msg(fit_run(trainer, &rows, &how, &outcome, &e) == 0, "%s", e.text);
	ck_assert(outcome.stopped == (run->steps == run->stop_at));
	float *values = NULL;
	if (!outcome.stopped) {
		values = calloc(trainer_layout(trainer)->total, sizeof *values);
		memcpy(values, outcome.values, trainer_layout(trainer)->total * sizeof *values);
	}
	fit_clear(&outcome);
	trainer_close(trainer);
	return values;
}

/* The projection's moments are part of it. */
START_TEST(a_resumed_run_ends_in_the_same_bits)
{
	struct run run = {.directory = "/tmp/bellwether-hidden-XXXXXX"};
	struct trainer *teacher = teacher_open(OTHER_WIDTH, 3, POOLING_CLS);
	ck_assert_ptr_nonnull(mkdtemp(run.directory));
	float *whole = run_do(&run, teacher, false);
	run.stop_at = 7;
	ck_assert_ptr_null(run_do(&run, teacher, false));
	run.stop_at = 0;
	float *resumed = run_do(&run, teacher, true);
	struct trainer *same = student_open(teacher, 1, POOLING_CLS);
	const struct layout *layout = trainer_layout(same);
	ck_assert_int_eq(memcmp(whole, resumed, layout->total * sizeof *whole), 0);
	ck_assert_int_ne(memcmp(whole + layout->projection, trainer_state(same).values + layout->projection, OTHER_WIDTH), 0);
	trainer_close(same);
	free(whole);
	free(resumed);
	char path[96];
	snprintf(path, sizeof path, "%s/checkpoint", run.directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/metrics.csv", run.directory);
	unlink(path);
	ck_assert_int_eq(rmdir(run.directory), 0);
	trainer_close(teacher);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("states");
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, states_are_compared_evenly, 0, 12);
	tcase_add_loop_test(tests, nothing_is_a_distance_of_one, 0, 2);
	tcase_add_loop_test(tests, a_copy_is_no_distance, 0, 4);
	tcase_add_loop_test(tests, states_have_their_gradients, 0, 16);
	tcase_add_test(tests, a_projection_is_drawn_and_not_written);
	tcase_add_loop_test(tests, threads_change_no_bit, 0, 4);
	tcase_add_test(tests, bf16_is_near);
	tcase_add_loop_test(tests, a_student_comes_nearer, 0, 2);
	tcase_add_test(tests, a_resumed_run_ends_in_the_same_bits);
	return run_case("states", tests);
}
