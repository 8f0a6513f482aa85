#include "model/train/noise_words.h"

#include "daemon/base/check.h"
#include "model/train/noise_lists.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/*
 * Bytes of ASCII alone are looked at: a word is what stands between blanks,
 * and a byte above 127 belongs to its word.
 */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Marks that are no part of a word; $ and # begin one. */
static bool is_mark(char c)
{
	return ispunct((unsigned char)c) != 0 && c != '$' && c != '#';
}

static bool is_letter(char c)
{
	return isalpha((unsigned char)c) != 0 || (unsigned char)c >= 0x80;
}

/* The word without the marks around it and a genitive's end; without any letter or digit it is empty. */
static struct noise_word word_make(const char *text, size_t begin, size_t stop)
{
	struct noise_word word = {.begin = begin, .end = stop, .stop = stop};
	while (word.begin < word.end && is_mark(text[word.begin]))
		word.begin++;
	while (word.end > word.begin && is_mark(text[word.end - 1]))
		word.end--;
	if (word.end - word.begin > 2 && text[word.end - 2] == '\'' && (text[word.end - 1] | 32) == 's')
		word.end -= 2;
	return word;
}

size_t noise_words_split(const char *text, size_t length, struct noise_word words[NOISE_WORDS])
{
	size_t count = 0, at = 0;
	bool opens = true;
	while (count < NOISE_WORDS) {
		while (at < length && is_blank(text[at]))
			at++;
		if (at == length)
			break;
		size_t begin = at;
		while (at < length && !is_blank(text[at]))
			at++;
		words[count] = word_make(text, begin, at);
		words[count++].opens = opens;
		opens = strchr(".:;!?|-\"", text[at - 1]) != NULL;
	}
	return count;
}

struct noise_edit noise_edit(size_t begin, size_t end, const char *text)
{
	struct noise_edit edit = {.begin = begin, .end = end, .length = strlen(text)};
	CHECK(edit.length <= sizeof edit.text);
	memcpy(edit.text, text, edit.length);
	return edit;
}

size_t noise_apply(const char *text, size_t length, const struct noise_edit *edits, size_t count, char *out)
{
	size_t at = 0, used = 0;
	for (size_t i = 0; i < count; i++) {
		CHECK(edits[i].begin >= at && edits[i].end >= edits[i].begin && edits[i].end <= length);
		memcpy(out + used, text + at, edits[i].begin - at);
		used += edits[i].begin - at;
		memcpy(out + used, edits[i].text, edits[i].length);
		used += edits[i].length;
		at = edits[i].end;
	}
	memcpy(out + used, text + at, length - at);
	return used + length - at;
}

/* "Orvane", "BRZH": a capital and more letters; no sum ("EUR3m") and no account ("@Orvane"). */
static bool is_capitalised(const char *text, const struct noise_word *word)
{
	if (word->end - word->begin < 2 || isupper((unsigned char)text[word->begin]) == 0 ||
	    !is_letter(text[word->begin + 1]) || (word->begin > 0 && text[word->begin - 1] == '@'))
		return false;
	for (size_t i = word->begin; i < word->end; i++)
		if (isdigit((unsigned char)text[i]) != 0)
			return false;
	return !noise_is_common(text + word->begin, word->end - word->begin);
}

static bool is_cashtag(const char *text, const struct noise_word *word)
{
	return word->end - word->begin > 1 && text[word->begin] == '$' && isalpha((unsigned char)text[word->begin + 1]) != 0;
}

/* Where most longer words have a capital it tells no name: a headline in title case, or in capitals. */
static bool tells_names(const char *text, const struct noise_word *words, size_t count)
{
	size_t longer = 0, capitalised = 0;
	for (size_t i = 0; i < count; i++) {
		if (words[i].end - words[i].begin < 4 || !is_letter(text[words[i].begin]))
			continue;
		longer++;
		capitalised += isupper((unsigned char)text[words[i].begin]) != 0;
	}
	return 2 * capitalised <= longer || longer < 3;
}

/* Is nothing but a blank between them? */
static bool are_joined(const struct noise_word *one, const struct noise_word *next)
{
	return one->end == one->stop && next->begin == one->stop + 1;
}

size_t noise_find_names(const char *text, const struct noise_word *words, size_t count, struct noise_name *names, size_t most)
{
	bool by_capitals = tells_names(text, words, count);
	size_t found = 0;
	for (size_t i = 0, last; i < count && found < most; i = last + 1) {
		last = i;
		if (is_cashtag(text, &words[i])) {
			names[found++] = (struct noise_name){words[i].begin, words[i].end, true};
			continue;
		}
		if (!by_capitals || !is_capitalised(text, &words[i]))
			continue;
		while (last + 1 < count && are_joined(&words[last], &words[last + 1]) && is_capitalised(text, &words[last + 1]))
			last++;
		/* A sentence's first word has its capital from there, unless more capitals follow or somebody owns something. */
		if (words[i].opens && last == i && words[i].end == words[i].stop)
			continue;
		names[found++] = (struct noise_name){words[i].begin, words[last].end, false};
	}
	return found;
}

/* The group that has the word, and where in it; NULL: none has. */
static const char *group_find(const char *word, size_t length, const char **where)
{
	for (size_t i = 0; i < noise_synonym_count; i++)
		for (const char *at = noise_synonyms[i]; at != NULL; at = strchr(at, ' ')) {
			at += *at == ' ';
			if (strcspn(at, " ") == length && strncasecmp(at, word, length) == 0) {
				*where = at;
				return noise_synonyms[i];
			}
		}
	return NULL;
}

static struct noise_edit synonym_edit(const char *text, const struct noise_word *word, const char *synonym)
{
	struct noise_edit edit = {.begin = word->begin, .end = word->end, .length = strcspn(synonym, " ")};
	bool first = isupper((unsigned char)text[word->begin]) != 0, second = isupper((unsigned char)text[word->begin + 1]) != 0;
	CHECK(edit.length <= sizeof edit.text);
	for (size_t i = 0; i < edit.length; i++)
		edit.text[i] = (i == 0 && first) || (first && second) ? (char)toupper((unsigned char)synonym[i]) : synonym[i];
	return edit;
}

size_t noise_find_synonyms(const char *text, const struct noise_word *words, size_t count, struct noise_edit *edits, size_t most)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		const char *own, *group;
		size_t length = words[i].end - words[i].begin;
		if (length < 2 || (group = group_find(text + words[i].begin, length, &own)) == NULL)
			continue;
		for (const char *at = group; at != NULL && found < most; at = strchr(at, ' ')) {
			at += *at == ' ';
			if (at != own)
				edits[found++] = synonym_edit(text, &words[i], at);
		}
	}
	return found;
}

size_t noise_find_unknown(const char *text, const struct noise_word *words, size_t count, struct noise_edit *edits, size_t most)
{
	size_t found = 0;
	for (size_t i = 0; i < count && found < most; i++)
		if (words[i].end > words[i].begin && is_letter(text[words[i].begin]))
			edits[found++] = noise_edit(words[i].begin, words[i].end, "zqorvex");
	return found;
}
