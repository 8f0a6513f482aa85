#include "model/classifier.h"
#include "model/convert.h"
#include "model/half.h"
#include "model/weights.h"
#include "tests/lib/run.h"
#include "tests/lib/tiny_model.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

static const char *const texts[] = {"", "shares of orvane fall after warning", "bank raises outlook, profit rise", "rise"};
enum { TEXTS = sizeof texts / sizeof *texts, TOPICS = 4 };

#define WITH_TOPICS ",\"topic_labels\":[\"a\",\"b\",\"c\",\"d\"]"

struct answers {
	float polarity[TEXTS][3], topics[TEXTS][TOPICS];
};

static struct answers ask(const char *directory, const char *precision, char precision_taken[8])
{
	struct err e = {0};
	struct classifier *classifier = classifier_open(
		&(struct classifier_options){.path = directory, .device = "cpu", .precision = precision, .threads = 1}, &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	struct text lines[TEXTS];
	struct score scores[TEXTS];
	struct answers answers;
	for (size_t i = 0; i < TEXTS; i++)
		lines[i] = (struct text){texts[i], strlen(texts[i])};
	ck_assert_int_eq(classifier_run(classifier, lines, TEXTS, scores, answers.topics[0], &e), 0);
	for (size_t i = 0; i < TEXTS; i++)
		memcpy(answers.polarity[i], scores[i].polarity_logits, sizeof answers.polarity[i]);
	snprintf(precision_taken, 8, "%s", classifier_get_info(classifier)->precision);
	classifier_close(classifier);
	return answers;
}

static int convert(const char *from, const char *precision, const char *to, struct err *e)
{
	struct publish publish;
	struct convert_options options = {
		.directory = from, .precision = precision, .program = "test", .version = "bert-00000000"};
	int result = publish_begin(&publish, to, e);
	if (result == 0)
		result = model_convert(&options, &publish, e);
	if (result == 0)
		result = publish_finish(&publish, e);
	publish_abandon(&publish);
	return result;
}

static const struct weight_tensor *tensor_of(const struct weights *weights, const char *name)
{
	const struct weight_tensor *tensor = weights_find(weights, name);
	ck_assert_msg(tensor != NULL, "%s", name);
	return tensor;
}

START_TEST(answers_as_the_original_at_that_precision)
{
	static const char *const precisions[] = {"int8", "bf16"};
	const char *precision = precisions[_i % 2];
	struct tiny_model model = TINY_MODEL;
	model.topics = TOPICS;
	model.extra = _i < 2 ? WITH_TOPICS : WITH_TOPICS ",\"pooling\":\"mean\"";
	char from[] = "/tmp/test_convert-XXXXXX", to[64], path[128], taken[8];
	tiny_model_make(&model, from);
	snprintf(to, sizeof to, "%s.new", from);
	struct err e = {0};
	ck_assert_msg(convert(from, precision, to, &e) == 0, "%s", e.text);

	struct answers before = ask(from, precision, taken), after = ask(to, precision, taken);
	ck_assert_mem_eq(&before, &after, sizeof before);
	ck_assert_str_eq(taken, precision);
	struct answers exact = ask(from, "fp32", taken);
	ck_assert(memcmp(&exact, &before, sizeof exact) != 0);
	if (strcmp(precision, "int8") == 0) {
		ask(to, "auto", taken);
		ck_assert_str_eq(taken, "int8");
	}

	snprintf(path, sizeof path, "%s/model.safetensors", to);
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	const char *linear = strcmp(precision, "int8") == 0 ? "I8" : "BF16";
	ck_assert_str_eq(tensor_of(weights, "bert.encoder.layer.1.attention.self.key.weight")->type_name, linear);
	ck_assert_str_eq(tensor_of(weights, "bert.encoder.layer.0.output.dense.weight")->type_name, linear);
	ck_assert_str_eq(tensor_of(weights, "bert.encoder.layer.0.output.dense.bias")->type_name, "F32");
	ck_assert_str_eq(tensor_of(weights, "bert.embeddings.word_embeddings.weight")->type_name, "F16");
	ck_assert_str_eq(tensor_of(weights, "bert.embeddings.LayerNorm.weight")->type_name, "F32");
	ck_assert_str_eq(tensor_of(weights, "bert.pooler.dense.weight")->type_name, "F32");
	ck_assert_str_eq(tensor_of(weights, "classifier.weight")->type_name, "F32");
	weights_close(weights);

	/* No directory that holds something is touched; a second conversion is refused. */
	ck_assert_int_eq(convert(from, precision, to, &e), -1);
	ck_assert_msg(strstr(e.text, "exists already and is not empty") != NULL, "%s", e.text);
	tiny_model_remove(from);
	if (strcmp(precision, "int8") == 0) {
		ck_assert_int_eq(convert(to, "int8", from, &e), -1);
		ck_assert_msg(strstr(e.text, "tensor bert.encoder.layer.") != NULL, "%s", e.text);
		ck_assert_int_eq(access(from, F_OK), -1);
	}
	tiny_model_remove(to);
}
END_TEST

START_TEST(the_version_is_another)
{
	struct tiny_model model = TINY_MODEL;
	char from[] = "/tmp/test_convert-XXXXXX", to[64], versions[2][48];
	tiny_model_make(&model, from);
	snprintf(to, sizeof to, "%s.new", from);
	struct err e = {0};
	ck_assert_msg(convert(from, "int8", to, &e) == 0, "%s", e.text);
	for (int i = 0; i < 2; i++) {
		struct classifier *classifier = classifier_open(
			&(struct classifier_options){.path = i == 0 ? from : to, .threads = 1}, &e);
		ck_assert_msg(classifier != NULL, "%s", e.text);
		snprintf(versions[i], sizeof versions[i], "%s", classifier_get_info(classifier)->version);
		classifier_close(classifier);
	}
	ck_assert_str_ne(versions[0], versions[1]);
	tiny_model_remove(from);
	tiny_model_remove(to);
}
END_TEST

/* Entries of /tmp whose names begin as `path` does. */
static size_t entries_like(const char *path)
{
	size_t count = 0;
	DIR *directory = opendir("/tmp");
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += strncmp(entry->d_name, path + strlen("/tmp/"), strlen(path) - strlen("/tmp/")) == 0;
	closedir(directory);
	return count;
}

START_TEST(a_failure_leaves_nothing)
{
	struct tiny_model model = TINY_MODEL;
	model.not_finite = "bert.encoder.layer.1.intermediate.dense.weight";
	char from[] = "/tmp/test_convert-XXXXXX", to[64];
	tiny_model_make(&model, from);
	snprintf(to, sizeof to, "%s.new", from);
	struct err e = {0};
	ck_assert_int_eq(convert(from, "bf16", to, &e), -1);
	ck_assert_msg(strstr(e.text, model.not_finite) != NULL, "%s", e.text);
	ck_assert_uint_eq(entries_like(to), 0);
	tiny_model_remove(from);
	ck_assert_int_eq(convert(from, "int8", to, &e), -1);
	ck_assert_uint_eq(entries_like(to), 0);
}
END_TEST

/* 2^40 rows of nothing are no bytes: no scale is written for each of them. */
START_TEST(tensors_of_nothing_stay_as_they_are)
{
	static const char *const precisions[] = {"int8", "bf16"};
	static struct safetensors file;
	char from[] = "/tmp/test_convert-XXXXXX", to[64], path[128];
	ck_assert_ptr_nonnull(mkdtemp(from));
	snprintf(to, sizeof to, "%s.new", from);
	snprintf(path, sizeof path, "%s/model.safetensors", to);
	safetensors_add(&file, "encoder.layer.9.output.dense.weight", "F32", "[1099511627776, 0]", "", 0);
	safetensors_add(&file, "bert.encoder.layer.9.attention.self.key.weight", "F32", "[0, 1099511627776]", "", 0);
	size_t size;
	void *bytes = safetensors_finish(&file, &size);
	tiny_write(from, "model.safetensors", bytes, size);
	free(bytes);
	struct err e = {0};
	ck_assert_msg(convert(from, precisions[_i], to, &e) == 0, "%s", e.text);
	struct weights *weights = weights_open(path, &e);
	ck_assert_msg(weights != NULL, "%s", e.text);
	ck_assert_str_eq(tensor_of(weights, "encoder.layer.9.output.dense.weight")->type_name, "F32");
	ck_assert(!weights_has(weights, "encoder.layer.9.output.dense.weight_rotated_scale"));
	weights_close(weights);
	tiny_model_remove(from);
	tiny_model_remove(to);
}
END_TEST

START_TEST(a_pipe_among_the_files_is_refused_at_once)
{
	struct publish publish;
	struct err e = {0};
	char from[] = "/tmp/test_convert-XXXXXX", to[64], path[128];
	ck_assert_ptr_nonnull(mkdtemp(from));
	snprintf(to, sizeof to, "%s.new", from);
	snprintf(path, sizeof path, "%s/README.md", from);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(publish_begin(&publish, to, &e), 0);
	ck_assert_int_eq(publish_copy(&publish, from, "README.md", &e), -1);
	ck_assert_msg(strstr(e.text, "not a regular file") != NULL, "%s", e.text);
	publish_abandon(&publish);
	ck_assert_uint_eq(entries_like(to), 0);
	unlink(path);
	ck_assert_int_eq(rmdir(from), 0);
}
END_TEST

START_TEST(directories_appear_whole)
{
	struct publish publish;
	struct err e = {0};
	char parent[] = "/tmp/test_convert-XXXXXX", target[64], path[128];
	ck_assert_ptr_nonnull(mkdtemp(parent));
	publish_abandon(&(struct publish){0});
	ck_assert_int_eq(publish_begin(&publish, "", &e), -1);
	ck_assert_int_eq(publish_begin(&publish, "/nonexistent/place", &e), -1);
	publish_abandon(&publish);
	ck_assert_int_eq(publish_begin(&publish, "/etc/passwd", &e), -1);
	ck_assert_str_eq(e.text, "/etc/passwd exists already");

	/* An empty directory gives way; a slash at the end is no part of the name. */
	snprintf(target, sizeof target, "%s/new/", parent);
	ck_assert_int_eq(mkdir(target, 0700), 0);
	ck_assert_msg(publish_begin(&publish, target, &e) == 0, "%s", e.text);
	ck_assert_int_eq(publish_copy(&publish, "/etc", "passwd", &e), 0);
	ck_assert_int_eq(publish_copy(&publish, "/etc", "no-such-file", &e), 0);
	snprintf(path, sizeof path, "%s/new/passwd", parent);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_msg(publish_finish(&publish, &e) == 0, "%s", e.text);
	ck_assert_int_eq(access(path, R_OK), 0);

	/* One that came into being meanwhile does not. */
	struct publish second;
	snprintf(target, sizeof target, "%s/other", parent);
	ck_assert_int_eq(publish_begin(&publish, target, &e), 0);
	ck_assert_int_eq(publish_begin(&second, target, &e), 0);
	ck_assert_int_eq(publish_copy(&second, "/etc", "passwd", &e), 0);
	ck_assert_int_eq(publish_finish(&second, &e), 0);
	ck_assert_int_eq(publish_copy(&publish, "/etc", "passwd", &e), 0);
	ck_assert_int_eq(publish_finish(&publish, &e), -1);
	publish_abandon(&publish);
	publish_abandon(&second);

	unlink(path);
	snprintf(path, sizeof path, "%s/other/passwd", parent);
	unlink(path);
	rmdir(target);
	snprintf(path, sizeof path, "%s/new", parent);
	rmdir(path);
	ck_assert_int_eq(rmdir(parent), 0); /* nothing else was in it */
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("convert");
	tcase_add_loop_test(tests, answers_as_the_original_at_that_precision, 0, 4);
	tcase_add_test(tests, the_version_is_another);
	tcase_add_test(tests, a_failure_leaves_nothing);
	tcase_add_loop_test(tests, tensors_of_nothing_stay_as_they_are, 0, 2);
	tcase_add_test(tests, a_pipe_among_the_files_is_refused_at_once);
	tcase_add_test(tests, directories_appear_whole);
	return run_case("convert", tests);
}
