/*
 * A tree of a message would cost some thirty allocations, and seven values of
 * it are wanted.  So this is one pass over the bytes with a stack of small
 * entries: which kind each open container is, and which paths can still end
 * inside it (a bit mask).  Nothing recurses, so no nesting overflows the stack.
 *
 * A string is decoded to the place in the scratch memory that it has in the
 * text: it is never longer than what was written, and its closing quote leaves
 * room for the NUL.  A number's NUL takes the place of the byte behind it.
 */
#include "ingest/json.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct level {
	bool object;
	uint32_t inside; /* the paths that name something below this container */
};

struct reader {
	const char *text;
	size_t size, at;
	char *scratch;
	const struct json_path *paths;
	struct json_value *values;
	size_t count;
	size_t depth;
	struct level *levels; /* JSON_DEPTH_MAX */
	uint32_t here; /* the paths whose keys so far lead to the value that comes next */
	struct err *e;
};

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_IS_NONE] = "nothing",     [JSON_IS_NULL] = "null",	[JSON_IS_BOOLEAN] = "a boolean",
		[JSON_IS_NUMBER] = "a number",  [JSON_IS_STRING] = "a string", [JSON_IS_ARRAY] = "an array",
		[JSON_IS_OBJECT] = "an object",
	};
	return names[type];
}

static int fail(struct reader *r, const char *what)
{
	if (r->at >= r->size)
		return err_set(r->e, "not JSON: it ends at byte %zu where %s should be", r->size, what);
	return err_set(r->e, "not JSON: %s expected at byte %zu", what, r->at);
}

/* The byte that comes next; 0 at the end (a NUL in the text is wrong everywhere, too). */
static unsigned char peek(const struct reader *r)
{
	return r->at < r->size ? (unsigned char)r->text[r->at] : 0;
}

static void skip_blanks(struct reader *r)
{
	for (unsigned char c = peek(r); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = peek(r))
		r->at++;
}

static int hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX, with `at` on the first; -1 where they are not. */
static int32_t read_unit(struct reader *r)
{
	int32_t unit = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(peek(r));
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
		r->at++;
	}
	return unit;
}

/* A code point behind "\u", the second half of a pair included. */
static int32_t read_code_point(struct reader *r)
{
	int32_t unit = read_unit(r);
	if (unit < 0xD800 || unit > 0xDFFF)
		return unit;
	if (unit < 0xDC00 && r->size - r->at >= 6 && memcmp(r->text + r->at, "\\u", 2) == 0) {
		size_t second = r->at;
		r->at += 2;
		int32_t low = read_unit(r);
		if (low >= 0xDC00 && low <= 0xDFFF)
			return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
		r->at = second;
	}
	return UTF8_REPLACEMENT;
}

/* One escape, with `at` behind the backslash, to `out` (4 bytes).  Returns its length, or 0 where it is none. */
static size_t read_escape(struct reader *r, char *out)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	unsigned char c = peek(r);
	if (c == '\0')
		return 0;
	const char *name = strchr(names, c);
	if (name != NULL) {
		r->at++;
		*out = values[name - names];
		return 1;
	}
	if (c != 'u')
		return 0;
	r->at++;
	int32_t code = read_code_point(r);
	if (code < 0)
		return 0;
	return utf8_encode(code == 0 ? ' ' : (uint32_t)code, out);
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte below `limit` (at most 0x80), and perhaps of bytes behind the first such. */
static uint64_t bytes_below(uint64_t bytes, unsigned char limit)
{
	return (bytes - EACH(limit)) & ~bytes & EACH(0x80);
}

/* How many bytes from `at` on stand for themselves in a string.  Eight at a time: this is most of a message. */
static size_t plain_run(const struct reader *r)
{
	size_t at = r->at;
	for (; r->size - at >= 8; at += 8) {
		uint64_t bytes;
		memcpy(&bytes, r->text + at, 8);
		bytes = le64toh(bytes);
		uint64_t stop = bytes_below(bytes ^ EACH('"'), 1) | bytes_below(bytes ^ EACH('\\'), 1) | bytes_below(bytes, 0x20);
		if (stop != 0)
			return at + (size_t)__builtin_ctzll(stop) / 8 - r->at;
	}
	while (at < r->size) {
		unsigned char c = (unsigned char)r->text[at];
		if (c == '"' || c == '\\' || c < 0x20)
			break;
		at++;
	}
	return at - r->at;
}

