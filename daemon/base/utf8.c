#include "daemon/base/utf8.h"

#include <string.h>

/*
 * The well-formed byte sequences: Unicode Standard, table 3-7.  The second byte
 * has a range of its own after E0, ED, F0 and F4 (overlong forms, surrogates,
 * beyond U+10FFFF).
 */
struct lead {
	unsigned length;
	unsigned char second_min, second_max;
	uint32_t bits;
};

static struct lead classify(unsigned char byte)
{
	if (byte >= 0xC2 && byte <= 0xDF)
		return (struct lead){2, 0x80, 0xBF, byte & 0x1Fu};
	if (byte >= 0xE0 && byte <= 0xEF)
		return (struct lead){3, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF, byte & 0x0Fu};
	if (byte >= 0xF0 && byte <= 0xF4)
		return (struct lead){4, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF, byte & 0x07u};
	return (struct lead){0, 0, 0, 0};
}

size_t utf8_decode(const char *text, size_t length, uint32_t *code_point)
{
	const unsigned char *bytes = (const unsigned char *)text;
	if (bytes[0] < 0x80) {
		*code_point = bytes[0];
		return 1;
	}
	struct lead lead = classify(bytes[0]);
	*code_point = UTF8_REPLACEMENT;
	if (lead.length == 0 || length < 2 || bytes[1] < lead.second_min || bytes[1] > lead.second_max)
		return 1;
	uint32_t value = lead.bits << 6 | (bytes[1] & 0x3Fu);
	for (size_t i = 2; i < lead.length; i++) {
		if (i >= length || (bytes[i] & 0xC0) != 0x80)
			return i;
		value = value << 6 | (bytes[i] & 0x3Fu);
	}
	*code_point = value;
	return lead.length;
}

size_t utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3F));
		out[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3F));
	out[2] = (char)(0x80 | (c >> 6 & 0x3F));
	out[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

/* How many bytes from `at` on are ASCII: eight at a time. */
static size_t ascii_run(const char *text, size_t at, size_t length)
{
	size_t start = at;
	for (uint64_t word; at + sizeof word <= length; at += sizeof word) {
		memcpy(&word, text + at, sizeof word);
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	while (at < length && (unsigned char)text[at] < 0x80)
		at++;
	return at - start;
}

bool utf8_is_valid(const char *text, size_t length)
{
	for (size_t at = ascii_run(text, 0, length); at < length; at += ascii_run(text, at, length)) {
		uint32_t c;
		size_t used = utf8_decode(text + at, length - at, &c);
		/* A genuine U+FFFD is EF BF BD: the only well-formed way to three bytes behind EF. */
		if (c == UTF8_REPLACEMENT && !(used == 3 && (unsigned char)text[at] == 0xEF))
			return false;
		at += used;
	}
	return true;
}

size_t utf8_clean(const char *text, size_t length, char *out)
{
	size_t written = 0;
	for (size_t at = 0; at < length;) {
		size_t run = ascii_run(text, at, length);
		if (out != NULL)
			memcpy(out + written, text + at, run);
		at += run;
		written += run;
		if (at == length)
			break;
		uint32_t c;
		char encoded[4];
		at += utf8_decode(text + at, length - at, &c);
		size_t size = utf8_encode(c, encoded);
		if (out != NULL)
			memcpy(out + written, encoded, size);
		written += size;
	}
	return written;
}

size_t utf8_cut(const char *text, size_t length, size_t most)
{
	if (length <= most)
		return length;
	while (most > 0 && ((unsigned char)text[most] & 0xC0) == 0x80)
		most--;
	return most;
}

void utf8_print(FILE *out, const char *text, size_t length, char instead)
{
	for (size_t at = 0; at < length;) {
		uint32_t point;
		char bytes[4];
		at += utf8_decode(text + at, length - at, &point);
		if (point < 0x20 || (point >= 0x7F && point < 0xA0))
			point = (unsigned char)instead;
		fwrite(bytes, 1, utf8_encode(point, bytes), out);
	}
}
