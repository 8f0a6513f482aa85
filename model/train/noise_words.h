#ifndef MODEL_TRAIN_NOISE_WORDS_H
#define MODEL_TRAIN_NOISE_WORDS_H

#include "model/train/random.h"

#include <stdbool.h>
#include <stddef.h>

/* A text, in valid UTF-8, as words between blanks, and changes of it.  Words beyond the first NOISE_WORDS are let be. */
enum { NOISE_WORDS = 512, NOISE_EDITS = 64 };

struct noise_word {
	size_t begin, end;   /* without the marks before and after it: "Orvane" of "(Orvane's," */
	size_t stop;         /* of it with the marks */
	bool opens;          /* a sentence */
};
size_t noise_words_split(const char *text, size_t length, struct noise_word words[NOISE_WORDS]);

/* Text in the place of bytes [begin, end). */
struct noise_edit {
	size_t begin, end, length;
	char text[32];
};
struct noise_edit noise_edit(size_t begin, size_t end, const char *text);

/* Writes the text with its edits, which lie one after another, and returns the length.  `out` is another block. */
size_t noise_apply(const char *text, size_t length, const struct noise_edit *edits, size_t count, char *out);

/* Names of companies, as far as capitals and cashtags tell them; most <= NOISE_EDITS. */
struct noise_name {
	size_t begin, end;
	bool cashtag;
};
size_t noise_find_names(const char *text, const struct noise_word *words, size_t count, struct noise_name *names, size_t most);

/* Every swap of a word for a synonym, in the word's own case. */
size_t noise_find_synonyms(const char *text, const struct noise_word *words, size_t count, struct noise_edit *edits, size_t most);

/* Every word with letters swapped for one that nobody knows. */
size_t noise_find_unknown(const char *text, const struct noise_word *words, size_t count, struct noise_edit *edits, size_t most);

#endif
