#include "model/classifier.h"
#include "tests/lib/run.h"
#include "tests/lib/tiny_model.h"

#include <pthread.h>
#include <sys/stat.h>

/* The tiny model's words, so that its tokens are known. */
static const char *const texts[] = {
	"",
	"shares of orvane fall after warning",
	"bank raises outlook, profit rise",
	"orvane the orvane the orvane the orvane the orvane the orvane the orvane the orvane the orvane the orvane",
	"the a and . ,",
	"rise",
};
enum { TEXTS = sizeof texts / sizeof *texts };

static struct text text_of(const char *data)
{
	return (struct text){.data = data, .length = strlen(data)};
}

static struct classifier *open_at(const char *directory, int threads)
{
	struct err e = {0};
	struct classifier_options options = {.path = directory, .device = "cpu", .precision = "fp32", .threads = threads};
	struct classifier *classifier = classifier_open(&options, &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	return classifier;
}

static struct classifier *open_tiny(const struct tiny_model *model, int threads)
{
	char directory[] = "/tmp/test_classifier-XXXXXX";
	tiny_model_make(model, directory);
	struct classifier *classifier = open_at(directory, threads);
	tiny_model_remove(directory);
	return classifier;
}

/* The model must be refused, with `part` in the message. */
static void expect_refused(const struct tiny_model *model, const char *part)
{
	char directory[] = "/tmp/test_classifier-XXXXXX";
	struct err e = {0};
	tiny_model_make(model, directory);
	ck_assert_ptr_null(classifier_open(&(struct classifier_options){.path = directory, .threads = 1}, &e));
	ck_assert_msg(strstr(e.text, part) != NULL, "\"%s\" lacks \"%s\"", e.text, part);
	tiny_model_remove(directory);
}

static void run_one(struct classifier *classifier, const char *data, struct score *score, float *topics)
{
	struct text text = text_of(data);
	ck_assert_int_eq(classifier_run(classifier, &text, 1, score, topics, NULL), 0);
}

START_TEST(any_label_order_gives_the_same_polarity)
{
	struct tiny_model straight = TINY_MODEL, turned = TINY_MODEL;
	turned.labels = "{\"2\":\"NEGATIVE\",\"0\":\"Positive\",\"1\":\"neutral\"}";
	struct classifier *a = open_tiny(&straight, 1), *b = open_tiny(&turned, 1);
	struct score first, second;
	run_one(a, texts[1], &first, NULL);
	run_one(b, texts[1], &second, NULL);
	/* Row 0 is negative for one and positive for the other. */
	ck_assert(first.polarity_logits[0] == second.polarity_logits[2]);
	ck_assert(first.polarity_logits[1] == second.polarity_logits[1]);
	ck_assert(first.polarity_logits[2] == second.polarity_logits[0]);
	ck_assert(first.polarity_logits[0] != first.polarity_logits[2]);
	ck_assert(score_value(&first) == -score_value(&second));
	ck_assert_int_eq(score_polarity(&first), 2 - score_polarity(&second));
	classifier_close(a);
	classifier_close(b);
	classifier_close(NULL);
}
END_TEST

START_TEST(topic_head_is_optional)
{
	struct tiny_model without = TINY_MODEL, with = TINY_MODEL;
	with.topics = 2;
	with.extra = ",\"topic_labels\":[\"Earnings\",\"M&A \\\"x\\\"\"]";
	struct classifier *a = open_tiny(&without, 1), *b = open_tiny(&with, 1);
	ck_assert_uint_eq(classifier_get_info(a)->topic_count, 0);
	ck_assert_ptr_null(classifier_get_info(a)->topics);
	ck_assert_uint_eq(classifier_get_info(b)->topic_count, 2);
	ck_assert_str_eq(classifier_get_info(b)->topics[1], "M&A \"x\"");

	struct score first, second;
	float topics[3] = {7, 7, 7};
	run_one(a, texts[1], &first, topics);
	ck_assert(topics[0] == 7);
	run_one(b, texts[1], &second, topics);
	ck_assert(topics[0] != 7 && topics[1] != 7 && topics[2] == 7);
	for (int i = 0; i < 3; i++)
		ck_assert(fabsf(first.polarity_logits[i] - second.polarity_logits[i]) < 1e-5f);
	classifier_close(a);
	classifier_close(b);

	/* A head that nobody names is left alone. */
	with.extra = "";
	a = open_tiny(&with, 1);
	ck_assert_uint_eq(classifier_get_info(a)->topic_count, 0);
	classifier_close(a);
}
END_TEST

START_TEST(names_of_other_checkpoints)
{
	struct tiny_model plain = TINY_MODEL, bare = TINY_MODEL;
	bare.prefix = "";
	bare.old_norms = true;
	struct classifier *a = open_tiny(&plain, 1), *b = open_tiny(&bare, 1);
	struct score first, second;
	run_one(a, texts[2], &first, NULL);
	run_one(b, texts[2], &second, NULL);
	ck_assert_mem_eq(first.polarity_logits, second.polarity_logits, sizeof first.polarity_logits);
	classifier_close(a);
	classifier_close(b);
}
END_TEST

START_TEST(broken_weights_name_the_tensor)
{
	struct tiny_model model = TINY_MODEL;
	model.left_out = "bert.encoder.layer.1.output.dense.weight";
	expect_refused(&model, "tensor bert.encoder.layer.1.output.dense.weight is missing");
	model.left_out = "classifier.bias";
	expect_refused(&model, "tensor classifier.bias is missing");

	model = TINY_MODEL;
	model.misshapen = "bert.encoder.layer.0.intermediate.dense.weight";
	expect_refused(&model, "tensor bert.encoder.layer.0.intermediate.dense.weight has the shape [21, 8] where "
			       "config.json needs [20, 8]");
	model = TINY_MODEL;
	model.not_finite = "bert.encoder.layer.1.attention.self.value.bias";
	expect_refused(&model, "tensor bert.encoder.layer.1.attention.self.value.bias: value 0 is not a finite number");
	model.not_finite = "bert.embeddings.word_embeddings.weight";
	expect_refused(&model, "tensor bert.embeddings.word_embeddings.weight: value 0 is not a finite number");

	model = TINY_MODEL;
	model.extra = ",\"topic_labels\":[\"a\",\"b\"]";
	expect_refused(&model, "tensor topic_classifier.weight is missing");
	model.topics = 3;
	expect_refused(&model, "tensor topic_classifier.weight has the shape [3, 8]");
}
END_TEST

START_TEST(a_truncated_file_names_the_tensor)
{
	struct tiny_model model = TINY_MODEL;
	char directory[] = "/tmp/test_classifier-XXXXXX";
	tiny_model_make(&model, directory);
	size_t size;
	void *weights = tiny_weights(&model, &size);
	tiny_write(directory, "model.safetensors", weights, size - 1);
	free(weights);
	struct err e = {0};
	ck_assert_ptr_null(classifier_open(&(struct classifier_options){.path = directory}, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "tensor classifier.bias ends at byte"));
	ck_assert_ptr_nonnull(strstr(e.text, "truncated"));
	tiny_model_remove(directory);
}
END_TEST

START_TEST(wrong_configurations_name_the_key)
{
	static const struct {
		const char *labels, *extra, *part;
	} cases[] = {
		{"{\"0\":\"LABEL_0\",\"1\":\"LABEL_1\",\"2\":\"LABEL_2\"}", "", "id2label 0 is \"LABEL_0\""},
		{"{\"0\":\"positive\",\"1\":\"Positive\",\"2\":\"neutral\"}", "", "id2label 1 is \"Positive\""},
		{"{\"0\":\"negative\",\"1\":\"positive\"}", "", "three labels"},
		{"{\"a\":\"negative\",\"1\":\"positive\",\"2\":\"neutral\"}", "", "no label for \"0\""},
		{TINY_LABELS, ",\"hidden_act\":\"silu\"", "hidden_act is \"silu\""},
		{TINY_LABELS, ",\"position_embedding_type\":\"relative_key\"", "position_embedding_type"},
		{TINY_LABELS, ",\"pooling\":\"max\"", "pooling is \"max\""},
		{TINY_LABELS, ",\"layer_norm_eps\":-1", "layer_norm_eps"},
		{TINY_LABELS, ",\"topic_labels\":[]", "topic_labels"},
		{TINY_LABELS, ",\"topic_labels\":[\"a\",1]", "topic_labels: entry 1"},
		{TINY_LABELS, ",\"x\":", "config.json:1:"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tiny_model model = TINY_MODEL;
		model.labels = cases[i].labels;
		model.extra = cases[i].extra;
		expect_refused(&model, cases[i].part);
	}
	static const struct {
		const char *config, *part;
	} whole[] = {
		{"{\"model_type\":\"roberta\"}", "model_type is \"roberta\""},
		{"{\"hidden_size\":0}", "hidden_size"},
		{"{\"hidden_size\":12.5}", "hidden_size"},
		{"{\"num_hidden_layers\":99999999999999999999999}", "num_hidden_layers"},
		{"{\"hidden_size\":10,\"num_attention_heads\":3}", "hidden_size 10 is no multiple"},
		{"[]", "not a JSON object"},
		{"", "config.json"},
	};
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		struct tiny_model model = TINY_MODEL;
		char directory[] = "/tmp/test_classifier-XXXXXX";
		struct err e = {0};
		tiny_model_make(&model, directory);
		tiny_write(directory, "config.json", whole[i].config, strlen(whole[i].config));
		ck_assert_ptr_null(classifier_open(&(struct classifier_options){.path = directory}, &e));
		ck_assert_msg(strstr(e.text, whole[i].part) != NULL, "\"%s\" lacks \"%s\"", e.text, whole[i].part);
		tiny_model_remove(directory);
	}
}
END_TEST

START_TEST(a_vocabulary_larger_than_the_model_is_refused)
{
	struct tiny_model model = TINY_MODEL;
	model.vocab_extra = "a1\na2\na3\na4\na5\na6\na7\na8\na9\nb1\nb2\nb3\nb4\nb5\nb6\nb7\nb8\n";
	expect_refused(&model, "vocab.txt has 41 words and config.json's vocab_size is 40");
}
END_TEST

START_TEST(wrong_options_are_refused)
{
	struct tiny_model model = TINY_MODEL;
	char directory[] = "/tmp/test_classifier-XXXXXX";
	struct err e = {0};
	tiny_model_make(&model, directory);
	struct classifier_options options = {.path = directory, .device = "cpu", .precision = "fp8"};
	ck_assert_ptr_null(classifier_open(&options, &e));
	ck_assert_str_eq(e.text, "precision \"fp8\" is not known: auto, fp32, bf16 or int8");
	options = (struct classifier_options){.path = directory, .threads = 100000};
	ck_assert_ptr_null(classifier_open(&options, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "threads"));
	tiny_model_remove(directory);
	options = (struct classifier_options){.path = directory};
	ck_assert_ptr_null(classifier_open(&options, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "config.json: cannot open: No such file"));
}
END_TEST

START_TEST(pipes_are_refused_at_once)
{
	static const char *const names[] = {"config.json", "vocab.txt", "tokenizer_config.json", "model.safetensors"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct tiny_model model = TINY_MODEL;
		char directory[] = "/tmp/test_classifier-XXXXXX", path[128];
		struct err e = {0};
		tiny_model_make(&model, directory);
		snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		unlink(path);
		ck_assert_int_eq(mkfifo(path, 0600), 0);
		ck_assert_ptr_null(classifier_open(&(struct classifier_options){.path = directory}, &e));
		ck_assert_msg(strstr(e.text, names[i]) != NULL && strstr(e.text, "not a regular file") != NULL, "%s", e.text);
		unlink(path);
		tiny_model_remove(directory);
	}
}
END_TEST

START_TEST(max_tokens_comes_from_both_files)
{
	struct tiny_model model = TINY_MODEL;
	char directory[] = "/tmp/test_classifier-XXXXXX";
	tiny_model_make(&model, directory);
	struct classifier *classifier = open_at(directory, 1);
	ck_assert_uint_eq(classifier_get_info(classifier)->max_tokens, TINY_POSITIONS);
	classifier_close(classifier);
	const char *unlimited = "{\"model_max_length\": 1000000000000000019884624838656}";
	tiny_write(directory, "tokenizer_config.json", unlimited, strlen(unlimited));
	classifier = open_at(directory, 1);
	ck_assert_uint_eq(classifier_get_info(classifier)->max_tokens, TINY_POSITIONS);
	classifier_close(classifier);

	const char *three = "{\"model_max_length\": 3}";
	tiny_write(directory, "tokenizer_config.json", three, strlen(three));
	classifier = open_at(directory, 1);
	ck_assert_uint_eq(classifier_get_info(classifier)->max_tokens, 3);
	struct score one, more;
	run_one(classifier, "rise", &one, NULL);
	run_one(classifier, "rise after warning", &more, NULL);
	ck_assert_mem_eq(one.polarity_logits, more.polarity_logits, sizeof one.polarity_logits);
	classifier_close(classifier);
	tiny_model_remove(directory);
}
END_TEST

static void expect_close(const struct score *a, const struct score *b)
{
	for (int i = 0; i < 3; i++) {
		ck_assert(fabsf(a->polarity_logits[i] - b->polarity_logits[i]) <= 1e-5f);
		ck_assert(fabsf(a->polarity[i] - b->polarity[i]) <= 1e-5f);
	}
}

START_TEST(scores_do_not_depend_on_the_batch)
{
	/* The shipped model: 300 texts of mixed lengths, over several workers, against each alone. */
	enum { COUNT = 300 };
	struct classifier *classifier = open_at(SOURCE_DIR "/model/weights", 3);
	size_t topics = classifier_get_info(classifier)->topic_count;
	ck_assert_uint_eq(topics, 20);
	static struct text batch[COUNT];
	static struct score scores[COUNT];
	static float logits[COUNT * 20];
	for (size_t i = 0; i < COUNT; i++) {
		batch[i] = text_of(texts[i % TEXTS]);
		if (i % 7 == 0)
			batch[i].length /= 2;
	}
	ck_assert_int_eq(classifier_run(classifier, batch, COUNT, scores, logits, NULL), 0);
	for (size_t i = 0; i < COUNT; i += 11) {
		struct score alone;
		float alone_logits[20];
		ck_assert_int_eq(classifier_run(classifier, &batch[i], 1, &alone, alone_logits, NULL), 0);
		expect_close(&alone, &scores[i]);
		for (size_t k = 0; k < topics; k++)
			ck_assert(fabsf(alone_logits[k] - logits[i * topics + k]) <= 1e-5f);
	}
	classifier_close(classifier);
}
END_TEST

/* A batch of the tiny model: results must be those of each text alone, whoever else calls. */
struct caller {
	pthread_t thread;
	struct classifier *classifier;
	const struct score *wanted;
	size_t offset;
};

static void *caller_run(void *argument)
{
	const struct caller *caller = argument;
	enum { COUNT = 500 };
	struct text *batch = calloc(COUNT, sizeof *batch);
	struct score *scores = calloc(COUNT, sizeof *scores);
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < COUNT; i++)
			batch[i] = text_of(texts[(i + caller->offset) % TEXTS]);
		if (classifier_run(caller->classifier, batch, COUNT, scores, NULL, NULL) != 0)
			abort();
		for (size_t i = 0; i < COUNT; i++)
			expect_close(&scores[i], &caller->wanted[(i + caller->offset) % TEXTS]);
	}
	free(batch);
	free(scores);
	return NULL;
}

