#ifndef ALERTS_TOPICS_REGEX_H
#define ALERTS_TOPICS_REGEX_H

#include "alerts/topics/required.h"
#include "daemon/base/err.h"

#include <stddef.h>

/*
 * One regular expression: PCRE2 with UTF-8, Unicode properties and without
 * case (unless it says (?-i)).  Immutable; any number of threads may use it,
 * each with its own scratch.
 */
struct regex;
struct regex_scratch;

/* NULL where PCRE2 refuses it, or where it matches every text. */
struct regex *regex_create(const char *pattern, struct err *e);
void regex_free(struct regex *regex);

/* Literals that every match holds. */
const struct required *regex_required(const struct regex *regex);

struct regex_scratch *regex_scratch_create(void);
void regex_scratch_free(struct regex_scratch *scratch);

enum regex_result { REGEX_NO, REGEX_YES, REGEX_LIMIT };

/* Does it match in the text, which is what fold_as(FOLD_KEEP_CASE) wrote?  REGEX_LIMIT: given up after work in proportion to
 * the text's length, with memory of at most 8 MB in the scratch. */
enum regex_result regex_match(const struct regex *regex, struct regex_scratch *scratch, const char *text, size_t length);

#endif
