#include "model/config.h"
#include "model/train/mask.h"
#include "model/train/params.h"
#include "model/train/pretrain.h"
#include "model/train/prune.h"
#include "model/train/trainer.h"
#include "model/weights.h"
#include "tests/lib/run.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What a model learns beside labels, and what it can do without: targets,
 * relations and masked words against PyTorch (tests/lib/make_transfer_fixture.py wrote them),
 * the importance of heads against differences of the loss.
 */
enum { MAX_TEXTS = 32, MAX_IDS = 1024 };

struct texts {
	size_t count, used, floats;
	struct trainer_text list[MAX_TEXTS];
	int32_t ids[MAX_IDS], words[MAX_IDS];
	float targets[MAX_IDS];
};

static const char model[] = TEST_DATA "/parity/cls-gelu-f32";

static void config_read(struct model_config *config)
{
	struct err e = {0};
	ck_assert_msg(model_config_read(config, model, &e) == 0, "%s", e.text);
}

static struct weights *weights_read_file(const char *path)
{
	struct err e = {0};
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	return weights;
}

static struct trainer_options exact_options(void)
{
	struct trainer_options options = trainer_defaults();
	options.longest = 16;
	options.dropout = 0;
	return options;
}

static enum pooling opened_pooling = POOLING_CLS; /* of the models that are opened */

/* The parity model, as it is (`layers` NULL) or with some of its layers; `masked`: with the head that guesses words. */
static struct trainer *model_open(const struct trainer_options *options, bool masked, const size_t *layers, size_t layer_count)
{
	struct err e = {0};
	struct model_config config;
	struct layout layout;
	bool drew;
	config_read(&config);
	config.pooling = opened_pooling;
	if (layers != NULL)
		config.layers = layer_count;
	if (masked)
		ck_assert_int_eq(layout_make_masked(&layout, &config, &e), 0);
	else
		ck_assert_int_eq(layout_make(&layout, &config, config.topic_count, 0, &e), 0);
	struct trainer *trainer = trainer_open(&layout, options, &e);
	ck_assert_msg(trainer != NULL, "%s", e.text);
	struct weights *weights = weights_read_file(TEST_DATA "/parity/cls-gelu-f32/model.safetensors");
	const struct params_fresh fresh = {.layers = layers, .seed = 5};
	ck_assert_msg(params_read(trainer_layout(trainer), weights, &fresh, trainer_state(trainer).values, &drew, &e) == 0, "%s",
		      e.text);
	trainer_restart(trainer);
	weights_close(weights);
	model_config_clear(&config);
	return trainer;
}

static size_t count_of(const struct layout_tensor *tensor)
{
	return (tensor->rows == 0 ? 1 : tensor->rows) * tensor->columns;
}

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
		char name[200];
		struct err e = {0};
		snprintf(name, sizeof name, "%s.%s%s", prefix, layout_is_head(tensor) ? "" : "bert.", tensor->name);
		if (strstr(name, "attention.self.key.bias") != NULL)
			continue;
		float *wanted = calloc(count_of(tensor), sizeof *wanted);
		ck_assert_msg(weights_read(fixture, name, tensor->rows, tensor->columns, wanted, &e) == 0, "%s", e.text);
		double apart = distance(block + tensor->offset, wanted, count_of(tensor));
		worst = fmax(worst, apart);
		ck_assert_msg(apart < 1e-4, "%s: relative distance %.3g", name, apart);
		free(wanted);
	}
	printf("%s: at most %.2g apart\n", prefix, worst);
}

static json_t *fixture_read(void)
{
	json_t *json = json_load_file(TEST_DATA "/train/transfer.json", 0, NULL);
	ck_assert(json != NULL);
	return json;
}

static int label_read(const json_t *label)
{
	return json_is_integer(label) ? (int)json_integer_value(label) : -1;
}

