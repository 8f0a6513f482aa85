#ifndef ALERTS_TOPICS_TOKENS_H
#define ALERTS_TOPICS_TOKENS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Folded text as tokens.  A watched phrase occurs in a text where its tokens
 * occur there in a row; so this header is the rule of what a whole word is.
 *
 *   WORD    letters, digits and underscores in a row, with their combining marks
 *   LETTER  one character of a script that is written without spaces (Han, Kana,
 *           Hangul, Thai, Lao, Khmer, Myanmar, Tibetan), with its marks: its
 *           neighbours are never part of it
 *   GAP     white space in a row; or one hyphen between letters or digits
 *   INNER   "$", "#" or "@" right after a WORD: "US$BA" holds no "$BA"
 *   SIGN    any other character, with its marks
 *
 * The text must be what fold_text wrote, with TOKEN_PADDING readable bytes
 * after it.
 */
enum token_kind { TOKEN_GAP, TOKEN_WORD, TOKEN_LETTER, TOKEN_INNER, TOKEN_SIGN };

#define TOKEN_PADDING 8

struct token {
	const unsigned char *start;
	uint32_t length;
	enum token_kind kind;
};

struct token_cursor {
	const unsigned char *at, *end;
	enum token_kind last; /* kind of the token before `at`; TOKEN_SIGN at the start */
};

static inline void token_start(struct token_cursor *cursor, const char *text, size_t length)
{
	cursor->at = (const unsigned char *)text;
	cursor->end = cursor->at + length;
	cursor->last = TOKEN_SIGN;
}

/* What an ASCII byte is by itself; bytes of longer characters are TOKEN_OTHER_BYTE. */
#define TOKEN_OTHER_BYTE 0xff
extern const uint8_t token_bytes[256];

/* The next token where it is not just ASCII letters and digits, nor one space. */
void token_next_slow(struct token_cursor *cursor, struct token *token);

#define TOKEN_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of every byte that is not a-z, 0-9 or "_".  No sum carries into the next byte. */
static inline uint64_t token_not_word(uint64_t bytes)
{
	uint64_t low = bytes & TOKEN_EACH(0x7f);
	uint64_t letter = (low + TOKEN_EACH(0x80 - 'a')) & ~(low + TOKEN_EACH(0x80 - 'z' - 1));
	uint64_t digit = (low + TOKEN_EACH(0x80 - '0')) & ~(low + TOKEN_EACH(0x80 - '9' - 1));
	uint64_t other_than_underscore = (low ^ TOKEN_EACH('_')) + TOKEN_EACH(0x7f);
	return (bytes | (~letter & ~digit & other_than_underscore)) & TOKEN_EACH(0x80);
}

/* The end of a run of ASCII letters and digits that may begin at `at`.  Eight bytes at a time, because the lengths of words
 * are what a branch predictor cannot guess.  The NUL after the text ends it. */
static inline const unsigned char *token_word_end(const unsigned char *at)
{
	for (;; at += 8) {
		uint64_t bytes;
		memcpy(&bytes, at, 8);
		uint64_t stop = token_not_word(le64toh(bytes));
		if (stop != 0)
			return at + __builtin_ctzll(stop) / 8;
	}
}

/* The next token, or false at the end. */
static inline bool token_next(struct token_cursor *cursor, struct token *token)
{
	const unsigned char *at = cursor->at;
	if (at == cursor->end)
		return false;
	enum token_kind kind = TOKEN_GAP;
	if (*at == ' ') {
		at++;
	} else {
		kind = TOKEN_WORD;
		at = token_word_end(at);
	}
	uint8_t next = token_bytes[*at];
	if (at == cursor->at || next == TOKEN_OTHER_BYTE || next == kind) {
		token_next_slow(cursor, token);
		return true;
	}
	token->start = cursor->at;
	token->length = (uint32_t)(at - cursor->at);
	token->kind = cursor->last = kind;
	cursor->at = at;
	return true;
}

/* Skips white space, all of which is one token.  Returns how many tokens that was. */
static inline uint32_t token_skip_gap(struct token_cursor *cursor)
{
	const unsigned char *at = cursor->at;
	while (token_bytes[*at] == TOKEN_GAP)
		at++;
	if (at == cursor->at)
		return 0;
	cursor->at = at;
	cursor->last = TOKEN_GAP;
	return 1;
}

/* Does a ticker go on after the cursor: "." and one or two letters, as ".L" in "$BA.L"? */
bool token_ticker_goes_on(const struct token_cursor *cursor);

#endif
