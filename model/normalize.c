/*
 * The tables are ranges (normalize_tables.c); creation unfolds them into pages
 * of 256 code points, so that encoding pays two loads whatever the script.
 * Most of the 4,352 pages hold one answer (letters that stay, ideographs,
 * private use) and share it: a page is copied when somebody writes to it.
 *
 * Decompositions come from utf8proc: once a character is assigned its
 * decomposition never changes, so the library's version does not matter as
 * long as only those are asked for that the reference knows.  An accented
 * letter whose decomposition is one letter and accents (nearly all of them)
 * is folded to that letter here, once.
 */
#include "model/normalize.h"

#include "daemon/base/check.h"
#include "model/normalize_tables.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define HANGUL_FIRST 0xAC00
#define HANGUL_LAST 0xD7A3
#define KINDS (GLYPH_DECOMPOSED + 1)

/* Pages 0 to KINDS - 1 are the shared ones: every code point of page k is of kind k and stays itself. */
static void create_shared_pages(struct normalizer *n)
{
	n->pages = xmalloc(KINDS * sizeof *n->pages);
	n->page_count = KINDS;
	for (int kind = 0; kind < KINDS; kind++)
		for (unsigned i = 0; i < NORMALIZE_PAGE; i++)
			n->pages[kind][i] = kind;
}

static void set(struct normalizer *n, uint32_t c, enum glyph_kind kind, uint32_t target)
{
	uint16_t *page = &n->page_of[c / NORMALIZE_PAGE];
	if (*page < KINDS) {
		n->pages = xrealloc(n->pages, (n->page_count + 1) * sizeof *n->pages);
		memcpy(n->pages[n->page_count], n->pages[*page], sizeof *n->pages);
		*page = (uint16_t)n->page_count++;
	}
	int32_t distance = (int32_t)target - (int32_t)c;
	n->pages[*page][c % NORMALIZE_PAGE] = distance * 16 + (int32_t)kind;
}

static void set_range(struct normalizer *n, uint32_t first, uint32_t last, enum glyph_kind kind)
{
	for (uint32_t c = first; c <= last; c++) {
		if (c % NORMALIZE_PAGE == 0 && last - c >= NORMALIZE_PAGE - 1 && n->page_of[c / NORMALIZE_PAGE] < KINDS) {
			n->page_of[c / NORMALIZE_PAGE] = kind;
			c += NORMALIZE_PAGE - 1;
		} else {
			set(n, c, kind, c);
		}
	}
}

static void set_ranges(struct normalizer *n, const struct code_range *ranges, size_t count, enum glyph_kind kind)
{
	for (size_t i = 0; i < count; i++)
		set_range(n, ranges[i].first, ranges[i].last, kind);
}

size_t normalizer_decompose(uint32_t c, uint32_t parts[NORMALIZE_EXPANSION])
{
	utf8proc_int32_t out[NORMALIZE_EXPANSION];
	utf8proc_ssize_t count =
		utf8proc_decompose_char((utf8proc_int32_t)c, out, NORMALIZE_EXPANSION, UTF8PROC_DECOMPOSE, NULL);
	CHECK(count >= 1 && count <= NORMALIZE_EXPANSION);
	for (utf8proc_ssize_t i = 0; i < count; i++)
		parts[i] = (uint32_t)out[i];
	return (size_t)count;
}

/* Everything that a part can be is set by now. */
static void set_decomposed(struct normalizer *n, uint32_t c)
{
	uint32_t parts[NORMALIZE_EXPANSION];
	size_t count = normalizer_decompose(c, parts);
	if (count == 1 && parts[0] == c)
		return;

	bool only_accents = true;
	for (size_t i = 1; i < count; i++) {
		enum glyph_kind kind = glyph_kind(normalizer_look_up(n, parts[i]));
		CHECK(kind != GLYPH_SPACE && kind != GLYPH_ALONE && kind != GLYPH_DROPPED);
		if (kind != GLYPH_MARK)
			only_accents = false;
	}
	if (!only_accents) {
		set(n, c, GLYPH_DECOMPOSED, c);
		return;
	}
	/* An ideograph stands alone by what it was, everything else by what it becomes. */
	glyph first = normalizer_look_up(n, parts[0]);
	bool alone = glyph_kind(normalizer_look_up(n, c)) == GLYPH_ALONE;
	set(n, c, alone ? GLYPH_ALONE : glyph_kind(first), glyph_target(first, parts[0]));
}

static void set_lower(struct normalizer *n)
{
	for (size_t i = 0; i < normalize_lower_count; i++) {
		const struct lower_run *run = &normalize_lower[i];
		for (uint32_t c = run->first; c <= run->last; c += run->stride)
			set(n, c, GLYPH_LETTER, (uint32_t)((int32_t)c + run->delta));
	}
}

struct normalizer *normalizer_create(bool lower_case)
{
	struct normalizer *n = xcalloc(1, sizeof *n);
	create_shared_pages(n);
	if (lower_case) {
		set_lower(n);
		set_ranges(n, normalize_marks, normalize_marks_count, GLYPH_MARK);
		set_ranges(n, normalize_starter_marks, normalize_starter_marks_count, GLYPH_BARRIER);
		for (size_t i = 0; i < normalize_orders_count; i++)
			set_range(n, normalize_orders[i].first, normalize_orders[i].last, GLYPH_ORDERED);
	}
	set_ranges(n, normalize_punctuation, normalize_punctuation_count, GLYPH_ALONE);
	set_ranges(n, normalize_ideographs, normalize_ideographs_count, GLYPH_ALONE);
	set_ranges(n, normalize_spaces, normalize_spaces_count, GLYPH_SPACE);
	set_ranges(n, normalize_dropped, normalize_dropped_count, GLYPH_DROPPED);
	if (lower_case) {
		for (size_t i = 0; i < normalize_decomposed_count; i++)
			for (uint32_t c = normalize_decomposed[i].first; c <= normalize_decomposed[i].last; c++)
				set_decomposed(n, c);
		set_range(n, HANGUL_FIRST, HANGUL_LAST, GLYPH_DECOMPOSED);
	}
	return n;
}

void normalizer_free(struct normalizer *n)
{
	if (n == NULL)
		return;
	free(n->pages);
	free(n);
}

uint8_t normalizer_order(uint32_t c)
{
	for (size_t i = 0; i < normalize_orders_count; i++)
		if (c >= normalize_orders[i].first && c <= normalize_orders[i].last)
			return normalize_orders[i].order;
	return 0;
}
