/*
 * Labels lie: servers say iso-8859-1 by default, documents say UTF-8 and hold
 * a windows-1252 quote.  So a label is a candidate that the bytes must
 * confirm.  UTF-8 confirms itself (text of another encoding is hardly ever
 * valid UTF-8), which is why it wins over any single-byte label.  Labels mean
 * what browsers take them for (WHATWG Encoding Standard): iso-8859-1 is
 * windows-1252, gb2312 is gb18030.
 *
 * iconv does the rare encodings; UTF-8 with its repairs is done here.
 */
#include "ingest/feed/encoding.h"

#include "daemon/base/utf8.h"
#include "ingest/feed/memory.h"
#include "ingest/html_text.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LABEL_SIZE = 48, DECLARATION_MAX = 512 };

struct alias {
	const char *label, *name;
};

/* What labels mean to iconv where that differs from what they say. */
static const struct alias aliases[] = {
	{"ascii", "windows-1252"},	{"us-ascii", "windows-1252"},	 {"iso-8859-1", "windows-1252"},
	{"iso8859-1", "windows-1252"},	{"latin1", "windows-1252"},	 {"latin-1", "windows-1252"},
	{"cp1252", "windows-1252"},	{"iso-8859-9", "windows-1254"},	 {"latin5", "windows-1254"},
	{"iso-8859-11", "cp874"},	{"tis-620", "cp874"},		 {"gb2312", "gb18030"},
	{"gb_2312-80", "gb18030"},	{"gbk", "gb18030"},		 {"x-gbk", "gb18030"},
	{"euc-kr", "uhc"},		{"euckr", "uhc"},		 {"ks_c_5601-1987", "uhc"},
	{"ksc5601", "uhc"},		{"shift_jis", "cp932"},		 {"shift-jis", "cp932"},
	{"sjis", "cp932"},		{"x-sjis", "cp932"},		 {"windows-31j", "cp932"},
	{"big5", "big5-hkscs"},		{"x-euc-jp", "euc-jp"},		 {"x-mac-cyrillic", "mac-cyrillic"},
	{"x-mac-roman", "macintosh"},	{"unicode-1-1-utf-8", "utf-8"},	 {"utf8", "utf-8"},
	{"ucs-2", "utf-16"},		{"iso-10646-ucs-2", "utf-16"},	 {"unicode", "utf-16"},
	{"ucs-4", "utf-32"},		{"iso-10646-ucs-4", "utf-32"},	 {"windows-874", "cp874"},
	{"koi8", "koi8-r"},		{"x-x-big5", "big5-hkscs"},	 {"dos-874", "cp874"},
};

struct utf8_statistics {
	size_t sequences; /* valid ones of more than one byte */
	size_t invalid;
};

/* Whether utf8_decode gave what is there, and no U+FFFD for something broken. */
static bool is_sequence(const char *data, size_t used, uint32_t code_point)
{
	return code_point != UTF8_REPLACEMENT || (used == 3 && memcmp(data, "\xEF\xBF\xBD", 3) == 0);
}

static struct utf8_statistics count_utf8(const char *data, size_t length)
{
	struct utf8_statistics count = {0, 0};

	for (size_t i = 0; i < length;) {
		if ((unsigned char)data[i] < 0x80) {
			i++;
			continue;
		}
		uint32_t c;
		size_t used = utf8_decode(data + i, length - i, &c);
		if (is_sequence(data + i, used, c))
			count.sequences++;
		else
			count.invalid++;
		i += used;
	}
	return count;
}

/* Lower case, without what no label has ("//TRANSLIT" is iconv's, not the feed's).  "" where it is no label. */
static void clean_label(char out[LABEL_SIZE], const char *label, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char c = label[i];
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
			  c == ':';
		if (!ok || used + 1 >= LABEL_SIZE) {
			used = 0;
			break;
		}
		out[used++] = c;
	}
	out[used] = '\0';
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(out, aliases[i].label) == 0)
			snprintf(out, LABEL_SIZE, "%s", aliases[i].name);
}

/* The value after `key` and "=", with or without quotes: from "charset=x" or encoding="x". */
static void find_label(char out[LABEL_SIZE], const char *text, size_t length, const char *key)
{
	size_t key_length = strlen(key);

	out[0] = '\0';
	for (size_t i = 0; i + key_length < length; i++) {
		if (strncasecmp(text + i, key, key_length) != 0)
			continue;
		size_t at = i + key_length;
		while (at < length && (text[at] == ' ' || text[at] == '\t'))
			at++;
		if (at == length || text[at] != '=')
			continue;
		at++;
		while (at < length && strchr(" \t\"'", text[at]) != NULL && text[at] != '\0')
			at++;
		size_t start = at;
		while (at < length && strchr(" \t\r\n\"';,?>", text[at]) == NULL)
			at++;
		clean_label(out, text + start, at - start);
		return;
	}
}

