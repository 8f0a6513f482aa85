/*
 * The tokeniser tells no places, and need not: a text that is cut where the
 * tokeniser itself ends a word has the same ids piece by piece.  It does so at
 * blanks and on both sides of every character that stands alone.  A bracket
 * that is part of "[MASK]" is no place to cut, so [ and ] never are.
 */
#include "model/train/spans.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <string.h>

enum kind {
	KIND_BLANK,
	KIND_INNER, /* part of a word wherever it stands */
	KIND_EDGE,  /* part of a word but at its ends */
	KIND_ALONE,
};

/* Marks beyond ASCII that stand inside words: a hyphen, a hyphen that does not break, the dash of "2019-20", an apostrophe. */
static bool joins(uint32_t c)
{
	return c == 0x2010 || c == 0x2011 || c == 0x2013 || c == 0x2019;
}

static enum kind kind_of(const struct normalizer *normalizer, uint32_t c)
{
	switch (glyph_kind(normalizer_look_up(normalizer, c))) {
	case GLYPH_SPACE:
		return KIND_BLANK;
	case GLYPH_ALONE:
		if (c >= 0x80)
			return joins(c) ? KIND_EDGE : KIND_ALONE;
		return strchr(".,;:!?\"'(){}<>", (int)c) != NULL ? KIND_EDGE : KIND_INNER;
	default:
		return KIND_INNER;
	}
}

struct reader {
	const struct normalizer *normalizer;
	const char *at, *end;
};

/* The kind of what stands at `at`, and its length; a blank at the end. */
static enum kind look(const struct reader *reader, const char *at, size_t *length)
{
	uint32_t c;
	*length = 0;
	if (at == reader->end)
		return KIND_BLANK;
	*length = utf8_decode(at, (size_t)(reader->end - at), &c);
	return kind_of(reader->normalizer, c);
}

/* The next piece of a text: a word, a run of marks, or one character that stands alone.  Empty at the end. */
static struct span_word piece_next(struct reader *reader, const char *text)
{
	size_t length;
	enum kind first;
	while ((first = look(reader, reader->at, &length)) == KIND_BLANK && length > 0)
		reader->at += length;
	const char *start = reader->at, *at = start + length, *end = at;
	while (length > 0 && first != KIND_ALONE) {
		enum kind kind = look(reader, at, &length);
		if (kind == KIND_BLANK || kind == KIND_ALONE || (first == KIND_EDGE && kind != KIND_EDGE))
			break;
		at += length;
		if (kind == first)
			end = at;
	}
	reader->at = end;
	return (struct span_word){.start = (size_t)(start - text), .length = (size_t)(end - start)};
}

/* Puts the piece's ids behind those that are there: [CLS] comes over the last of them, which is put back. */
static void piece_encode(const struct tokenizer *tokenizer, const char *text, struct span_word *piece, struct spans *spans)
{
	size_t room = spans->max - 1 - spans->tokens;
	int32_t *place = spans->ids + spans->tokens - 1, last = *place;
	piece->first = spans->tokens;
	piece->count = tokenizer_encode(tokenizer, text + piece->start, piece->length, place, room + 3) - 2;
	*place = last;
	if (piece->count > room) {
		piece->count = room;
		spans->cut = true;
	}
	spans->tokens += piece->count;
}

void spans_find(const struct tokenizer *tokenizer, const char *text, size_t length, struct spans *spans)
{
	struct reader reader = {tokenizer_normalizer(tokenizer), text, text + length};
	CHECK(spans->max >= 2);
	tokenizer_encode(tokenizer, text, 0, spans->ids, 2);
	int32_t end = spans->ids[1];
	spans->tokens = 1;
	spans->count = 0;
	spans->cut = false;
	while (!spans->cut) {
		struct span_word piece = piece_next(&reader, text);
		if (piece.length == 0)
			break;
		piece_encode(tokenizer, text, &piece, spans);
		if (piece.count > 0)
			spans->words[spans->count++] = piece;
	}
	spans->ids[spans->tokens++] = end;
}
