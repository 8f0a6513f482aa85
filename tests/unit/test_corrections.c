/* The desk's corrections as cases and as rows of training: which of several judgements counts, and how often each comes up. */
#include "daemon/train_corrections.h"

#include "alerts/corrections.h"
#include "daemon/base/hash.h"
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"

static struct corrections cases;

static void put_documents(struct store *store)
{
	static const struct {
		const char *title;
		int64_t story;
	} rows[] = {{"Orvane falls", 1}, {"Orvane falls", 2}, {"Orvane tumbles", 1}, {"Orvane recovers", 1}, {"Nothing new", 5}};
	struct item *items[5];
	struct store_document documents[5];
	for (int i = 0; i < 5; i++) {
		char id[16];
		snprintf(id, sizeof id, "m%d", i);
		items[i] = fixture_item(0, "news/0", "", "", id, rows[i].title);
		documents[i] = fixture_document(i + 1, items[i]);
		documents[i].story = rows[i].story;
	}
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US, .documents = documents, .document_count = 5});
	for (int i = 0; i < 5; i++)
		item_free(items[i]);
}

static void label(struct store *store, int64_t document, enum polarity polarity, int64_t after_us)
{
	const struct store_label one = {document, polarity};
	fixture_write(store, &(struct store_batch){.applied_us = NOON_US + after_us, .labels = &one, .label_count = 1});
}

static void read_cases(void)
{
	struct err e = {0};
	corrections_clear(&cases);
	ck_assert_msg(corrections_read(&cases, fixture_path, &e) == 0, "%s", e.text);
}

static void assert_case(size_t i, int64_t document, enum polarity polarity, const char *text)
{
	ck_assert_uint_lt(i, cases.count);
	ck_assert_int_eq(cases.each[i].document, document);
	ck_assert_int_eq(cases.each[i].polarity, polarity);
	ck_assert_uint_eq(cases.each[i].length, strlen(text));
	ck_assert_str_eq(cases.each[i].text, text);
}

START_TEST(the_last_word_counts)
{
	struct err e = {0};
	struct store *store = fixture_open();
	put_documents(store);
	read_cases();
	ck_assert_uint_eq(cases.count, 0);
	label(store, 1, POLARITY_NEGATIVE, SECOND_US);
	label(store, 3, POLARITY_NEGATIVE, 2 * SECOND_US);
	label(store, 2, POLARITY_NEUTRAL, 3 * SECOND_US);
	label(store, 4, POLARITY_POSITIVE, 4 * SECOND_US);
	read_cases();
	/* The text of 1 was judged again with 2; 3 stands for the story's negative ones, 4 for its turn. */
	ck_assert_uint_eq(cases.judged, 4);
	ck_assert_uint_eq(cases.count, 3);
	assert_case(0, 4, POLARITY_POSITIVE, "Orvane recovers. A body.");
	assert_case(1, 2, POLARITY_NEUTRAL, "Orvane falls. A body.");
	assert_case(2, 3, POLARITY_NEGATIVE, "Orvane tumbles. A body.");
	ck_assert(corrections_has(&cases, hash_bytes(0, "Orvane falls. A body.", 21)));
	ck_assert(!corrections_has(&cases, hash_bytes(0, "Nothing new. A body.", 20)));

	/* Taken back, and then once more by a command that no daemon has carried out. */
	label(store, 4, POLARITY_NEUTRAL, 5 * SECOND_US);
	read_cases();
	assert_case(0, 4, POLARITY_NEUTRAL, "Orvane recovers. A body.");
	struct store_command command = {.verb = "label", .subject = "2", .argument = "Negative", .why = ""};
	ck_assert_msg(store_add_command(store, &command, &e) == 0, "%s", e.text);
	read_cases();
	ck_assert_uint_eq(cases.judged, 4);
	assert_case(0, 2, POLARITY_NEGATIVE, "Orvane falls. A body.");
	store_close(store);
}
END_TEST

START_TEST(a_correction_outlives_its_document)
{
	struct err e = {0};
	bool more;
	struct store *store = fixture_open();
	put_documents(store);
	label(store, 1, POLARITY_NEGATIVE, SECOND_US);
	label(store, 3, POLARITY_NEGATIVE, 2 * SECOND_US);
	ck_assert_int_eq(store_retain(store, NOON_US + 100 * DAY_US, 10 * DAY_US, 0, 1000, &more, &e), STORE_DONE);
	assert_answer("select count(*) from documents_v", "0");
	read_cases();
	/* What story they were of is gone with the documents. */
	ck_assert_uint_eq(cases.count, 2);
	assert_case(1, 1, POLARITY_NEGATIVE, "Orvane falls. A body.");
	store_close(store);
}
END_TEST

