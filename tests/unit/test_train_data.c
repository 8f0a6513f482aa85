#include "model/train/checkpoint.h"
#include "model/train/dataset.h"
#include "model/train/random.h"
#include "model/train/report.h"
#include "model/train/table.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rows from files, their split, what a report says of predictions, and checkpoints. */

static char path[64];

static void file_make(const char *text, size_t size)
{
	strcpy(path, "/tmp/bellwether-table-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	close(fd);
}

static void table_make(struct table *table, const char *text)
{
	struct err e = {0};
	file_make(text, strlen(text));
	ck_assert_msg(table_read(table, path, NULL, &e) == 0, "%s", e.text);
	unlink(path);
}

START_TEST(columns_are_found_by_their_names)
{
	struct table table;
	table_make(&table, "\xEF\xBB\xBFText\tid\tLABEL\tmore\r\na \"b\"\t1\tx\tno\r\n\r\n  \t2\ty\r\nlast\t3\tz");
	ck_assert_uint_eq(table.count, 2);
	ck_assert_uint_eq(table.empty, 1);
	ck_assert_uint_eq(table.rows[0].line, 2);
	ck_assert_uint_eq(table.rows[0].text_length, 5);
	ck_assert_int_eq(memcmp(table.rows[0].text, "a \"b\"", 5), 0);
	ck_assert_int_eq(memcmp(table.rows[0].label, "x", 1), 0);
	ck_assert_uint_eq(table.rows[1].line, 5);
	ck_assert_uint_eq(table.rows[1].label_length, 1);
	ck_assert_int_eq(memcmp(table.rows[1].label, "z", 1), 0);
	table_clear(&table);
}
END_TEST

START_TEST(labels_are_sorted_and_found)
{
	struct table table;
	struct labels labels;
	table_make(&table, "label\ttext\nzeta\ta\nalpha\tb\nzeta\tc\nal\td\nalpha\te\n");
	ck_assert_int_eq(labels_collect(&labels, &table, NULL), 0);
	ck_assert_uint_eq(labels.count, 3);
	ck_assert_str_eq(labels.names[0], "al");
	ck_assert_str_eq(labels.names[1], "alpha");
	ck_assert_int_eq(labels_find(&labels, "alpha", 2), 0);
	ck_assert_int_eq(labels_find(&labels, "alpha", 5), 1);
	ck_assert_int_eq(labels_find(&labels, "alphabet", 8), -1);
	ck_assert_int_eq(labels_find(&labels, "al\0ha", 5), -1);
	ck_assert_int_eq(polarity_find("NeuTral", 7), 1);
	ck_assert_int_eq(polarity_find("neutralised", 11), -1);
	labels_clear(&labels);
	table_clear(&table);
}
END_TEST

static struct tokenizer *tokenizer_make(void)
{
	char vocab[512];
	struct err e = {0};
	snprintf(vocab, sizeof vocab, "%s/parity/cls-gelu-f32/vocab.txt", TEST_DATA);
	struct tokenizer *tokenizer = tokenizer_open(vocab, true, &e);
	ck_assert_msg(tokenizer != NULL, "%s", e.text);
	return tokenizer;
}

static const int rows_of_head[3] = {1, 2, 0}; /* negative, neutral, positive */

/* Tables of both tasks into a dataset. */
static void dataset_make(struct dataset *dataset, struct labels *topics, const char *polarity, const char *topic)
{
	struct err e = {0};
	struct table table;
	struct tokenizer *tokenizer = tokenizer_make();
	*dataset = (struct dataset){0};
	table_make(&table, polarity);
	struct dataset_labels labels = {.task = TASK_POLARITY, .polarity_row = rows_of_head, .topics = topics};
	ck_assert_msg(dataset_add(dataset, &table, &labels, tokenizer, 8, &e) == 0, "%s", e.text);
	table_clear(&table);
	table_make(&table, topic);
	ck_assert_int_eq(labels_collect(topics, &table, &e), 0);
	labels.task = TASK_TOPIC;
	ck_assert_msg(dataset_add(dataset, &table, &labels, tokenizer, 8, &e) == 0, "%s", e.text);
	table_clear(&table);
	ck_assert_int_eq(dataset_finish(dataset, true, &e), 0);
	tokenizer_free(tokenizer);
}

START_TEST(texts_of_both_tasks_become_one)
{
	struct dataset dataset;
	struct labels topics;
	dataset_make(&dataset, &topics, "label\ttext\npositive\tshares rose\nnegative\tshares fell\nneutral\tthe bank\n",
		     "label\ttext\nb\tthe bank\na\tshares rose\na\tprofit\nb\tshares rose\n");
	ck_assert_uint_eq(dataset.count, 5);
	ck_assert_int_eq(dataset.texts[0].polarity, 0);
	ck_assert_int_eq(dataset.texts[0].topic, 0);
	ck_assert_int_eq(dataset.texts[1].polarity, 1);
	ck_assert_int_eq(dataset.texts[1].topic, -1);
	ck_assert_int_eq(dataset.texts[2].polarity, 2);
	ck_assert_int_eq(dataset.texts[2].topic, 1);
	ck_assert_int_eq(dataset.texts[3].polarity, -1);
	ck_assert_int_eq(dataset.texts[4].polarity, -1);
	ck_assert_int_eq(dataset.texts[4].topic, 1);
	ck_assert_uint_eq(dataset.texts[0].length, 4);
	ck_assert_int_eq(dataset.texts[0].ids[0], 2);
	ck_assert_int_eq(dataset.texts[0].ids[3], 3);
	dataset_clear(&dataset);
	labels_clear(&topics);
}
END_TEST

START_TEST(long_texts_are_cut_before_the_end_token)
{
	struct dataset dataset;
	struct labels topics;
	dataset_make(&dataset, &topics, "label\ttext\npositive\tthe the the the the the\nnegative\tthe the the the the the bank\n",
		     "label\ttext\nb\tthe bank\na\tprofit\n");
	ck_assert_uint_eq(dataset.cut, 1);
	ck_assert_uint_eq(dataset.texts[0].length, 8);
	ck_assert_uint_eq(dataset.texts[1].length, 8);
	ck_assert_int_eq(memcmp(dataset.texts[0].ids, dataset.texts[1].ids, 8 * sizeof(int32_t)), 0);
	ck_assert_int_eq(dataset.texts[1].ids[7], 3);
	dataset_clear(&dataset);
	labels_clear(&topics);
}
END_TEST

START_TEST(splits_take_a_share_of_every_label)
{
	struct dataset dataset = {.count = 400};
	struct trainer_text texts[400];
	uint64_t hashes[400];
	struct dataset_split split, again, other;
	for (size_t i = 0; i < 400; i++) {
		texts[i] = (struct trainer_text){.polarity = i < 300 ? (int)(i % 3) : -1, .topic = i < 300 ? -1 : i < 396 ? 0 : 1};
		hashes[i] = i < 300 && i % 3 == 0 ? i / 30 : 1000 + i; /* ten texts, ten times each */
	}
	dataset.texts = texts;
	dataset.hashes = hashes;
	ck_assert_int_eq(dataset_split(&dataset, 0.2, 1, &split, NULL), 0);
	ck_assert_uint_eq(split.training_count + split.validation_count, 400);
	size_t of[5] = {0};
	bool in_validation[10] = {false};
	for (size_t i = 0; i < split.validation_count; i++) {
		uint32_t at = split.validation[i];
		of[texts[at].polarity >= 0 ? texts[at].polarity : 3 + texts[at].topic]++;
		if (hashes[at] < 10)
			in_validation[hashes[at]] = true;
	}
	ck_assert_uint_eq(of[0], 20);
	ck_assert_uint_eq(of[1], 20);
	ck_assert_uint_eq(of[3], 19);
	ck_assert_uint_eq(of[4], 0);
	for (size_t i = 0; i < split.training_count; i++)
		ck_assert(hashes[split.training[i]] >= 10 || !in_validation[hashes[split.training[i]]]);
	ck_assert_int_eq(dataset_split(&dataset, 0.2, 1, &again, NULL), 0);
	ck_assert_int_eq(dataset_split(&dataset, 0.2, 2, &other, NULL), 0);
	ck_assert_int_eq(memcmp(split.validation, again.validation, split.validation_count * sizeof(uint32_t)), 0);
	ck_assert_int_ne(memcmp(split.validation, other.validation, split.validation_count * sizeof(uint32_t)), 0);
	dataset_split_clear(&split);
	dataset_split_clear(&again);
	dataset_split_clear(&other);
}
END_TEST

/* By hand: scikit-learn says the same of these rows. */
START_TEST(reports_count_as_scikit_learn_does)
{
	const int truth[] = {0, 0, 0, 1, 1, 2, -1};
	const float logits[7][4] = {{2, 0, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0}, {0, 2, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0}, {9, 0, 0, 0}};
	struct report report;
	ck_assert_int_eq(report_make(&report, truth, &logits[0][0], 4, 7, 4, NULL), 0);
	ck_assert_uint_eq(report.rows, 6);
	ck_assert_double_eq_tol(report.accuracy, 0.5, 1e-12);
	ck_assert_double_eq_tol(report.of[0].precision, 2 / 3.0, 1e-12);
	ck_assert_double_eq_tol(report.of[0].recall, 2 / 3.0, 1e-12);
	ck_assert_double_eq_tol(report.of[1].precision, 1 / 3.0, 1e-12);
	ck_assert_double_eq_tol(report.of[1].f1, 0.4, 1e-12);
	ck_assert_double_eq_tol(report.of[2].f1, 0, 1e-12);
	ck_assert_double_eq_tol(report.macro.f1, (2 / 3.0 + 0.4) / 3, 1e-12); /* the fourth class does not occur */
	ck_assert_double_eq_tol(report.weighted.f1, (3 * 2 / 3.0 + 2 * 0.4) / 6, 1e-12);
	ck_assert_uint_eq(report.confusion[2 * 4 + 1], 1);
	double confidence = exp(2) / (exp(2) + 3);
	ck_assert_double_eq_tol(report.calibration, fabs(0.5 - confidence), 1e-9);
	ck_assert_double_eq_tol(report.loss, (3 * -log(confidence) + 3 * -log(confidence / exp(2))) / 6, 1e-9);
	ck_assert_int_eq(report_bootstrap(&report, 2000, 1, NULL), 0);
	ck_assert(report.has_intervals);
	/* Six rows that are right by a toss: 0.5 +- 1.96 sqrt(0.25 / 6) = 0.1 ... 0.9 */
	ck_assert_double_eq_tol(report.accuracy_interval.low, 0.1, 0.1);
	ck_assert_double_eq_tol(report.accuracy_interval.high, 0.9, 0.1);
	report_clear(&report);
}
END_TEST

START_TEST(checkpoints_come_back_or_are_refused)
{
	char directory[] = "/tmp/bellwether-checkpoint-XXXXXX", file[128];
	struct err e = {0};
	unsigned char one[1000], two[8], back_one[1000], back_two[8];
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(file, sizeof file, "%s/checkpoint", directory);
	for (size_t i = 0; i < sizeof one; i++)
		one[i] = (unsigned char)(i * 7);
	memset(two, 9, sizeof two);
	const struct checkpoint_block out[] = {{one, sizeof one}, {two, sizeof two}};
	const struct checkpoint_block in[] = {{back_one, sizeof back_one}, {back_two, sizeof back_two}};
	ck_assert_int_eq(checkpoint_read(file, 5, in, 2, &e), 0);
	ck_assert_int_eq(checkpoint_write(file, 5, out, 2, &e), 0);
	ck_assert_int_eq(checkpoint_read(file, 5, in, 2, &e), 1);
	ck_assert_int_eq(memcmp(one, back_one, sizeof one), 0);
	ck_assert_int_eq(memcmp(two, back_two, sizeof two), 0);
	ck_assert_int_eq(checkpoint_read(file, 6, in, 2, &e), -1);
	ck_assert_msg(strstr(e.text, "another base") != NULL, "%s", e.text);
	ck_assert_int_eq(checkpoint_read(file, 5, in, 1, &e), -1);

	/* Cut short anywhere, or with one bit changed, it is refused. */
	struct stat status;
	ck_assert_int_eq(stat(file, &status), 0);
	for (off_t size = 0; size < status.st_size; size += 37) {
		ck_assert_int_eq(checkpoint_write(file, 5, out, 2, &e), 0);
		ck_assert_int_eq(truncate(file, size), 0);
		ck_assert_int_eq(checkpoint_read(file, 5, in, 2, &e), -1);
		ck_assert_int_eq(checkpoint_write(file, 5, out, 2, &e), 0);
		FILE *changed = fopen(file, "r+");
		ck_assert_ptr_nonnull(changed);
		fseek(changed, size, SEEK_SET);
		int byte = fgetc(changed);
		fseek(changed, size, SEEK_SET);
		fputc(byte ^ 4, changed);
		fclose(changed);
		ck_assert_int_eq(checkpoint_read(file, 5, in, 2, &e), -1);
	}
	unlink(file);
	rmdir(directory);
	ck_assert_int_eq(checkpoint_write(file, 5, out, 2, &e), -1);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("train_data");
	tcase_add_test(tests, columns_are_found_by_their_names);
	tcase_add_test(tests, labels_are_sorted_and_found);
	tcase_add_test(tests, texts_of_both_tasks_become_one);
	tcase_add_test(tests, long_texts_are_cut_before_the_end_token);
	tcase_add_test(tests, splits_take_a_share_of_every_label);
	tcase_add_test(tests, reports_count_as_scikit_learn_does);
	tcase_add_test(tests, checkpoints_come_back_or_are_refused);
	return run_case("train_data", tests);
}
