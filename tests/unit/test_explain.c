#include "model/tokenizer.h"
#include "model/train/explain.h"
#include "model/train/spans.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Weights against what they claim to be: gradients against differences,
 * integrated gradients against what they add up to, leaving words out against
 * texts without them, and the roll-out against the product of all layers.
 */
static const char *const models[] = {"cls-gelu-f32", "mean-relu-bf16", "cls-gelu_new-f16"};
enum { MODELS = sizeof models / sizeof *models, TEXTS = 5, HIDDEN_MOST = 64, TOKENS_MOST = 16 };

static const char *const texts_list[TEXTS] = {
	"orvane shares fell after a warning", "the bank raised the outlook and rose", "profit", "orvane cut zzz the outlook",
	"a a a a a a a a a a a a a a a a a a a a",
};

/* RELU's kinks are no places to differentiate at, nor to integrate over by a few points. */
static bool has_kinks(const char *model)
{
	return strstr(model, "relu") != NULL;
}

static struct text text_of(const char *text)
{
	return (struct text){text, strlen(text)};
}

static struct explainer *model_open(const char *name, enum explain_method method, size_t steps, size_t threads)
{
	char path[512];
	struct err e = {0};
	snprintf(path, sizeof path, "%s/parity/%s", TEST_DATA, name);
	const struct explain_options options = {.path = path, .threads = threads, .method = method, .steps = steps};
	struct explainer *explainer = explainer_open(&options, &e);
	ck_assert_msg(explainer != NULL, "%s", e.text);
	return explainer;
}

static struct explanation explain(struct explainer *explainer, const struct explain_question *question, struct text text)
{
	struct explanation explanation;
	struct err e = {0};
	ck_assert_msg(explainer_run(explainer, question, &text, 1, &explanation, &e) == 0, "%s", e.text);
	return explanation;
}

/* ---- words and tokens ---- */

enum { IDS_MOST = 512 };

struct found {
	int32_t ids[IDS_MOST + 1];
	struct span_word words[IDS_MOST];
	struct spans spans;
};

static void find(const struct tokenizer *tokenizer, const char *text, size_t length, size_t max, struct found *found)
{
	found->spans = (struct spans){.ids = found->ids, .words = found->words, .max = max};
	spans_find(tokenizer, text, length, &found->spans);
}

/* The same ids as without spans; words in order, each with the tokens that it has alone. */
static void expect_spans(const struct tokenizer *tokenizer, const char *text, size_t length, size_t max)
{
	static struct found found;
	int32_t ids[IDS_MOST + 2], alone[IDS_MOST + 2];
	size_t end = 0, token = 1, tokens = tokenizer_encode(tokenizer, text, length, ids, max);
	find(tokenizer, text, length, max, &found);
	ck_assert_uint_eq(found.spans.tokens, tokens);
	ck_assert_int_eq(memcmp(found.ids, ids, tokens * sizeof *ids), 0);
	ck_assert_int_eq(found.spans.cut, tokenizer_encode(tokenizer, text, length, ids, max + 1) > max);
	for (size_t i = 0; i < found.spans.count; i++) {
		const struct span_word *word = &found.words[i];
		bool last = i + 1 == found.spans.count;
		ck_assert(word->start >= end && word->length > 0 && word->start + word->length <= length);
		ck_assert(word->first == token && word->count > 0);
		end = word->start + word->length;
		token += word->count;
		size_t count = tokenizer_encode(tokenizer, text + word->start, word->length, alone, IDS_MOST + 2) - 2;
		ck_assert(count == word->count || (last && found.spans.cut && count > word->count));
		ck_assert_int_eq(memcmp(alone + 1, found.ids + word->first, word->count * sizeof *alone), 0);
	}
	ck_assert_uint_eq(token + 1, found.spans.tokens);
}

static struct tokenizer *vocab_open_shipped(bool lower)
{
	struct err e = {0};
	struct tokenizer *tokenizer = tokenizer_open(SOURCE_DIR "/model/weights/vocab.txt", lower, &e);
	ck_assert_msg(tokenizer != NULL, "%s", e.text);
	return tokenizer;
}

