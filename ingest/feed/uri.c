/*
 * RFC 3986, section 5.  Nothing is normalised but the path (dot segments): an
 * id that is a URI must stay the same string.
 */
#include "ingest/feed/uri.h"

#include <string.h>
#include <strings.h>

struct part {
	const char *data;
	size_t length;
	bool present;
};

struct uri {
	struct part scheme, authority, path, query, fragment;
};

static bool is_scheme_char(char c, bool first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return letter || (!first && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
}

/* The components of RFC 3986 appendix B. */
static struct uri split(const char *text)
{
	struct uri uri = {0};
	size_t scheme = 0;

	while (text[scheme] != '\0' && is_scheme_char(text[scheme], scheme == 0))
		scheme++;
	if (scheme > 0 && text[scheme] == ':') {
		uri.scheme = (struct part){text, scheme, true};
		text += scheme + 1;
	}
	if (text[0] == '/' && text[1] == '/') {
		size_t length = strcspn(text + 2, "/?#");
		uri.authority = (struct part){text + 2, length, true};
		text += 2 + length;
	}
	size_t length = strcspn(text, "?#");
	uri.path = (struct part){text, length, true};
	text += length;
	if (*text == '?') {
		length = strcspn(text + 1, "#");
		uri.query = (struct part){text + 1, length, true};
		text += 1 + length;
	}
	if (*text == '#')
		uri.fragment = (struct part){text + 1, strlen(text + 1), true};
	return uri;
}

/* Section 5.2.4, in place: the output is never ahead of the input. */
static size_t remove_dot_segments(char *path, size_t length)
{
	size_t in = 0, out = 0;

	while (in < length) {
		/* One segment with the "/" before it. */
		size_t start = in;
		if (path[in] == '/')
			in++;
		while (in < length && path[in] != '/')
			in++;
		size_t name = start + (path[start] == '/');
		size_t size = in - name;
		bool dot = size == 1 && path[name] == '.';
		bool dots = size == 2 && path[name] == '.' && path[name + 1] == '.';
		if (!dot && !dots) {
			memmove(path + out, path + start, in - start);
			out += in - start;
			continue;
		}
		if (dots) {
			while (out > 0 && path[out - 1] != '/')
				out--;
			if (out > 0)
				out--;
		}
		/* "a/." and "a/.." name a directory. */
		if (in == length)
			path[out++] = '/';
	}
	return out;
}

struct writer {
	char *out;
	size_t used, size;
	bool full;
};

static void put(struct writer *w, const char *data, size_t length)
{
	if (w->full || length >= w->size - w->used) {
		w->full = true;
		return;
	}
	if (length > 0)
		memcpy(w->out + w->used, data, length);
	w->used += length;
}

static void put_part(struct writer *w, const char *before, const struct part *part, const char *after)
{
	if (!part->present)
		return;
	put(w, before, strlen(before));
	put(w, part->data, part->length);
	put(w, after, strlen(after));
}

static void put_path(struct writer *w, const struct uri *base, const struct uri *reference, bool absolute)
{
	size_t start = w->used;

	if (absolute) {
		put(w, reference->path.data, reference->path.length);
	} else if (base->authority.present && base->path.length == 0) {
		put(w, "/", 1);
		put(w, reference->path.data, reference->path.length);
	} else {
		const char *slash = memrchr(base->path.data, '/', base->path.length);
		if (slash != NULL)
			put(w, base->path.data, (size_t)(slash - base->path.data) + 1);
		put(w, reference->path.data, reference->path.length);
	}
	if (!w->full)
		w->used = start + remove_dot_segments(w->out + start, w->used - start);
}

/* The reference without what line wrapping put into it. */
static bool clean(const char *reference, char *out, size_t size)
{
	size_t used = 0;

	reference += strspn(reference, " \t\r\n\f");
	for (; *reference != '\0'; reference++) {
		if (strchr("\t\r\n", *reference) != NULL)
			continue;
		if (used + 1 >= size)
			return false;
		out[used++] = *reference;
	}
	while (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
	return true;
}

char *uri_resolve(const char *base_text, const char *reference_text, char *out, size_t size)
{
	char text[URI_MAX];

	out[0] = '\0';
	if (!clean(reference_text, text, sizeof text < size ? sizeof text : size))
		return out;
	struct uri base = split(base_text), reference = split(text);
	struct writer w = {.out = out, .size = size};
	bool hierarchical = base.scheme.present && (base.authority.present || base.path.data[0] == '/');
	if (text[0] == '\0' || reference.scheme.present || !hierarchical || strlen(base_text) >= URI_MAX) {
		memcpy(out, text, strlen(text) + 1);
		return out;
	}
	put_part(&w, "", &base.scheme, ":");
	put_part(&w, "//", reference.authority.present ? &reference.authority : &base.authority, "");
	if (!reference.authority.present && reference.path.length == 0) {
		put(&w, base.path.data, base.path.length);
		put_part(&w, "?", reference.query.present ? &reference.query : &base.query, "");
	} else {
		put_path(&w, &base, &reference, reference.authority.present || reference.path.data[0] == '/');
		put_part(&w, "?", &reference.query, "");
	}
	put_part(&w, "#", &reference.fragment, "");
	if (w.full)
		memcpy(out, text, strlen(text) + 1);
	else
		out[w.used] = '\0';
	return out;
}

bool uri_is_web(const char *text)
{
	return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}
