/*
 * The lenient reader.  It never fails: what is no markup is text.  Every look
 * ahead consumes what it looked at, stops at the next "<", or remembers that
 * there is nothing to find, so that its time is linear in the length.
 *
 * An end tag closes everything up to the element of its name; one that closes
 * nothing is ignored.  What start tags close is known by xml_stack.
 */
#include "ingest/feed/xml.h"

#include "ingest/feed/xml_stack.h"
#include "ingest/feed/xml_tag.h"

#include <string.h>
#include <strings.h>

enum { MAX_NAME = 128 };

struct lenient {
	const struct xml_events *events;
	struct xml_input input;
	struct xml_stack stack;
	bool stopped;
	bool no_comment_end, no_cdata_end; /* from here on */
	struct xml_tag tag;
	struct text text;
};

static size_t left(const struct lenient *l)
{
	return l->input.length - l->input.at;
}

static const char *here(const struct lenient *l)
{
	return l->input.data + l->input.at;
}

/* The next `length` bytes are text. */
static void take_text(struct lenient *l, size_t length)
{
	if (length > 0 && l->stack.depth > 0) {
		text_clear(&l->text);
		xml_add_text(&l->text, here(l), length);
		l->events->text(l->events->context, text_string(&l->text), l->text.length);
	}
	l->input.at += length;
}

static void close_to(struct lenient *l, size_t depth)
{
	while (l->stack.depth > depth) {
		l->stack.depth--;
		l->events->end(l->events->context);
	}
}

/* From the name on. */
static void read_start(struct lenient *l, size_t length)
{
	struct xml_slice name = {here(l), length};

	close_to(l, xml_stack_implied(&l->stack, name));
	if (l->stack.depth == XML_MAX_DEPTH) {
		l->stopped = true;
		return;
	}
	xml_read_tag(&l->input, length, &l->tag);
	if (l->tag.text.failed)
		return;
	xml_stack_push(&l->stack, name);
	l->events->start(l->events->context, text_string(&l->tag.text), l->tag.attributes);
	l->stopped = l->events->stop(l->events->context);
	if (l->tag.empty_element || xml_is_empty(name))
		close_to(l, l->stack.depth - 1);
}

/* From the name on. */
static void read_end(struct lenient *l, size_t length)
{
	struct xml_slice name = {here(l), length};

	l->input.at += length;
	while (left(l) > 0 && *here(l) != '>' && *here(l) != '<')
		l->input.at++;
	l->input.at += left(l) > 0 && *here(l) == '>';
	size_t open = xml_stack_find(&l->stack, name);
	if (open != 0)
		close_to(l, open - 1);
}

/* How far away `mark` is; where there is none any more, `*none` is set and all that is left counts. */
static size_t distance_to(const struct lenient *l, const char *mark, bool *none)
{
	const char *found = *none ? NULL : memmem(here(l), left(l), mark, strlen(mark));

	*none = found == NULL;
	return found != NULL ? (size_t)(found - here(l)) : left(l);
}

/* How far away the end tag of the element at hand is. */
static size_t distance_to_end(const struct lenient *l)
{
	struct xml_slice name = l->stack.open[l->stack.depth - 1].name;
	const char *end = l->input.data + l->input.length;

	for (const char *p = here(l); (p = memchr(p, '<', (size_t)(end - p))) != NULL; p++)
		if ((size_t)(end - p) > name.length + 2 && p[1] == '/' && memcmp(p + 2, name.data, name.length) == 0)
			return (size_t)(p - here(l));
	return left(l);
}

/* A section that never ends goes up to the end tag of the element it stands in, or to the end. */
static void read_cdata(struct lenient *l)
{
	l->input.at += strlen("<![CDATA[");
	size_t length = distance_to(l, "]]>", &l->no_cdata_end);
	if (l->stack.depth > 0) {
		if (l->no_cdata_end)
			length = distance_to_end(l);
		l->events->text(l->events->context, here(l), length);
	}
	l->input.at += length;
	l->input.at += l->no_cdata_end ? 0 : strlen("]]>");
}

/* "<!DOCTYPE ... [ ... ]>" */
static void skip_doctype(struct lenient *l)
{
	bool subset = false;

	for (l->input.at++; left(l) > 0; l->input.at++) {
		char c = *here(l);
		if (c == '>' && !subset)
			break;
		/* It was never closed: this is the root element. */
		if (c == '<' && left(l) > 1 && xml_is_name_start(here(l)[1]))
			return;
		if (c == '[' || c == ']')
			subset = c == '[';
	}
	l->input.at += left(l) > 0;
}

static bool starts_with(const struct lenient *l, const char *prefix)
{
	size_t length = strlen(prefix);
	return left(l) >= length && strncasecmp(here(l), prefix, length) == 0;
}

/* The markup at hand that is no element, if it is that. */
static bool skip_special(struct lenient *l)
{
	if (starts_with(l, "<!--")) {
		size_t length = distance_to(l, "-->", &l->no_comment_end);
		l->input.at += l->no_comment_end ? strlen("<!--") : length + strlen("-->");
	} else if (starts_with(l, "<![CDATA[")) {
		read_cdata(l);
	} else if (starts_with(l, "<!DOCTYPE")) {
		skip_doctype(l);
	} else if (starts_with(l, "<?") && left(l) > 2 && xml_is_name_start(here(l)[2])) {
		const char *end = memchr(here(l), '>', left(l));
		l->input.at += end != NULL ? (size_t)(end - here(l)) + 1 : left(l);
	} else {
		return false;
	}
	return true;
}

/* What starts with "<". */
static void read_markup(struct lenient *l)
{
	size_t start = l->input.at;
	bool end_tag = left(l) > 1 && here(l)[1] == '/';

	if (skip_special(l))
		return;
	l->input.at += 1 + end_tag;
	if (left(l) > 0 && xml_is_name_start(*here(l))) {
		size_t name = l->input.at, length = xml_skip_name(&l->input);
		l->input.at = name;
		if (length <= MAX_NAME) {
			end_tag ? read_end(l, length) : read_start(l, length);
			return;
		}
	}
	l->input.at = start;
	take_text(l, 1);
}

enum xml_result xml_read_lenient(const char *text, size_t length, const struct xml_events *events)
{
	struct lenient l = {.events = events, .input = {text, length, 0}};

	while (left(&l) > 0 && !l.stopped && !l.tag.text.failed && !l.text.failed) {
		const char *next = memchr(here(&l), '<', left(&l));
		take_text(&l, next != NULL ? (size_t)(next - here(&l)) : left(&l));
		if (left(&l) > 0)
			read_markup(&l);
	}
	bool failed = l.tag.text.failed || l.text.failed;
	text_free(&l.tag.text);
	text_free(&l.text);
	return failed ? XML_READ_NO_MEMORY : l.stopped ? XML_READ_STOPPED : XML_READ_WHOLE;
}
