/*
 * jansson reads a whole document into a tree or nothing at all; a feed that
 * breaks off in its hundredth item, or one of a million brackets, calls for a
 * reader of its own.
 */
#include "ingest/feed/json_reader.h"

#include "daemon/base/utf8.h"

#include <stdint.h>
#include <string.h>

static bool read_hex4(const struct json_reader *r, size_t at, uint32_t *out)
{
	uint32_t value = 0;

	if (r->length - at < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		char c = r->in[at + i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*out = value;
	return true;
}

/* "\u1234", a pair of surrogates counting as one; r->at is after the "u". */
static void read_unicode(struct json_reader *r)
{
	uint32_t c, low;
	char out[4];

	if (!read_hex4(r, r->at, &c))
		return;
	r->at += 4;
	if (c >= 0xD800 && c < 0xDC00) {
		bool pair = r->length - r->at >= 6 && r->in[r->at] == '\\' && r->in[r->at + 1] == 'u' &&
			    read_hex4(r, r->at + 2, &low) && low >= 0xDC00 && low < 0xE000;
		c = pair ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : UTF8_REPLACEMENT;
		r->at += pair ? 6 : 0;
	} else if (c >= 0xDC00 && c < 0xE000) {
		c = UTF8_REPLACEMENT;
	}
	/* A NUL would end the string for everyone after us. */
	if (c != 0)
		text_add(&r->value, out, utf8_encode(c, out));
}

static void read_escape(struct json_reader *r)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	char c = r->in[r->at++];

	if (c == 'u') {
		read_unicode(r);
		return;
	}
	const char *found = c != '\0' ? strchr(from, c) : NULL;
	text_add(&r->value, found != NULL ? &to[found - from] : &c, 1);
}

/* After the opening quote. */
static bool read_string(struct json_reader *r)
{
	text_clear(&r->value);
	while (r->at < r->length) {
		size_t start = r->at;
		while (r->at < r->length && r->in[r->at] != '"' && r->in[r->at] != '\\' && r->in[r->at] != '\0')
			r->at++;
		text_add(&r->value, r->in + start, r->at - start);
		if (r->at == r->length)
			return false;
		char c = r->in[r->at++];
		if (c == '"')
			return true;
		if (c == '\\' && r->at < r->length)
			read_escape(r);
	}
	return false;
}

static enum json_event read_word(struct json_reader *r)
{
	size_t start = r->at;

	while (r->at < r->length && r->in[r->at] != '\0' && strchr(",:]}[{\" \t\r\n", r->in[r->at]) == NULL)
		r->at++;
	if (r->at == start)
		return JSON_BROKEN;
	text_set(&r->value, r->in + start, r->at - start);
	return strchr("-0123456789", r->in[start]) != NULL ? JSON_NUMBER : JSON_LITERAL;
}

static enum json_event open_level(struct json_reader *r, bool object)
{
	if (r->depth == JSON_MAX_DEPTH)
		return JSON_BROKEN;
	r->in_object[r->depth++] = object;
	r->after_key = false;
	return object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_event close_level(struct json_reader *r, bool object)
{
	if (r->depth == 0 || r->in_object[r->depth - 1] != object)
		return JSON_BROKEN;
	r->depth--;
	r->after_key = false;
	return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_event read_next(struct json_reader *r)
{
	while (r->at < r->length && strchr(" \t\r\n,:", r->in[r->at]) != NULL && r->in[r->at] != '\0')
		r->at++;
	if (r->at == r->length)
		return r->depth == 0 ? JSON_DONE : JSON_BROKEN;

	char c = r->in[r->at];
	if (strchr("{[}]\"", c) == NULL || c == '\0') {
		r->after_key = false;
		return read_word(r);
	}
	r->at++;
	switch (c) {
	case '{':
	case '[':
		return open_level(r, c == '{');
	case '}':
	case ']':
		return close_level(r, c == '}');
	default:
		if (!read_string(r))
			return JSON_BROKEN;
		bool key = r->depth > 0 && r->in_object[r->depth - 1] && !r->after_key;
		r->after_key = key;
		return key ? JSON_KEY : JSON_STRING;
	}
}

enum json_event json_next(struct json_reader *r)
{
	enum json_event event = read_next(r);

	/* Nothing comes after what could not be read. */
	if (event == JSON_BROKEN)
		r->at = r->length;
	return event;
}

enum json_event json_skip(struct json_reader *r, enum json_event first)
{
	enum json_event event = first;

	if (first != JSON_OBJECT && first != JSON_ARRAY)
		return first;
	size_t outside = r->depth - 1;
	while (r->depth > outside && event != JSON_BROKEN && event != JSON_DONE)
		event = json_next(r);
	return event;
}
