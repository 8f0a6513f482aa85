/*
 * Atom says by attributes what a value is: type ("text", "html", "xhtml", a
 * media type) and, in Atom 0.3, mode ("xml", "escaped", "base64").  RSS says
 * nothing.  Feeds contradict themselves, so what is inside decides with:
 * child elements make any value but escaped HTML markup.
 */
#include "ingest/feed/capture.h"

#include "daemon/base/utf8.h"
#include "ingest/html_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void capture_init(struct capture *capture, size_t limit)
{
	capture->text.limit = limit;
	capture->open.limit = limit;
}

void capture_free(struct capture *capture)
{
	text_free(&capture->text);
	text_free(&capture->open);
}

void capture_reset(struct capture *capture)
{
	text_clear(&capture->text);
	text_clear(&capture->open);
	capture->markup = capture->escape = false;
}

static void copy_attribute(char *out, size_t size, const char *value)
{
	snprintf(out, size, "%s", strlen(value) < size ? value : "");
}

static enum value_type type_of(const char *type, const char *mode, bool plain, bool *base64)
{
	*base64 = strcasecmp(mode, "base64") == 0;
	if (type[0] == '\0')
		return plain ? VALUE_TEXT : VALUE_UNKNOWN;
	if (strcasestr(type, "html") != NULL)
		return VALUE_HTML;
	if (strcasecmp(type, "text") == 0 || strcasecmp(type, "plain") == 0 || strncasecmp(type, "text/", 5) == 0)
		return VALUE_TEXT;
	if (strcasestr(type, "xml") != NULL)
		return VALUE_UNKNOWN;
	/* Any other media type is base64 (RFC 4287, section 4.1.3.3). */
	*base64 |= plain && strchr(type, '/') != NULL;
	return *base64 ? VALUE_TEXT : VALUE_UNKNOWN;
}

void capture_open(struct capture *capture, struct meaning meaning, bool plain, const char *const *attributes)
{
	const char *type = "", *mode = "", *rel = "", *href = "", *permalink = "";

	for (; attributes[0] != NULL; attributes += 2) {
		if (strcasecmp(attributes[0], "type") == 0)
			type = attributes[1];
		else if (strcasecmp(attributes[0], "mode") == 0)
			mode = attributes[1];
		else if (strcasecmp(attributes[0], "rel") == 0)
			rel = attributes[1];
		else if (strcasecmp(attributes[0], "href") == 0)
			href = attributes[1];
		else if (strcasecmp(attributes[0], "isPermaLink") == 0)
			permalink = attributes[1];
	}
	capture_reset(capture);
	capture->meaning = meaning;
	capture->value_type = type_of(type, mode, plain, &capture->base64);
	/* XHTML has its markup as elements, HTML has it escaped, and what is beside elements then is HTML already. */
	capture->escaped_html = capture->value_type == VALUE_HTML && strcasestr(type, "xhtml") == NULL &&
				strcasecmp(mode, "xml") != 0;
	capture->permalink = strcasecmp(permalink, "false") != 0;
	copy_attribute(capture->rel, sizeof capture->rel, rel);
	copy_attribute(capture->type, sizeof capture->type, type);
	copy_attribute(capture->href, sizeof capture->href, href);
}

/* Text, with the characters that are markup in HTML as references. */
static void add_escaped(struct text *out, const char *text, size_t length)
{
	size_t done = 0;

	for (size_t i = 0; i < length; i++) {
		const char *reference = text[i] == '<' ? "&lt;" : text[i] == '>' ? "&gt;" : text[i] == '&' ? "&amp;" : NULL;
		if (reference == NULL)
			continue;
		text_add(out, text + done, i - done);
		text_add_string(out, reference);
		done = i + 1;
	}
	text_add(out, text + done, length - done);
}

static void add(struct capture *capture, const char *text, size_t length)
{
	if (capture->escape)
		add_escaped(&capture->text, text, length);
	else
		text_add(&capture->text, text, length);
}

/* U+0080 to U+009F were windows-1252 once ("&#146;"): nobody means the control characters. */
void capture_text(struct capture *capture, const char *text, size_t length)
{
	size_t done = 0;

	for (size_t i = 0; i + 1 < length; i++) {
		const char *lead = memchr(text + i, 0xC2, length - 1 - i);
		if (lead == NULL)
			break;
		i = (size_t)(lead - text);
		unsigned char byte = (unsigned char)text[i + 1];
		if (byte >= 0xA0 || byte < 0x80)
			continue;
		char character[4];
		add(capture, text + done, i - done);
		add(capture, character, utf8_encode(html_code_point(byte), character));
		done = i + 2;
		i++;
	}
	add(capture, text + done, length - done);
}

/* From here on there is markup: what was read so far becomes HTML too. */
static void start_markup(struct capture *capture)
{
	capture->markup = true;
	if (capture->base64 || capture->escaped_html)
		return;
	capture->escape = true;
	struct text plain = capture->text;
	capture->text = (struct text){.limit = plain.limit};
	add_escaped(&capture->text, text_string(&plain), plain.length);
	text_free(&plain);
}

void capture_open_child(struct capture *capture, const char *name)
{
	if (!capture->markup)
		start_markup(capture);
	text_add_string(&capture->open, name);
	text_add(&capture->open, "", 1);
	text_add_string(&capture->text, "<");
	text_add_string(&capture->text, name);
	text_add_string(&capture->text, ">");
}

void capture_close_child(struct capture *capture)
{
	struct text *open = &capture->open;

	/* Beyond the limit names were not kept. */
	if (open->cut || open->length == 0)
		return;
	size_t start = open->length - 1;
	while (start > 0 && open->data[start - 1] != '\0')
		start--;
	text_add_string(&capture->text, "</");
	text_add_string(&capture->text, open->data + start);
	text_add_string(&capture->text, ">");
	open->length = start;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;
	return found != NULL ? (int)(found - digits) : -1;
}

/* In place.  What is no base64 after all stays as it is. */
static void decode_base64(struct text *text)
{
	size_t used = 0;
	uint32_t bits = 0;
	int count = 0;

	for (size_t i = 0; i < text->length; i++) {
		char c = text->data[i];
		if (strchr(" \t\r\n=", c) == NULL && base64_digit(c) < 0)
			return;
	}
	for (size_t i = 0; i < text->length; i++) {
		int digit = base64_digit(text->data[i]);
		if (digit < 0)
			continue;
		bits = bits << 6 | (uint32_t)digit;
		count += 6;
		if (count >= 8) {
			count -= 8;
			text->data[used++] = (char)(bits >> count);
		}
	}
	text->length = used;
}

enum value_type capture_finish(struct capture *capture)
{
	if (capture->base64 && !capture->markup && capture->text.length > 0) {
		decode_base64(&capture->text);
		if (!utf8_is_valid(capture->text.data, capture->text.length))
			capture->text.length = 0;
		return capture->value_type;
	}
	return capture->markup ? VALUE_HTML : capture->value_type;
}
