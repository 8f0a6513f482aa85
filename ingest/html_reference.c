/*
 * Character references.  The table of names is data (html_entities.inc);
 * what is code here is the tolerance: references without a semicolon are read
 * where browsers read them and where the next character cannot belong to the
 * name, so that "a=1&copy=2" and "Q&A" stay what they are.
 */
#include "ingest/html_text.h"

#include "daemon/base/utf8.h"

#include <string.h>

struct entity {
	const char *name;
	uint32_t first, second;
	bool bare; /* browsers take it without the semicolon */
};

#define E(name, code) {#name, 0x##code, 0, false},
#define L(name, code) {#name, 0x##code, 0, true},
#define P(name, one, two) {#name, 0x##one, 0x##two, false},
static const struct entity entities[] = {
#include "ingest/html_entities.inc"
};
#undef E
#undef L
#undef P

enum { NAME_MAX_LENGTH = 32 };

/* What bytes 0x80 to 0x9f mean in windows-1252; 0 = nothing. */
static const uint16_t windows_1252[32] = {
	0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

uint32_t html_code_point(uint32_t number)
{
	if (number >= 0x80 && number < 0xA0 && windows_1252[number - 0x80] != 0)
		return windows_1252[number - 0x80];
	if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number < 0xE000))
		return UTF8_REPLACEMENT;
	return number;
}

static const struct entity *find_entity(const char *name, size_t length)
{
	size_t low = 0, high = sizeof entities / sizeof *entities;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strncmp(entities[middle].name, name, length);
		if (order == 0 && entities[middle].name[length] != '\0')
			order = 1;
		if (order == 0)
			return &entities[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int digit_value(char c, unsigned base)
{
	int value = c >= '0' && c <= '9'   ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10
					   : 16;
	return value < (int)base ? value : -1;
}

/* "&#8217;", "&#x2019;".  In lax mode the semicolon may be missing. */
static size_t read_numeric(const char *text, size_t length, bool strict, char out[8], size_t *written)
{
	unsigned base = length > 2 && (text[2] == 'x' || text[2] == 'X') ? 16 : 10;
	size_t start = base == 16 ? 3 : 2;
	size_t at = start;
	uint32_t number = 0;

	for (; at < length; at++) {
		int digit = digit_value(text[at], base);
		if (digit < 0)
			break;
		/* Saturates above the last code point; leading zeros may be many. */
		if (number <= 0x10FFFF)
			number = number * base + (uint32_t)digit;
	}
	if (at == start)
		return 0;
	bool closed = at < length && text[at] == ';';
	if (!closed && strict)
		return 0;
	*written = utf8_encode(html_code_point(number), out);
	size_t used = at + closed;
	/* "&#1" cannot hold the three bytes of its U+FFFD or so: leave what would grow. */
	return *written <= used ? used : 0;
}

size_t html_reference(const char *text, size_t length, bool strict, char out[8], size_t *written)
{
	if (length < 3)
		return 0;
	if (text[1] == '#')
		return read_numeric(text, length, strict, out, written);

	size_t end = 1;
	while (end < length && end <= NAME_MAX_LENGTH && is_alphanumeric(text[end]))
		end++;
	if (end == 1)
		return 0;
	bool closed = end < length && text[end] == ';';
	const struct entity *entity = find_entity(text + 1, end - 1);
	if (entity == NULL)
		return 0;
	if (!closed && (strict || !entity->bare || (end < length && text[end] == '=')))
		return 0;

	size_t used = end + closed;
	*written = utf8_encode(entity->first, out);
	if (entity->second != 0) {
		char second[4];
		size_t more = utf8_encode(entity->second, second);
		/* Two of them (nGt, nLt) would grow: their second half only strikes the first through. */
		if (*written + more <= used) {
			memcpy(out + *written, second, more);
			*written += more;
		}
	}
	return used;
}
