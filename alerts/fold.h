#ifndef ALERTS_FOLD_H
#define ALERTS_FOLD_H

#include <stddef.h>

/*
 * Folding: the one form in which the watch list and the text are compared.
 *
 * Unicode NFKC with full case folding and default-ignorable characters taken
 * out (what Unicode calls NFKC_Casefold), so that full-width letters are ASCII,
 * a ligature is its letters, "ß" is "ss", and a letter with its combining mark is
 * the composed letter.  Accents count: "Nestle" is not "Nestlé".  Besides:
 *
 *   white space of any kind but ASCII's own   is one ' ' a character (runs stay runs)
 *   typographic apostrophes                   are "'"
 *   hyphens, en dash and minus                are "-" (the em dash stays itself)
 *   "™" and "℠"                               stay signs: they are no letters of the name before them
 *   "İ", the Turkish dotted capital           is "i", as "I" is; "ı" stays itself
 *
 * Marks beyond 32 on one letter are composed as if a new letter began there.
 * An invalid byte is U+FFFD.  The output is valid UTF-8 in every case, at most
 * 11 times as long as the input.
 */
enum fold_form {
	FOLD_FULL,      /* all of the above */
	FOLD_KEEP_CASE, /* without the case folding: what regular expressions look at */
	FOLD_PATTERN,   /* also without the compatibility mappings, which could make new metacharacters */
};

/* Folds `length` bytes of UTF-8 into `out` and ends it with a NUL.  Returns the folded length.  If that is >= size, it did
 * not fit and `out` is "": call again with more room. */
size_t fold_as(enum fold_form form, const char *text, size_t length, char *out, size_t size);

/* fold_as(FOLD_FULL, ...). */
size_t fold_text(const char *text, size_t length, char *out, size_t size);

#endif