/* The first bytes name the family beyond doubt, with or without a byte-order mark; `*skip` is the mark's length. */
static const char *sniff(const char *data, size_t length, size_t *skip)
{
	static const struct {
		const char *bytes;
		size_t length, skip;
		const char *name;
	} patterns[] = {
		{"\0\0\xFE\xFF", 4, 4, "utf-32be"}, {"\xFF\xFE\0\0", 4, 4, "utf-32le"},
		{"\xFE\xFF", 2, 2, "utf-16be"},	    {"\xFF\xFE", 2, 2, "utf-16le"},
		{"\xEF\xBB\xBF", 3, 3, "utf-8"},    {"\0\0\0<", 4, 0, "utf-32be"},
		{"<\0\0\0", 4, 0, "utf-32le"},	    {"\0<\0", 3, 0, "utf-16be"},
		{"\0{\0", 3, 0, "utf-16be"},	    {"{\0", 2, 0, "utf-16le"},
		{"<\0", 2, 0, "utf-16le"},	    {"\x4C\x6F\xA7\x94", 4, 0, "ibm037"},
	};

	*skip = 0;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		if (length >= patterns[i].length && memcmp(data, patterns[i].bytes, patterns[i].length) == 0) {
			*skip = patterns[i].skip;
			return patterns[i].name;
		}
	return NULL;
}

/* What the XML declaration says.  Only where its bytes are ASCII: a wide or EBCDIC one is known by sniff. */
static void declared_label(char out[LABEL_SIZE], const char *data, size_t length)
{
	const char *start = memmem(data, length < DECLARATION_MAX ? length : DECLARATION_MAX, "<?xml", 5);

	out[0] = '\0';
	if (start == NULL)
		return;
	size_t left = (size_t)(data + length - start);
	if (left > DECLARATION_MAX)
		left = DECLARATION_MAX;
	const char *end = memchr(start, '>', left);
	find_label(out, start, end != NULL ? (size_t)(end - start) : left, "encoding");
	/* It could not be read if it were. */
	if (strncmp(out, "utf-16", 6) == 0 || strncmp(out, "utf-32", 6) == 0)
		out[0] = '\0';
}

/* UTF-8 as it is; a byte that is none becomes the windows-1252 character that it most often is. */
static int decode_utf8(const char *data, size_t length, bool all_1252, struct decoded *out, struct err *e)
{
	struct utf8_statistics count = {0, length};
	if (!all_1252)
		count = count_utf8(data, length);
	/* An invalid sequence is up to three bytes, each of which may become three. */
	char *text = malloc(length + (all_1252 ? 2 * length : 6 * count.invalid) + 1);
	if (text == NULL)
		return err_set(e, "feed of %zu bytes: out of memory", length);

	size_t used = 0;
	for (size_t i = 0; i < length;) {
		unsigned char byte = (unsigned char)data[i];
		if (byte < 0x80) {
			text[used++] = data[i++];
			continue;
		}
		uint32_t c = UTF8_REPLACEMENT;
		size_t taken = all_1252 ? 1 : utf8_decode(data + i, length - i, &c);
		if (!all_1252 && is_sequence(data + i, taken, c)) {
			memcpy(text + used, data + i, taken);
			used += taken;
		} else {
			for (size_t k = 0; k < taken; k++)
				used += utf8_encode(html_code_point((unsigned char)data[i + k]), text + used);
			out->damaged |= !all_1252;
		}
		i += taken;
	}
	text[used] = '\0';
	out->text = text;
	out->length = used;
	snprintf(out->name, sizeof out->name, "%s", all_1252 ? "windows-1252" : "utf-8");
	return 0;
}

/* Bytes of one character of `name`, to skip where it is broken. */
static size_t unit_of(const char *name)
{
	return strncmp(name, "utf-32", 6) == 0 ? 4 : strncmp(name, "utf-16", 6) == 0 ? 2 : 1;
}

/*
 * Convert as iconv can, with U+FFFD for what is broken; false where more than
 * `allowed` characters are.
 */
static bool convert(iconv_t converter, size_t unit, size_t allowed, char *in, size_t left, struct text *out,
		    size_t *broken)
{
	enum { ROOM = 4096 };

	while (left > 0) {
		char *start = text_reserve(out, ROOM);
		if (start == NULL)
			return true;
		char *to = start;
		size_t room = ROOM;
		size_t done = iconv(converter, &in, &left, &to, &room);
		out->length += (size_t)(to - start);
		if (done != (size_t)-1 || errno == E2BIG)
			continue;
		/* EILSEQ, or EINVAL: cut off at the end. */
		if (++*broken > allowed)
			return false;
		text_add_string(out, "\uFFFD");
		size_t skip = left < unit ? left : unit;
		in += skip;
		left -= skip;
	}
	return true;
}

