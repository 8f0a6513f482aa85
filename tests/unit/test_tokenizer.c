#include "daemon/base/check.h"
#include "daemon/base/utf8.h"
#include "model/script.h"
#include "model/tokenizer.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA TEST_DATA "/tokenizer/"
#define IDS_MAX 4096

static struct tokenizer *open_fixture(bool lower_case)
{
	struct err e = {.text = ""};
	struct tokenizer *t = tokenizer_open(DATA "vocab.txt", lower_case, &e);
	ck_assert_msg(t != NULL, "%s", e.text);
	return t;
}

static size_t encode(const struct tokenizer *t, const char *text, int32_t *ids)
{
	return tokenizer_encode(t, text, strlen(text), ids, IDS_MAX);
}

/* ---- fixtures: lines of tab-separated fields ---- */

static size_t unhex(const char *hex, char *out)
{
	size_t length = strlen(hex) / 2;
	for (size_t i = 0; i < length; i++) {
		unsigned byte;
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (char)byte;
	}
	return length;
}

static size_t parse_ids(char *field, int32_t *ids)
{
	size_t count = 0;
	for (char *rest = NULL, *id = strtok_r(field, " \n", &rest); id != NULL; id = strtok_r(NULL, " \n", &rest))
		ids[count++] = (int32_t)strtol(id, NULL, 10);
	return count;
}

START_TEST(test_ids_equal_the_reference)
{
	struct tokenizer *tokenizers[2] = {open_fixture(true), open_fixture(false)};
	FILE *file = fopen(DATA "cases.tsv", "r");
	ck_assert_ptr_nonnull(file);

	char *line = NULL;
	size_t size = 0, cases = 0;
	while (getline(&line, &size, file) > 0) {
		char *rest = line, *text = xmalloc(size);
		const char *hex = strsep(&rest, "\t");
		size_t length = unhex(hex, text);
		for (int i = 0; i < 2; i++) {
			static int32_t expected[IDS_MAX], ids[IDS_MAX];
			size_t count = parse_ids(strsep(&rest, "\t"), expected);
			size_t got = tokenizer_encode(tokenizers[i], text, length, ids, IDS_MAX);
			ck_assert_msg(got == count && memcmp(ids, expected, count * sizeof *ids) == 0,
				      "%s case of %s: %zu ids for %zu, or others", i == 0 ? "lower" : "written", hex, got, count);
		}
		free(text);
		cases++;
	}
	ck_assert_uint_gt(cases, 480);
	free(line);
	fclose(file);
	tokenizer_free(tokenizers[0]);
	tokenizer_free(tokenizers[1]);
}
END_TEST

/* ---- every code point, under a vocabulary of all single characters ---- */

static void write_vocab_of_all(const char *path)
{
	FILE *file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	fputs("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", file);
	for (uint32_t c = 0; c < 0x110000; c += one_in()) {
		if (c == '\n' || (c >= 0xD800 && c < 0xE000))
			continue;
		char bytes[4];
		int size = (int)utf8_encode(c, bytes);
		fwrite(bytes, 1, (size_t)size, file);
		fputs("\n##", file);
		fwrite(bytes, 1, (size_t)size, file);
		putc('\n', file);
	}
	ck_assert_int_eq(fclose(file), 0);
}

/* CRC-32 as zlib has it. */
static uint32_t crc32_table[256];

static void crc32_prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t value = i;
		for (int bit = 0; bit < 8; bit++)
			value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
		crc32_table[i] = value;
	}
}

static uint32_t crc32_add(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i < size; i++)
		crc = crc >> 8 ^ crc32_table[(crc ^ bytes[i]) & 0xFF];
	return crc;
}

static uint32_t crc32_of_points(const struct tokenizer *t, const char *prefix, const char *suffix)
{
	char text[256];
	int32_t ids[256];
	uint32_t crc = UINT32_MAX;
	size_t before = strlen(prefix), after = strlen(suffix);
	memcpy(text, prefix, before);
	for (uint32_t c = 0; c < 0x110000; c += one_in()) {
		if (c >= 0xD800 && c < 0xE000)
			continue;
		size_t length = before + utf8_encode(c, text + before);
		memcpy(text + length, suffix, after);
		size_t count = tokenizer_encode(t, text, length + after, ids, 256);
		crc = crc32_add(crc, ids, count * sizeof *ids);
	}
	return ~crc;
}

