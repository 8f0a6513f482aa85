/*
 * An own writer rather than libcurl's: the same message gives the same bytes at
 * every attempt, and no header is made of text that could end it.
 */
#include "alerts/receivers/mime.h"

#include "alerts/receivers/address.h"
#include "alerts/receivers/text.h"
#include "daemon/base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_CHARACTERS 76
#define PLAIN_WORD_MAX 60
#define FIELD_MAX 900 /* characters: a line that cannot be folded stays below the 998 of RFC 5322 */
/* "=?UTF-8?B?" and "?=" around the base64 of a word, which has 75 characters at most. */
#define WORD_FRAME 12
#define WORD_LINE 76

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_base64(FILE *out, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i += 3) {
		unsigned long group = (unsigned long)(unsigned char)data[i] << 16;
		if (i + 1 < length)
			group |= (unsigned long)(unsigned char)data[i + 1] << 8;
		if (i + 2 < length)
			group |= (unsigned char)data[i + 2];
		putc(base64[group >> 18], out);
		putc(base64[group >> 12 & 63], out);
		putc(i + 1 < length ? base64[group >> 6 & 63] : '=', out);
		putc(i + 2 < length ? base64[group & 63] : '=', out);
	}
}

void mime_base64(FILE *out, const char *data, size_t length)
{
	const size_t line = LINE_MAX_CHARACTERS / 4 * 3;
	for (size_t i = 0; i < length; i += line) {
		put_base64(out, data + i, length - i < line ? length - i : line);
		fputs("\r\n", out);
	}
}

/* ---- header fields ---- */

/* Nothing that could be taken for an encoded word, and blanks to fold it at. */
static bool is_plain(const char *text)
{
	size_t word = 0;
	for (const char *c = text; *c != '\0'; c++) {
		word = *c == ' ' ? 0 : word + 1;
		if (*c < ' ' || *c > '~' || word > PLAIN_WORD_MAX)
			return false;
	}
	return strstr(text, "=?") == NULL;
}

/* RFC 2047: words of their own, whole characters in each, blanks between them that a reader drops.  `column` characters
 * stand on the line; returns how many do then. */
static size_t put_encoded_words(FILE *out, size_t column, const char *text)
{
	for (size_t length = strlen(text), at = 0, taken; at < length; at += taken) {
		size_t room = column + WORD_FRAME < WORD_LINE ? (WORD_LINE - column - WORD_FRAME) / 4 * 3 : 0;
		uint32_t c;
		taken = 0;
		while (at + taken < length) {
			size_t next = utf8_decode(text + at + taken, length - at - taken, &c);
			if (taken + next > room)
				break;
			taken += next;
		}
		if (taken > 0) {
			fputs("=?UTF-8?B?", out);
			put_base64(out, text + at, taken);
			fputs("?=", out);
			column += WORD_FRAME + (taken + 2) / 3 * 4;
		}
		if (at + taken < length) {
			fputs("\r\n ", out);
			column = 1;
		}
	}
	return column;
}

/* `column` characters stand on the line. */
static void put_folded(FILE *out, size_t column, const char *text)
{
	const size_t start = column;
	while (*text != '\0') {
		size_t word = strcspn(text, " ");
		if (column + 1 + word > LINE_MAX_CHARACTERS && column > start) {
			fputs("\r\n", out);
			column = 0;
		}
		fprintf(out, " %.*s", (int)word, text);
		column += 1 + word;
		text += word;
		text += strspn(text, " ");
	}
}

void mime_field(FILE *out, const char *name, const char *text)
{
	char *line = text_line(text, FIELD_MAX);
	size_t column = strlen(name) + 1;
	fprintf(out, "%s:", name);
	if (is_plain(line)) {
		put_folded(out, column, line);
	} else {
		putc(' ', out);
		put_encoded_words(out, column + 1, line);
	}
	fputs("\r\n", out);
	free(line);
}

void mime_id_field(FILE *out, const char *name, const char *text)
{
	fprintf(out, "%s:", name);
	put_folded(out, strlen(name) + 1, text);
	fputs("\r\n", out);
}

/* Returns how many characters stand on the line then. */
static size_t put_name(FILE *out, size_t column, const char *name)
{
	if (!is_plain(name))
		return put_encoded_words(out, column, name);
	column += strlen(name) + 2;
	putc('"', out);
	for (const char *c = name; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\') {
			putc('\\', out);
			column++;
		}
		putc(*c, out);
	}
	putc('"', out);
	return column;
}

static void put_address(FILE *out, size_t column, const struct address *address)
{
	if (address->name[0] == '\0') {
		fputs(address->mailbox, out);
		return;
	}
	column = put_name(out, column, address->name);
	bool fits = column + strlen(address->mailbox) + 4 <= LINE_MAX_CHARACTERS;
	fprintf(out, "%s <%s>", fits ? "" : "\r\n", address->mailbox);
}

void mime_address_field(FILE *out, const char *name, const char *const *addresses, size_t count)
{
	struct address address;
	bool first = true;
	fprintf(out, "%s: ", name);
	for (size_t i = 0; i < count; i++) {
		if (address_parse(addresses[i], &address, NULL) != 0)
			continue;
		fputs(first ? "" : ",\r\n ", out);
		put_address(out, first ? strlen(name) + 2 : 1, &address);
		first = false;
	}
	fputs("\r\n", out);
}

/* ---- bodies ---- */

/* RFC 2045, 6.7: a blank at the end of a line is encoded; a '.' at its start too, so that no relay trips over it. */
static bool is_literal(unsigned char c, bool first, bool last)
{
	if (c == ' ' || c == '\t')
		return !last;
	return c > ' ' && c <= '~' && c != '=' && !(c == '.' && first);
}

static void put_quoted_line(FILE *out, const char *line, size_t length)
{
	size_t column = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)line[i];
		bool literal = is_literal(c, column == 0, i + 1 == length);
		if (column + (literal ? 1 : 3) >= LINE_MAX_CHARACTERS) {
			fputs("=\r\n", out);
			column = 0;
			literal = is_literal(c, true, i + 1 == length);
		}
		if (literal)
			putc(c, out);
		else
			fprintf(out, "=%02X", c);
		column += literal ? 1 : 3;
	}
	fputs("\r\n", out);
}

void mime_quoted_printable(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		put_quoted_line(out, text, length);
		text += length;
		text += *text == '\n';
	}
}
