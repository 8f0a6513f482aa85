#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define UTF8_REPLACEMENT 0xFFFD

/*
 * Decode one code point.  Returns how many bytes it took (at least 1 where
 * length > 0).  Invalid input gives U+FFFD and takes the maximal subpart, as
 * Unicode recommends and Python's 'replace' does.
 */
size_t utf8_decode(const char *text, size_t length, uint32_t *code_point);

/* Encode one code point (no surrogates); returns 1 to 4 bytes. */
size_t utf8_encode(uint32_t code_point, char out[4]);

bool utf8_is_valid(const char *text, size_t length);

/* Copy with every invalid sequence replaced by U+FFFD; returns the length written.  `out` NULL only measures. */
size_t utf8_clean(const char *text, size_t length, char *out);

/* How many of a text's bytes are whole characters within `most`. */
size_t utf8_cut(const char *text, size_t length, size_t most);

/* For terminals: nothing that is printed moves a cursor.  Control characters (C0, DEL, C1) become `instead`. */
void utf8_print(FILE *out, const char *text, size_t length, char instead);

#endif
