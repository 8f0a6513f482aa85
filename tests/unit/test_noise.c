#include "daemon/base/hash.h"
#include "daemon/base/utf8.h"
#include "model/train/noise.h"
#include "model/train/noise_lists.h"
#include "model/train/noise_words.h"
#include "model/train/vary.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What noise does to texts, that it is a function of its stream, and how training meets it. */

static char out[1 << 20];

static const char *make(enum noise kind, const char *text, uint64_t seed)
{
	struct random_stream stream = random_stream(seed, 1, 2);
	ck_assert_uint_le(noise_room(strlen(text)), sizeof out);
	size_t length = noise_make(kind, text, strlen(text), &stream, out);
	out[length] = '\0';
	return out;
}

static const char plain[] = "Shares of Brimmel Corp fell sharply after Brimmel Corp warned about weak demand in its retail stores";

START_TEST(the_same_stream_makes_the_same)
{
	char first[400];
	for (int kind = 0; kind < NOISE_KINDS; kind++) {
		size_t others = 0;
		for (uint64_t seed = 0; seed < 20; seed++) {
			strcpy(first, make((enum noise)kind, plain, seed));
			ck_assert_str_eq(first, make((enum noise)kind, plain, seed));
			others += strcmp(first, make((enum noise)kind, plain, seed + 100)) != 0;
			ck_assert_msg(strcmp(first, plain) != 0, "%s did nothing", noise_names[kind]);
		}
		if (kind != NOISE_TRUNCATION)
			ck_assert_msg(others > 0, "%s knows no chance", noise_names[kind]);
	}
}
END_TEST

/* Bytes by chance, of all kinds: blanks and letters, marks, pieces of UTF-8, zeros. */
static size_t bytes_make(struct random_stream *stream, char *text)
{
	static const char *const pieces[] = {"a", "Ab", "fell ", " ", "\t", "$", "'s", "\xC3", "é", "ß", "İ", "\xF0\x9F", "🚀", "株",
					     "\xFF", "Shares ", ".", "…", "x", "Q"};
	size_t length = 0;
	for (size_t i = random_below(stream, 60); i > 0; i--) {
		const char *piece = pieces[random_below(stream, sizeof pieces / sizeof *pieces)];
		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
		if (random_below(stream, 30) == 0)
			text[length++] = (char)random_below(stream, 256);
	}
	return length;
}

START_TEST(whatever_a_text_holds_its_noise_is_a_text)
{
	struct random_stream bytes = random_stream(7, 0, 0);
	for (uint64_t i = 0; i < 30000; i++) {
		char text[600];
		size_t length = bytes_make(&bytes, text), room = noise_room(length);
		enum noise kind = (enum noise)(i % NOISE_KINDS);
		struct random_stream stream = random_stream(i, 0, 0);
		char *exact = malloc(room); /* sanitizers see a byte beyond it */
		size_t made = noise_make(kind, text, length, &stream, exact);
		ck_assert_uint_le(made, room);
		ck_assert_msg(utf8_is_valid(exact, made), "%s made bytes that are no UTF-8", noise_names[kind]);
		ck_assert_msg(length == 0 || made > 0, "%s left nothing of a text", noise_names[kind]);
		free(exact);
	}
}
END_TEST

START_TEST(long_texts_are_cut_first)
{
	size_t length = 3 * (size_t)NOISE_LONGEST;
	char *text = malloc(length), *made = malloc(noise_room(length));
	for (size_t i = 0; i < length; i++)
		text[i] = i % 9 == 8 ? ' ' : "abcdefgh"[i % 9];
	for (int kind = 0; kind < NOISE_KINDS; kind++) {
		struct random_stream stream = random_stream(3, 0, 0);
		size_t size = noise_make((enum noise)kind, text, length, &stream, made);
		ck_assert_uint_ge(size, 3000);
		ck_assert_uint_le(size, (size_t)NOISE_LONGEST + 100);
	}
	free(text);
	free(made);
}
END_TEST

static size_t words_count(const char *text)
{
	struct noise_word words[NOISE_WORDS];
	return noise_words_split(text, strlen(text), words);
}

START_TEST(typos_stay_inside_of_longer_words)
{
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct noise_word was[NOISE_WORDS], is[NOISE_WORDS];
		const char *made = make(NOISE_TYPO, plain, seed);
		size_t count = noise_words_split(plain, strlen(plain), was), changed = 0;
		ck_assert_uint_eq(noise_words_split(made, strlen(made), is), count);
		for (size_t i = 0; i < count; i++) {
			size_t length = was[i].end - was[i].begin, now = is[i].end - is[i].begin;
			if (now == length && memcmp(plain + was[i].begin, made + is[i].begin, length) == 0)
				continue;
			changed++;
			ck_assert_uint_ge(length, 4);
			ck_assert_uint_ge(now + 1, length);
			ck_assert_uint_le(now, length);
			ck_assert_int_eq(plain[was[i].begin], made[is[i].begin]);
		}
		ck_assert_uint_ge(changed, 1);
		ck_assert_uint_le(changed, 1 + count / 6);
	}
	ck_assert_str_eq(make(NOISE_TYPO, "to be or no", 1), "to be or no");
}
END_TEST

