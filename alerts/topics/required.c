/*
 * A walk over the pattern's text that understands the common constructs and
 * gives up on the rest: a literal too few costs time, one too many would cost
 * matches.  So everything that is not known for certain ends the walk with
 * "none".
 *
 * Only ASCII and the scripts without case become literals.  PCRE2 knows two
 * letters beyond ASCII that equal ASCII ones without case, U+017F and U+212A,
 * and NFKC text has neither.
 *
 * R. Cox: Regular Expression Matching with a Trigram Index (2012) has the idea.
 */
#include "alerts/topics/required.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 50

struct walk {
	const unsigned char *at, *end;
	int depth;
	bool failed;
};

/* Literal characters in a row, up to the next thing that is not one. */
struct run {
	size_t length;
	char bytes[REQUIRED_LENGTH_MAX];
};

enum repeat { REPEAT_ONCE, REPEAT_SOME, REPEAT_OPTIONAL };

static void find_alternatives(struct walk *w, struct required *out);

static void give_up(struct walk *w)
{
	w->failed = true;
	w->at = w->end;
}

/* The byte `ahead` of the place, 0 past the end. */
static unsigned char peek(const struct walk *w, size_t ahead)
{
	return (size_t)(w->end - w->at) > ahead ? w->at[ahead] : 0;
}

static bool take(struct walk *w, const char *text)
{
	size_t length = strlen(text);
	if ((size_t)(w->end - w->at) < length || memcmp(w->at, text, length) != 0)
		return false;
	w->at += length;
	return true;
}

static size_t shortest(const struct required *set)
{
	size_t least = 0;
	for (size_t i = 0; i < set->count; i++)
		least = i == 0 || set->literals[i].length < least ? set->literals[i].length : least;
	return least;
}

/* Keeps the better filter of the two: the longer one; of equals the one with fewer alternatives. */
static void keep_better(struct required *best, const struct required *other)
{
	if (other->count == 0)
		return;
	size_t have = shortest(best), offered = shortest(other);
	if (best->count == 0 || offered > have || (offered == have && other->count < best->count))
		*best = *other;
}

static void end_run(struct run *run, struct required *best)
{
	struct required set = {.count = run->length > 0};
	set.literals[0].length = run->length;
	memcpy(set.literals[0].bytes, run->bytes, run->length);
	keep_better(best, &set);
	run->length = 0;
}

static enum repeat take_repeat(struct walk *w)
{
	enum repeat repeat = REPEAT_ONCE;
	if (take(w, "*") || take(w, "?")) {
		repeat = REPEAT_OPTIONAL;
	} else if (take(w, "+")) {
		repeat = REPEAT_SOME;
	} else if (take(w, "{")) {
		bool zero = true, digits = false;
		for (; isdigit(peek(w, 0)); w->at++) {
			zero &= *w->at == '0';
			digits = true;
		}
		if (take(w, ",")) {
			while (isdigit(peek(w, 0)))
				w->at++;
		}
		if (!digits || !take(w, "}"))
			give_up(w);
		repeat = zero ? REPEAT_OPTIONAL : REPEAT_SOME;
	}
	if (repeat != REPEAT_ONCE && !take(w, "?"))
		take(w, "+"); /* lazy or possessive */
	return repeat;
}

static void skip_class(struct walk *w)
{
	w->at++;
	take(w, "^");
	take(w, "]");
	while (!w->failed && !take(w, "]")) {
		unsigned char c = peek(w, 0), next = peek(w, 1);
		if (c == 0 || (c == '\\' && (next == 0 || next == 'Q' || next == 'E')))
			give_up(w);
		else if (c != '[' || (next != ':' && next != '.' && next != '='))
			w->at += c == '\\' ? 2 : 1;
		else {
			for (w->at += 2; islower(peek(w, 0)) || peek(w, 0) == '^'; w->at++)
				continue;
			if (next != ':' || !take(w, ":]"))
				give_up(w);
		}
	}
}

