#include "daemon/base/markup.h"

#include "daemon/base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* XML 1.0, section 2.2, without the control characters that it discourages. */
static bool is_allowed(uint32_t c)
{
	return c >= 0x20 && c != 0xfffe && c != 0xffff && !(c >= 0x7f && c < 0xa0);
}

void markup_put_char(FILE *out, uint32_t code_point)
{
	char bytes[4];

	switch (code_point) {
	case '&': fputs("&amp;", out); return;
	case '<': fputs("&lt;", out); return;
	case '>': fputs("&gt;", out); return;
	case '"': fputs("&quot;", out); return;
	case '\'': fputs("&#39;", out); return;
	case '\t':
	case '\n':
	case '\r': fputc(' ', out); return;
	default: fwrite(bytes, 1, utf8_encode(is_allowed(code_point) ? code_point : UTF8_REPLACEMENT, bytes), out);
	}
}

void markup_put_bytes(FILE *out, const char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		uint32_t c;

		at += utf8_decode(text + at, length - at, &c);
		markup_put_char(out, c);
	}
}

void markup_put(FILE *out, const char *text)
{
	markup_put_bytes(out, text, strlen(text));
}
