/*
 * The reference works in passes over the whole text (clean, space ideographs,
 * decompose, strip, lower, split, look up).  Here one pass does it all, word
 * by word, with a word of bounded size in hand: a word of more than 100
 * characters is [UNK] whatever it holds, so nothing ever grows with the input.
 *
 * Two ways through a word.  ASCII letters, which are most of most texts, walk
 * the vocabulary's trie straight from the input; when the word ends and the
 * trie ends with it, that is its id.  Everything else goes code point by code
 * point through the normaliser into a buffer, and from there to the trie.
 */
#include "model/tokenizer.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"
#include "model/normalize.h"
#include "model/trie.h"

#include <stdlib.h>
#include <string.h>

/* max_input_chars_per_word of the reference. */
#define WORD_MAX_CHARACTERS 100
#define WORD_MAX_BYTES (4 * WORD_MAX_CHARACTERS)
/* "##" before a piece that continues a word. */
#define PREFIX_LENGTH 2
#define SINK_IDS 512

/* Found in the raw text before anything else is done to it; all begin with '['. */
static const char *const special_words[] = {"[UNK]", "[SEP]", "[CLS]", "[PAD]", "[MASK]"};
#define SPECIALS (sizeof special_words / sizeof *special_words)

struct special {
	const char *text;
	size_t length;
	int32_t id; /* -1: not in the vocabulary, so nothing special */
};

struct tokenizer {
	struct vocab *vocab;
	struct normalizer *normalizer;
	struct trie *trie;
	uint32_t continuation; /* the trie's state after "##", or TRIE_NONE */
	int32_t unknown, begin, end;
	struct special specials[SPECIALS];

	/* ASCII at a glance, by byte. */
	uint8_t letter[256];    /* what a letter turns into; 0 = no letter */
	bool alone[256];        /* punctuation */
	bool boundary[256];     /* ends a word: space or punctuation */
	int32_t alone_id[128];
};

/* Where ids go: a block that is full is given to the sink, or, without one, ends the work. */
struct output {
	int32_t *ids;
	size_t count, max;
	bool full;
	tokenizer_sink *sink;
	void *context;
};

/* A word in its normal form.  Bytes from `barrier` on are marks that may still change places. */
struct word {
	char bytes[WORD_MAX_BYTES];
	size_t length, characters, barrier;
};

struct input {
	const char *at, *end;
};

static void emit(struct output *out, int32_t id)
{
	if (out->count == out->max) {
		if (out->sink == NULL) {
			out->full = true;
			return;
		}
		out->sink(out->context, out->ids, out->count);
		out->count = 0;
	}
	out->ids[out->count++] = id;
}

/* Greedy longest match first; a word with a part that is in no piece is unknown as a whole. */
static void emit_pieces(const struct tokenizer *t, const char *bytes, size_t length, struct output *out)
{
	int32_t ids[WORD_MAX_CHARACTERS];
	size_t count = 0;
	uint32_t start = TRIE_ROOT;
	for (size_t at = 0; at < length; start = t->continuation) {
		size_t matched = at;
		uint32_t state = start;
		for (size_t i = at; i < length && state != TRIE_NONE; i++) {
			state = trie_step(t->trie, state, (uint8_t)bytes[i]);
			if (state != TRIE_NONE && trie_is_end(t->trie, state)) {
				matched = i + 1;
				ids[count] = t->trie->ids[state];
			}
		}
		if (matched == at) {
			emit(out, t->unknown);
			return;
		}
		at = matched;
		count++;
	}
	for (size_t i = 0; i < count; i++)
		emit(out, ids[i]);
}

static void emit_character(const struct tokenizer *t, uint32_t c, struct output *out)
{
	char bytes[4];
	emit_pieces(t, bytes, utf8_encode(c, bytes), out);
}

static void word_push(struct word *word, uint32_t c)
{
	if (word->characters++ < WORD_MAX_CHARACTERS)
		word->length += utf8_encode(c, word->bytes + word->length);
	word->barrier = word->length;
}

