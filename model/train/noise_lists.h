#ifndef MODEL_TRAIN_NOISE_LISTS_H
#define MODEL_TRAIN_NOISE_LISTS_H

#include <stdbool.h>
#include <stddef.h>

/* What noise is made of. */

struct noise_company {
	const char *name, *ticker;
};
extern const struct noise_company noise_companies[];
extern const size_t noise_company_count;

extern const char *const noise_emoji[];
extern const size_t noise_emoji_count;

/* Words, with a blank between them, each of which may stand for any other; a word is in one group alone. */
extern const char *const noise_synonyms[];
extern const size_t noise_synonym_count;

/* Does the word, in any case, begin with a capital at times without naming anybody ("Monday", "The")? */
bool noise_is_common(const char *word, size_t length);

#endif
