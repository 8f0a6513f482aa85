/*
 * No font is at hand, so widths are guesses: what a usual face without serifs
 * needs on average, and a full square for scripts that are written in squares.
 */
#include "alerts/chart/text.h"

#include "daemon/base/markup.h"
#include "daemon/base/utf8.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ELLIPSIS 0x2026

/* Hangul, the Han and Kana blocks, full-width forms, and pictures. */
static bool is_square(uint32_t c)
{
	return (c >= 0x1100 && c < 0x1200) || (c >= 0x2e80 && c < 0xd7a4) || (c >= 0xf900 && c < 0xfb00) ||
	       (c >= 0xff00 && c < 0xff61) || c >= 0x1f300;
}

/* In parts of the font size. */
static double char_width(uint32_t c)
{
	if (c >= 0x80)
		return is_square(c) ? 1 : 0.6;
	if (strchr(" iljtfrI.,:;'|!", (int)c))
		return 0.32;
	return c == 'm' || c == 'w' ? 0.85 : c >= 'A' && c <= 'Z' ? 0.7 : 0.6;
}

double chart_text_width(const char *text, double font_size)
{
	double width = 0;
	size_t left = strlen(text);

	while (left > 0) {
		uint32_t c;
		size_t size = utf8_decode(text, left, &c);

		width += char_width(c);
		text += size;
		left -= size;
	}
	return width * font_size;
}

double chart_put_fitting(FILE *out, const char *text, double font_size, double width)
{
	bool cut = chart_text_width(text, font_size) > width;
	double used = 0, room = width / font_size - (cut ? 1 : 0);
	size_t left = strlen(text);

	while (left > 0) {
		uint32_t c;
		size_t size = utf8_decode(text, left, &c);

		if (used + char_width(c) > room)
			break;
		used += char_width(c);
		markup_put_char(out, c);
		text += size;
		left -= size;
	}
	if (left > 0) {
		markup_put_char(out, ELLIPSIS);
		used += 1;
	}
	return used * font_size;
}

void chart_put_number(FILE *out, double value)
{
	long tenths = lround(value * 10);
	const char *sign = tenths < 0 ? "-" : "";

	tenths = labs(tenths);
	if (tenths % 10)
		fprintf(out, "%s%ld.%ld", sign, tenths / 10, tenths % 10);
	else
		fprintf(out, "%s%ld", sign, tenths / 10);
}