START_TEST(many_threads_may_call)
{
	enum { CALLERS = 6 };
	struct tiny_model model = TINY_MODEL;
	struct classifier *classifier = open_tiny(&model, 3);
	struct score wanted[TEXTS];
	struct caller callers[CALLERS];
	for (size_t i = 0; i < TEXTS; i++)
		run_one(classifier, texts[i], &wanted[i], NULL);
	for (size_t i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){.classifier = classifier, .wanted = wanted, .offset = i};
		ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, caller_run, &callers[i]), 0);
	}
	for (size_t i = 0; i < CALLERS; i++)
		pthread_join(callers[i].thread, NULL);
	ck_assert_int_eq(classifier_run(classifier, NULL, 0, NULL, NULL, NULL), 0);
	classifier_close(classifier);
}
END_TEST

START_TEST(version_follows_the_content)
{
	struct tiny_model model = TINY_MODEL;
	char first[64], other[64];
	struct classifier *classifier = open_tiny(&model, 1);
	snprintf(first, sizeof first, "%s", classifier_get_info(classifier)->version);
	ck_assert_uint_eq(strlen(first), strlen("bert-01234567"));
	ck_assert_int_eq(strncmp(first, "bert-", 5), 0);
	classifier_close(classifier);

	classifier = open_tiny(&model, 1); /* another directory, the same content */
	ck_assert_str_eq(classifier_get_info(classifier)->version, first);
	classifier_close(classifier);

	struct tiny_model changed[3] = {TINY_MODEL, TINY_MODEL, TINY_MODEL};
	changed[0].vocab_extra = "new\n";
	changed[1].labels = "{\"0\":\"neutral\",\"1\":\"negative\",\"2\":\"positive\"}";
	changed[2].prefix = "";
	for (size_t i = 0; i < 3; i++) {
		classifier = open_tiny(&changed[i], 1);
		snprintf(other, sizeof other, "%s", classifier_get_info(classifier)->version);
		ck_assert_str_ne(other, first);
		classifier_close(classifier);
	}
}
END_TEST

