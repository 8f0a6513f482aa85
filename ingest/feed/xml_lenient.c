/*
 * The lenient reader.  It never fails: what is no markup is text.  Every look
 * ahead consumes what it looked at, stops at the next "<", or remembers that
 * there is nothing to find, so that its time is linear in the length.
 *
 * Rules beyond XML's, all from feeds as they are:
 *  - an end tag closes everything up to the element of its name; one that
 *    closes nothing is ignored;
 *  - <item> closes an open item, <entry> an open entry;
 *  - a field of an entry closes a one-line field (title, link, date) that is
 *    still open, and one that HTML has no tag for closes a description;
 *  - <br>, <img> and their like are empty.
 */
#include "ingest/feed/xml.h"

#include "ingest/feed/memory.h"
#include "ingest/html_text.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { MAX_ATTRIBUTES = 64, MAX_NAME = 128, MAX_CROSSED = 128 };

struct slice {
	const char *data;
	size_t length;
};

enum element_class {
	CLASS_OTHER,
	CLASS_CONTAINER, /* of fields */
	CLASS_LINE,	 /* a field that holds one line and no markup worth keeping */
	CLASS_BODY,	 /* a field that may hold HTML */
};

struct element {
	struct slice name, local;
	uint32_t hash, local_hash;
	enum element_class class;
};

struct lenient {
	const struct xml_events *events;
	const char *in;
	size_t length, at;
	struct element open[XML_MAX_DEPTH];
	size_t depth;
	bool stopped;
	bool no_comment_end, no_cdata_end; /* from here on */
	struct text scratch;               /* the start tag's name and attributes */
};

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice local_name(struct slice name)
{
	const char *colon = memrchr(name.data, ':', name.length);
	if (colon == NULL)
		return name;
	return (struct slice){colon + 1, (size_t)(name.data + name.length - colon - 1)};
}

static bool slice_is(struct slice slice, const char *word)
{
	return strlen(word) == slice.length && strncasecmp(slice.data, word, slice.length) == 0;
}

static bool slice_in(struct slice slice, const char *const *words)
{
	for (; *words != NULL; words++)
		if (slice_is(slice, *words))
			return true;
	return false;
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

/* Text with its references replaced, without characters that XML forbids. */
static void add_text(struct text *out, const char *text, size_t length)
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

static void emit_text(struct lenient *l, const char *text, size_t length)
{
	if (length == 0 || l->depth == 0)
		return;
	text_clear(&l->scratch);
	add_text(&l->scratch, text, length);
	l->events->text(l->events->context, text_string(&l->scratch), l->scratch.length);
}

static void close_to(struct lenient *l, size_t depth)
{
	while (l->depth > depth) {
		l->depth--;
		l->events->end(l->events->context);
	}
}

/* Of names that differ only in case it is the same. */
static uint32_t hash_of(struct slice name)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ ((unsigned char)name.data[i] | 0x20)) * 16777619;
	return hash;
}