static const float *target_read(struct texts *texts, const json_t *target)
{
	float *out = texts->targets + texts->floats;
	for (size_t i = 0; i < json_array_size(target); i++)
		texts->targets[texts->floats++] = (float)json_number_value(json_array_get(target, i));
	return json_is_array(target) ? out : NULL;
}

static void texts_read(const json_t *rows, struct texts *texts)
{
	*texts = (struct texts){0};
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i), *ids = json_object_get(row, "ids");
		const json_t *words = json_object_get(row, "words");
		struct trainer_text *text = &texts->list[texts->count++];
		*text = (struct trainer_text){.ids = texts->ids + texts->used, .length = json_array_size(ids), .source = -1,
					      .words = json_is_array(words) ? texts->words + texts->used : NULL,
					      .polarity = label_read(json_object_get(row, "polarity")),
					      .topic = label_read(json_object_get(row, "topic"))};
		text->polarity_target = target_read(texts, json_object_get(row, "polarity_target"));
		text->topic_target = target_read(texts, json_object_get(row, "topic_target"));
		for (size_t k = 0; k < text->length; k++, texts->used++) {
			texts->ids[texts->used] = (int32_t)json_integer_value(json_array_get(ids, k));
			texts->words[texts->used] = (int32_t)json_integer_value(json_array_get(words, k));
		}
	}
}

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
	struct trainer *trainer = model_open(&options, false, NULL, 0);
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

static struct trainer *pooled_open(const struct trainer_options *options, enum pooling pooling)
{
	opened_pooling = pooling;
	struct trainer *trainer = model_open(options, false, NULL, 0);
	opened_pooling = POOLING_CLS;
	return trainer;
}

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
	struct trainer *teacher = pooled_open(&options, _i % 2 == 0 ? POOLING_CLS : POOLING_MEAN);
	options.frozen = false;
	options.teacher = teacher;
	options.relations = json_number_value(json_object_get(said, "weight"));
	struct trainer *trainer = pooled_open(&options, _i % 2 == 0 ? POOLING_CLS : POOLING_MEAN);
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
	const struct model_config wide = {.hidden = 40, .layers = 1, .heads = 5, .intermediate = 56, .vocab_size = 25, .positions = 16,
					  .types = 2, .norm_epsilon = 1e-12f, .activation = ACTIVATION_RELU,
					  .pooling = _i == 0 ? POOLING_CLS : POOLING_MEAN};
	struct trainer_options options = exact_options();
	struct layout layout;
	ck_assert_int_eq(layout_make(&layout, &wide, 0, 0, &e), 0);
	options.frozen = true;
	struct trainer *teacher = trainer_open(&layout, &options, &e);
	struct trainer_state state = trainer_state(teacher);
	struct random_stream stream = random_stream(4, 0, 0);
	for (size_t i = 0; i < state.count; i++)
		state.values[i] = 0.3f * random_normal(&stream) + (i >= trainer_layout(teacher)->small ? 0.4f : 0.0f);
	trainer_restart(teacher);
	options.frozen = false;
	options.teacher = teacher;
	options.relations = 5;
	struct trainer *trainer = model_open(&options, false, NULL, 0);
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

/* The fixture's values of the head that guesses words. */
static void head_read(struct trainer *trainer, const struct weights *fixture)
{
	const struct layout *layout = trainer_layout(trainer);
	for (size_t i = 0; i < layout->tensor_count; i++) {
		const struct layout_tensor *tensor = &layout->tensors[i];
		char name[200];
		struct err e = {0};
		snprintf(name, sizeof name, "masked.start.%s", tensor->name);
		if (layout_is_head(tensor))
			ck_assert_msg(weights_read(fixture, name, tensor->rows, tensor->columns,
						   trainer_state(trainer).values + tensor->offset, &e) == 0, "%s", e.text);
	}
	trainer_restart(trainer);
}