/* Canonical order (Unicode Standard, D109): behind the marks whose class is not higher, stable. */
static void word_insert_mark(struct word *word, uint32_t c)
{
	if (word->characters++ >= WORD_MAX_CHARACTERS)
		return;
	size_t place = word->length;
	while (place > word->barrier) {
		size_t before = place - 1;
		while ((word->bytes[before] & 0xC0) == 0x80)
			before--;
		uint32_t previous;
		utf8_decode(word->bytes + before, place - before, &previous);
		if (normalizer_order(previous) <= normalizer_order(c))
			break;
		place = before;
	}
	char bytes[4];
	size_t size = utf8_encode(c, bytes);
	memmove(word->bytes + place + size, word->bytes + place, word->length - place);
	memcpy(word->bytes + place, bytes, size);
	word->length += size;
}

/* A glyph that is part of a word, or nothing. */
static void word_add(const struct tokenizer *t, struct word *word, uint32_t c, glyph g)
{
	uint32_t parts[NORMALIZE_EXPANSION];
	switch (glyph_kind(g)) {
	case GLYPH_LETTER:
		word_push(word, glyph_target(g, c));
		break;
	case GLYPH_BARRIER:
		word->barrier = word->length;
		break;
	case GLYPH_ORDERED:
		word_insert_mark(word, c);
		break;
	case GLYPH_DECOMPOSED:
		for (size_t i = 0, count = normalizer_decompose(c, parts); i < count; i++)
			word_add(t, word, parts[i], normalizer_look_up(t->normalizer, parts[i]));
		break;
	case GLYPH_DROPPED:
	case GLYPH_MARK:
	case GLYPH_SPACE:
	case GLYPH_ALONE:
		break;
	}
}

/* Any word, or a character that stands alone or vanishes; takes at least one.  The first is not ASCII punctuation. */
static void encode_word(const struct tokenizer *t, struct input *in, struct output *out)
{
	struct word word;
	word.length = word.characters = word.barrier = 0;
	while (in->at < in->end && !t->boundary[(uint8_t)*in->at]) {
		uint32_t c;
		size_t used = utf8_decode(in->at, (size_t)(in->end - in->at), &c);
		glyph g = normalizer_look_up(t->normalizer, c);
		bool alone = glyph_kind(g) == GLYPH_ALONE;
		if (alone && word.characters > 0)
			break;
		in->at += used;
		if (alone)
			emit_character(t, glyph_target(g, c), out);
		if (alone || glyph_kind(g) == GLYPH_SPACE)
			break;
		word_add(t, &word, c, g);
	}
	if (word.characters > WORD_MAX_CHARACTERS)
		emit(out, t->unknown);
	else if (word.characters > 0)
		emit_pieces(t, word.bytes, word.length, out);
}

/* Does a word that is ASCII up to here end here? */
static bool ends_word(const struct tokenizer *t, const char *at, const char *end)
{
	if (at == end || t->boundary[(uint8_t)*at])
		return true;
	uint32_t c;
	utf8_decode(at, (size_t)(end - at), &c);
	enum glyph_kind kind = glyph_kind(normalizer_look_up(t->normalizer, c));
	return kind == GLYPH_SPACE || kind == GLYPH_ALONE;
}

/* A word that begins with an ASCII letter. */
static void encode_ascii_word(const struct tokenizer *t, struct input *in, struct output *out)
{
	const char *at = in->at;
	uint32_t state = TRIE_ROOT;
	uint8_t letter;
	while (at < in->end && state != TRIE_NONE && (letter = t->letter[(uint8_t)*at]) != 0) {
		state = trie_step(t->trie, state, letter);
		at++;
	}
	while (at < in->end && t->letter[(uint8_t)*at] != 0)
		at++;
	if (!ends_word(t, at, in->end)) {
		encode_word(t, in, out);
		return;
	}

	size_t length = (size_t)(at - in->at);
	if (length > WORD_MAX_CHARACTERS) {
		emit(out, t->unknown);
	} else if (state != TRIE_NONE && trie_is_end(t->trie, state)) {
		emit(out, t->trie->ids[state]);
	} else {
		char bytes[WORD_MAX_CHARACTERS];
		for (size_t i = 0; i < length; i++)
			bytes[i] = (char)t->letter[(uint8_t)in->at[i]];
		emit_pieces(t, bytes, length, out);
	}
	in->at = at;
}

/* Takes a special word where one stands. */
static bool encode_special(const struct tokenizer *t, struct input *in, struct output *out)
{
	for (size_t i = 0; i < SPECIALS; i++) {
		const struct special *special = &t->specials[i];
		if (special->id >= 0 && (size_t)(in->end - in->at) >= special->length &&
		    memcmp(in->at, special->text, special->length) == 0) {
			emit(out, special->id);
			in->at += special->length;
			return true;
		}
	}
	return false;
}