START_TEST(words_are_those_of_the_text)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", ""},
		{" \t ", ""},
		{"Orvane's shares fell, (sharply)...", "Orvane's|shares|fell|,|(|sharply|)...|"},
		{"\"No\": $ORV -3.5% at 10:30", "\"|No|\":|$ORV|-3.5%|at|10:30|"},
		{"[MASK], said [UNK].", "[MASK]|,|said|[UNK]|.|"},
		{"profit\xe2\x80\x94warning\xe2\x80\xa6 Orvane\xe2\x80\x99s \xe2\x80\x9c" "up\xe2\x80\x9d",
		 "profit|\xe2\x80\x94|warning|\xe2\x80\xa6|Orvane\xe2\x80\x99s|\xe2\x80\x9c|up|\xe2\x80\x9d|"},
		{"\xe6\x97\xa5\xe6\x9c\xac up\xc2\xa0" "down\xe3\x80\x80" "flat", "\xe6\x97\xa5|\xe6\x9c\xac|up|down|flat|"},
		{"\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80 moon", "\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80|moon|"},
	};
	static struct found found;
	struct tokenizer *tokenizer = vocab_open_shipped(true);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char words[200] = "";
		find(tokenizer, cases[i].text, strlen(cases[i].text), IDS_MOST, &found);
		for (size_t k = 0; k < found.spans.count; k++) {
			strncat(words, cases[i].text + found.words[k].start, found.words[k].length);
			strcat(words, "|");
		}
		ck_assert_str_eq(words, cases[i].words);
	}
	tokenizer_free(tokenizer);
}
END_TEST

/* Pieces of all kinds that the tokeniser knows, by chance. */
START_TEST(tokens_are_the_tokenizers)
{
	static const char *const parts[] = {
		"shares", "Orvane", "x", " ", "\t", ".", ",", "'", "(", "[MASK]", "[", "]", "[SEP]", "-", "$", "\xe2\x80\x99", "\xe2\x80\x94",
		"\xe6\x97\xa5", "\xcc\x81", "e\xcc\x81", "\xc3\xa9", "\xff", "\xe2\x82", "\xf0\x9f\x9a\x80", "\xef\xb8\x8f", "\x01",
		"\xc2\xa0", "\xe3\x80\x80", "\xea\xb0\x80", "unbelievableness", "\xcd\xbe", "\xe1\xbf\xaf", "\xef\xbf\xbd", "\"", "!", "\xc2\xad",
	};
	enum { PARTS = sizeof parts / sizeof *parts };
	static const size_t longest[] = {2, 3, 7, 40, IDS_MOST};
	struct tokenizer *tokenizer = vocab_open_shipped(_i == 0);
	unsigned chance = 1;
	for (int round = 0; round < 4000; round++) {
		char text[600];
		size_t length = 0, count = (size_t)rand_r(&chance) % 30;
		for (size_t i = 0; i < count; i++) {
			const char *part = parts[(size_t)rand_r(&chance) % PARTS];
			memcpy(text + length, part, strlen(part));
			length += strlen(part);
			if (rand_r(&chance) % 40 == 0)
				text[length++] = '\0';
		}
		expect_spans(tokenizer, text, length, longest[round % 5]);
	}
	tokenizer_free(tokenizer);
}
END_TEST

START_TEST(long_texts_are_cut_in_time)
{
	enum { SIZE = 10000000 };
	static const char *const parts[] = {"x", "a ", ",", "\x01", "a,", "\xe6\x97\xa5", ". ", " \x01", "\xff"};
	struct tokenizer *tokenizer = vocab_open_shipped(true);
	char *text = malloc(SIZE);
	const char *part = parts[_i];
	for (size_t i = 0; i < SIZE; i++)
		text[i] = part[i % strlen(part)];
	expect_spans(tokenizer, text, SIZE, 16);
	free(text);
	tokenizer_free(tokenizer);
}
END_TEST

/* ---- gradients ---- */

static double odds_at(struct explainer *explainer, bool topic, size_t class, const float *words, size_t length)
{
	float gradient[TOKENS_MOST * HIDDEN_MOST];
	return explainer_gradient(explainer, topic, class, words, length, gradient);
}