START_TEST(there_must_be_one_to_learn_from)
{
	struct err e = {0};
	struct train_corrections corrections = {0};
	struct table table;
	struct store *store = fixture_open();
	put_documents(store);
	ck_assert_int_eq(train_corrections_read(&corrections, fixture_path, &table, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "has corrected no document yet"));
	ck_assert_int_eq(train_corrections_read(&corrections, "/nowhere/b.db", &table, &e), -1);
	label(store, 5, POLARITY_POSITIVE, SECOND_US);
	ck_assert_int_eq(train_corrections_read(&corrections, fixture_path, &table, &e), 0);
	ck_assert_uint_eq(table.count, 1);
	ck_assert_mem_eq(table.rows[0].label, "positive", 8);
	table_clear(&table);
	corrections_clear(&corrections.cases);
	store_close(store);
}
END_TEST

/* ---- rows ---- */

static struct train_corrections corrections;
static struct trainer_text texts[100];
static uint64_t hashes[100];
static const struct dataset dataset = {.texts = texts, .hashes = hashes, .count = 100};

/* Rows 0 to 3 are corrected; the last ten are for validation, and two of those are corrected. */
static void rows_make(struct dataset_split *split)
{
	static uint64_t corrected[] = {10, 11, 98, 99};
	corrections = (struct train_corrections){.cases = {.count = 4, .hashes = corrected}};
	*split = (struct dataset_split){.training = calloc(101, sizeof(uint32_t)), .validation = calloc(101, sizeof(uint32_t))};
	for (uint32_t i = 0; i < 100; i++) {
		texts[i] = (struct trainer_text){.polarity = 0, .topic = -1, .source = -1};
		hashes[i] = i;
		if (i < 90)
			split->training[split->training_count++] = i;
		else
			split->validation[split->validation_count++] = i;
	}
}

static size_t count_of(const struct dataset_split *split, uint32_t index)
{
	size_t count = 0;
	for (size_t i = 0; i < split->training_count; i++)
		count += split->training[i] == index;
	return count;
}

START_TEST(a_few_are_seen_among_many)
{
	struct dataset_split split;
	struct err e = {0};
	rows_make(&split);
	ck_assert(train_corrections_has(&corrections, &dataset, 99));
	ck_assert(!train_corrections_has(&corrections, &dataset, 12));
	ck_assert_int_eq(train_corrections_weigh(&corrections, &dataset, 0.3, true, &split, &e), 0);
	/* 88 others: 38 rows make 30 %, ten of each of the four. */
	ck_assert_uint_eq(corrections.times, 10);
	ck_assert_uint_eq(split.validation_count, 8);
	ck_assert_uint_eq(split.training_count, 88 + 40);
	ck_assert_uint_eq(count_of(&split, 99), 10);
	ck_assert_uint_eq(count_of(&split, 10), 10);
	ck_assert_uint_eq(count_of(&split, 12), 1);
	dataset_split_clear(&split);

	rows_make(&split);
	ck_assert_int_eq(train_corrections_weigh(&corrections, &dataset, 0.9, true, &split, &e), 0);
	ck_assert_uint_eq(corrections.times, CORRECTION_TIMES);
	dataset_split_clear(&split);

	/* Among themselves they keep the split, and once is enough. */
	rows_make(&split);
	for (int i = 0; i < 100; i++)
		texts[i].polarity = i == 10 || i == 11 || i >= 98 ? 1 : -1;
	ck_assert_int_eq(train_corrections_weigh(&corrections, &dataset, 0, false, &split, &e), 0);
	ck_assert_uint_eq(corrections.times, 1);
	ck_assert_uint_eq(split.validation_count, 10);
	ck_assert_uint_eq(split.training_count, 90);
	dataset_split_clear(&split);
}
END_TEST

START_TEST(the_desk_ousts_what_a_file_says)
{
	struct table_row rows[3] = {{.text = "one", .text_length = 3}, {.text = "two", .text_length = 3}, {.text = "three", .text_length = 5}};
	struct table table = {.rows = rows, .count = 3};
	uint64_t hash = hash_bytes(0, "two", 3);
	corrections = (struct train_corrections){.cases = {.count = 1, .hashes = &hash}};
	train_corrections_oust(&corrections, &table);
	ck_assert_uint_eq(table.count, 2);
	ck_assert_uint_eq(corrections.ousted, 1);
	ck_assert_str_eq(table.rows[1].text, "three");
}
END_TEST

static void tear_down(void)
{
	corrections_clear(&cases);
	fixture_remove_directory();
}

int main(void)
{
	Suite *suite = suite_create("corrections");
	TCase *stored = tcase_create("stored"), *rows = tcase_create("rows");
	tcase_add_checked_fixture(stored, fixture_make_directory, tear_down);
	tcase_add_test(stored, the_last_word_counts);
	tcase_add_test(stored, a_correction_outlives_its_document);
	tcase_add_test(stored, there_must_be_one_to_learn_from);
	tcase_add_test(rows, a_few_are_seen_among_many);
	tcase_add_test(rows, the_desk_ousts_what_a_file_says);
	suite_add_tcase(suite, stored);
	suite_add_tcase(suite, rows);
	return run_suite(suite);
}