START_TEST(any_bytes_are_text)
{
	struct tiny_model model = TINY_MODEL;
	struct classifier *classifier = open_tiny(&model, 2);
	enum { LONG = 3 << 20 };
	char *large = malloc(LONG);
	memset(large, 'x', LONG);
	const struct text hostile[] = {
		{.data = "\0\0\0", .length = 3},
		{.data = "\xff\xfe\xf0\x9f", .length = 4},
		{.data = large, .length = LONG},
		{.data = "rise\0fall", .length = 9},
		{.data = "", .length = 0},
	};
	enum { COUNT = sizeof hostile / sizeof *hostile };
	struct score scores[COUNT];
	ck_assert_int_eq(classifier_run(classifier, hostile, COUNT, scores, NULL, NULL), 0);
	for (size_t i = 0; i < COUNT; i++) {
		float sum = scores[i].polarity[0] + scores[i].polarity[1] + scores[i].polarity[2];
		ck_assert(fabsf(sum - 1) < 1e-5f);
	}
	free(large);
	classifier_close(classifier);
}
END_TEST

START_TEST(shipped_model_reads_the_news)
{
	struct classifier *classifier = open_at(SOURCE_DIR "/model/weights", 0);
	struct score score;
	run_one(classifier, "Shares of Orvane plunge after profit warning", &score, NULL);
	ck_assert(score.can_judge);
	ck_assert_int_eq(score_polarity(&score), 0);
	ck_assert(score_value(&score) < -0.5f);
	run_one(classifier, "Orvane beats estimates and raises its dividend", &score, NULL);
	ck_assert_int_eq(score_polarity(&score), 2);
	run_one(classifier, "欧万公司股价暴跌", &score, NULL);
	ck_assert(!score.can_judge);
	classifier_close(classifier);
}
END_TEST

