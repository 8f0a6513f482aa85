/*
 * The watch list against a matcher that is too slow to be wrong: it looks at
 * every place of the text and applies the rules of alerts/topics.h one by one,
 * on characters, knowing nothing of tokens or automata.  And regular expressions
 * with their literals against the same ones without.
 */
#include "alerts/topics.h"
#include "daemon/base/check.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 20260105;

static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % bound;
}

/* ---- characters, each of which folds to itself ---- */

enum class { WORD, SPACELESS, MARK, SPACE, HYPHEN, SIGIL, SIGN };

static const struct {
	const char *utf8;
	enum class class;
} alphabet[] = {
	{"a", WORD}, {"a", WORD}, {"b", WORD}, {"b", WORD}, {"7", WORD}, {"_", WORD}, {"é", WORD}, {"я", WORD}, {"中", SPACELESS},
	{"ト", SPACELESS}, {"한", SPACELESS}, {"\xcc\xb2", MARK}, {" ", SPACE}, {" ", SPACE}, {" ", SPACE}, {"\n", SPACE},
	{"-", HYPHEN}, {"$", SIGIL}, {"#", SIGIL}, {".", SIGN}, {"&", SIGN}, {"🚀", SIGN},
};

#define LENGTH_MAX 64
#define CHARACTERS (sizeof alphabet / sizeof alphabet[0])

/* Indices into the alphabet. */
struct string {
	size_t length;
	uint8_t at[LENGTH_MAX];
};

static enum class class_at(const struct string *s, size_t i)
{
	return alphabet[s->at[i]].class;
}

static void spell(const struct string *s, char *out)
{
	*out = '\0';
	for (size_t i = 0; i < s->length; i++)
		strcat(out, alphabet[s->at[i]].utf8);
}

static struct string random_string(size_t most)
{
	struct string s = {.length = random_below((uint32_t)most) + 1};
	for (size_t i = 0; i < s.length; i++)
		s.at[i] = (uint8_t)random_below(CHARACTERS);
	return s;
}

/* A word that topics_create takes: a letter in it, no space at its ends; no mark first, which would only match after one. */
static struct string random_word(void)
{
	for (;;) {
		struct string s = random_string(5);
		bool letter = false;
		for (size_t i = 0; i < s.length; i++)
			letter |= class_at(&s, i) <= SPACELESS;
		enum class first = class_at(&s, 0), last = class_at(&s, s.length - 1);
		if (letter && first != MARK && first != SPACE && first != HYPHEN && last != SPACE && last != HYPHEN)
			return s;
	}
}

/* ---- the slow matcher ---- */

static bool is_letter(enum class class)
{
	return class == WORD || class == SPACELESS || class == MARK;
}

static enum class base_class(const struct string *s, size_t i);

/* A hyphen that is as good as a space. */
static bool is_gap_hyphen(const struct string *s, size_t i)
{
	if (class_at(s, i) != HYPHEN || i == 0 || i + 1 == s->length || !is_letter(class_at(s, i + 1)))
		return false;
	return is_letter(base_class(s, i - 1));
}

/* What a character belongs to: marks to what stands before them, and to a letter where that is a space or nothing. */
static enum class base_class(const struct string *s, size_t i)
{
	while (class_at(s, i) == MARK) {
		if (i == 0 || class_at(s, i - 1) == SPACE || is_gap_hyphen(s, i - 1))
			return WORD;
		i--;
	}
	return class_at(s, i);
}

/* How many characters of white space, or the one hyphen, stand here? */
static size_t gap_length(const struct string *s, size_t i)
{
	if (is_gap_hyphen(s, i))
		return 1;
	size_t n = 0;
	while (i + n < s->length && class_at(s, i + n) == SPACE)
		n++;
	return n;
}

/* Where a match of `word` that begins at `i` ends, or 0. */
static size_t match_end(const struct string *text, size_t i, const struct string *word)
{
	for (size_t w = 0; w < word->length;) {
		size_t gap = gap_length(word, w);
		if (gap > 0) {
			size_t there = i < text->length ? gap_length(text, i) : 0;
			if (there == 0)
				return 0;
			i += there;
			w += gap;
			continue;
		}
		if (i >= text->length || strcmp(alphabet[text->at[i]].utf8, alphabet[word->at[w]].utf8) != 0 || is_gap_hyphen(text, i))
			return 0;
		i++;
		w++;
	}
	return i;
}

static bool begins_well(const struct string *text, size_t i)
{
	if (i == 0)
		return true;
	if (class_at(text, i) == SPACE)
		return class_at(text, i - 1) != SPACE;
	enum class before = base_class(text, i - 1);
	return before != WORD || (class_at(text, i) != WORD && class_at(text, i) != SIGIL);
}

