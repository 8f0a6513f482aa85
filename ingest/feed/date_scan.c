/*
 * Folding first (Unicode case folding, compatibility forms, marks stripped)
 * makes "DÉC", "déc" and full-width digits one thing, so that the tables hold
 * each word once.
 */
#include "ingest/feed/date_scan.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Dashes and the like that stand for "-". */
static const char *const dashes[] = {"\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\u00B7", "\u2022"};

static size_t dash_length(const char *text)
{
	for (size_t i = 0; i < sizeof dashes / sizeof *dashes; i++)
		if (strncmp(text, dashes[i], strlen(dashes[i])) == 0)
			return strlen(dashes[i]);
	return 0;
}

static void fold_ascii(char *out, const char *text)
{
	for (; *text != '\0'; text++)
		*out++ = (char)(*text >= 'A' && *text <= 'Z' ? *text | 0x20 : *text);
	*out = '\0';
}

static bool fold(char *out, size_t size, const char *text)
{
	const char *high = text;

	while (*high != '\0' && (unsigned char)*high < 0x80)
		high++;
	if (*high == '\0') {
		fold_ascii(out, text);
		return true;
	}
	utf8proc_uint8_t *folded = NULL;
	utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)text, 0, &folded,
					       UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPAT |
						       UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK |
						       UTF8PROC_IGNORE);
	if (length < 0 || (size_t)length >= size) {
		free(folded);
		return false;
	}
	for (const char *p = (const char *)folded; *p != '\0';) {
		size_t dash = dash_length(p);
		*out++ = dash != 0 ? '-' : *p;
		p += dash != 0 ? dash : 1;
	}
	*out = '\0';
	free(folded);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static struct date_token read_token(const char *text)
{
	struct date_token token = {.kind = DATE_SYMBOL, .text = text, .length = 1, .value = -1};

	if (is_digit(*text)) {
		token.kind = DATE_NUMBER;
		while (is_digit(text[token.length]))
			token.length++;
		if (token.length <= 18)
			token.value = strtol(text, NULL, 10);
	} else if (is_letter(*text)) {
		token.kind = DATE_WORD;
		while (is_letter(text[token.length]) || (text[token.length] == '_' && is_letter(text[token.length + 1])))
			token.length++;
	}
	return token;
}

bool date_scan(struct date_scan *scan, const char *text)
{
	scan->count = 0;
	if (strlen(text) > DATE_MAX_TEXT || !fold(scan->text, sizeof scan->text, text))
		return false;
	for (const char *p = scan->text;;) {
		size_t blank = strspn(p, " \t\r\n\f\v");
		p += blank;
		if (*p == '\0')
			break;
		if (scan->count == DATE_MAX_TOKENS)
			return false;
		struct date_token token = read_token(p);
		token.spaced = blank > 0;
		scan->tokens[scan->count++] = token;
		p += token.length;
	}
	scan->tokens[scan->count] = (struct date_token){.kind = DATE_END, .text = "", .value = -1};
	return true;
}
