#ifndef INGEST_HTML_TEXT_H
#define INGEST_HTML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Plain text out of HTML, without building a tree.  All functions take and
 * give UTF-8, run in linear time and never fail.  The result is never longer
 * than the source, so that `out` needs `length` + 1 bytes and may be the
 * source itself; a NUL ends it and its length is returned.
 *
 * White space is folded: one blank between words, none at the ends.  Control
 * characters and those that only steer the layout (soft hyphens, zero-width
 * blanks, direction marks) are left out.
 */
enum html_kind {
	HTML_PLAIN,    /* no markup: only white space is folded */
	HTML_GUESSED,  /* it may be HTML or text: "<BA.N>", "1 < 2" stay, known tags and entities are read */
	HTML_DECLARED, /* every tag goes, as in a browser */
};

/*
 * Tags are removed: one that breaks the line becomes a blank, one that does
 * not (<b>, <a>) joins.  Scripts, styles and comments go with their content.
 * Entities are replaced once: "&amp;lt;" becomes "&lt;".
 */
size_t html_text(char *out, const char *source, size_t length, enum html_kind kind);

/*
 * Undo a second escaping: "AT&amp;T" and "<b>Up</b>" in what should be plain
 * text.  Does nothing to text that may well mean what it says ("the &lt;b&gt;
 * tag", "a <b").
 */
size_t html_unescape_twice(char *out, const char *text, size_t length);

/*
 * Read the reference that starts at text[0] == '&'.  Writes its characters
 * (never more bytes than it took) to `out` and their count to `*written`.
 * Returns how many bytes of `text` it took, 0 where it is none.  `strict`:
 * only with the semicolon.
 */
size_t html_reference(const char *text, size_t length, bool strict, char out[8], size_t *written);

/* What browsers read a numeric reference as: 128 to 159 are windows-1252; U+FFFD where it is no character. */
uint32_t html_code_point(uint32_t number);

#endif
