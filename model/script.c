/*
 * Scripts by block, for letters only (Unicode's general categories L*, from
 * utf8proc).  A letter of a script that the table does not list, or of none
 * (mathematical alphabets), belongs to no set and is never covered.
 */
#include "model/script.h"

#include "daemon/base/utf8.h"

#include <string.h>
#include <utf8proc.h>

enum script {
	LATIN, GREEK, CYRILLIC, ARMENIAN, HEBREW, ARABIC, SYRIAC, THAANA, DEVANAGARI, BENGALI, GURMUKHI, GUJARATI, ORIYA,
	TAMIL, TELUGU, KANNADA, MALAYALAM, SINHALA, THAI, LAO, TIBETAN, MYANMAR, GEORGIAN, HANGUL, ETHIOPIC, CHEROKEE, KHMER,
	MONGOLIAN, HIRAGANA, KATAKANA, BOPOMOFO, HAN, SCRIPTS,
	NO_SCRIPT = SCRIPTS,
};

/* In ascending order. */
static const struct {
	uint32_t first, last;
	enum script script;
} blocks[] = {
	{0x0041, 0x02B8, LATIN}, {0x0370, 0x03FF, GREEK}, {0x0400, 0x052F, CYRILLIC}, {0x0530, 0x058F, ARMENIAN},
	{0x0590, 0x05FF, HEBREW}, {0x0600, 0x06FF, ARABIC}, {0x0700, 0x074F, SYRIAC}, {0x0750, 0x077F, ARABIC},
	{0x0780, 0x07BF, THAANA}, {0x0860, 0x086F, SYRIAC}, {0x0870, 0x08FF, ARABIC}, {0x0900, 0x097F, DEVANAGARI},
	{0x0980, 0x09FF, BENGALI}, {0x0A00, 0x0A7F, GURMUKHI}, {0x0A80, 0x0AFF, GUJARATI}, {0x0B00, 0x0B7F, ORIYA},
	{0x0B80, 0x0BFF, TAMIL}, {0x0C00, 0x0C7F, TELUGU}, {0x0C80, 0x0CFF, KANNADA}, {0x0D00, 0x0D7F, MALAYALAM},
	{0x0D80, 0x0DFF, SINHALA}, {0x0E00, 0x0E7F, THAI}, {0x0E80, 0x0EFF, LAO}, {0x0F00, 0x0FFF, TIBETAN},
	{0x1000, 0x109F, MYANMAR}, {0x10A0, 0x10FF, GEORGIAN}, {0x1100, 0x11FF, HANGUL}, {0x1200, 0x139F, ETHIOPIC},
	{0x13A0, 0x13FF, CHEROKEE}, {0x1780, 0x17FF, KHMER}, {0x1800, 0x18AF, MONGOLIAN}, {0x1C80, 0x1C8F, CYRILLIC},
	{0x1C90, 0x1CBF, GEORGIAN}, {0x1CD0, 0x1CFF, DEVANAGARI}, {0x1D00, 0x1D25, LATIN}, {0x1D26, 0x1D2A, GREEK},
	{0x1D2B, 0x1D2B, CYRILLIC}, {0x1D2C, 0x1DBF, LATIN}, {0x1E00, 0x1EFF, LATIN}, {0x1F00, 0x1FFF, GREEK},
	{0x2071, 0x209C, LATIN}, {0x2126, 0x2126, GREEK}, {0x212A, 0x212B, LATIN}, {0x2C60, 0x2C7F, LATIN},
	{0x2D00, 0x2D2F, GEORGIAN}, {0x2D80, 0x2DDF, ETHIOPIC}, {0x2DE0, 0x2DFF, CYRILLIC}, {0x3005, 0x3007, HAN},
	{0x3041, 0x309F, HIRAGANA}, {0x30A1, 0x30FF, KATAKANA}, {0x3100, 0x312F, BOPOMOFO}, {0x3130, 0x318F, HANGUL},
	{0x31A0, 0x31BF, BOPOMOFO}, {0x31F0, 0x31FF, KATAKANA}, {0x3400, 0x4DBF, HAN}, {0x4E00, 0x9FFF, HAN},
	{0xA640, 0xA69F, CYRILLIC}, {0xA722, 0xA7FF, LATIN}, {0xA8E0, 0xA8FF, DEVANAGARI}, {0xA960, 0xA97F, HANGUL},
	{0xA9E0, 0xA9FF, MYANMAR}, {0xAA60, 0xAA7F, MYANMAR}, {0xAB00, 0xAB2F, ETHIOPIC}, {0xAB30, 0xAB64, LATIN},
	{0xAB65, 0xAB65, GREEK}, {0xAB66, 0xAB69, LATIN}, {0xAB70, 0xABBF, CHEROKEE}, {0xAC00, 0xD7FF, HANGUL},
	{0xF900, 0xFAFF, HAN}, {0xFB00, 0xFB06, LATIN}, {0xFB13, 0xFB17, ARMENIAN}, {0xFB1D, 0xFB4F, HEBREW},
	{0xFB50, 0xFDFF, ARABIC}, {0xFE70, 0xFEFC, ARABIC}, {0xFF21, 0xFF5A, LATIN}, {0xFF66, 0xFF9F, KATAKANA},
	{0xFFA0, 0xFFDC, HANGUL}, {0x1B000, 0x1B000, KATAKANA}, {0x1B001, 0x1B11F, HIRAGANA}, {0x20000, 0x323AF, HAN},
};