/* A string, with `at` on its quote.  Decoded where `keep`; returns its text or NULL. */
static const char *read_string(struct reader *r, bool keep)
{
	char *start = r->scratch + r->at, *out = start, escaped[4];
	r->at++;
	for (;;) {
		size_t run = plain_run(r);
		if (keep) {
			memcpy(out, r->text + r->at, run);
			out += run;
		}
		r->at += run;
		unsigned char c = peek(r);
		if (c == '"')
			break;
		if (c != '\\') {
			fail(r, r->at < r->size ? "an escape" : "a closing quote");
			return NULL;
		}
		r->at++;
		size_t length = read_escape(r, escaped);
		if (length == 0) {
			fail(r, "an escape");
			return NULL;
		}
		if (keep) {
			memcpy(out, escaped, length);
			out += length;
		}
	}
	r->at++;
	*out = '\0';
	return start;
}

static bool skip_digits(struct reader *r)
{
	size_t start = r->at;
	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at > start;
}

static const char *read_number(struct reader *r, bool keep)
{
	size_t start = r->at;
	if (peek(r) == '-')
		r->at++;
	bool good = true;
	if (peek(r) == '0')
		r->at++;
	else
		good = skip_digits(r);
	if (good && peek(r) == '.') {
		r->at++;
		good = skip_digits(r);
	}
	if (good && (peek(r) | 0x20) == 'e') {
		r->at++;
		if (peek(r) == '+' || peek(r) == '-')
			r->at++;
		good = skip_digits(r);
	}
	if (!good) {
		fail(r, "a digit");
		return NULL;
	}
	if (!keep)
		return "";
	memcpy(r->scratch + start, r->text + start, r->at - start);
	r->scratch[r->at] = '\0';
	return r->scratch + start;
}

static bool skip_word(struct reader *r, const char *word)
{
	size_t length = strlen(word);
	if (r->size - r->at < length || memcmp(r->text + r->at, word, length) != 0)
		return false;
	r->at += length;
	return true;
}

/* The value that was read is what some paths name. */
static void store(struct reader *r, uint32_t named, enum json_type type, const char *text)
{
	for (; named != 0; named &= named - 1)
		r->values[__builtin_ctz(named)] = (struct json_value){type, text};
}

/* Of the paths in `here`, those that end here. */
static uint32_t ending_here(const struct reader *r)
{
	uint32_t ending = 0;
	for (uint32_t rest = r->here; rest != 0; rest &= rest - 1) {
		unsigned path = (unsigned)__builtin_ctz(rest);
		if (r->paths[path].count == r->depth)
			ending |= 1u << path;
	}
	return ending;
}

static int open_container(struct reader *r, enum json_type type, uint32_t ending)
{
	if (r->depth == JSON_DEPTH_MAX)
		return err_set(r->e, "nested deeper than %d", JSON_DEPTH_MAX);
	r->at++;
	uint32_t inside = type == JSON_IS_OBJECT ? r->here & ~ending : 0;
	r->levels[r->depth++] = (struct level){type == JSON_IS_OBJECT, inside};
	return 0;
}

