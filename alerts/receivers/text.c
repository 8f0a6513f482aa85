/*
 * Headlines are written by strangers.  What can mislead a reader (a right-to-
 * left override, a line end that starts a line of its own) goes here, once, for
 * every format; what only a format's own syntax makes dangerous is escaped by
 * the format.
 */
#include "alerts/receivers/text.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ELLIPSIS "\xE2\x80\xA6"
/* What browsers and chat programs take as an address. */
#define LINK_MAX 2000

static bool in(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

static bool is_blank(uint32_t c)
{
	return c <= ' ' || in(c, 0x7F, 0xA0) || in(c, 0x2028, 0x2029) || c == 0x3000;
}

/* Direction marks, embeddings, overrides and isolates (Unicode Bidirectional Algorithm, table 1), the byte order mark,
 * tags (text that nobody sees), noncharacters. */
static bool is_dropped(uint32_t c)
{
	return c == 0x061C || in(c, 0x200E, 0x200F) || in(c, 0x202A, 0x202E) || in(c, 0x2066, 0x2069) || c == 0xFEFF ||
	       in(c, 0xE0000, 0xE007F) || in(c, 0xFDD0, 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

char *text_line(const char *text, size_t max)
{
	size_t length = strlen(text), count = 0, used = 0, room = 0;
	bool blank = false;
	char *out = xmalloc((length < 4 * max ? 3 * length : 4 * max) + sizeof ELLIPSIS + 4);
	for (size_t at = 0; at < length;) {
		uint32_t c;
		at += utf8_decode(text + at, length - at, &c);
		if (is_blank(c))
			blank = used > 0;
		if (is_blank(c) || is_dropped(c))
			continue;
		count += blank ? 2 : 1;
		if (count > max) {
			strcpy(out + room, ELLIPSIS);
			return out;
		}
		if (blank)
			out[used++] = ' ';
		used += utf8_encode(c, out + used);
		blank = false;
		if (count < max)
			room = used; /* an ellipsis still fits behind this */
	}
	out[used] = '\0';
	return out;
}

char *text_format(const char *fmt, ...)
{
	char *out;
	va_list args;
	va_start(args, fmt);
	int length = vasprintf(&out, fmt, args);
	va_end(args);
	CHECK(length >= 0);
	return out;
}

bool text_is_link(const char *url)
{
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return false;
	size_t length = strlen(url);
	if (length > LINK_MAX)
		return false;
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"'<>|\\`", *c) != NULL)
			return false;
	return true;
}

char *text_number(double value, char out[TEXT_NUMBER_SIZE])
{
	bool whole = fabs(value) >= 100 && fabs(value) < 1e15;
	snprintf(out, TEXT_NUMBER_SIZE, whole ? "%.0f" : "%.3g", value);
	return out;
}

char *text_span(double seconds, char out[TEXT_SPAN_SIZE])
{
	static const struct {
		double from, unit;
		const char *name;
	} units[] = {{3 * 86400.0, 86400, "days"}, {3 * 3600.0, 3600, "h"}, {60, 60, "min"}, {0, 1, "s"}};
	size_t i = 0;
	while (units[i].from > 0 && !(seconds >= units[i].from))
		i++;
	snprintf(out, TEXT_SPAN_SIZE, "%.15g %s", round(seconds / units[i].unit), units[i].name);
	return out;
}