static bool is_same(struct slice a, struct slice b)
{
	return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

static enum element_class class_of(struct slice local)
{
	static const char *const container[] = {"item", "entry", "channel", "feed", "source", "image", NULL};
	static const char *const line[] = {"title",    "link", "guid", "pubdate", "id",	      "updated", "published",
					   "comments", "date", "ttl",  "issued",  "modified", NULL};
	static const char *const body[] = {"description", "summary", "encoded", NULL};

	return slice_in(local, container) ? CLASS_CONTAINER
	       : slice_in(local, line)	  ? CLASS_LINE
	       : slice_in(local, body)	  ? CLASS_BODY
					  : CLASS_OTHER;
}

static void open_element(struct lenient *l, struct slice name)
{
	struct slice local = local_name(name);

	l->open[l->depth++] = (struct element){name, local, hash_of(name), hash_of(local), class_of(local)};
}

/* Depth of the innermost open element of this name, 0 = none is open. */
static size_t find_open(const struct lenient *l, struct slice name)
{
	uint32_t hash = hash_of(name);

	for (size_t i = l->depth; i > 0; i--)
		if (l->open[i - 1].hash == hash && is_same(l->open[i - 1].name, name))
			return i;
	return 0;
}

/* The same by what follows the prefix. */
static size_t find_open_local(const struct lenient *l, struct slice local)
{
	uint32_t hash = hash_of(local);

	for (size_t i = l->depth; i > 0; i--)
		if (l->open[i - 1].local_hash == hash && is_same(l->open[i - 1].local, local))
			return i;
	return 0;
}

/* Close what cannot be open around an element of this name. */
static void close_implied(struct lenient *l, struct slice name)
{
	static const char *const field[] = {"title",	"link",	   "description", "summary", "content",	 "updated",
					    "comments", "category", "published",  "author",  "id",	 NULL};
	static const char *const no_html[] = {"guid", "pubdate", "enclosure", "encoded", "creator", "date", NULL};
	struct slice local = local_name(name);

	if (slice_is(local, "item") || slice_is(local, "entry")) {
		size_t open = find_open_local(l, local);
		if (open != 0)
			close_to(l, open - 1);
		return;
	}
	bool ends_body = slice_in(local, no_html);
	if (!ends_body && !slice_in(local, field))
		return;
	for (size_t i = l->depth; i > 0; i--) {
		enum element_class class = l->open[i - 1].class;
		if (class == CLASS_CONTAINER)
			return;
		if (class == CLASS_LINE || (class == CLASS_BODY && ends_body)) {
			close_to(l, i - 1);
			return;
		}
	}
}

static bool is_empty_element(struct slice name)
{
	static const char *const empty[] = {"br", "img", "hr", "wbr", "input", NULL};
	return slice_in(name, empty);
}

/*
 * A quoted value may hold "<" where its end follows soon after; otherwise the
 * quote was never closed and the value is one word.
 */
static struct slice read_value(struct lenient *l)
{
	char quote = l->in[l->at];
	size_t start = l->at, crossed = 0;

	if (quote == '"' || quote == '\'') {
		for (size_t i = start + 1; i < l->length && crossed <= MAX_CROSSED; i++) {
			if (l->in[i] == quote) {
				l->at = i + 1;
				return (struct slice){l->in + start + 1, i - start - 1};
			}
			crossed += crossed > 0 || l->in[i] == '<';
		}
		start++;
	}
	size_t end = start;
	while (end < l->length && !is_blank(l->in[end]) && l->in[end] != '>' && l->in[end] != '<')
		end++;
	/* The "/" of "/>" is no part of it. */
	if (end < l->length && end > start && l->in[end] == '>' && l->in[end - 1] == '/')
		end--;
	l->at = end;
	return (struct slice){l->in + start, end - start};
}

struct attributes {
	size_t offsets[2 * MAX_ATTRIBUTES]; /* into the scratch text */
	size_t count;			    /* of names and values */
	bool empty_element;
};

/* One attribute at l->at, where a name starts. */
static void read_attribute(struct lenient *l, struct attributes *attributes)
{
	size_t start = l->at;

	while (l->at < l->length && is_name_char(l->in[l->at]))
		l->at++;
	size_t length = l->at - start;
	size_t after = l->at;
	while (after < l->length && is_blank(l->in[after]))
		after++;
	struct slice value = {"", 0};
	if (after < l->length && l->in[after] == '=') {
		l->at = after + 1;
		while (l->at < l->length && is_blank(l->in[l->at]))
			l->at++;
		if (l->at < l->length)
			value = read_value(l);
	}
	if (attributes->count == 2 * MAX_ATTRIBUTES)
		return;
	attributes->offsets[attributes->count++] = l->scratch.length;
	text_add(&l->scratch, l->in + start, length);
	text_add(&l->scratch, "", 1);
	attributes->offsets[attributes->count++] = l->scratch.length;
	add_text(&l->scratch, value.data, value.length);
	text_add(&l->scratch, "", 1);
}

/* From after the name up to and with the ">"; a "<" ends it too. */
static void read_attributes(struct lenient *l, struct attributes *attributes)
{
	while (l->at < l->length) {
		char c = l->in[l->at];
		if (c == '>') {
			l->at++;
			return;
		}
		if (c == '<')
			return;
		if (is_name_start(c)) {
			read_attribute(l, attributes);
			continue;
		}
		attributes->empty_element = c == '/' && l->at + 1 < l->length && l->in[l->at + 1] == '>';
		l->at++;
	}
}

static void start_element(struct lenient *l, struct slice name)
{
	struct attributes attributes = {.count = 0};
	const char *pointers[2 * MAX_ATTRIBUTES + 1];

	close_implied(l, name);
	if (l->depth == XML_MAX_DEPTH) {
		l->stopped = true;
		return;
	}
	text_set(&l->scratch, name.data, name.length);
	text_add(&l->scratch, "", 1);
	read_attributes(l, &attributes);
	/* The text may have moved while it grew: pointers only now. */
	for (size_t i = 0; i < attributes.count; i++)
		pointers[i] = text_string(&l->scratch) + attributes.offsets[i];
	pointers[attributes.count] = NULL;
	open_element(l, name);
	if (l->scratch.failed)
		return;
	l->events->start(l->events->context, text_string(&l->scratch), pointers);
	l->stopped = l->events->stop(l->events->context);
	if (attributes.empty_element || is_empty_element(name))
		close_to(l, l->depth - 1);
}

static struct slice read_name(struct lenient *l)
{
	size_t start = l->at;

	while (l->at < l->length && is_name_char(l->in[l->at]))
		l->at++;
	return (struct slice){l->in + start, l->at - start};
}

static void end_element(struct lenient *l)
{
	struct slice name = read_name(l);

	while (l->at < l->length && l->in[l->at] != '>' && l->in[l->at] != '<')
		l->at++;
	if (l->at < l->length && l->in[l->at] == '>')
		l->at++;
	size_t open = find_open(l, name);
	if (open != 0)
		close_to(l, open - 1);
}

/* Where `mark` stands from l->at on; 0 and `*none` where it does not. */
static size_t find_mark(const struct lenient *l, const char *mark, bool *none)
{
	if (*none)
		return 0;
	const char *found = memmem(l->in + l->at, l->length - l->at, mark, strlen(mark));
	if (found == NULL) {
		*none = true;
		return 0;
	}
	return (size_t)(found - l->in);
}

/* A section that never ends goes up to the end tag of the element it stands in, or to the end. */
static void read_cdata(struct lenient *l)
{
	l->at += strlen("<![CDATA[");
	size_t end = find_mark(l, "]]>", &l->no_cdata_end);
	size_t next = end + 3;
	if (end == 0) {
		end = next = l->length;
		for (const char *p = l->in + l->at; l->depth > 0; p++) {
			struct slice name = l->open[l->depth - 1].name;
			p = memchr(p, '<', (size_t)(l->in + l->length - p));
			if (p == NULL)
				break;
			size_t left = (size_t)(l->in + l->length - p);
			if (left > name.length + 2 && p[1] == '/' && memcmp(p + 2, name.data, name.length) == 0) {
				end = next = (size_t)(p - l->in);
				break;
			}
		}
	}
	if (l->depth > 0)
		l->events->text(l->events->context, l->in + l->at, end - l->at);
	l->at = next;
}

/* "<!DOCTYPE ... [ ... ]>", "<!...>", "<?...>". */
static void skip_declaration(struct lenient *l)
{
	bool subset = false;
	size_t start = l->at;

	for (; l->at < l->length; l->at++) {
		char c = l->in[l->at];
		if (c == '[')
			subset = true;
		else if (c == ']')
			subset = false;
		else if (c == '>' && !subset)
			break;
		else if (c == '<' && l->at > start && l->at + 1 < l->length && is_name_start(l->in[l->at + 1]))
			return; /* it was never closed: this is the root element */
	}
	if (l->at < l->length)
		l->at++;
}

static bool starts_with(const struct lenient *l, const char *prefix)
{
	size_t length = strlen(prefix);
	return l->length - l->at >= length && strncasecmp(l->in + l->at, prefix, length) == 0;
}

/* Something that starts with "<" at l->at. */
static void read_markup(struct lenient *l)
{
	char next = l->at + 1 < l->length ? l->in[l->at + 1] : '\0';

	if (starts_with(l, "<!--")) {
		size_t end = find_mark(l, "-->", &l->no_comment_end);
		l->at = end != 0 ? end + 3 : l->at + 4;
	} else if (starts_with(l, "<![CDATA[")) {
		read_cdata(l);
	} else if (starts_with(l, "<!DOCTYPE")) {
		skip_declaration(l);
	} else if (next == '?' && l->at + 2 < l->length && is_name_start(l->in[l->at + 2])) {
		const char *end = memchr(l->in + l->at, '>', l->length - l->at);
		l->at = end != NULL ? (size_t)(end - l->in) + 1 : l->length;
	} else if (next == '/' && l->at + 2 < l->length && is_name_start(l->in[l->at + 2])) {
		l->at += 2;
		end_element(l);
	} else if (is_name_start(next)) {
		size_t start = l->at++;
		struct slice name = read_name(l);
		if (name.length <= MAX_NAME)
			start_element(l, name);
		else
			emit_text(l, l->in + start, l->at - start);
	} else {
		emit_text(l, "<", 1);
		l->at++;
	}
}

enum xml_result xml_read_lenient(const char *text, size_t length, const struct xml_events *events)
{
	struct lenient l = {.events = events, .in = text, .length = length};

	while (l.at < l.length && !l.stopped && !l.scratch.failed) {
		const char *next = memchr(text + l.at, '<', length - l.at);
		size_t end = next != NULL ? (size_t)(next - text) : length;
		emit_text(&l, text + l.at, end - l.at);
		l.at = end;
		if (l.at < length)
			read_markup(&l);
	}
	bool failed = l.scratch.failed;
	text_free(&l.scratch);
	return failed ? XML_READ_NO_MEMORY : l.stopped ? XML_READ_STOPPED : XML_READ_WHOLE;
}
