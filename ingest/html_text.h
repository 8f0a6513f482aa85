#ifndef INGEST_HTML_TEXT_H
#define INGEST_HTML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Plain text out of HTML, without building a tree.  All functions take and
 * give valid UTF-8, run in linear time and never fail.
 *
 * White space is folded: one blank between words, none at the ends.  What a
 * browser would not show (scripts, styles, comments, control and invisible
 * formatting characters at the ends) is left out; a tag that breaks a line
 * becomes a blank, one that does not (<b>, <a>) joins.
 */

/* Text of HTML source.  The result is at most `length` bytes and a NUL; `out` may be `html` itself. */
size_t html_text(char *out, const char *html, size_t length);

/* Replace entities, keep everything else as it is.  `out` may be `text` itself (an entity is never shorter than its text). */
size_t html_unescape(char *out, const char *text, size_t length);

/* Fold white space of plain text.  `out` may be `text` itself. */
size_t html_fold_space(char *out, const char *text, size_t length);

/* Whether text of unknown type is HTML: it holds a known tag or entity, and none that is unknown. */
bool html_is_likely(const char *text, size_t length);

/*
 * The characters of the named entity `name` (without & and ;), NULL where
 * HTML 5 has none.  `name` need not end in NUL.
 */
const char *html_entity(const char *name, size_t length);

/* The character of a numeric reference as browsers read it: 128 to 159 are windows-1252; U+FFFD where there is none. */
uint32_t html_code_point(uint32_t number);

#endif