/* Along directions by chance: (f(x + h d) - f(x - h d)) / 2 h = gradient d. */
START_TEST(gradients_equal_differences)
{
	static const int32_t ids[] = {2, 16, 21, 13, 9, 8, 24, 1, 3};
	enum { LENGTH = sizeof ids / sizeof *ids };
	struct explainer *explainer = model_open(models[_i], EXPLAIN_INTEGRATED, 8, 1);
	const struct explainer_info *info = explainer_get_info(explainer);
	size_t count = LENGTH * info->hidden;
	float words[LENGTH * HIDDEN_MOST], moved[LENGTH * HIDDEN_MOST], gradient[LENGTH * HIDDEN_MOST];
	const double step = has_kinks(models[_i]) ? 2e-4 : 2e-3;
	unsigned chance = 7;
	ck_assert_uint_le(info->hidden, HIDDEN_MOST);
	explainer_words(explainer, ids, LENGTH, words);
	for (int round = 0; round < 12; round++) {
		bool topic = round % 2 == 1 && info->topic_count > 0;
		size_t class = (size_t)rand_r(&chance) % (topic ? info->topic_count : 3);
		double direction[LENGTH * HIDDEN_MOST], along = 0, norm = 0, sides[2];
		explainer_gradient(explainer, topic, class, words, LENGTH, gradient);
		for (size_t i = 0; i < count; i++) {
			direction[i] = rand_r(&chance) % 2 == 0 ? 1 : -1;
			along += direction[i] * (double)gradient[i];
			norm += (double)gradient[i] * (double)gradient[i];
		}
		for (int side = 0; side < 2; side++) {
			for (size_t i = 0; i < count; i++)
				moved[i] = words[i] + (float)((side == 0 ? step : -step) * direction[i]);
			sides[side] = odds_at(explainer, topic, class, moved, LENGTH);
		}
		ck_assert_double_gt(norm, 1e-8);
		ck_assert_double_eq_tol((sides[0] - sides[1]) / (2 * step), along, 0.01 * sqrt(norm) + 2e-3);
	}
	explainer_close(explainer);
}
END_TEST

/* Sundararajan et al., proposition 1. */
START_TEST(integrated_gradients_add_up)
{
	size_t steps = has_kinks(models[_i]) ? EXPLAIN_STEPS_MOST : 128;
	struct explainer *fine = model_open(models[_i], EXPLAIN_INTEGRATED, steps, 1);
	struct explainer *coarse = model_open(models[_i], EXPLAIN_INTEGRATED, 1, 1);
	size_t topics = explainer_get_info(fine)->topic_count;
	double worst = 0, coarsest = 0, largest = 0;
	for (int t = 0; t < TEXTS; t++)
		for (int class = -1; class < 3; class++) {
			bool topic = topics > 0 && class > 0;
			const struct explain_question question = {.class = topic ? class % (int)topics : class, .topic = topic};
			struct explanation of[2] = {explain(fine, &question, text_of(texts_list[t])),
						    explain(coarse, &question, text_of(texts_list[t]))};
			double gaps[2];
			for (int i = 0; i < 2; i++) {
				double sum = 0;
				for (size_t w = 0; w < of[i].word_count; w++)
					sum += (double)of[i].words[w].weight;
				gaps[i] = fabs(sum - (of[i].odds - of[i].base));
			}
			worst = fmax(worst, gaps[0]);
			coarsest = fmax(coarsest, gaps[1]);
			largest = fmax(largest, fabs(of[0].odds - of[0].base));
			explanation_clear(&of[0]);
			explanation_clear(&of[1]);
		}
	ck_assert_double_lt(worst, has_kinks(models[_i]) ? 0.03 : 1e-4);
	ck_assert_double_gt(largest, 0.1);
	ck_assert_double_gt(coarsest, 4 * worst);
	explainer_close(fine);
	explainer_close(coarse);
}
END_TEST

/* ---- leaving words out ---- */

START_TEST(a_left_out_word_weighs_what_is_lost)
{
	struct explainer *explainer = model_open(models[_i], EXPLAIN_LEAVE_OUT, 1, 1);
	const struct explain_question question = {.class = 1};
	struct explanation whole = explain(explainer, &question, text_of("orvane shares fell after a warning"));
	static const char *const without[] = {"shares fell after a warning", "orvane fell after a warning",
					      "orvane shares after a warning", "orvane shares fell a warning",
					      "orvane shares fell after warning", "orvane shares fell after a"};
	ck_assert_uint_eq(whole.word_count, 6);
	ck_assert_uint_eq(whole.class, 1);
	for (size_t i = 0; i < 6; i++) {
		struct explanation part = explain(explainer, &question, text_of(without[i]));
		ck_assert_double_eq_tol((double)whole.words[i].weight, whole.odds - part.odds, 1e-5);
		explanation_clear(&part);
	}
	explanation_clear(&whole);
	explainer_close(explainer);
}
END_TEST

/* ---- attention ---- */

static const char picture_text[] = "orvane shares fell after a warning"; /* a token a word */
enum { SIDE = 8 };

