/*
 * PCRE2's interpreter, not its JIT: the service runs where no memory may be
 * both written and executed.
 *
 * PCRE2's match limit counts anew at every place where a match may begin, so
 * it bounds a search by limit times length only, which for a long hostile text
 * is for ever.  Automatic callouts are called before every item of the pattern
 * that is tried, wherever the search is; counting those bounds the search as a
 * whole.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "alerts/topics/regex.h"

#include "alerts/fold.h"
#include "daemon/base/check.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 8192
#define NESTING_MAX 100
#define HEAP_LIMIT_KB 8192
#define MATCH_LIMIT 1000000

/* In units of a byte moved over, about a nanosecond. */
#define WORK_MIN 32000000
#define WORK_PER_BYTE 64
#define WORK_PER_CALLOUT 16

struct regex {
	pcre2_code *code;
	struct required required;
};

struct regex_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
	int64_t work_left;
	size_t place; /* where the last callout was */
};

static int compile(const char *pattern, size_t length, pcre2_code **code, struct err *e)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	if (context == NULL)
		return err_set(e, "regex: out of memory");
	pcre2_set_parens_nest_limit(context, NESTING_MAX);
	pcre2_set_max_pattern_length(context, PATTERN_MAX);

	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
	int number;
	size_t offset;
	*code = pcre2_compile((PCRE2_SPTR)pattern, length, options, &number, &offset, context);
	pcre2_compile_context_free(context);
	if (*code != NULL)
		return 0;
	PCRE2_UCHAR message[256];
	pcre2_get_error_message(number, message, sizeof message);
	return err_set(e, "regex: at offset %zu of \"%s\": %s", offset, pattern, (const char *)message);
}

/* The folded form is what runs; the form as written is compiled where it differs, so that offsets are the user's. */
static int compile_folded(struct regex *regex, const char *pattern, struct err *e)
{
	size_t length = strlen(pattern);
	pcre2_code *written;
	if (compile(pattern, length, &written, e) != 0)
		return -1;
	pcre2_code_free(written);

	size_t size = length * 11 + 1;
	char *folded = xmalloc(size);
	size_t folded_length = fold_as(FOLD_PATTERN, pattern, length, folded, size);
	CHECK(folded_length < size);
	int rc = compile(folded, folded_length, &regex->code, e);
	if (rc == 0)
		required_find(folded, folded_length, &regex->required);
	free(folded);
	return rc;
}

struct regex *regex_create(const char *pattern, struct err *e)
{
	struct regex *regex = xcalloc(1, sizeof *regex);
	struct regex_scratch *scratch = regex_scratch_create();
	int rc = compile_folded(regex, pattern, e);
	if (rc == 0 && regex_match(regex, scratch, "", 0) != REGEX_NO)
		rc = err_set(e, "regex: \"%s\" matches the empty text, and so every text", pattern);
	regex_scratch_free(scratch);
	if (rc == 0)
		return regex;
	regex_free(regex);
	return NULL;
}

void regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_code_free(regex->code);
	free(regex);
}

const struct required *regex_required(const struct regex *regex)
{
	return &regex->required;
}

static int count_work(pcre2_callout_block *block, void *context)
{
	struct regex_scratch *scratch = context;
	size_t here = block->current_position, last = scratch->place;
	scratch->place = here;
	scratch->work_left -= WORK_PER_CALLOUT + (int64_t)(here > last ? here - last : last - here);
	return scratch->work_left < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

struct regex_scratch *regex_scratch_create(void)
{
	struct regex_scratch *scratch = xcalloc(1, sizeof *scratch);
	scratch->data = pcre2_match_data_create(1, NULL);
	scratch->context = pcre2_match_context_create(NULL);
	CHECK(scratch->data != NULL && scratch->context != NULL);
	pcre2_set_heap_limit(scratch->context, HEAP_LIMIT_KB);
	pcre2_set_match_limit(scratch->context, MATCH_LIMIT);
	pcre2_set_callout(scratch->context, count_work, scratch);
	return scratch;
}

void regex_scratch_free(struct regex_scratch *scratch)
{
	if (scratch == NULL)
		return;
	pcre2_match_data_free(scratch->data);
	pcre2_match_context_free(scratch->context);
	free(scratch);
}

enum regex_result regex_match(const struct regex *regex, struct regex_scratch *scratch, const char *text, size_t length)
{
	scratch->work_left = WORK_MIN + WORK_PER_BYTE * (int64_t)length;
	scratch->place = 0;
	/* The text is valid UTF-8 by construction. */
	int rc = pcre2_match(regex->code, (PCRE2_SPTR)text, length, 0, PCRE2_NO_UTF_CHECK, scratch->data, scratch->context);
	if (rc >= 0)
		return REGEX_YES;
	return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_LIMIT;
}