START_TEST(masked_words_equal_pytorch)
{
	static struct texts texts;
	struct err e = {0};
	json_t *json = fixture_read(), *said = json_object_get(json, "masked"), *batches = json_object_get(said, "batches");
	struct weights *fixture = weights_read_file(TEST_DATA "/train/transfer.safetensors");
	struct trainer_options options = exact_options();
	options.threads = _i == 0 ? 1 : 3;
	options.batch_tokens = _i == 0 ? 2048 : 20; /* and in micro-batches */
	struct trainer *trainer = model_open(&options, true, NULL, 0);
	head_read(trainer, fixture);
	float *gradients = calloc(trainer_layout(trainer)->total, sizeof *gradients);
	struct trainer_result result;
	texts_read(json_array_get(batches, 0), &texts);
	for (int again = 0; again < 2; again++) /* what the first left behind must not be in the second */
		ck_assert_int_eq(trainer_gradients(trainer, texts.list, texts.count, gradients, &result, &e), 0);
	expect_block(trainer_layout(trainer), fixture, "masked.gradient", gradients);
	for (size_t step = 0; step < json_array_size(batches); step++) {
		texts_read(json_array_get(batches, step), &texts);
		double loss = json_number_value(json_array_get(json_object_get(said, "losses"), step));
		ck_assert_msg(trainer_step(trainer, texts.list, texts.count, json_number_value(json_object_get(said, "rate")),
					   &result, &e) == 0, "%s", e.text);
		ck_assert_double_eq_tol(result.loss, loss, 1e-4 * loss);
	}
	expect_block(trainer_layout(trainer), fixture, "masked.after", trainer_state(trainer).values);
	free(gradients);
	trainer_close(trainer);
	weights_close(fixture);
	json_decref(json);
}
END_TEST

