/*
 * A tag stripper, not a parser: feeds hold snippets, cut anywhere, and only
 * their words matter.  One pass writes the output behind its own read
 * position.  Everything that looks ahead either consumes what it looked at or
 * remembers that there is nothing to find, so hostile text cannot make it
 * quadratic.
 *
 * The hard case is text of unknown type (RSS says nothing): there a "<" is
 * markup only where it opens a tag that HTML knows, so that "Boeing <BA.N>
 * falls" and "1 < 2" survive.
 */
#include "ingest/html_text.h"

#include "daemon/base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum tag_flags {
	TAG_KNOWN = 1 << 0,
	TAG_INLINE = 1 << 1,  /* joins the words beside it */
	TAG_RAW = 1 << 2,     /* its content is no text: dropped up to its end tag */
	TAG_FOREIGN = 1 << 3, /* every tag inside is markup, known or not */
};

struct scan {
	const char *in;
	size_t length, at;
	char *out;
	size_t used;
	enum html_kind kind;
	bool blank;      /* white space is due before the next character */
	bool no_quotes;  /* quotes in tags do not pair up: look for ">" alone */
	bool no_end;     /* no ">" follows: no more tags */
	size_t plain_end; /* up to here: what was no tag, the ">" at its end included, and no "=" in it */
	bool in_cdata;   /* a "<![CDATA[" was skipped, so is its end */
	bool in_foreign; /* inside <svg> or <math> */
};

struct tag {
	const char *name;
	size_t name_length;
	size_t end; /* of the whole tag, after ">" */
	unsigned flags;
	bool closing;
};

struct known_tag {
	const char *name;
	unsigned flags;
};

/* Sorted.  HTML 5 and what older feeds still hold. */
#define I TAG_INLINE
static const struct known_tag known_tags[] = {
	{"a", I}, {"abbr", I}, {"acronym", I}, {"address", 0}, {"applet", I}, {"area", 0}, {"article", 0}, {"aside", 0},
	{"audio", 0}, {"b", I}, {"base", I}, {"basefont", I}, {"bdi", I}, {"bdo", I}, {"big", I}, {"blink", I},
	{"blockquote", 0}, {"body", 0}, {"br", 0}, {"button", 0}, {"canvas", 0}, {"caption", 0}, {"center", 0},
	{"cite", I}, {"code", I}, {"col", 0}, {"colgroup", 0}, {"data", I}, {"datalist", 0}, {"dd", 0}, {"del", I},
	{"details", 0}, {"dfn", I}, {"dialog", 0}, {"dir", 0}, {"div", 0}, {"dl", 0}, {"dt", 0}, {"em", I},
	{"embed", I}, {"fieldset", 0}, {"figcaption", 0}, {"figure", 0}, {"font", I}, {"footer", 0}, {"form", 0},
	{"frame", 0}, {"frameset", 0}, {"h1", 0}, {"h2", 0}, {"h3", 0}, {"h4", 0}, {"h5", 0}, {"h6", 0}, {"head", 0},
	{"header", 0}, {"hr", 0}, {"html", 0}, {"i", I}, {"iframe", 0}, {"img", 0}, {"input", 0}, {"ins", I}, {"kbd", I},
	{"label", I}, {"legend", 0}, {"li", 0}, {"link", I}, {"main", 0}, {"map", 0}, {"mark", I}, {"marquee", 0},
	{"math", TAG_FOREIGN}, {"menu", 0}, {"meta", I}, {"meter", 0}, {"nav", 0}, {"nobr", I}, {"noscript", 0},
	{"object", I}, {"ol", 0}, {"optgroup", 0}, {"option", 0}, {"output", 0}, {"p", 0}, {"param", I}, {"picture", 0},
	{"pre", 0}, {"progress", 0}, {"q", I}, {"rp", I}, {"rt", I}, {"ruby", I}, {"s", I}, {"samp", I},
	{"script", I | TAG_RAW}, {"section", 0}, {"select", 0}, {"small", I}, {"source", 0}, {"span", I}, {"strike", I},
	{"strong", I}, {"style", I | TAG_RAW}, {"sub", I}, {"summary", 0}, {"sup", I}, {"svg", TAG_FOREIGN},
	{"table", 0}, {"tbody", 0}, {"td", 0}, {"template", 0}, {"textarea", 0}, {"tfoot", 0}, {"th", 0}, {"thead", 0},
	{"time", I}, {"title", 0}, {"tr", 0}, {"track", 0}, {"tt", I}, {"u", I}, {"ul", 0}, {"var", I}, {"video", 0},
	{"wbr", I},
};
#undef I

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == ':' || c == '-' || c == '_' || c == '.';
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int compare_tag(const void *key, const void *element)
{
	return strcmp(key, ((const struct known_tag *)element)->name);
}

