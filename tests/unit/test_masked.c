#include "model/train/mask.h"
#include "model/train/pretrain.h"
#include "tests/lib/run.h"
#include "tests/lib/transfer.h"

#include <unistd.h>

/* Guessing masked words, against PyTorch and against itself; and which words are masked. */

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
	struct trainer *trainer = model_open(&options, &(struct shape){.masked = true});
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
static float *pretrained(size_t threads, const char *precision, struct pretrain_outcome *outcome, size_t *count)
{
	static int32_t ids[40 * 6];
	struct trainer_text texts[40] = {{0}};
	struct trainer_options options = exact_options();
	struct vocab *vocab = vocab_open(TEST_DATA "/parity/cls-gelu-f32/vocab.txt", NULL);
	struct mask mask;
	options.threads = threads;
	options.precision = precision;
	options.dropout = 0.1;
	struct trainer *trainer = model_open(&options, &(struct shape){.masked = true}), *tuned = model_open(&options, NULL);
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
	float *one = pretrained(1, "fp32", &outcome, &count), *three = pretrained(3, "fp32", &other, &count);
	ck_assert_uint_eq(outcome.steps, 200);
	ck_assert_uint_eq(lines, 20);
	printf("masked words: loss %.3f to %.3f\n", outcome.first_loss, outcome.last_loss);
	ck_assert_double_lt(outcome.last_loss, 0.8 * outcome.first_loss);
	ck_assert_double_eq(outcome.last_loss, losses[1]);
	ck_assert_double_eq(outcome.last_loss, other.last_loss);
	ck_assert_int_eq(memcmp(one, three, count * sizeof *one), 0);
	float *rounded = pretrained(2, "bf16", &other, &count);
	ck_assert_double_eq_tol(other.last_loss, outcome.last_loss, 0.1);
	ck_assert_double_gt(distance(rounded, one, count), 1e-5);
	free(one);
	free(three);
	free(rounded);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("masked");
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, masked_words_equal_pytorch, 0, 2);
	tcase_add_test(tests, whole_words_are_masked_in_their_shares);
	tcase_add_test(tests, a_text_of_one_long_word_has_it_masked);
	tcase_add_test(tests, words_are_learnt_to_the_same_bits_by_any_threads);
	return run_case("masked", tests);
}