static bool ends_well(const struct string *text, size_t end)
{
	if (end == text->length)
		return true;
	if (class_at(text, end) == MARK)
		return false;
	return base_class(text, end - 1) != WORD || class_at(text, end) != WORD;
}

/* "$BA" before ".L": another ticker. */
static bool is_other_ticker(const struct string *text, const struct string *word, size_t end)
{
	if (strcmp(alphabet[word->at[0]].utf8, "$") != 0)
		return false;
	for (size_t w = 1; w < word->length; w++) {
		if (base_class(word, w) != WORD)
			return false;
	}
	size_t letters = 0, i = end + 1;
	if (word->length == 1 || end >= text->length || strcmp(alphabet[text->at[end]].utf8, ".") != 0)
		return false;
	for (; i < text->length && strchr("ab", alphabet[text->at[i]].utf8[0]) != NULL; i++)
		letters++;
	if (letters < 1 || letters > 2)
		return false;
	return i == text->length || !is_letter(class_at(text, i));
}

/* The longest-first, leftmost sweep over words and exclusions. */
struct list {
	struct string words[4];
	size_t count;
};

static bool contains_one(const struct string *text, const struct list *list)
{
	for (size_t i = 0; i < text->length; i++) {
		for (size_t w = 0; w < list->count; w++) {
			size_t end = match_end(text, i, &list->words[w]);
			if (end > 0 && begins_well(text, i) && ends_well(text, end) && !is_other_ticker(text, &list->words[w], end))
				return true;
		}
	}
	return false;
}

static bool slow_match(const struct string *text, const struct list *any, const struct list *none)
{
	bool matched = false;
	for (size_t i = 0; i < text->length;) {
		size_t longest = 0;
		const struct string *exclusion = NULL;
		for (size_t w = 0; w < any->count + none->count; w++) {
			const struct string *word = w < any->count ? &any->words[w] : &none->words[w - any->count];
			size_t end = match_end(text, i, word);
			if (end <= longest || !begins_well(text, i) || !ends_well(text, end) || is_other_ticker(text, word, end))
				continue;
			longest = end;
			exclusion = w < any->count ? NULL : word;
		}
		if (longest > 0 && exclusion == NULL)
			matched = true;
		if (longest > 0 && exclusion != NULL && !contains_one(exclusion, any))
			return false;
		i = longest > 0 ? longest : i + 1;
	}
	return matched;
}

/* ---- the comparison ---- */

static struct list random_list(size_t most)
{
	struct list l = {.count = most};
	for (size_t i = 0; i < most; i++)
		l.words[i] = random_word();
	return l;
}

#define TOPICS 3
#define BYTES_MAX (LENGTH_MAX * 4 + 1)

static void spell_list(const struct list *l, char (*bytes)[BYTES_MAX], const char **out)
{
	for (size_t i = 0; i < l->count; i++) {
		spell(&l->words[i], bytes[i]);
		out[i] = bytes[i];
	}
}

/* Texts out of words and noise, so that matches are not rare. */
static struct string random_text(const struct list *any, const struct list *none)
{
	struct string text = {.length = 0};
	while (text.length < LENGTH_MAX - 8 && random_below(8) != 0) {
		const struct list *from = random_below(2) ? any : none;
		struct string piece = from->count > 0 && random_below(3) ? from->words[random_below((uint32_t)from->count)] : random_string(2);
		memcpy(text.at + text.length, piece.at, piece.length);
		text.length += piece.length;
	}
	return text;
}

static void compare(const struct topics *topics, struct topics_scratch *scratch, const struct list *any, const struct list *none,
		    size_t *matches)
{
	size_t from = random_below(TOPICS);
	struct string text = random_text(&any[from], &none[from]);
	char bytes[BYTES_MAX];
	uint32_t out[TOPICS];
	bool found[TOPICS] = {false};
	spell(&text, bytes);
	size_t count = topics_match(topics, scratch, bytes, strlen(bytes), out, TOPICS);
	for (size_t i = 0; i < count; i++)
		found[out[i]] = true;
	for (size_t t = 0; t < TOPICS; t++) {
		bool expected = slow_match(&text, &any[t], &none[t]);
		if (found[t] == expected) {
			*matches += expected;
			continue;
		}
		char words[8][BYTES_MAX];
		const char *unused[8];
		spell_list(&any[t], words, unused);
		spell_list(&none[t], words + 4, unused);
		ck_abort_msg("\"%s\": expected %d; any \"%s\" \"%s\" \"%s\", none \"%s\" \"%s\"", bytes, expected, words[0],
			     any[t].count > 1 ? words[1] : "", any[t].count > 2 ? words[2] : "", none[t].count > 0 ? words[4] : "",
			     none[t].count > 1 ? words[5] : "");
	}
}

