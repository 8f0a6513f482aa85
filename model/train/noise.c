#include "model/train/noise.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"
#include "model/train/noise_lists.h"
#include "model/train/noise_words.h"

#include <ctype.h>
#include <string.h>
#include <utf8proc.h>

/*
 * The clean text lies in the second half of the room, and every kind writes
 * what it makes of it to the first: mostly as edits, which are found from left
 * to right and put in at once.
 */
const char *const noise_names[NOISE_KINDS] = {"typo", "case", "ticker", "emoji", "truncation", "name", "synonym"};

enum { MOST_NAMES = 8, MOST_TYPOS = 32, WORDS_A_TYPO = 6, GROWTH = MOST_TYPOS * 8 + MOST_NAMES * 32 };

/* A bad byte becomes three, and so may two of a letter in another case. */
static size_t half_room(size_t length)
{
	return 3 * (length < NOISE_LONGEST ? length : NOISE_LONGEST) + GROWTH;
}

size_t noise_room(size_t length)
{
	return 2 * half_room(length);
}

struct clean {
	const char *text;
	size_t length;
	struct noise_word words[NOISE_WORDS];
	size_t word_count;
};

/* Typos */

static const char *const rows_of_keys[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};

/* The key to the left or right. */
static char neighbour(char letter, bool right)
{
	char lower = (char)tolower((unsigned char)letter), other = lower;
	for (size_t i = 0; i < 3; i++) {
		const char *row = rows_of_keys[i], *at = strchr(row, lower);
		if (at == NULL)
			continue;
		right = at == row || (right && at[1] != '\0');
		other = right ? at[1] : at[-1];
	}
	return isupper((unsigned char)letter) != 0 ? (char)toupper((unsigned char)other) : other;
}

/* One slip inside of a word of four letters or more. */
static struct noise_edit slip_make(const char *text, const struct noise_word *word, struct random_stream *stream)
{
	size_t at = word->begin + 1 + random_below(stream, word->end - word->begin - 2);
	switch (random_below(stream, 3)) {
	case 0: return noise_edit(at, at + 1, (char[2]){neighbour(text[at], random_below(stream, 2) == 0)});
	case 1:
		if (text[at] != text[at + 1])
			return noise_edit(at, at + 2, (char[3]){text[at + 1], text[at]});
		return noise_edit(at, at + 1, "");
	default: return noise_edit(at, at + 1, "");
	}
}

static bool has_letters_alone(const char *text, const struct noise_word *word)
{
	for (size_t i = word->begin; i < word->end; i++)
		if (isalpha((unsigned char)text[i]) == 0)
			return false;
	return word->end - word->begin >= 4;
}

static size_t typos_make(const struct clean *clean, struct random_stream *stream, char *out)
{
	struct noise_edit edits[MOST_TYPOS];
	uint32_t eligible[NOISE_WORDS];
	bool chosen[NOISE_WORDS] = {false};
	size_t count = 0, used = 0;
	for (size_t i = 0; i < clean->word_count; i++)
		if (has_letters_alone(clean->text, &clean->words[i]))
			eligible[count++] = (uint32_t)i;
	random_shuffle(stream, eligible, count);
	for (size_t i = 0; i < count && i < MOST_TYPOS && i <= count / WORDS_A_TYPO; i++)
		chosen[eligible[i]] = true;
	for (size_t i = 0; i < clean->word_count; i++)
		if (chosen[i])
			edits[used++] = slip_make(clean->text, &clean->words[i], stream);
	return noise_apply(clean->text, clean->length, edits, used, out);
}

/* Upper, lower, or the first letter of each word upper and the others as they are. */
static size_t case_make(const struct clean *clean, struct random_stream *stream, char *out)
{
	size_t style = random_below(stream, 3), used = 0;
	bool begins = true;
	for (size_t at = 0, took; at < clean->length; at += took) {
		uint32_t point;
		took = utf8_decode(clean->text + at, clean->length - at, &point);
		utf8proc_int32_t changed = style == 0 || (style == 2 && begins) ? utf8proc_toupper((utf8proc_int32_t)point)
					   : style == 1				? utf8proc_tolower((utf8proc_int32_t)point)
										: (utf8proc_int32_t)point;
		begins = point == ' ';
		used += utf8_encode((uint32_t)changed, out + used);
	}
	return used;
}