/* The product of the layers' matrices, top layer first, as the paper has it; the row that is pooled, or the rows' mean. */
static void roll_out(const struct explanation *explanation, size_t layers, size_t heads, bool mean, double *row)
{
	double product[SIDE * SIDE];
	for (size_t i = 0; i < SIDE * SIDE; i++)
		product[i] = i / SIDE == i % SIDE;
	for (size_t layer = 0; layer < layers; layer++) {
		double next[SIDE * SIDE] = {0}, matrix[SIDE * SIDE];
		for (size_t i = 0; i < SIDE * SIDE; i++) {
			matrix[i] = i / SIDE == i % SIDE ? 0.5 : 0;
			for (size_t head = 0; head < heads; head++)
				matrix[i] += 0.5 * (double)explanation->attention[(layer * heads + head) * SIDE * SIDE + i] / (double)heads;
		}
		for (size_t i = 0; i < SIDE; i++)
			for (size_t k = 0; k < SIDE; k++)
				for (size_t j = 0; j < SIDE; j++)
					next[i * SIDE + j] += matrix[i * SIDE + k] * product[k * SIDE + j];
		memcpy(product, next, sizeof product);
	}
	for (size_t j = 0; j < SIDE; j++) {
		row[j] = product[j];
		for (size_t i = 1; i < SIDE && mean; i++)
			row[j] += product[i * SIDE + j];
		row[j] /= mean ? SIDE : 1;
	}
}

START_TEST(the_roll_out_is_the_product_of_layers)
{
	struct explainer *explainer = model_open(models[_i], EXPLAIN_ROLLOUT, 1, 1);
	const struct explainer_info *info = explainer_get_info(explainer);
	const struct explain_question question = {.class = -1, .picture = true};
	struct explanation explanation = explain(explainer, &question, text_of(picture_text));
	double row[SIDE], sum = 0;
	ck_assert_uint_eq(explanation.side, SIDE);
	for (size_t head = 0; head < info->layers * info->heads; head++) {
		double total = 0;
		for (size_t i = 0; i < SIDE; i++)
			total += (double)explanation.attention[head * SIDE * SIDE + i];
		ck_assert_double_eq_tol(total, 1, 1e-5);
	}
	roll_out(&explanation, info->layers, info->heads, strncmp(models[_i], "mean", 4) == 0, row);
	for (size_t i = 0; i < explanation.word_count; i++) {
		ck_assert_double_eq_tol((double)explanation.words[i].attention, row[i + 1], 1e-5);
		ck_assert_float_eq(explanation.words[i].weight, explanation.words[i].attention);
		sum += (double)explanation.words[i].attention;
	}
	ck_assert_double_eq_tol(sum + row[0] + row[SIDE - 1], 1, 1e-5);
	explanation_clear(&explanation);
	explainer_close(explainer);
}
END_TEST

START_TEST(raw_attention_is_the_last_layers)
{
	struct explainer *explainer = model_open(models[_i], EXPLAIN_ATTENTION, 1, 1);
	const struct explainer_info *info = explainer_get_info(explainer);
	const struct explain_question question = {.class = -1, .picture = true};
	struct explanation explanation = explain(explainer, &question, text_of(picture_text));
	size_t rows = strncmp(models[_i], "mean", 4) == 0 ? SIDE : 1;
	for (size_t i = 0; i < explanation.word_count; i++) {
		double sum = 0;
		for (size_t head = 0; head < info->heads; head++)
			for (size_t from = 0; from < rows; from++)
				sum += (double)explanation.attention[(((info->layers - 1) * info->heads + head) * SIDE + from) * SIDE + i + 1];
		ck_assert_double_eq_tol((double)explanation.words[i].weight, sum / (double)(info->heads * rows), 1e-5);
	}
	explanation_clear(&explanation);
	explainer_close(explainer);
}
END_TEST

/* ---- everything ---- */

START_TEST(figures_do_not_depend_on_the_threads)
{
	struct text texts[TEXTS * 8];
	struct explanation one[TEXTS * 8], more[TEXTS * 8];
	const struct explain_question question = {.class = -1};
	struct explainer *alone = model_open(models[0], (enum explain_method)_i, 16, 1);
	struct explainer *several = model_open(models[0], (enum explain_method)_i, 16, 3);
	for (size_t i = 0; i < TEXTS * 8; i++)
		texts[i] = text_of(texts_list[i % TEXTS]);
	ck_assert_int_eq(explainer_run(alone, &question, texts, TEXTS * 8, one, NULL), 0);
	ck_assert_int_eq(explainer_run(several, &question, texts, TEXTS * 8, more, NULL), 0);
	for (size_t i = 0; i < TEXTS * 8; i++) {
		ck_assert_uint_gt(one[i].word_count, 0);
		ck_assert_uint_eq(one[i].word_count, more[i].word_count);
		ck_assert_int_eq(memcmp(one[i].words, more[i].words, one[i].word_count * sizeof *one[i].words), 0);
		explanation_clear(&one[i]);
		explanation_clear(&more[i]);
	}
	explainer_close(alone);
	explainer_close(several);
}
END_TEST