static struct vocab *vocab_make(void)
{
	static const char lines[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\norv\n##ane\n##s\nbank\nfell\nrose\nthe\nof\n##\n";
	char path[] = "/tmp/bellwether-test-transfer-XXXXXX";
	struct err e = {0};
	int fd = mkstemp(path);
	ck_assert(fd >= 0 && write(fd, lines, sizeof lines - 1) == (ssize_t)(sizeof lines - 1));
	close(fd);
	struct vocab *vocab = vocab_open(path, &e);
	unlink(path);
	ck_assert_msg(vocab != NULL, "%s", e.text);
	return vocab;
}

/* [CLS] orv ##ane ##s fell the bank of ## rose [SEP] */
static const int32_t sentence[] = {2, 5, 6, 7, 9, 11, 8, 12, 13, 10, 3};
enum { SENTENCE = sizeof sentence / sizeof *sentence, DRAWS = 20000 };

START_TEST(whole_words_are_masked_in_their_shares)
{
	struct vocab *vocab = vocab_make();
	struct mask mask;
	size_t asked = 0, masked = 0, kept = 0, begun[SENTENCE] = {0};
	ck_assert_int_eq(mask_open(&mask, vocab, 0.34, 16, NULL), 0);
	for (uint32_t draw = 0; draw < DRAWS; draw++) {
		struct random_stream stream = random_stream(1, draw, 0);
		int32_t in[SENTENCE], out[SENTENCE];
		size_t here = 0;
		mask_text(&mask, &stream, sentence, SENTENCE, in, out);
		ck_assert(out[0] == -1 && out[SENTENCE - 1] == -1);
		ck_assert((out[1] < 0) == (out[2] < 0) && (out[1] < 0) == (out[3] < 0));
		for (size_t i = 0; i < SENTENCE; i++) {
			ck_assert(out[i] == -1 ? in[i] == sentence[i] : out[i] == sentence[i]);
			here += out[i] >= 0;
			masked += out[i] >= 0 && in[i] == 4;
			kept += out[i] >= 0 && in[i] == sentence[i];
			begun[i] += out[i] >= 0;
		}
		ck_assert(here == 3); /* 0.34 of 9 tokens */
		asked += here;
	}
	ck_assert_double_eq_tol((double)masked / (double)asked, 0.8 + 0.1 / 14, 0.01);
	ck_assert_double_eq_tol((double)kept / (double)asked, 0.1 + 0.1 / 14, 0.01);
	/* The long word fits only where it comes first; a lone "##" is a word. */
	ck_assert_double_eq_tol((double)begun[1] / DRAWS, 1.0 / 7, 0.01);
	ck_assert_double_eq_tol((double)begun[8] / (double)begun[5], 1, 0.05);
	mask_close(&mask);
	vocab_free(vocab);
}
END_TEST

START_TEST(a_text_of_one_long_word_has_it_masked)
{
	struct vocab *vocab = vocab_make();
	struct mask mask;
	const int32_t word[] = {2, 5, 6, 7, 3};
	int32_t in[5], out[5];
	ck_assert_int_eq(mask_open(&mask, vocab, 0.15, 16, NULL), 0);
	struct random_stream stream = random_stream(1, 0, 0);
	mask_text(&mask, &stream, word, 5, in, out);
	ck_assert(out[1] == 5 && out[2] == 6 && out[3] == 7);
	mask_close(&mask);
	vocab_free(vocab);
}
END_TEST

static double losses[2];
static size_t lines;

static void look(void *context, const struct pretrain_event *event)
{
	(void)context;
	ck_assert(event->step <= event->steps);
	lines += event->line;
	losses[1] = event->loss;
	if (event->step == 1)
		losses[0] = event->loss;
}

/* The encoder after some epochs over sentences with an order, as the fine-tuning takes it over. */
static float *pretrained(size_t threads, struct pretrain_outcome *outcome, size_t *count)
{
	static int32_t ids[40 * 6];
	struct trainer_text texts[40] = {{0}};
	struct trainer_options options = exact_options();
	struct vocab *vocab = vocab_open(TEST_DATA "/parity/cls-gelu-f32/vocab.txt", NULL);
	struct mask mask;
	options.threads = threads;
	options.dropout = 0.1;
	struct trainer *trainer = model_open(&options, true, NULL, 0), *tuned = model_open(&options, false, NULL, 0);
	for (int32_t i = 0; i < 40; i++) {
		const int32_t words[] = {2, 8 + i % 2, 10 + i % 2, 12 + i % 2, 14 + i % 2, 3};
		memcpy(ids + 6 * i, words, sizeof words);
		texts[i] = (struct trainer_text){.ids = ids + 6 * i, .length = 6};
	}
	ck_assert_int_eq(mask_open(&mask, vocab, 0.25, 16, NULL), 0);
	const struct pretrain_options how = {.epochs = 40, .batch = 8, .rate = 5e-3, .warm_up = 0.1, .seed = 3, .mask = &mask,
					     .look = look};
	lines = 0;
	ck_assert_int_eq(pretrain_run(trainer, texts, 40, &how, outcome, NULL), 0);
	*count = trainer_layout(tuned)->total;
	float *values = calloc(*count, sizeof *values);
	memcpy(values, trainer_state(tuned).values, *count * sizeof *values);
	params_copy_encoder(trainer_layout(tuned), values, trainer_layout(trainer), trainer_state(trainer).values);
	const struct layout *layout = trainer_layout(tuned);
	ck_assert_int_eq(memcmp(values + layout->head, trainer_state(tuned).values + layout->head, 7 * 24 * sizeof *values), 0);
	ck_assert_int_ne(memcmp(values + layout->layer[1].down, trainer_state(tuned).values + layout->layer[1].down, 96), 0);
	ck_assert_int_eq(memcmp(values + layout->layer[1].down,
				trainer_state(trainer).values + trainer_layout(trainer)->layer[1].down, 24 * 40 * sizeof *values), 0);
	mask_close(&mask);
	vocab_free(vocab);
	trainer_close(trainer);
	trainer_close(tuned);
	return values;
}

START_TEST(words_are_learnt_to_the_same_bits_by_any_threads)
{
	struct pretrain_outcome outcome, other;
	size_t count;
	float *one = pretrained(1, &outcome, &count), *three = pretrained(3, &other, &count);
	ck_assert_uint_eq(outcome.steps, 200);
	ck_assert_uint_eq(lines, 20);
	printf("masked words: loss %.3f to %.3f\n", outcome.first_loss, outcome.last_loss);
	ck_assert_double_lt(outcome.last_loss, 0.8 * outcome.first_loss);
	ck_assert_double_eq(outcome.last_loss, losses[1]);
	ck_assert_double_eq(outcome.last_loss, other.last_loss);
	ck_assert_int_eq(memcmp(one, three, count * sizeof *one), 0);
	free(one);
	free(three);
}
END_TEST

START_TEST(some_layers_are_those_of_the_file)
{
	struct trainer_options options = exact_options();
	struct trainer *whole = model_open(&options, false, NULL, 0), *second = model_open(&options, false, (size_t[]){1}, 1);
	const struct layout *a = trainer_layout(whole), *b = trainer_layout(second);
	const float *from = trainer_state(whole).values, *to = trainer_state(second).values;
	ck_assert_uint_eq(b->layers, 1);
	ck_assert_int_eq(memcmp(to + b->layer[0].qkv, from + a->layer[1].qkv, 3 * 24 * 24 * sizeof *to), 0);
	ck_assert_int_ne(memcmp(to + b->layer[0].qkv, from + a->layer[0].qkv, 3 * 24 * 24 * sizeof *to), 0);
	ck_assert_int_eq(memcmp(to + b->layer[0].output_norm, from + a->layer[1].output_norm, 24 * sizeof *to), 0);
	ck_assert_int_eq(memcmp(to + b->head, from + a->head, 7 * 24 * sizeof *to), 0);
	size_t spaced[4];
	prune_space(6, 3, spaced);
	ck_assert(spaced[0] == 0 && spaced[1] == 2 && spaced[2] == 4);
	prune_space(6, 4, spaced);
	ck_assert(spaced[0] == 0 && spaced[1] == 1 && spaced[2] == 3 && spaced[3] == 4);
	trainer_close(whole);
	trainer_close(second);
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
	struct trainer *trainer = model_open(&options, false, NULL, 0);
	options.dropout = 0;
	struct trainer *exact = model_open(&options, false, NULL, 0);
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
	struct trainer *trainer = model_open(&options, false, NULL, 0);
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

/* It gives the same answers, and has no moments to learn with. */
START_TEST(a_frozen_trainer_answers)
{
	static struct texts texts;
	json_t *json = fixture_read();
	struct trainer_options options = exact_options();
	struct trainer *free_one = model_open(&options, false, NULL, 0);
	options.frozen = true;
	options.average = 0.99;
	struct trainer *frozen = model_open(&options, false, NULL, 0);
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
	TCase *tests = tcase_create("transfer");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, targets_at_a_temperature_equal_pytorch);
	tcase_add_loop_test(tests, relations_to_a_teacher_equal_pytorch, 0, 4);
	tcase_add_loop_test(tests, relations_to_a_wider_teacher_have_their_gradient, 0, 2);
	tcase_add_loop_test(tests, masked_words_equal_pytorch, 0, 2);
	tcase_add_test(tests, whole_words_are_masked_in_their_shares);
	tcase_add_test(tests, a_text_of_one_long_word_has_it_masked);
	tcase_add_test(tests, words_are_learnt_to_the_same_bits_by_any_threads);
	tcase_add_test(tests, some_layers_are_those_of_the_file);
	tcase_add_test(tests, importance_equals_differences_of_the_loss);
	tcase_add_test(tests, a_removed_head_is_gone_and_stays_so);
	tcase_add_test(tests, a_frozen_trainer_answers);
	return run_case("transfer", tests);
}