/* Characters without case, whose bytes stand for themselves: Hiragana, Katakana, Han, Hangul syllables. */
static bool is_caseless(const unsigned char *at)
{
	uint32_t c = (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (uint32_t)(at[2] & 0x3f);
	return (c >= 0x3041 && c <= 0x30ff) || (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3);
}

/* One character, which stands for itself where `literal`. */
static void take_character(struct walk *w, bool literal, struct run *run, struct required *best)
{
	const unsigned char *start = w->at;
	do
		w->at++;
	while ((peek(w, 0) & 0xc0) == 0x80);
	size_t length = (size_t)(w->at - start);
	if (start[0] >= 0x80 && (length != 3 || !is_caseless(start)))
		literal = false;

	enum repeat repeat = take_repeat(w);
	if (!literal || repeat == REPEAT_OPTIONAL || run->length + length > REQUIRED_LENGTH_MAX)
		end_run(run, best);
	if (!literal || repeat == REPEAT_OPTIONAL)
		return;
	for (size_t i = 0; i < length; i++)
		run->bytes[run->length++] = (char)(start[i] < 0x80 ? tolower(start[i]) : start[i]);
	if (repeat == REPEAT_SOME)
		end_run(run, best);
}

static void take_escape(struct walk *w, struct run *run, struct required *best)
{
	w->at++;
	unsigned char c = peek(w, 0);
	if (c > 0 && c < 0x80 && !isalnum(c)) {
		take_character(w, true, run, best);
		return;
	}
	if (c == 'p' || c == 'P') {
		w->at++;
		if (peek(w, 0) == '{') {
			while (w->at < w->end && *w->at != '}')
				w->at++;
		}
	} else if (c == 0 || strchr("dDwWsShHvVRXbBAzZGKnrtfea", c) == NULL) {
		give_up(w); /* a reference, a number, a quotation ... */
	}
	if (w->at < w->end)
		take_character(w, false, run, best);
}

/* After "(": what kind of group is it?  True where alternatives follow. */
static bool take_group_head(struct walk *w, bool *negative)
{
	*negative = false;
	if (peek(w, 0) == '*')
		give_up(w);
	if (!take(w, "?"))
		return !w->failed;
	if (take(w, "!") || take(w, "<!")) {
		*negative = true;
		return true;
	}
	if (take(w, ":") || take(w, ">") || take(w, "|") || take(w, "=") || take(w, "<="))
		return true;
	if (take(w, "P<") || take(w, "<") || take(w, "'")) {
		while (isalnum(peek(w, 0)) || peek(w, 0) == '_')
			w->at++;
		if (!take(w, ">") && !take(w, "'"))
			give_up(w);
		return !w->failed;
	}
	while (peek(w, 0) != 0 && strchr("imsnJU^-", peek(w, 0)) != NULL)
		w->at++;
	if (take(w, ":"))
		return true;
	if (peek(w, 0) != ')')
		give_up(w);
	return false;
}

static void take_group(struct walk *w, struct run *run, struct required *best)
{
	struct required inside = {.count = 0};
	bool negative;
	end_run(run, best);
	w->at++;
	if (++w->depth > DEPTH_MAX)
		give_up(w);
	if (take_group_head(w, &negative))
		find_alternatives(w, &inside);
	w->depth--;
	if (!take(w, ")"))
		give_up(w);
	if (take_repeat(w) != REPEAT_OPTIONAL && !negative)
		keep_better(best, &inside);
}

/* One branch: the best of what all its parts require. */
static void find_branch(struct walk *w, struct required *best)
{
	struct run run = {.length = 0};
	best->count = 0;
	while (w->at < w->end && *w->at != '|' && *w->at != ')') {
		switch (*w->at) {
		case '(':
			take_group(w, &run, best);
			break;
		case '[':
			end_run(&run, best);
			skip_class(w);
			take_repeat(w);
			break;
		case '\\':
			take_escape(w, &run, best);
			break;
		case '.': case '^': case '$':
			take_character(w, false, &run, best);
			break;
		case '*': case '+': case '?': case '{': case '\0':
			give_up(w);
			break;
		default:
			take_character(w, true, &run, best);
		}
	}
	end_run(&run, best);
}

/* Branches with "|" between them: what each of them requires, together. */
static void find_alternatives(struct walk *w, struct required *out)
{
	bool all = true;
	out->count = 0;
	do {
		struct required branch;
		find_branch(w, &branch);
		all = all && branch.count > 0 && out->count + branch.count <= REQUIRED_MAX;
		for (size_t i = 0; all && i < branch.count; i++)
			out->literals[out->count++] = branch.literals[i];
	} while (take(w, "|"));
	if (!all)
		out->count = 0;
}

void required_find(const char *pattern, size_t length, struct required *out)
{
	struct walk w = {.at = (const unsigned char *)pattern, .end = (const unsigned char *)pattern + length};
	find_alternatives(&w, out);
	if (w.failed || w.at != w.end)
		out->count = 0;
}
