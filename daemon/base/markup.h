#ifndef BASE_MARKUP_H
#define BASE_MARKUP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Any text as text of HTML and XML 1.0, fit for elements and for quoted
 * attributes: &, <, > and both quotes as entities, tabs and line ends as
 * blanks, and what neither may hold (other control characters, bytes that are
 * not UTF-8) as U+FFFD.
 */
void markup_put(FILE *out, const char *text);
void markup_put_bytes(FILE *out, const char *text, size_t length);
void markup_put_char(FILE *out, uint32_t code_point);

#endif