START_TEST(any_text_has_an_answer)
{
	static const struct text texts[] = {
		{"", 0}, {NULL, 0}, {"\0\0\0", 3}, {"\xff\xfe\x80", 3}, {" \t ", 3}, {"fell\0rose", 9}, {"[CLS] [SEP] [MASK]", 18},
		{"\xf0\x9f\x9a\x80", 4}, {"\xe6\x97\xa5\xe6\x9c\xac", 6},
		{"a a a a a a a a a a a a a a a a a a a a a a", 43},
	};
	enum { COUNT = sizeof texts / sizeof *texts };
	struct explanation explanations[COUNT];
	struct explainer *explainer = model_open(models[0], (enum explain_method)_i, 4, 2);
	const struct explain_question question = {.class = -1, .picture = true, .topic = _i % 2 == 1};
	ck_assert_int_eq(explainer_run(explainer, &question, texts, COUNT, explanations, NULL), 0);
	for (size_t i = 0; i < COUNT; i++) {
		double sum = 0;
		for (int k = 0; k < 3; k++)
			sum += (double)explanations[i].polarity[k];
		ck_assert_double_eq_tol(sum, 1, 1e-5);
		ck_assert_int_eq(explanations[i].cut, i + 1 == COUNT);
		ck_assert_int_eq(explanations[i].can_judge, i + 2 != COUNT);
		for (size_t w = 0; w < explanations[i].word_count; w++)
			ck_assert(isfinite(explanations[i].words[w].weight));
		explanation_clear(&explanations[i]);
	}
	explainer_close(explainer);
}
END_TEST

/* Words of a text times a text's tokens would be too many. */
START_TEST(long_texts_are_explained_by_gradients)
{
	const struct explain_options options = {.path = SOURCE_DIR "/model/weights", .threads = 1, .steps = 1};
	const struct explain_question question = {.class = -1};
	struct explainer *explainer = explainer_open(&options, NULL);
	char text[2 * EXPLAIN_LEAVE_OUT_WORDS + 3];
	ck_assert_ptr_nonnull(explainer);
	for (size_t words = EXPLAIN_LEAVE_OUT_WORDS; words <= EXPLAIN_LEAVE_OUT_WORDS + 1; words++) {
		for (size_t i = 0; i < words; i++)
			memcpy(text + 2 * i, "a ", 3);
		struct explanation explanation = explain(explainer, &question, text_of(text));
		ck_assert_uint_eq(explanation.word_count, words);
		ck_assert_int_eq(explanation.method, words > EXPLAIN_LEAVE_OUT_WORDS ? EXPLAIN_INTEGRATED : EXPLAIN_LEAVE_OUT);
		explanation_clear(&explanation);
	}
	explainer_close(explainer);
}
END_TEST

START_TEST(what_is_no_model_is_told)
{
	struct err e = {0};
	struct explain_options options = {.path = TEST_DATA, .steps = 1};
	ck_assert_ptr_null(explainer_open(&options, &e));
	ck_assert_msg(strstr(e.text, "config.json") != NULL, "%s", e.text);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("explain");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, words_are_those_of_the_text);
	tcase_add_loop_test(tests, tokens_are_the_tokenizers, 0, 2);
	tcase_add_loop_test(tests, long_texts_are_cut_in_time, 0, 9);
	tcase_add_loop_test(tests, gradients_equal_differences, 0, MODELS);
	tcase_add_loop_test(tests, integrated_gradients_add_up, 0, MODELS);
	tcase_add_loop_test(tests, a_left_out_word_weighs_what_is_lost, 0, MODELS);
	tcase_add_loop_test(tests, the_roll_out_is_the_product_of_layers, 0, MODELS);
	tcase_add_loop_test(tests, raw_attention_is_the_last_layers, 0, MODELS);
	tcase_add_loop_test(tests, figures_do_not_depend_on_the_threads, 0, EXPLAIN_METHODS);
	tcase_add_loop_test(tests, any_text_has_an_answer, 0, EXPLAIN_METHODS);
	tcase_add_test(tests, long_texts_are_explained_by_gradients);
	tcase_add_test(tests, what_is_no_model_is_told);
	return run_case("explain", tests);
}