/*
 * Decode by iconv.  Returns 0, -1 without memory, 1 where iconv does not know
 * the name or more than one in fifty bytes is none of it (then the label is
 * wrong, unless it is `sure`).
 */
static int decode_iconv(const char *name, bool sure, const char *data, size_t length, struct decoded *out,
			struct err *e)
{
	struct text text = {0};
	size_t broken = 0;
	iconv_t converter = iconv_open("UTF-8", name);
	if (converter == (iconv_t)-1)
		return 1;

	size_t allowed = sure ? length : length / 50 + 1;
	bool right = convert(converter, unit_of(name), allowed, (char *)data, length, &text, &broken);
	iconv_close(converter);
	char *end = right ? text_reserve(&text, 0) : NULL;
	if (end == NULL) {
		text_free(&text);
		return right ? err_set(e, "feed of %zu bytes: out of memory", length) : 1;
	}
	*end = '\0';
	out->text = text.data;
	out->length = text.length;
	out->damaged = broken > 0;
	snprintf(out->name, sizeof out->name, "%s", name);
	return 0;
}

static bool is_single_byte(const char *name)
{
	return strncmp(name, "windows-125", 11) == 0 || strncmp(name, "iso-8859", 8) == 0;
}

/* An EBCDIC declaration names the code page; read it by the part that all pages share. */
static void ebcdic_label(char out[LABEL_SIZE], const char *data, size_t length)
{
	struct decoded start = {0};

	snprintf(out, LABEL_SIZE, "ibm037");
	if (decode_iconv("IBM037", true, data, length < DECLARATION_MAX ? length : DECLARATION_MAX, &start, NULL) != 0)
		return;
	char label[LABEL_SIZE];
	declared_label(label, start.text, start.length);
	if (label[0] != '\0')
		snprintf(out, LABEL_SIZE, "%s", label);
	free(start.text);
}

/* As decode_iconv, for any label; windows-1252 takes any bytes. */
static int try_label(const char *name, const char *data, size_t length, const struct utf8_statistics *utf8,
		     struct decoded *out, struct err *e)
{
	bool is_utf8 = utf8->invalid == 0 && utf8->sequences > 0;

	if (strcmp(name, "utf-8") == 0)
		return utf8->invalid == 0 ? decode_utf8(data, length, false, out, e) : 1;
	if (is_single_byte(name) && is_utf8)
		return decode_utf8(data, length, false, out, e);
	if (strcmp(name, "windows-1252") == 0)
		return decode_utf8(data, length, true, out, e);
	/* Wide ones are known by their first bytes; text would only become garbage that nothing complains about. */
	if (unit_of(name) > 1)
		return 1;
	int result = decode_iconv(name, false, data, length, out, e);
	if (result == 0 && memchr(out->text, '<', out->length) == NULL && memchr(out->text, '{', out->length) == NULL) {
		free(out->text);
		memset(out, 0, sizeof *out);
		result = 1;
	}
	return result;
}

int encoding_decode(const char *data, size_t length, const char *content_type, struct decoded *out, struct err *e)
{
	char served[LABEL_SIZE] = "", declared[LABEL_SIZE];
	size_t skip;

	memset(out, 0, sizeof *out);
	const char *certain = sniff(data, length, &skip);
	data += skip;
	length -= skip;
	if (certain != NULL && strcmp(certain, "utf-8") != 0) {
		char name[LABEL_SIZE];
		snprintf(name, sizeof name, "%s", certain);
		if (strcmp(certain, "ibm037") == 0)
			ebcdic_label(name, data, length);
		int result = decode_iconv(name, true, data, length, out, e);
		return result == 1 ? decode_utf8(data, length, false, out, e) : result;
	}
	struct utf8_statistics utf8 = count_utf8(data, length);
	/* Seven bits are the same in all of them but the ones that shift by escapes (ISO-2022). */
	bool ascii = utf8.invalid + utf8.sequences == 0 && memchr(data, '\x1B', length) == NULL;
	if (certain != NULL || ascii)
		return decode_utf8(data, length, false, out, e);
	if (content_type != NULL)
		find_label(served, content_type, strlen(content_type), "charset");
	declared_label(declared, data, length);
	/* A server's Latin-1 is its default more often than a statement. */
	bool served_default = strcmp(served, "windows-1252") == 0 && declared[0] != '\0';
	const char *order[] = {served_default ? declared : served, served_default ? served : declared};
	for (size_t i = 0; i < 2; i++) {
		int result = order[i][0] != '\0' ? try_label(order[i], data, length, &utf8, out, e) : 1;
		if (result != 1)
			return result;
	}
	/* Mostly UTF-8 with a few bytes of something else, or none of it at all. */
	return decode_utf8(data, length, utf8.sequences < utf8.invalid, out, e);
}