START_TEST(cases_are_those_of_unicode)
{
	bool seen[3] = {false};
	for (uint64_t seed = 0; seed < 50; seed++) {
		const char *made = make(NOISE_CASE, "Éclair maker über alles", seed);
		seen[0] |= strcmp(made, "ÉCLAIR MAKER ÜBER ALLES") == 0;
		seen[1] |= strcmp(made, "éclair maker über alles") == 0;
		seen[2] |= strcmp(made, "Éclair Maker Über Alles") == 0;
	}
	ck_assert(seen[0] && seen[1] && seen[2]);
}
END_TEST

START_TEST(names_become_those_of_nobody)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		const char *made = make(NOISE_NAME, plain, seed);
		ck_assert_ptr_null(strstr(made, "Brimmel"));
		ck_assert_int_eq(strncmp(made, "Shares of ", 10), 0);
		size_t found = 0;
		for (size_t i = 0; i < noise_company_count; i++) {
			const char *at = strstr(made, noise_companies[i].name);
			if (at == NULL)
				continue;
			found++;
			ck_assert_msg(strstr(at + 1, noise_companies[i].name) != NULL, "two names for one: %s", made);
		}
		ck_assert_uint_eq(found, 1);
		made = make(NOISE_NAME, "$BRML and $BRML's rival", seed);
		ck_assert_ptr_null(strstr(made, "BRML"));
		ck_assert_ptr_nonnull(strstr(made, "'s rival"));
	}
	/* What has capitals for another reason is no name. */
	ck_assert_str_eq(make(NOISE_NAME, "Profits rise again", 1), "Profits rise again");
	ck_assert_str_eq(make(NOISE_NAME, "Profits Rise Again At Every Large Store", 1), "Profits Rise Again At Every Large Store");
	ck_assert_str_eq(make(NOISE_NAME, "profits rise on Monday in the US", 1), "profits rise on Monday in the US");
	ck_assert_str_eq(make(NOISE_NAME, "paid EUR3m to @Brimmel on NYSE", 1), "paid EUR3m to @Brimmel on NYSE");
	ck_assert_ptr_nonnull(strstr(make(NOISE_NAME, "Brimmel's profits rise again", 1), "'s profits rise again"));
	ck_assert_ptr_null(strstr(make(NOISE_NAME, "Brimmel's profits rise again", 1), "Brimmel"));
}
END_TEST

START_TEST(tickers_emoji_and_cuts_leave_the_rest)
{
	size_t replaced = 0, before = 0, after = 0;
	for (uint64_t seed = 0; seed < 100; seed++) {
		const char *made = make(NOISE_TICKER, plain, seed);
		ck_assert_ptr_nonnull(strchr(made, '$'));
		before += made[0] == '$';
		after += strncmp(made, plain, strlen(plain)) == 0;
		replaced += strncmp(made, "Shares of $", 11) == 0;
		made = make(NOISE_EMOJI, plain, seed);
		ck_assert_int_eq(strncmp(made, plain, strlen(plain)), 0);
		ck_assert_uint_gt(strlen(made), strlen(plain));
	}
	ck_assert(before > 0 && after > 0 && replaced > 0 && before + after + replaced == 100);
	ck_assert_str_eq(make(NOISE_TRUNCATION, "one two three four five six", 1), "one two three four");
	ck_assert_str_eq(make(NOISE_TRUNCATION, "one two, three", 1), "one two,");
	ck_assert_str_eq(make(NOISE_TRUNCATION, "one two", 1), "one two");
	ck_assert_uint_eq(words_count(make(NOISE_TRUNCATION, plain, 1)), words_count(plain) - words_count(plain) / 3);
}
END_TEST