START_TEST(softmax_of_a_row)
{
	float row[3] = {1000, 1000, -1000}, one[1] = {-5};
	softmax_row(row, 3);
	ck_assert(row[0] == 0.5f && row[1] == 0.5f && row[2] == 0);
	softmax_row(one, 1);
	ck_assert(one[0] == 1);
	softmax_row(NULL, 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("classifier");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, any_label_order_gives_the_same_polarity);
	tcase_add_test(tests, topic_head_is_optional);
	tcase_add_test(tests, names_of_other_checkpoints);
	tcase_add_test(tests, broken_weights_name_the_tensor);
	tcase_add_test(tests, a_truncated_file_names_the_tensor);
	tcase_add_test(tests, wrong_configurations_name_the_key);
	tcase_add_test(tests, a_vocabulary_larger_than_the_model_is_refused);
	tcase_add_test(tests, wrong_options_are_refused);
	tcase_add_test(tests, pipes_are_refused_at_once);
	tcase_add_test(tests, max_tokens_comes_from_both_files);
	tcase_add_test(tests, scores_do_not_depend_on_the_batch);
	tcase_add_test(tests, many_threads_may_call);
	tcase_add_test(tests, version_follows_the_content);
	tcase_add_test(tests, any_bytes_are_text);
	tcase_add_test(tests, shipped_model_reads_the_news);
	tcase_add_test(tests, softmax_of_a_row);
	return run_case("classifier", tests);
}
