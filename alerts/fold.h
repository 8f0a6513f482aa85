#ifndef ALERTS_FOLD_H
#define ALERTS_FOLD_H

#include <stddef.h>
#include <stdint.h>

/* Folding for matching: NFKC, case folding, width (full-width letters become ASCII).  The same on the watch list's side
 * and on the text's. */

/* Folds `length` bytes of UTF-8 (invalid bytes become U+FFFD).  Returns the folded length; writes up to `size` bytes,
 * NUL-terminated.  If the return value is >= size, call again with more room. */
size_t fold_text(const char *text, size_t length, char *out, size_t size);

#endif
