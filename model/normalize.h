#ifndef MODEL_NORMALIZE_H
#define MODEL_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * BERT's text clean-up, one code point at a time: what a code point is to the
 * splitting into words, and what it turns into.  With `lower_case` that is
 * canonical decomposition without accents, then lower case; else itself.
 *
 * Immutable after creation; the look-up is two loads.
 */
enum glyph_kind {
	GLYPH_LETTER,     /* part of a word (also digits, symbols, marks that stay) */
	GLYPH_SPACE,      /* ends a word */
	GLYPH_ALONE,      /* ends a word and is one: punctuation, ideographs */
	GLYPH_DROPPED,    /* as if it were not there */
	GLYPH_MARK,       /* an accent: dropped */
	GLYPH_BARRIER,    /* an accent of combining class 0: dropped, but marks do not move across it */
	GLYPH_ORDERED,    /* a mark that stays and takes its canonical place among those before it */
	GLYPH_DECOMPOSED, /* turns into several letters and marks: normalizer_decompose says which */
};

/* Kind in the low 4 bits; above them the distance to what it turns into. */
typedef int32_t glyph;

#define NORMALIZE_PAGE 256u
#define NORMALIZE_PAGES (0x110000u / NORMALIZE_PAGE)
/* The longest canonical decomposition of one code point. */
#define NORMALIZE_EXPANSION 4

struct normalizer {
	uint16_t page_of[NORMALIZE_PAGES];
	glyph (*pages)[NORMALIZE_PAGE]; /* pages[0] is the page of those who stay as they are */
	size_t page_count;
};

struct normalizer *normalizer_create(bool lower_case);
void normalizer_free(struct normalizer *normalizer);

/* `c` is at most U+10FFFF and no surrogate. */
static inline glyph normalizer_look_up(const struct normalizer *normalizer, uint32_t c)
{
	return normalizer->pages[normalizer->page_of[c / NORMALIZE_PAGE]][c % NORMALIZE_PAGE];
}

static inline enum glyph_kind glyph_kind(glyph g)
{
	return (enum glyph_kind)(g & 15);
}

/* What `c` turns into, where it is one code point. */
static inline uint32_t glyph_target(glyph g, uint32_t c)
{
	return (uint32_t)((int32_t)c + (g >> 4));
}

/* The canonical decomposition of a GLYPH_DECOMPOSED, each part still to be looked up.  Returns how many parts. */
size_t normalizer_decompose(uint32_t c, uint32_t parts[NORMALIZE_EXPANSION]);

/* Canonical combining class of a mark that stays; 0 for everything else. */
uint8_t normalizer_order(uint32_t c);

#endif