START_TEST(words_match_as_the_rules_say)
{
	size_t matches = 0, texts = 0;
	for (unsigned round = 0; round < 20000 / one_in(); round++) {
		struct list any[TOPICS], none[TOPICS];
		char bytes[TOPICS][8][BYTES_MAX];
		const char *pointers[TOPICS][8];
		struct topic_spec specs[TOPICS];
		for (size_t t = 0; t < TOPICS; t++) {
			any[t] = random_list(1 + random_below(3));
			none[t] = random_list(random_below(3));
			spell_list(&any[t], bytes[t], pointers[t]);
			spell_list(&none[t], bytes[t] + 4, pointers[t] + 4);
			specs[t] = (struct topic_spec){.name = "t", .any = pointers[t], .any_count = any[t].count,
						       .none = pointers[t] + 4, .none_count = none[t].count};
		}
		struct topics *topics = topics_create(specs, TOPICS, NULL);
		if (topics == NULL)
			continue; /* a word is also an exclusion */
		struct topics_scratch *scratch = topics_scratch_create(topics);
		for (int i = 0; i < 20; i++, texts++)
			compare(topics, scratch, any, none, &matches);
		topics_scratch_free(scratch);
		topics_free(topics);
	}
	printf("%zu texts, %zu matches of %zu\n", texts, matches, texts * TOPICS);
	ck_assert_uint_gt(texts, 300000 / one_in());
	ck_assert_uint_gt(matches, texts / 10);
}
END_TEST

/* ---- regular expressions ---- */

#define PATTERN_ROOM 1024

/* What does not fit is left out: one more pattern that PCRE2 may refuse. */
static void append(char *out, const char *text)
{
	if (strlen(out) + strlen(text) < PATTERN_ROOM)
		strcat(out, text);
}

static void random_pattern(char *out, int depth)
{
	static const char *const atoms[] = {"a", "b", "ab", "ba", "中", "é", ".", "\\b", "\\w", "[ab]", "[^a]", "\\.", "\\p{L}", "^", "A", "-",
					    "[]a]", "[[:alpha:]]", "\\s", "7", "s", "k", "i"};
	static const char *const heads[] = {"(", "(?:", "(?i:", "(?-i:", "(?=", "(?!", "(?<n>", "(?>", "(?|"};
	static const char *const repeats[] = {"", "", "", "", "", "?", "*", "+", "{2}", "{0,2}", "{1,}", "+?", "?+", "*?"};
	size_t parts = 1 + random_below(4);
	for (size_t i = 0; i < parts; i++) {
		if (depth > 0 && random_below(4) == 0) {
			append(out, heads[random_below(sizeof heads / sizeof heads[0])]);
			random_pattern(out, depth - 1);
			append(out, ")");
		} else {
			append(out, atoms[random_below(sizeof atoms / sizeof atoms[0])]);
		}
		append(out, repeats[random_below(sizeof repeats / sizeof repeats[0])]);
		if (random_below(6) == 0 && i + 1 < parts)
			append(out, "|");
	}
}

static void random_regex_text(char *out)
{
	static const char *const pieces[] = {"a", "b", "A", "B", "ab", " ", ".", "中", "é", "É", "-", "7", "s", "ſ", "K", "k", "İ", "i", "ı", "e\xcc\x81"};
	size_t count = random_below(12);
	*out = '\0';
	for (size_t i = 0; i < count; i++)
		append(out, pieces[random_below(sizeof pieces / sizeof pieces[0])]);
}

/* An empty comment in front keeps the literals of a pattern from being found. */
START_TEST(literals_lose_no_match)
{
	size_t compared = 0, matches = 0;
	for (unsigned round = 0; round < 20000 / one_in(); round++) {
		char pattern[PATTERN_ROOM] = "", plain[PATTERN_ROOM + 16], text[PATTERN_ROOM];
		random_pattern(pattern, 3);
		snprintf(plain, sizeof plain, "(?#)%s", pattern);
		struct topic_spec specs[] = {{.name = "with", .regex = pattern}, {.name = "without", .regex = plain}};
		struct topics *topics = topics_create(specs, 2, NULL);
		if (topics == NULL)
			continue;
		struct topics_scratch *scratch = topics_scratch_create(topics);
		for (int i = 0; i < 20; i++) {
			uint32_t out[2];
			random_regex_text(text);
			size_t count = topics_match(topics, scratch, text, strlen(text), out, 2);
			if (count == 1)
				ck_abort_msg("%s on \"%s\": only %s its literals", pattern, text, out[0] == 0 ? "with" : "without");
			compared++;
			matches += count == 2;
		}
		topics_scratch_free(scratch);
		topics_free(topics);
	}
	printf("%zu pairs of pattern and text, %zu match\n", compared, matches);
	ck_assert_uint_gt(compared, 100000 / one_in());
	ck_assert_uint_gt(matches, compared / 20);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("random");
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, words_match_as_the_rules_say);
	tcase_add_test(tcase, literals_lose_no_match);
	return run_case("topics at random", tcase);
}