/* One value, or the opening of a container.  Returns its type, JSON_IS_NONE where there is none. */
static enum json_type read_value(struct reader *r)
{
	uint32_t ending = ending_here(r);
	const char *text = "";
	enum json_type type = JSON_IS_NONE;
	unsigned char c = peek(r);
	if (c == '{' || c == '[') {
		type = c == '{' ? JSON_IS_OBJECT : JSON_IS_ARRAY;
		if (open_container(r, type, ending) == -1)
			return JSON_IS_NONE;
	} else if (c == '"') {
		text = read_string(r, ending != 0);
		type = JSON_IS_STRING;
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		text = read_number(r, ending != 0);
		type = JSON_IS_NUMBER;
	} else if (skip_word(r, "null")) {
		type = JSON_IS_NULL;
	} else if (skip_word(r, "true") || skip_word(r, "false")) {
		type = JSON_IS_BOOLEAN;
	} else {
		fail(r, "a value");
	}
	if (text == NULL || type == JSON_IS_NONE)
		return JSON_IS_NONE;
	store(r, ending, type, text);
	return type;
}

/* "key": decides which paths lead on.  Those that do forget what an earlier key of the same name gave. */
static int read_key(struct reader *r)
{
	uint32_t inside = r->levels[r->depth - 1].inside;
	r->here = 0;
	if (peek(r) != '"')
		return fail(r, "a key");
	const char *key = read_string(r, inside != 0);
	if (key == NULL)
		return -1;
	for (; inside != 0; inside &= inside - 1) {
		unsigned path = (unsigned)__builtin_ctz(inside);
		const char *wanted = r->paths[path].keys[r->depth - 1];
		if (*wanted == *key && strcmp(wanted, key) == 0)
			r->here |= 1u << path;
	}
	store(r, r->here, JSON_IS_NONE, "");
	skip_blanks(r);
	if (peek(r) != ':')
		return fail(r, "':'");
	r->at++;
	return 0;
}

/* What follows a value: close what ends here and step over one comma.  Returns 1 where another value comes. */
static int read_separator(struct reader *r)
{
	while (r->depth > 0) {
		skip_blanks(r);
		bool object = r->levels[r->depth - 1].object;
		if (peek(r) == ',') {
			r->at++;
			return 1;
		}
		if (peek(r) != (object ? '}' : ']'))
			return fail(r, object ? "',' or '}'" : "',' or ']'");
		r->at++;
		r->depth--;
	}
	return 0;
}

static bool is_empty_container(struct reader *r)
{
	skip_blanks(r);
	return peek(r) == (r->levels[r->depth - 1].object ? '}' : ']');
}

/* From the first value to the end of the outermost one. */
static enum json_type read_all(struct reader *r)
{
	enum json_type root = JSON_IS_NONE;
	int more = 1;
	while (more > 0) {
		skip_blanks(r);
		if (r->depth > 0 && r->levels[r->depth - 1].object) {
			if (read_key(r) == -1)
				return JSON_IS_NONE;
			skip_blanks(r);
		} else {
			r->here = r->depth == 0 ? (uint32_t)((UINT64_C(1) << r->count) - 1) : 0;
		}
		enum json_type type = read_value(r);
		if (type == JSON_IS_NONE)
			return JSON_IS_NONE;
		if (root == JSON_IS_NONE)
			root = type;
		if ((type == JSON_IS_OBJECT || type == JSON_IS_ARRAY) && !is_empty_container(r))
			continue;
		more = read_separator(r);
	}
	return more == 0 ? root : JSON_IS_NONE;
}

enum json_type json_read(const char *text, size_t size, char *scratch, const struct json_path *paths,
			 struct json_value *values, size_t count, struct err *e)
{
	CHECK(count <= JSON_PATHS_MAX);
	struct level levels[JSON_DEPTH_MAX];
	struct reader r = {.text = text, .size = size, .scratch = scratch, .paths = paths, .values = values,
			   .count = count, .levels = levels, .e = e};
	for (size_t i = 0; i < count; i++)
		values[i] = (struct json_value){JSON_IS_NONE, ""};
	if (!utf8_is_valid(text, size)) {
		err_set(e, "not valid UTF-8");
		return JSON_IS_NONE;
	}
	enum json_type root = read_all(&r);
	if (root == JSON_IS_NONE)
		return JSON_IS_NONE;
	skip_blanks(&r);
	if (r.at < size) {
		fail(&r, "the end");
		return JSON_IS_NONE;
	}
	return root;
}