START_TEST(test_every_code_point_equals_the_reference)
{
	char path[] = "/tmp/test_tokenizer.XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	write_vocab_of_all(path);
	struct err e = {.text = ""};
	struct tokenizer *tokenizers[2] = {tokenizer_open(path, true, &e), tokenizer_open(path, false, &e)};
	unlink(path);
	ck_assert_msg(tokenizers[0] != NULL && tokenizers[1] != NULL, "%s", e.text);

	crc32_prepare();
	FILE *file = fopen(DATA "points.tsv", "r");
	ck_assert_ptr_nonnull(file);
	char line[512];
	int contexts = 0;
	while (fgets(line, sizeof line, file) != NULL) {
		char prefix[64] = "", suffix[64] = "", *rest = line;
		unhex(strsep(&rest, "\t"), prefix);
		unhex(strsep(&rest, "\t"), suffix);
		for (int i = 0; i < 2; i++) {
			uint32_t expected = (uint32_t)strtoul(strsep(&rest, "\t\n"), NULL, 16);
			uint32_t sum = crc32_of_points(tokenizers[i], prefix, suffix);
			/* The sum is over all of them; of a part only the reading was of interest. */
			if (one_in() == 1)
				ck_assert_uint_eq(sum, expected);
		}
		contexts++;
	}
	ck_assert_int_eq(contexts, 4);
	fclose(file);
	tokenizer_free(tokenizers[0]);
	tokenizer_free(tokenizers[1]);
}
END_TEST

/* ---- truncation, long texts, threads ---- */

START_TEST(test_truncation_keeps_the_separator)
{
	struct tokenizer *t = open_fixture(true);
	const char *text = "the profit of zorvex fell after warning";
	int32_t all[IDS_MAX], cut[IDS_MAX];
	size_t count = encode(t, text, all);
	ck_assert_uint_eq(count, 9);
	for (size_t max = 2; max <= count + 1; max++) {
		size_t kept = max < count ? max : count;
		memset(cut, 0xAA, sizeof cut);
		ck_assert_uint_eq(tokenizer_encode(t, text, strlen(text), cut, max), kept);
		ck_assert_mem_eq(cut, all, (kept - 1) * sizeof *cut);
		ck_assert_int_eq(cut[kept - 1], all[count - 1]);
		ck_assert_int_eq(cut[kept], (int32_t)0xAAAAAAAA);
	}
	tokenizer_free(t);
}
END_TEST

struct collected {
	int32_t *ids;
	size_t count, calls;
};

static void collect(void *context, const int32_t *ids, size_t count)
{
	struct collected *c = context;
	ck_assert_uint_gt(count, 0);
	memcpy(c->ids + c->count, ids, count * sizeof *ids);
	c->count += count;
	c->calls++;
}

START_TEST(test_long_text_arrives_in_order)
{
	struct tokenizer *t = open_fixture(true);
	enum { WORDS = 100000 };
	char *text = xmalloc(WORDS * 10);
	size_t length = 0;
	for (int i = 0; i < WORDS; i++)
		length += (size_t)sprintf(text + length, "%s ", i % 3 == 0 ? "profit" : i % 3 == 1 ? "caf\u00e9" : "unaffable");

	int32_t *whole = xmalloc(WORDS * 4 * sizeof *whole);
	struct collected pieces = {.ids = xmalloc(WORDS * 4 * sizeof *whole)};
	size_t count = tokenizer_encode(t, text, length, whole, WORDS * 4);
	tokenizer_encode_all(t, text, length, collect, &pieces);
	ck_assert_uint_eq(pieces.count, count);
	ck_assert_uint_gt(pieces.calls, 100);
	ck_assert_mem_eq(pieces.ids, whole, count * sizeof *whole);
	free(pieces.ids);
	free(whole);
	free(text);
	tokenizer_free(t);
}
END_TEST

struct shared {
	const struct tokenizer *tokenizer;
	const char *text;
	int32_t ids[64];
	size_t count;
};

static void *encode_often(void *context)
{
	const struct shared *shared = context;
	int32_t ids[64];
	for (int i = 0; i < 2000; i++) {
		size_t count = tokenizer_encode(shared->tokenizer, shared->text, strlen(shared->text), ids, 64);
		CHECK(count == shared->count && memcmp(ids, shared->ids, count * sizeof *ids) == 0);
	}
	return NULL;
}

START_TEST(test_threads_share_one_tokenizer)
{
	struct tokenizer *t = open_fixture(true);
	struct shared shared = {.tokenizer = t, .text = "the r\u00e9sum\u00e9 of Zorvex, unaffable a\u302e\U0001d165"};
	shared.count = tokenizer_encode(t, shared.text, strlen(shared.text), shared.ids, 64);
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, encode_often, &shared), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	tokenizer_free(t);
}
END_TEST

/* ---- opening ---- */