START_TEST(synonyms_stand_for_each_other_alone)
{
	for (size_t i = 0; i < noise_synonym_count; i++) {
		char group[200];
		strcpy(group, noise_synonyms[i]);
		ck_assert_msg(strchr(group, ' ') != NULL, "\"%s\" is alone", group);
		for (char *word = strtok(group, " "); word != NULL; word = strtok(NULL, " ")) {
			char around[200];
			snprintf(around, sizeof around, " %s ", word);
			for (size_t k = 0; k < noise_synonym_count; k++) {
				char other[200];
				snprintf(other, sizeof other, " %s ", noise_synonyms[k]);
				ck_assert_msg(k == i || strstr(other, around) == NULL, "\"%s\" is in two groups", word);
			}
		}
	}
	struct noise_word words[NOISE_WORDS];
	struct noise_edit edits[NOISE_EDITS];
	const char text[] = "Shares FELL, analysts sayfell";
	size_t count = noise_words_split(text, strlen(text), words);
	size_t found = noise_find_synonyms(text, words, count, edits, NOISE_EDITS);
	ck_assert_uint_eq(found, 4);
	out[noise_apply(text, strlen(text), &edits[0], 1, out)] = '\0';
	ck_assert_str_eq(out, "Stock FELL, analysts sayfell");
	out[noise_apply(text, strlen(text), &edits[1], 1, out)] = '\0';
	ck_assert_str_eq(out, "Shares DROPPED, analysts sayfell");
	ck_assert_uint_eq(noise_find_synonyms(text, words, count, edits, 2), 2);
	ck_assert_uint_eq(noise_find_unknown(text, words, count, edits, NOISE_EDITS), 4);
}
END_TEST

enum { TEXTS = 400, LONGEST = 24 };

static struct vary *vary_make(struct table *table, uint64_t *hashes, double rate, uint64_t seed)
{
	struct err e = {0};
	char path[] = "/tmp/bellwether-vary-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	fputs("label\ttext\n", file);
	for (int i = 0; i < TEXTS; i++)
		fprintf(file, "a\tshares of the bank number %d fell on Brimmel's warning about profit\n", i);
	fclose(file);
	ck_assert_int_eq(table_read(table, path, NULL, &e), 0);
	unlink(path);
	const struct vary_options options = {.base = TEST_DATA "/parity/cls-gelu-f32", .longest = LONGEST, .batch = 2,
					     .rate = rate, .seed = seed};
	struct vary *vary = vary_open(&options, &e);
	ck_assert_msg(vary != NULL, "%s", e.text);
	for (size_t i = 0; i < TEXTS; i++)
		hashes[i] = i == 5 ? 12345 : hash_bytes(0, table->rows[i].text, table->rows[i].text_length);
	ck_assert_int_eq(vary_add(vary, table, &e), 0);
	ck_assert_int_eq(vary_bind(vary, hashes, TEXTS, &e), 0);
	return vary;
}

/* How many of an epoch's texts change; a hash of them all. */
static size_t epoch_run(struct vary *vary, size_t epoch, uint64_t *hash)
{
	static const int32_t ids[] = {1, 2, 3};
	size_t changed = 0;
	for (size_t place = 0; place < TEXTS; place++) {
		struct trainer_text text = {.ids = ids, .length = 3, .polarity = 2, .topic = -1};
		uint32_t row = (uint32_t)((place * 7 + epoch) % TEXTS);
		vary_text(vary, row, epoch, place, place % 2, &text);
		ck_assert_int_eq(text.polarity, 2);
		if (text.ids == ids)
			continue;
		ck_assert_uint_ne(row, 5);
		ck_assert_uint_le(text.length, LONGEST);
		ck_assert_uint_ge(text.length, 3);
		changed++;
		*hash = hash_bytes(*hash, text.ids, text.length * sizeof *text.ids);
	}
	return changed;
}

START_TEST(training_meets_noise_by_seed_epoch_and_place)
{
	struct table table;
	uint64_t hashes[TEXTS], one = 0, again = 0, other = 0, epoch_two = 0;
	struct vary *vary = vary_make(&table, hashes, 0.5, 1);
	size_t changed = epoch_run(vary, 1, &one);
	ck_assert_uint_gt(changed, TEXTS * 4 / 10);
	ck_assert_uint_lt(changed, TEXTS * 6 / 10);
	epoch_run(vary, 2, &epoch_two);
	ck_assert(one != epoch_two);
	ck_assert_uint_eq(epoch_run(vary, 1, &again), changed);
	ck_assert(one == again);
	vary_close(vary);
	table_clear(&table);
	vary = vary_make(&table, hashes, 0.5, 2);
	epoch_run(vary, 1, &other);
	ck_assert(one != other);
	vary_close(vary);
	table_clear(&table);
	vary = vary_make(&table, hashes, 0, 1);
	ck_assert_uint_eq(epoch_run(vary, 1, &other), 0);
	vary_close(vary);
	table_clear(&table);
	vary_close(NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("noise");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_same_stream_makes_the_same);
	tcase_add_test(tests, whatever_a_text_holds_its_noise_is_a_text);
	tcase_add_test(tests, long_texts_are_cut_first);
	tcase_add_test(tests, typos_stay_inside_of_longer_words);
	tcase_add_test(tests, cases_are_those_of_unicode);
	tcase_add_test(tests, names_become_those_of_nobody);
	tcase_add_test(tests, tickers_emoji_and_cuts_leave_the_rest);
	tcase_add_test(tests, synonyms_stand_for_each_other_alone);
	tcase_add_test(tests, training_meets_noise_by_seed_epoch_and_place);
	return run_case("noise", tests);
}
