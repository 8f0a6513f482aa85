/*
 * ASCII goes eight bytes at a time.  Everything else goes through utf8proc's
 * tables one cluster at a time: a character that cannot combine with what
 * stands before it, and all that follows it and may combine with it.  Whole
 * clusters, not whole texts, because utf8proc sorts combining marks in
 * quadratic time and allocates per call; a cluster is bounded, so the work is
 * linear whatever comes in.
 *
 * An ASCII letter may be the first of a cluster ("e" + U+0301), so the one
 * before a run of other characters is taken back from the output.  No ASCII
 * character combines with one before it, so a run ends there.
 */
#include "alerts/fold.h"

#include "daemon/base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#define CLUSTER_MARKS 32
#define DECOMPOSED_MAX 18 /* U+FDFA, the longest decomposition of one character */

/* The iota subscript: a mark that folds to a letter, so it may only be folded after the marks are in order. */
#define IOTA_BELOW 0x345
#define IOTA 0x3b9

struct folder {
	enum fold_form form;
	utf8proc_option_t options;
	char *out;
	size_t size, length; /* length may pass size: then only counting goes on */
	bool cut;            /* something did not fit: nothing is written any more */
	utf8proc_int32_t cluster[CLUSTER_MARKS + DECOMPOSED_MAX];
	int count;
};

static void put(struct folder *f, const void *bytes, size_t count)
{
	if (f->length + count >= f->size)
		f->cut = true;
	if (!f->cut)
		memcpy(f->out + f->length, bytes, count);
	f->length += count;
}

/* Han, Kana and Hangul syllables that fold to themselves: the bulk of East Asian text. */
static bool folds_to_itself(utf8proc_int32_t c)
{
	return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x3041 && c <= 0x3096) ||
	       (c >= 0x30a1 && c <= 0x30fe);
}

/* May `c` combine with a character before it?  Marks, and the Hangul vowels and finals (whose class is 0). */
static bool combines_backward(utf8proc_int32_t c)
{
	if (c < 0x300 || folds_to_itself(c))
		return false;
	if (c >= 0x1160 && c <= 0x11ff)
		return true;
	const utf8proc_property_t *p = utf8proc_get_property(c);
	return p->combining_class != 0 || (p->category >= UTF8PROC_CATEGORY_MN && p->category <= UTF8PROC_CATEGORY_ME);
}

/* What typesetting does to plain text is undone. */
static utf8proc_int32_t plain(utf8proc_int32_t c)
{
	if (c < 0x85)
		return c;
	switch (c) {
	case 0x85: case 0xa0: case 0x1680: case 0x2028: case 0x2029: case 0x200b: case 0x202f: case 0x205f: case 0x3000:
		return ' ';
	case 0x2bc: case 0x2018: case 0x2019: case 0x201b:
		return '\'';
	case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2212:
		return '-';
	default:
		return c >= 0x2000 && c <= 0x200a ? ' ' : c;
	}
}

/* Canonical order: marks sorted by class, stably, never across a character of class 0. */
static void reorder(utf8proc_int32_t *c, int count)
{
	for (int i = 1; i < count; i++) {
		utf8proc_int32_t moving = c[i];
		utf8proc_propval_t class = utf8proc_get_property(moving)->combining_class;
		int at = i;
		while (class != 0 && at > 0 && utf8proc_get_property(c[at - 1])->combining_class > class) {
			c[at] = c[at - 1];
			at--;
		}
		c[at] = moving;
	}
}