static const struct noise_company *company_draw(struct random_stream *stream)
{
	return &noise_companies[random_below(stream, noise_company_count)];
}

static size_t ticker_make(const struct clean *clean, struct random_stream *stream, char *out)
{
	struct noise_name name;
	struct noise_edit edit;
	const char *ticker = company_draw(stream)->ticker;
	char text[16] = " ";
	strncat(text, ticker, sizeof text - 3);
	if (random_below(stream, 2) == 0 && noise_find_names(clean->text, clean->words, clean->word_count, &name, 1) == 1) {
		edit = noise_edit(name.begin, name.end, ticker);
	} else if (random_below(stream, 2) == 0) {
		edit = noise_edit(clean->length, clean->length, text);
	} else {
		strcat(text, " ");
		edit = noise_edit(0, 0, text + 1);
	}
	return noise_apply(clean->text, clean->length, &edit, 1, out);
}

static size_t emoji_make(const struct clean *clean, struct random_stream *stream, char *out)
{
	char text[32] = "";
	for (size_t i = random_below(stream, 2) + 1; i > 0; i--) {
		strcat(text, " ");
		strcat(text, noise_emoji[random_below(stream, noise_emoji_count)]);
	}
	const struct noise_edit edit = noise_edit(clean->length, clean->length, text);
	return noise_apply(clean->text, clean->length, &edit, 1, out);
}

static size_t truncation_make(const struct clean *clean, char *out)
{
	size_t kept = clean->word_count - clean->word_count / 3;
	size_t length = kept < clean->word_count ? clean->words[kept - 1].stop : clean->length;
	memcpy(out, clean->text, length);
	return length;
}

/* The same name becomes the same company each time. */
static size_t names_make(const struct clean *clean, struct random_stream *stream, char *out)
{
	struct noise_name names[MOST_NAMES];
	struct noise_edit edits[MOST_NAMES];
	const struct noise_company *companies[MOST_NAMES];
	size_t count = noise_find_names(clean->text, clean->words, clean->word_count, names, MOST_NAMES);
	for (size_t i = 0; i < count; i++) {
		size_t length = names[i].end - names[i].begin;
		companies[i] = company_draw(stream);
		for (size_t k = 0; k < i; k++)
			if (names[k].end - names[k].begin == length &&
			    memcmp(clean->text + names[k].begin, clean->text + names[i].begin, length) == 0)
				companies[i] = companies[k];
		edits[i] = noise_edit(names[i].begin, names[i].end,
				      names[i].cashtag ? companies[i]->ticker : companies[i]->name);
	}
	return noise_apply(clean->text, clean->length, edits, count, out);
}

static size_t synonym_make(const struct clean *clean, struct random_stream *stream, char *out)
{
	struct noise_edit edits[NOISE_EDITS];
	size_t count = noise_find_synonyms(clean->text, clean->words, clean->word_count, edits, NOISE_EDITS);
	const struct noise_edit *edit = count > 0 ? &edits[random_below(stream, count)] : NULL;
	return noise_apply(clean->text, clean->length, edit, count > 0, out);
}

size_t noise_make(enum noise kind, const char *text, size_t length, struct random_stream *stream, char *out)
{
	struct clean clean;
	length = length < NOISE_LONGEST ? length : NOISE_LONGEST;
	clean.text = out + half_room(length);
	clean.length = utf8_clean(text, length, out + half_room(length));
	clean.word_count = noise_words_split(clean.text, clean.length, clean.words);
	if (clean.word_count == 0)
		return noise_apply(clean.text, clean.length, NULL, 0, out);
	switch (kind) {
	case NOISE_TYPO: return typos_make(&clean, stream, out);
	case NOISE_CASE: return case_make(&clean, stream, out);
	case NOISE_TICKER: return ticker_make(&clean, stream, out);
	case NOISE_EMOJI: return emoji_make(&clean, stream, out);
	case NOISE_TRUNCATION: return truncation_make(&clean, out);
	case NOISE_NAME: return names_make(&clean, stream, out);
	case NOISE_SYNONYM: return synonym_make(&clean, stream, out);
	case NOISE_KINDS: break;
	}
	CHECK(!"a kind of noise");
	return 0;
}
