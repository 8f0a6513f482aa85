/*
 * The file is kept as it was read and the words point into it.  Beside it lies
 * an index of the ids in byte order of their words: look-ups at start search
 * it, and the tokeniser's trie is built along it.
 */
#include "model/vocab.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"
#include "model/regular_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VOCAB_MAX_BYTES (16 << 20)

struct vocab {
	char *bytes;
	size_t length;
	struct vocab_word *words; /* by id */
	size_t count;
	uint32_t *order;          /* ids by (word, id) */
};

static int read_file(struct vocab *v, const char *path, struct err *e)
{
	uint64_t size;
	int fd = regular_file_open(path, &size, e);
	if (fd < 0)
		return err_prefix(e, "%s", path);
	FILE *file = fdopen(fd, "rb");
	if (file == NULL) {
		close(fd);
		return err_sys(e, errno, "%s", path);
	}
	int result = -1;
	if (size > VOCAB_MAX_BYTES) {
		err_set(e, "%s: %" PRIu64 " bytes; a vocabulary has at most %d", path, size, VOCAB_MAX_BYTES);
	} else {
		v->bytes = xmalloc((size_t)size + 1);
		v->length = fread(v->bytes, 1, (size_t)size, file);
		result = ferror(file) ? err_sys(e, errno, "%s", path) : 0;
	}
	fclose(file);
	return result;
}

/* Unicode's White_Space property (PropList.txt), which the reference trims. */
static bool is_white_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static size_t trimmed(const char *text, size_t length)
{
	while (length > 0) {
		size_t start = length - 1;
		while (start > 0 && (text[start] & 0xC0) == 0x80)
			start--;
		uint32_t c;
		utf8_decode(text + start, length - start, &c);
		if (!is_white_space(c))
			break;
		length = start;
	}
	return length;
}

static void split_lines(struct vocab *v)
{
	size_t lines = 1;
	for (size_t i = 0; i < v->length; i++)
		lines += v->bytes[i] == '\n';
	v->words = xcalloc(lines, sizeof *v->words);

	for (size_t at = 0; at < v->length; v->count++) {
		const char *line = v->bytes + at;
		const char *end = memchr(line, '\n', v->length - at);
		size_t length = end != NULL ? (size_t)(end - line) : v->length - at;
		v->words[v->count] = (struct vocab_word){line, trimmed(line, length)};
		at += length + 1;
	}
}

static int compare_words(struct vocab_word a, struct vocab_word b)
{
	int order = memcmp(a.text, b.text, a.length < b.length ? a.length : b.length);
	return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_ids(const void *a, const void *b, void *context)
{
	const struct vocab *v = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = compare_words(v->words[left], v->words[right]);
	return order != 0 ? order : (left > right) - (left < right);
}

struct vocab *vocab_open(const char *path, struct err *e)
{
	struct vocab *v = xcalloc(1, sizeof *v);
	if (read_file(v, path, e) != 0)
		goto fail;
	if (!utf8_is_valid(v->bytes, v->length)) {
		err_set(e, "%s: not UTF-8", path);
		goto fail;
	}
	split_lines(v);
	if (v->count == 0) {
		err_set(e, "%s: empty; expected one token a line", path);
		goto fail;
	}
	v->order = xmalloc(v->count * sizeof *v->order);
	for (size_t i = 0; i < v->count; i++)
		v->order[i] = (uint32_t)i;
	qsort_r(v->order, v->count, sizeof *v->order, compare_ids, v);
	return v;
fail:
	vocab_free(v);
	return NULL;
}

void vocab_free(struct vocab *v)
{
	if (v == NULL)
		return;
	free(v->order);
	free(v->words);
	free(v->bytes);
	free(v);
}

size_t vocab_size(const struct vocab *v)
{
	return v->count;
}

struct vocab_word vocab_word(const struct vocab *v, size_t id)
{
	CHECK(id < v->count);
	return v->words[id];
}

uint32_t vocab_ranked(const struct vocab *v, size_t rank)
{
	CHECK(rank < v->count);
	return v->order[rank];
}

int32_t vocab_find(const struct vocab *v, const char *text, size_t length)
{
	/* The first rank whose word is greater; the one before it is the last of the equal ones. */
	struct vocab_word wanted = {text, length};
	size_t low = 0, high = v->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_words(v->words[v->order[middle]], wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || compare_words(v->words[v->order[low - 1]], wanted) != 0)
		return -1;
	return (int32_t)v->order[low - 1];
}