static char *temporary_folder(void)
{
	static char folder[64];
	strcpy(folder, "/tmp/test_tokenizer.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

static void write_file(const char *folder, const char *name, const char *text, size_t length)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	fwrite(text, 1, length, file);
	fclose(file);
}

static void remove_folder(const char *folder)
{
	char path[256];
	snprintf(path, sizeof path, "%s/vocab.txt", folder);
	unlink(path);
	snprintf(path, sizeof path, "%s/tokenizer_config.json", folder);
	unlink(path);
	rmdir(folder);
}

/* Opens a model of these two files (NULL = missing) and expects `message` in the error, or success where that is NULL. */
static struct tokenizer *open_model(const char *vocab, const char *config, const char *message)
{
	const char *folder = temporary_folder();
	if (vocab != NULL)
		write_file(folder, "vocab.txt", vocab, strlen(vocab));
	if (config != NULL)
		write_file(folder, "tokenizer_config.json", config, strlen(config));
	struct err e = {.text = ""};
	struct tokenizer *t = tokenizer_open_model(folder, &e);
	remove_folder(folder);
	if (message == NULL)
		ck_assert_msg(t != NULL, "%s", e.text);
	else
		ck_assert_msg(t == NULL && strstr(e.text, message) != NULL, "expected \"%s\", got \"%s\"", message, e.text);
	return t;
}

#define VOCAB "[UNK]\n[CLS]\n[SEP]\nCaf\u00e9\ncafe\n"

START_TEST(test_configuration_decides_the_case)
{
	static const struct {
		const char *config;
		int32_t id;
	} cases[] = {
		{NULL, 4},
		{"{}", 4},
		{"{\"do_lower_case\": true, \"strip_accents\": null}", 4},
		{"{\"do_lower_case\": false}", 3},
		{"{\"do_lower_case\": false, \"strip_accents\": false, \"tokenize_chinese_chars\": true}", 3},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tokenizer *t = open_model(VOCAB, cases[i].config, NULL);
		int32_t ids[IDS_MAX];
		ck_assert_uint_eq(encode(t, "Caf\u00e9", ids), 3);
		ck_assert_int_eq(ids[1], cases[i].id);
		ck_assert_uint_eq(tokenizer_vocab_size(t), 5);
		tokenizer_free(t);
	}
}
END_TEST

START_TEST(test_wrong_models_are_refused)
{
	open_model(NULL, NULL, "vocab.txt: cannot open: No such file");
	open_model("", NULL, "empty");
	open_model("[CLS]\n[SEP]\n", NULL, "no [UNK]");
	open_model("[UNK]\n[SEP]\n", NULL, "no [CLS]");
	open_model("[UNK]\n[CLS]\n", NULL, "no [SEP]");
	open_model(VOCAB "\xff\n", NULL, "not UTF-8");
	open_model(VOCAB, "{", "tokenizer_config.json:1:");
	open_model(VOCAB, "[]", "JSON object");
	open_model(VOCAB, "{\"do_lower_case\": 1}", "do_lower_case: expected true or false");
	open_model(VOCAB, "{\"strip_accents\": false}", "strip_accents");
	open_model(VOCAB, "{\"tokenize_chinese_chars\": false}", "tokenize_chinese_chars");
	open_model(VOCAB, "{\"do_basic_tokenize\": false}", "do_basic_tokenize");
	struct err e;
	ck_assert_ptr_null(tokenizer_open(TEST_DATA, true, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "not a regular file"));
	ck_assert_ptr_null(tokenizer_open("/nonexistent", true, NULL));
	tokenizer_free(NULL);
}
END_TEST

START_TEST(test_vocabulary_without_pieces)
{
	struct tokenizer *t = open_model("[UNK]\n[CLS]\n[SEP]\na\n", NULL, NULL);
	int32_t ids[IDS_MAX];
	ck_assert_uint_eq(encode(t, "a aa [MASK]", ids), 7);
	ck_assert_int_eq(ids[1], 3);
	ck_assert_int_eq(ids[2], 0);
	ck_assert_int_eq(ids[4], 0); /* not in the vocabulary: three words */
	tokenizer_free(t);
}
END_TEST

START_TEST(test_vocabulary_is_searched)
{
	struct tokenizer *t = open_fixture(true);
	const struct vocab *v = tokenizer_vocab(t);
	ck_assert_int_eq(vocab_find(v, "[PAD]", 5), 0);
	ck_assert_int_eq(vocab_find(v, "profit", 6), (int32_t)vocab_size(v) - 1);
	ck_assert_int_eq(vocab_find(v, "profi", 5), -1);
	ck_assert_int_eq(vocab_find(v, "profits", 7), -1);
	ck_assert_int_eq(vocab_find(v, "to", 2), 8);
	for (size_t rank = 1; rank < vocab_size(v); rank++) {
		struct vocab_word a = vocab_word(v, vocab_ranked(v, rank - 1)), b = vocab_word(v, vocab_ranked(v, rank));
		int order = memcmp(a.text, b.text, a.length < b.length ? a.length : b.length);
		ck_assert(order < 0 || (order == 0 && a.length <= b.length));
	}
	tokenizer_free(t);
}
END_TEST

/* ---- scripts ---- */

static bool covers(struct script_set set, const char *text)
{
	return script_is_covered(set, text, strlen(text));
}

/* What 2,000 Latin words and `count` words of so many letters from `first` on tell. */
static struct script_set scripts_of(int count, uint32_t first, int letters)
{
	size_t length = 0;
	char *vocab = xmalloc(1 << 20);
	length += (size_t)sprintf(vocab, "[UNK]\n[CLS]\n[SEP]\n");
	for (int i = 0; i < 2000; i++)
		length += (size_t)sprintf(vocab + length, "word%d\n", i);
	for (int i = 0; i < count; i++) {
		for (int letter = 0; letter < letters; letter++)
			length += utf8_encode(first + (uint32_t)(i + letter) % 20, vocab + length);
		vocab[length++] = '\n';
	}
	vocab[length] = '\0';
	struct tokenizer *t = open_model(vocab, NULL, NULL);
	struct script_set set = script_set_from_vocab(tokenizer_vocab(t));
	tokenizer_free(t);
	free(vocab);
	return set;
}

START_TEST(test_majority_of_letters_decides)
{
	struct script_set latin = scripts_of(0, 0, 0), with_han = scripts_of(500, 0x4E00, 1), nothing = {0};

	static const char *const covered[] = {"", "12.5% \u2191 \U0001F4C9", "Zorvex f\u00e4llt", "\u0130stanbul \uff21", "Zorvex \u682a\u4fa1",
					      "\xff\xfe", "\u2014"};
	static const char *const foreign[] = {"\u66b4\u843d", "\u0410\u043a\u0446\u0438\u0438 ZRVX", "\ud55c\uad6d\uc740\ud589", "\u306e\u30ab\u30ca",
					      "ab\u66b4\u843d", "\u0627\u0644\u0633\u0648\u0642", "\u0e15\u0e25\u0e32\u0e14",
					      "\U0001D5D5\U0001D5E5\U0001D5D8\U0001D5D4"};
	for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
		ck_assert_msg(covers(latin, covered[i]), "%s", covered[i]);
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		ck_assert_msg(!covers(latin, foreign[i]), "%s", foreign[i]);
	ck_assert(covers(nothing, "1 2 3"));
	ck_assert(!covers(nothing, "a"));

	ck_assert(covers(with_han, "\u66b4\u843d"));
	ck_assert(!covers(with_han, "\u0410\u043a"));
}
END_TEST

START_TEST(test_vocabulary_tells_its_scripts)
{
	struct script_set none = scripts_of(0, 0, 0);
	ck_assert(covers(none, "word"));
	ck_assert(!covers(none, "\u0430\u043a\u0446"));
	/* An alphabet alone teaches nothing, words do. */
	ck_assert_uint_eq(scripts_of(60, 0x430, 1).bits, none.bits);
	ck_assert_uint_eq(scripts_of(3, 0x430, 3).bits, none.bits);
	ck_assert(covers(scripts_of(60, 0x430, 3), "\u0430\u043a\u0446"));
	/* Characters are words where there are very many of them. */
	ck_assert_uint_eq(scripts_of(60, 0x4E00, 1).bits, none.bits);
	ck_assert(covers(scripts_of(500, 0x4E00, 1), "\u66b4\u843d"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tokenizer");
	TCase *tokenizer = tcase_create("tokenizer");
	tcase_set_timeout(tokenizer, 300);
	tcase_add_test(tokenizer, test_ids_equal_the_reference);
	tcase_add_test(tokenizer, test_every_code_point_equals_the_reference);
	tcase_add_test(tokenizer, test_truncation_keeps_the_separator);
	tcase_add_test(tokenizer, test_long_text_arrives_in_order);
	tcase_add_test(tokenizer, test_threads_share_one_tokenizer);
	tcase_add_test(tokenizer, test_configuration_decides_the_case);
	tcase_add_test(tokenizer, test_wrong_models_are_refused);
	tcase_add_test(tokenizer, test_vocabulary_without_pieces);
	tcase_add_test(tokenizer, test_vocabulary_is_searched);
	suite_add_tcase(suite, tokenizer);
	TCase *script = tcase_create("script");
	tcase_add_test(script, test_majority_of_letters_decides);
	tcase_add_test(script, test_vocabulary_tells_its_scripts);
	suite_add_tcase(suite, script);
	return run_suite(suite);
}