static void encode_text(const struct tokenizer *t, struct input in, struct output *out)
{
	while (in.at < in.end && !out->full) {
		uint8_t byte = (uint8_t)*in.at;
		if (t->letter[byte] != 0) {
			encode_ascii_word(t, &in, out);
		} else if (byte >= 0x80) {
			encode_word(t, &in, out);
		} else if (t->alone[byte]) {
			if (byte == '[' && encode_special(t, &in, out))
				continue;
			emit(out, t->alone_id[byte]);
			in.at++;
		} else {
			in.at++;
		}
	}
}

size_t tokenizer_encode(const struct tokenizer *t, const char *text, size_t length, int32_t *ids, size_t max)
{
	CHECK(max >= 2);
	struct output out = {.ids = ids, .max = max - 1};
	emit(&out, t->begin);
	encode_text(t, (struct input){text, text + length}, &out);
	ids[out.count++] = t->end;
	return out.count;
}

void tokenizer_encode_all(const struct tokenizer *t, const char *text, size_t length, tokenizer_sink *sink, void *context)
{
	int32_t ids[SINK_IDS];
	struct output out = {.ids = ids, .max = SINK_IDS, .sink = sink, .context = context};
	emit(&out, t->begin);
	encode_text(t, (struct input){text, text + length}, &out);
	emit(&out, t->end);
	sink(context, ids, out.count);
}

static int32_t find(const struct tokenizer *t, const char *word)
{
	return vocab_find(t->vocab, word, strlen(word));
}

static void prepare_ascii(struct tokenizer *t)
{
	for (uint32_t c = 0; c < 128; c++) {
		glyph g = normalizer_look_up(t->normalizer, c);
		enum glyph_kind kind = glyph_kind(g);
		if (kind == GLYPH_LETTER)
			t->letter[c] = (uint8_t)glyph_target(g, c);
		t->alone[c] = kind == GLYPH_ALONE;
		t->boundary[c] = kind == GLYPH_ALONE || kind == GLYPH_SPACE;
		char byte = (char)c;
		int32_t id = vocab_find(t->vocab, &byte, 1);
		t->alone_id[c] = id >= 0 ? id : t->unknown;
	}
}

static int prepare_specials(struct tokenizer *t, const char *path, struct err *e)
{
	for (size_t i = 0; i < SPECIALS; i++) {
		const char *text = special_words[i];
		t->specials[i] = (struct special){text, strlen(text), find(t, text)};
	}
	t->unknown = find(t, "[UNK]");
	t->begin = find(t, "[CLS]");
	t->end = find(t, "[SEP]");
	if (t->unknown < 0 || t->begin < 0 || t->end < 0)
		return err_set(e, "%s: no %s; expected a BERT vocabulary", path,
			       t->unknown < 0 ? "[UNK]" : t->begin < 0 ? "[CLS]" : "[SEP]");
	return 0;
}

struct tokenizer *tokenizer_open(const char *vocab_path, bool lower_case, struct err *e)
{
	struct tokenizer *t = xcalloc(1, sizeof *t);
	t->vocab = vocab_open(vocab_path, e);
	if (t->vocab == NULL || prepare_specials(t, vocab_path, e) != 0)
		goto fail;
	t->normalizer = normalizer_create(lower_case);
	t->trie = trie_create(t->vocab, WORD_MAX_BYTES + PREFIX_LENGTH);
	t->continuation = trie_step(t->trie, TRIE_ROOT, '#');
	if (t->continuation != TRIE_NONE)
		t->continuation = trie_step(t->trie, t->continuation, '#');
	prepare_ascii(t);
	return t;
fail:
	tokenizer_free(t);
	return NULL;
}

void tokenizer_free(struct tokenizer *t)
{
	if (t == NULL)
		return;
	trie_free(t->trie);
	normalizer_free(t->normalizer);
	vocab_free(t->vocab);
	free(t);
}

const struct vocab *tokenizer_vocab(const struct tokenizer *t)
{
	return t->vocab;
}

const struct normalizer *tokenizer_normalizer(const struct tokenizer *t)
{
	return t->normalizer;
}

size_t tokenizer_vocab_size(const struct tokenizer *t)
{
	return vocab_size(t->vocab);
}