/* A vocabulary was trained on a script if one entry in 500 is a word of it, two letters or more, or one in 25 a single
 * character (models that spell Han, Kana or Hangul character by character).  BERT's English vocabulary stays well below:
 * 0.03 % are Cyrillic words and 1.6 % Han characters, the most of any script but Latin. */
#define WORDS_ONE_IN 500
#define CHARACTERS_ONE_IN 25

static bool is_letter(uint32_t c)
{
	utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
	return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

static enum script script_of(uint32_t c)
{
	size_t low = 0, high = sizeof blocks / sizeof *blocks;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c > blocks[middle].last)
			low = middle + 1;
		else if (c < blocks[middle].first)
			high = middle;
		else
			return blocks[middle].script;
	}
	return NO_SCRIPT;
}

/* Letters of each script, and of none at [NO_SCRIPT]. */
static void count_letters(const char *text, size_t length, size_t counts[SCRIPTS + 1])
{
	for (size_t at = 0; at < length;) {
		uint8_t byte = (uint8_t)text[at];
		if (byte < 0x80) {
			counts[LATIN] += (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
			at++;
			continue;
		}
		uint32_t c;
		at += utf8_decode(text + at, length - at, &c);
		if (is_letter(c))
			counts[script_of(c)]++;
	}
}

struct script_set script_set_from_vocab(const struct vocab *vocab)
{
	size_t words[SCRIPTS] = {0}, characters[SCRIPTS] = {0};
	for (size_t id = 0; id < vocab_size(vocab); id++) {
		struct vocab_word word = vocab_word(vocab, id);
		size_t counts[SCRIPTS + 1] = {0};
		count_letters(word.text, word.length, counts);
		for (int i = 0; i < SCRIPTS; i++) {
			words[i] += counts[i] >= 2;
			characters[i] += counts[i] == 1;
		}
	}
	struct script_set set = {0};
	for (int i = 0; i < SCRIPTS; i++)
		if (words[i] * WORDS_ONE_IN >= vocab_size(vocab) || characters[i] * CHARACTERS_ONE_IN >= vocab_size(vocab))
			set.bits |= UINT64_C(1) << i;
	return set;
}

bool script_is_covered(struct script_set set, const char *text, size_t length)
{
	size_t counts[SCRIPTS + 1] = {0}, covered = 0, all = 0;
	count_letters(text, length, counts);
	for (int i = 0; i <= SCRIPTS; i++) {
		all += counts[i];
		covered += i < SCRIPTS && (set.bits >> i & 1) ? counts[i] : 0;
	}
	return all == 0 || covered * 2 > all;
}
