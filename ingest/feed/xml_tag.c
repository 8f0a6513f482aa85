/*
 * Start tags as people write them: attributes without quotes, without values,
 * with quotes that never close.
 */
#include "ingest/feed/xml_tag.h"

#include "ingest/feed/xml.h"
#include "ingest/feed/xml_stack.h"
#include "ingest/html_text.h"

#include <string.h>

/* How far a quoted value may go on after a "<". */
enum { MAX_CROSSED = 128 };

bool xml_is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
	return xml_is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

size_t xml_skip_name(struct xml_input *input)
{
	size_t start = input->at;

	while (input->at < input->length && is_name_char(input->data[input->at]))
		input->at++;
	return input->at - start;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t xml_reference(const char *text, size_t length, char out[8], size_t *written)
{
	size_t used = html_reference(text, length, true, out, written);

	/* The two names that HTML 5 gave to other characters. */
	if (used == 6 && (memcmp(text, "&lang;", 6) == 0 || memcmp(text, "&rang;", 6) == 0)) {
		memcpy(out, text[1] == 'l' ? "\u2329" : "\u232A", 3);
		*written = 3;
	}
	return used;
}

void xml_add_text(struct text *out, const char *text, size_t length)
{
	size_t done = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool control = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
		if (c != '&' && !control)
			continue;
		text_add(out, text + done, i - done);
		done = i;
		char characters[8];
		size_t written;
		size_t used = control ? 1 : xml_reference(text + i, length - i, characters, &written);
		if (used == 0)
			continue;
		if (!control)
			text_add(out, characters, written);
		done = i + used;
		i = done - 1;
	}
	text_add(out, text + done, length - done);
}

/*
 * A quoted value may hold "<" where its end follows soon after; otherwise the
 * quote was never closed and the value is one word.
 */
static struct xml_slice read_value(struct xml_input *input)
{
	char quote = input->data[input->at];
	size_t start = input->at, crossed = 0;

	if (quote == '"' || quote == '\'') {
		for (size_t i = start + 1; i < input->length && crossed <= MAX_CROSSED; i++) {
			if (input->data[i] == quote) {
				input->at = i + 1;
				return (struct xml_slice){input->data + start + 1, i - start - 1};
			}
			crossed += crossed > 0 || input->data[i] == '<';
		}
		start++;
	}
	size_t end = start;
	while (end < input->length && !is_blank(input->data[end]) && input->data[end] != '>' && input->data[end] != '<')
		end++;
	/* The "/" of "/>" is no part of it. */
	if (end < input->length && end > start && input->data[end] == '>' && input->data[end - 1] == '/')
		end--;
	input->at = end;
	return (struct xml_slice){input->data + start, end - start};
}

/* Where the strings of a tag lie in its text, which moves while it grows. */
struct offsets {
	size_t at[2 * XML_MAX_ATTRIBUTES];
	size_t count;
};

static void add_attribute(struct xml_tag *tag, struct offsets *offsets, struct xml_slice name, struct xml_slice value)
{
	if (offsets->count == 2 * XML_MAX_ATTRIBUTES)
		return;
	offsets->at[offsets->count++] = tag->text.length;
	text_add(&tag->text, name.data, name.length);
	text_add(&tag->text, "", 1);
	offsets->at[offsets->count++] = tag->text.length;
	xml_add_text(&tag->text, value.data, value.length);
	text_add(&tag->text, "", 1);
}

static void skip_blanks(struct xml_input *input)
{
	while (input->at < input->length && is_blank(input->data[input->at]))
		input->at++;
}

/* One attribute, from its name on. */
static void read_attribute(struct xml_input *input, struct xml_tag *tag, struct offsets *offsets)
{
	struct xml_slice name = {.data = input->data + input->at}, value = {"", 0};

	name.length = xml_skip_name(input);
	skip_blanks(input);
	if (input->at < input->length && input->data[input->at] == '=') {
		input->at++;
		skip_blanks(input);
		if (input->at < input->length)
			value = read_value(input);
	}
	add_attribute(tag, offsets, name, value);
}

static void read_attributes(struct xml_input *input, struct xml_tag *tag, struct offsets *offsets)
{
	while (input->at < input->length) {
		char c = input->data[input->at];
		if (c == '<')
			return;
		if (xml_is_name_start(c)) {
			tag->empty_element = false;
			read_attribute(input, tag, offsets);
			continue;
		}
		input->at++;
		if (c == '>')
			return;
		tag->empty_element = c == '/';
	}
}

void xml_read_tag(struct xml_input *input, size_t length, struct xml_tag *tag)
{
	struct offsets offsets = {.count = 0};

	text_set(&tag->text, input->data + input->at, length);
	text_add(&tag->text, "", 1);
	input->at += length;
	tag->empty_element = false;
	read_attributes(input, tag, &offsets);
	for (size_t i = 0; i < offsets.count; i++)
		tag->attributes[i] = text_string(&tag->text) + offsets.at[i];
	tag->attributes[offsets.count] = NULL;
}