static void flush(struct folder *f)
{
	int count = f->count;
	f->count = 0;
	reorder(f->cluster, count);
	for (int i = 0; i < count && f->form == FOLD_FULL; i++) {
		if (f->cluster[i] == IOTA_BELOW)
			f->cluster[i] = IOTA;
	}
	if (count > 1) {
		if (f->form == FOLD_FULL && f->cluster[0] == 'i' && f->cluster[1] == 0x307) {
			count--;
			memmove(f->cluster + 1, f->cluster + 2, (size_t)(count - 1) * sizeof f->cluster[0]);
		}
		count = (int)utf8proc_normalize_utf32(f->cluster, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
		CHECK(count > 0);
	}
	for (int i = 0; i < count; i++) {
		utf8proc_uint8_t bytes[4];
		utf8proc_ssize_t n = utf8proc_encode_char(plain(f->cluster[i]), bytes);
		put(f, bytes, (size_t)n);
	}
}

/* Decomposes a character and folds its parts.  Returns how many there are. */
static utf8proc_ssize_t decompose(const struct folder *f, utf8proc_int32_t c, utf8proc_int32_t *parts)
{
	int options = f->options;
	parts[0] = c;
	if (c == IOTA_BELOW || c == 0x2120 || c == 0x2122) /* the last two: SM and TM signs */
		return 1;
	if (c >= 0x1f80 && c <= 0x1fff) /* Greek letters with an iota below: it is folded in flush */
		options &= ~UTF8PROC_CASEFOLD;
	utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, DECOMPOSED_MAX, (utf8proc_option_t)options, NULL);
	CHECK(n >= 0 && n <= DECOMPOSED_MAX);
	if (options != (int)f->options && f->form == FOLD_FULL) {
		for (utf8proc_ssize_t i = 0; i < n; i++) {
			if (parts[i] != IOTA_BELOW) /* a letter or a mark, which folds to one */
				utf8proc_decompose_char(parts[i], parts + i, 1, f->options, NULL);
		}
	}
	return n;
}

static void push(struct folder *f, utf8proc_int32_t c)
{
	if (folds_to_itself(c)) {
		flush(f);
		f->cluster[f->count++] = c;
		return;
	}
	utf8proc_int32_t parts[DECOMPOSED_MAX];
	utf8proc_ssize_t n = decompose(f, plain(c), parts); /* plain first: it keeps U+200B as a space */
	for (utf8proc_ssize_t i = 0; i < n; i++) {
		if (f->count >= CLUSTER_MARKS || !combines_backward(parts[i]))
			flush(f);
		f->cluster[f->count++] = parts[i];
	}
}

/* From a byte that is not ASCII to the next one that is.  Returns the bytes taken. */
static size_t fold_run(struct folder *f, const unsigned char *in, size_t length)
{
	size_t at = 0;
	while (at < length && in[at] >= 0x80) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate(in + at, (utf8proc_ssize_t)(length - at), &c);
		if (n <= 0) {
			c = 0xfffd;
			n = 1;
		}
		push(f, c);
		at += (size_t)n;
	}
	flush(f);
	return at;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight ASCII bytes in lower case.  All are below 0x80, so no sum carries into the next byte. */
static uint64_t lower_eight(uint64_t word)
{
	uint64_t upper = (word + EACH(0x80 - 'A')) ^ (word + EACH(0x80 - 'Z' - 1));
	return word | (upper & EACH(0x80)) >> 2;
}

static char lower_one(unsigned char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Copies ASCII up to the first byte that is not.  Returns the bytes taken. */
static size_t fold_ascii(struct folder *f, const unsigned char *in, size_t length)
{
	bool lower = f->form == FOLD_FULL;
	size_t at = 0;
	while (length - at >= 8 && !f->cut && f->size - f->length > 8) {
		uint64_t word;
		memcpy(&word, in + at, 8);
		if (word & EACH(0x80))
			break;
		if (lower)
			word = lower_eight(word);
		memcpy(f->out + f->length, &word, 8);
		f->length += 8;
		at += 8;
	}
	for (; at < length && in[at] < 0x80; at++) {
		char c = lower ? lower_one(in[at]) : (char)in[at];
		put(f, &c, 1);
	}
	return at;
}

static utf8proc_option_t form_options(enum fold_form form)
{
	int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_IGNORE;
	if (form != FOLD_PATTERN)
		options |= UTF8PROC_COMPAT;
	if (form == FOLD_FULL)
		options |= UTF8PROC_CASEFOLD;
	return (utf8proc_option_t)options;
}

size_t fold_as(enum fold_form form, const char *text, size_t length, char *out, size_t size)
{
	struct folder f = {.form = form, .options = form_options(form), .out = out, .size = size, .cut = size == 0};
	const unsigned char *in = (const unsigned char *)text;
	size_t at = 0;
	while (at < length) {
		at += fold_ascii(&f, in + at, length - at);
		if (at == length)
			break;
		if (at > 0) {
			f.length--;
			f.cluster[f.count++] = form == FOLD_FULL ? lower_one(in[at - 1]) : in[at - 1];
		}
		at += fold_run(&f, in + at, length - at);
	}
	if (size > 0)
		out[f.cut ? 0 : f.length] = '\0';
	return f.length;
}

size_t fold_text(const char *text, size_t length, char *out, size_t size)
{
	return fold_as(FOLD_FULL, text, length, out, size);
}