static unsigned tag_flags(const char *name, size_t length)
{
	char lower[16];

	if (length >= sizeof lower)
		return 0;
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)(is_letter(name[i]) ? name[i] | 0x20 : name[i]);
	lower[length] = '\0';
	const struct known_tag *tag = bsearch(lower, known_tags, sizeof known_tags / sizeof *known_tags,
					      sizeof *known_tags, compare_tag);
	return tag != NULL ? tag->flags | TAG_KNOWN : 0;
}

static bool is_space_point(uint32_t c)
{
	return c == 0x20 || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* Joiners (U+200C, U+200D) stay: Persian words and emoji need them. */
static bool is_dropped_point(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F ||
	       (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2064) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0xFEFF || c == 0xFFFE || c == 0xFFFF;
}

static void put_point(struct scan *s, uint32_t c)
{
	if (c >= 0x80 && c < 0xA0 && c != 0x85)
		c = html_code_point(c);
	if (is_space_point(c)) {
		s->blank = true;
		return;
	}
	if (is_dropped_point(c))
		return;
	if (s->blank && s->used > 0)
		s->out[s->used++] = ' ';
	s->blank = false;
	s->used += utf8_encode(c, s->out + s->used);
}

/* One character of the input.  A byte that is no UTF-8 is left out: U+FFFD would be longer than it. */
static void put_next(struct scan *s)
{
	uint32_t c = (unsigned char)s->in[s->at];
	size_t used = 1;

	if (c >= 0x80) {
		used = utf8_decode(s->in + s->at, s->length - s->at, &c);
		if (c == UTF8_REPLACEMENT && used < 3)
			c = 0;
	}
	s->at += used;
	/* A windows-1252 control came as two bytes and may leave as three. */
	if (c >= 0x80 && c < 0xA0 && s->used + s->blank + 3 > s->at)
		c = 0;
	put_point(s, c);
}

static void put_reference(struct scan *s, size_t used, const char *text, size_t written)
{
	s->at += used;
	for (size_t i = 0; i < written;) {
		uint32_t c;
		i += utf8_decode(text + i, written - i, &c);
		put_point(s, c);
	}
}

/* Offset after the ">" that ends the tag whose name ends at `at`; 0 where none does. */
static size_t find_tag_end(struct scan *s, size_t at)
{
	char before = '\0';

	if (s->no_end)
		return 0;
	if (at < s->plain_end)
		return s->plain_end;
	if (!s->no_quotes) {
		for (size_t i = at; i < s->length; i++) {
			char c = s->in[i];
			if (c == '>')
				return i + 1;
			if ((c == '"' || c == '\'') && before == '=') {
				const char *quote = memchr(s->in + i + 1, c, s->length - i - 1);
				if (quote == NULL)
					break;
				i = (size_t)(quote - s->in);
			}
			if (!is_blank(c))
				before = c;
		}
		s->no_quotes = true;
	}
	const char *end = at < s->length ? memchr(s->in + at, '>', s->length - at) : NULL;
	if (end == NULL) {
		s->no_end = true;
		return 0;
	}
	return (size_t)(end - s->in) + 1;
}

static bool looks_like_markup(const struct scan *s, const struct tag *tag, size_t name_end)
{
	const char *rest = s->in + name_end;
	size_t length = tag->end - 1 - name_end;
	bool attributes = tag->end > s->plain_end && memchr(rest, '=', length) != NULL;

	if (tag->flags & TAG_KNOWN) {
		/* "if a <b and c> d" */
		while (length > 0 && (is_blank(*rest) || *rest == '/'))
			rest++, length--;
		return length == 0 || attributes || !(tag->flags & TAG_INLINE);
	}
	return s->in_foreign || attributes || memchr(tag->name, ':', tag->name_length) != NULL ||
	       (length > 0 && rest[length - 1] == '/');
}

/* The tag at s->at ('<').  False where the "<" is only a character. */
static bool read_tag(struct scan *s, struct tag *tag)
{
	size_t at = s->at + 1;

	tag->closing = at < s->length && s->in[at] == '/';
	at += tag->closing;
	if (at >= s->length || !is_letter(s->in[at]))
		return false;
	tag->name = s->in + at;
	while (at < s->length && is_name_char(s->in[at]))
		at++;
	tag->name_length = (size_t)(s->in + at - tag->name);
	tag->flags = tag_flags(tag->name, tag->name_length);
	tag->end = find_tag_end(s, at);
	if (tag->end == 0)
		return false;
	if (s->kind == HTML_DECLARED || looks_like_markup(s, tag, at))
		return true;
	s->plain_end = tag->end;
	return false;
}

/* Skip the content of a script or style: up to its end tag, or all that is left. */
static void skip_raw(struct scan *s, const struct tag *tag)
{
	for (;;) {
		const char *next = memchr(s->in + s->at, '<', s->length - s->at);
		if (next == NULL) {
			s->at = s->length;
			return;
		}
		s->at = (size_t)(next - s->in) + 1;
		size_t left = s->length - s->at;
		if (left > tag->name_length && next[1] == '/' &&
		    strncasecmp(next + 2, tag->name, tag->name_length) == 0) {
			size_t end = find_tag_end(s, s->at + 1 + tag->name_length);
			s->at = end != 0 ? end : s->length;
			return;
		}
	}
}

static bool starts_with(const struct scan *s, const char *prefix)
{
	size_t length = strlen(prefix);
	return s->length - s->at >= length && strncasecmp(s->in + s->at, prefix, length) == 0;
}

/* "<!-- -->", "<![CDATA[", "<!DOCTYPE >", "<?php ?>" at s->at.  False where it is only text. */
static bool skip_declaration(struct scan *s)
{
	if (starts_with(s, "<!--")) {
		const char *end = memmem(s->in + s->at + 2, s->length - s->at - 2, "-->", 3);
		s->at = end != NULL ? (size_t)(end - s->in) + 3 : s->length;
		return true;
	}
	if (starts_with(s, "<![CDATA[")) {
		s->at += 9;
		s->in_cdata = true;
		return true;
	}
	bool known = starts_with(s, "<!doctype ") || starts_with(s, "<?xml") || starts_with(s, "<?php");
	if (!known && s->kind == HTML_GUESSED)
		return false;
	size_t end = find_tag_end(s, s->at + 1);
	if (end == 0)
		return false;
	s->at = end;
	return true;
}

/* What starts with "<": skip the markup, or copy the character. */
static void read_markup(struct scan *s)
{
	struct tag tag;

	if (s->at + 1 < s->length && (s->in[s->at + 1] == '!' || s->in[s->at + 1] == '?')) {
		if (!skip_declaration(s))
			put_next(s);
		return;
	}
	if (!read_tag(s, &tag)) {
		put_next(s);
		return;
	}
	s->at = tag.end;
	if (!(tag.flags & TAG_INLINE))
		s->blank = true;
	if (tag.flags & TAG_FOREIGN)
		s->in_foreign = !tag.closing;
	bool empty = tag.end >= 2 && s->in[tag.end - 2] == '/';
	if ((tag.flags & TAG_RAW) && !tag.closing && !(empty && s->kind == HTML_DECLARED))
		skip_raw(s, &tag);
}

size_t html_text(char *out, const char *source, size_t length, enum html_kind kind)
{
	struct scan s = {.in = source, .length = length, .out = out, .kind = kind};

	while (s.at < s.length) {
		char c = s.in[s.at];
		if (kind != HTML_PLAIN && c == '<') {
			read_markup(&s);
		} else if (kind != HTML_PLAIN && c == '&') {
			char text[8];
			size_t written;
			size_t used = html_reference(s.in + s.at, s.length - s.at, false, text, &written);
			if (used != 0)
				put_reference(&s, used, text, written);
			else
				put_next(&s);
		} else if (s.in_cdata && c == ']' && starts_with(&s, "]]>")) {
			s.at += 3;
			s.in_cdata = false;
		} else {
			put_next(&s);
		}
	}
	out[s.used] = '\0';
	return s.used;
}

/* Whether the first known tag of the text is also closed: "<b>Up</b>", not "the <b> tag". */
static bool has_tag_pair(const char *text, size_t length)
{
	struct scan s = {.in = text, .length = length, .kind = HTML_GUESSED};
	const char *next;

	while (s.at < length && (next = memchr(text + s.at, '<', length - s.at)) != NULL) {
		struct tag tag;
		s.at = (size_t)(next - text);
		if (!read_tag(&s, &tag)) {
			s.at++;
			continue;
		}
		if ((tag.flags & TAG_KNOWN) && !tag.closing) {
			for (const char *p = next + 1; (p = memchr(p, '<', (size_t)(text + length - p))) != NULL; p++)
				if ((size_t)(text + length - p) > tag.name_length + 2 && p[1] == '/' &&
				    strncasecmp(p + 2, tag.name, tag.name_length) == 0 && p[2 + tag.name_length] == '>')
					return true;
			return false;
		}
		s.at = tag.end;
	}
	return false;
}

size_t html_unescape_twice(char *out, const char *text, size_t length)
{
	bool brackets = memchr(text, '<', length) != NULL || memchr(text, '>', length) != NULL;

	if (brackets)
		return html_text(out, text, length, has_tag_pair(text, length) ? HTML_GUESSED : HTML_PLAIN);

	struct scan s = {.in = text, .length = length, .out = out};
	while (s.at < s.length) {
		char reference[8];
		size_t written = 0, used = 0;
		if (s.in[s.at] == '&')
			used = html_reference(s.in + s.at, s.length - s.at, true, reference, &written);
		if (used != 0 && reference[0] != '<' && reference[0] != '>')
			put_reference(&s, used, reference, written);
		else
			put_next(&s);
	}
	out[s.used] = '\0';
	return s.used;
}
