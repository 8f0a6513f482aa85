/*
 * Runs of ASCII letters and digits, most of most texts, are found in the
 * header by one table look-up a byte.  Here is everything else.
 */
#include "alerts/topics/tokens.h"

#include <ctype.h>
#include <utf8proc.h>

#define W TOKEN_WORD
#define G TOKEN_GAP
#define S TOKEN_SIGN
#define O TOKEN_OTHER_BYTE
#define EIGHT(x) x, x, x, x, x, x, x, x

const uint8_t token_bytes[256] = {
	S, S, S, S, S, S, S, S, S, G, G, G, G, G, S, S, EIGHT(S), EIGHT(S),
	G, S, S, S, S, S, S, S, EIGHT(S), EIGHT(W), W, W, S, S, S, S, S, S,
	S, W, W, W, W, W, W, W, EIGHT(W), EIGHT(W), W, W, W, S, S, S, S, W,
	S, W, W, W, W, W, W, W, EIGHT(W), EIGHT(W), W, W, W, S, S, S, S, S,
	EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O),
	EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O), EIGHT(O),
};

/* Blocks of the scripts that put no spaces between words, in order (Unicode Blocks.txt; punctuation among them is told by
 * its category). */
static const struct {
	utf8proc_int32_t first, last;
} spaceless[] = {
	{0x0e00, 0x0eff},   /* Thai, Lao */
	{0x0f00, 0x0fff},   /* Tibetan */
	{0x1000, 0x109f},   /* Myanmar */
	{0x1100, 0x11ff},   /* Hangul Jamo */
	{0x1780, 0x17ff},   /* Khmer */
	{0x2e80, 0x2fdf},   /* CJK radicals */
	{0x3005, 0x3007},   /* ideographic iteration mark, closing mark, zero */
	{0x3021, 0x3035},   /* Hangzhou numerals, kana repeat marks */
	{0x3041, 0x31ff},   /* Hiragana, Katakana, Bopomofo, Hangul compatibility Jamo */
	{0x3400, 0x9fff},   /* Han */
	{0xa960, 0xa97f},   /* Hangul Jamo extended A */
	{0xac00, 0xd7ff},   /* Hangul syllables, Jamo extended B */
	{0xf900, 0xfaff},   /* CJK compatibility ideographs */
	{0x1aff0, 0x1b16f}, /* Kana supplements */
	{0x20000, 0x3ffff}, /* Han, supplementary planes */
};

static bool is_spaceless(utf8proc_int32_t c)
{
	if (c < spaceless[0].first)
		return false;
	for (size_t i = 0; i < sizeof spaceless / sizeof spaceless[0] && c >= spaceless[i].first; i++) {
		if (c <= spaceless[i].last)
			return true;
	}
	return false;
}

/* A character of folded text and what it is; `mark`: it belongs to the one before. */
struct character {
	size_t length;
	enum token_kind kind;
	bool mark;
};

static struct character character_at(const unsigned char *at, const unsigned char *end)
{
	struct character result = {.length = 1, .kind = TOKEN_SIGN};
	if (*at < 0x80) {
		result.kind = (enum token_kind)token_bytes[*at];
		return result;
	}
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate(at, end - at, &c);
	if (n <= 0)
		return result;
	result.length = (size_t)n;
	utf8proc_category_t category = utf8proc_category(c);
	if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO)
		result.kind = is_spaceless(c) ? TOKEN_LETTER : TOKEN_WORD;
	if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) {
		result.kind = TOKEN_WORD; /* without a letter before it: as good as a letter */
		result.mark = true;
	}
	return result;
}

static bool is_letter(enum token_kind kind)
{
	return kind == TOKEN_WORD || kind == TOKEN_LETTER;
}

/* What the character at the cursor begins, given what stands on its sides. */
static enum token_kind kind_here(const struct token_cursor *cursor, struct character first)
{
	unsigned char c = *cursor->at;
	const unsigned char *next = cursor->at + first.length;
	if (c == '-' && is_letter(cursor->last) && next < cursor->end && is_letter(character_at(next, cursor->end).kind))
		return TOKEN_GAP;
	if ((c == '$' || c == '#' || c == '@') && cursor->last == TOKEN_WORD)
		return TOKEN_INNER;
	return first.kind;
}

void token_next_slow(struct token_cursor *cursor, struct token *token)
{
	struct character first = character_at(cursor->at, cursor->end);
	enum token_kind kind = kind_here(cursor, first);
	const unsigned char *at = cursor->at + first.length;
	while (at < cursor->end) {
		if (*at < 0x80) {
			if (token_bytes[*at] != kind || (kind != TOKEN_WORD && kind != TOKEN_GAP))
				break;
			at++;
			continue;
		}
		struct character next = character_at(at, cursor->end);
		bool belongs = kind == TOKEN_WORD ? next.kind == TOKEN_WORD : next.mark && kind != TOKEN_GAP;
		if (!belongs)
			break;
		at += next.length;
	}
	token->start = cursor->at;
	token->length = (uint32_t)(at - cursor->at);
	token->kind = cursor->last = kind;
	cursor->at = at;
}

bool token_ticker_goes_on(const struct token_cursor *cursor)
{
	size_t left = (size_t)(cursor->end - cursor->at);
	const unsigned char *at = cursor->at;
	if (left < 2 || at[0] != '.' || !isalpha(at[1]))
		return false;
	size_t letters = left > 2 && isalpha(at[2]) ? 2 : 1;
	return left == letters + 1 || !is_letter(character_at(at + letters + 1, cursor->end).kind);
}
