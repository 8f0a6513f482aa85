/*
 * Matching one text: fold it, find the phrases, settle words against
 * exclusions, then try the regular expressions whose literals are there.
 *
 * Words and exclusions of one topic are settled leftmost-longest.  The automaton
 * reports occurrences in the order of their ends; they are kept until no earlier
 * or equal beginning can come any more, which is when the scan is a longest
 * phrase further.  So memory stays small for texts of any length.
 */
#include "alerts/fold.h"
#include "alerts/topics.h"
#include "alerts/topics/compiled.h"
#include "alerts/topics/tokens.h"
#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (UINT32_C(1) << 28) /* the rest of a longer text is not looked at */
#define HITS_MIN 1024

enum topic_flags {
	FLAG_TOUCHED = 1,   /* in `touched` */
	FLAG_MATCHED = 2,
	FLAG_EXCLUDED = 4,  /* an exclusion of either kind occurs */
	FLAG_VETOED = 8,
	FLAG_CANDIDATE = 16 /* a literal of its regex occurs */
};

/* A word or an exclusion of a topic that has both. */
struct hit {
	uint32_t first, end; /* tokens */
	uint32_t topic;
	enum entry_kind kind;
};

struct buffer {
	char *bytes;
	size_t size;
};

struct topics_scratch {
	const struct topics *topics;
	struct buffer folded, cased;
	struct regex_scratch *regex;

	uint8_t *flags;        /* [topics], all 0 between texts, */
	uint32_t *settled_end; /* [topics], as these are: where the last settled hit ends */
	uint32_t *touched;     /* topics with a flag */
	size_t touched_count;

	uint32_t *seen;        /* [phrases]: number of the text that it was last found in */
	uint32_t text_number;

	struct hit *hits;
	size_t hit_count, hit_capacity;
};

struct topics_scratch *topics_scratch_create(const struct topics *topics)
{
	struct topics_scratch *s = xcalloc(1, sizeof *s);
	s->topics = topics;
	s->regex = regex_scratch_create();
	s->flags = xcalloc(topics->count, sizeof *s->flags);
	s->settled_end = xcalloc(topics->count, sizeof *s->settled_end);
	s->touched = xmalloc(topics->count * sizeof *s->touched);
	s->seen = xcalloc(phrases_count(topics->phrases), sizeof *s->seen);
	s->hit_capacity = HITS_MIN;
	s->hits = xmalloc(s->hit_capacity * sizeof *s->hits);
	return s;
}

void topics_scratch_free(struct topics_scratch *s)
{
	if (s == NULL)
		return;
	free(s->folded.bytes);
	free(s->cased.bytes);
	regex_scratch_free(s->regex);
	free(s->flags);
	free(s->settled_end);
	free(s->touched);
	free(s->seen);
	free(s->hits);
	free(s);
}

static size_t fold_into(struct buffer *buffer, enum fold_form form, const char *text, size_t length)
{
	size_t folded = fold_as(form, text, length, buffer->bytes, buffer->size > 0 ? buffer->size - TOKEN_PADDING : 0);
	if (folded + 1 + TOKEN_PADDING > buffer->size) {
		buffer->size = folded + folded / 2 + 1024;
		free(buffer->bytes);
		buffer->bytes = xcalloc(buffer->size, 1);
		fold_as(form, text, length, buffer->bytes, buffer->size - TOKEN_PADDING);
	}
	return folded;
}

static void set_flag(struct topics_scratch *s, uint32_t topic, unsigned flag)
{
	if (s->flags[topic] == 0)
		s->touched[s->touched_count++] = topic;
	s->flags[topic] |= (uint8_t)(flag | FLAG_TOUCHED);
}

static int compare_hits(const void *left, const void *right)
{
	const struct hit *a = left, *b = right;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->end < b->end) - (a->end > b->end);
}

/* Settles the hits that begin before `bound`, leftmost-longest within each topic; the others stay. */
static void settle(struct topics_scratch *s, uint64_t bound)
{
	if (s->hit_count > 1)
		qsort(s->hits, s->hit_count, sizeof *s->hits, compare_hits);
	size_t i = 0;
	for (; i < s->hit_count && s->hits[i].first < bound; i++) {
		const struct hit *hit = &s->hits[i];
		if (hit->first < s->settled_end[hit->topic])
			continue;
		s->settled_end[hit->topic] = hit->end;
		static const unsigned flags[] = {
			[ENTRY_WORD] = FLAG_MATCHED,
			[ENTRY_MASK] = FLAG_EXCLUDED,
			[ENTRY_VETO] = FLAG_EXCLUDED | FLAG_VETOED,
		};
		set_flag(s, hit->topic, flags[hit->kind]);
	}
	s->hit_count -= i;
	memmove(s->hits, s->hits + i, s->hit_count * sizeof *s->hits);
}

static void keep_hit(struct topics_scratch *s, struct hit hit)
{
	if (s->hit_count == s->hit_capacity) {
		/* What is still to come ends at hit.end or later, so it begins at hit.end - longest or later. */
		settle(s, hit.end > s->topics->longest ? hit.end - s->topics->longest : 0);
		if (s->hit_count > s->hit_capacity / 2) {
			s->hit_capacity *= 2;
			s->hits = xrealloc(s->hits, s->hit_capacity * sizeof *s->hits);
		}
	}
	s->hits[s->hit_count++] = hit;
}

static void note_phrase(void *context, uint32_t phrase, uint32_t first, uint32_t end)
{
	struct topics_scratch *s = context;
	const struct topics *topics = s->topics;
	if (topics->settled_once[phrase]) {
		if (s->seen[phrase] == s->text_number)
			return;
		s->seen[phrase] = s->text_number;
	}
	for (uint32_t i = topics->entry_start[phrase]; i < topics->entry_start[phrase + 1]; i++) {
		struct entry entry = topics->entries[i];
		if (!topics->list[entry.topic].has_none)
			set_flag(s, entry.topic, FLAG_MATCHED);
		else if (!(s->flags[entry.topic] & FLAG_VETOED))
			keep_hit(s, (struct hit){first, end, entry.topic, entry.kind});
	}
}

static void find_words(struct topics_scratch *s, const char *text, size_t length)
{
	size_t folded = fold_into(&s->folded, FOLD_FULL, text, length);
	if (++s->text_number == 0) { /* wrapped around: old numbers mean nothing any more */
		memset(s->seen, 0, phrases_count(s->topics->phrases) * sizeof *s->seen);
		s->text_number = 1;
	}
	phrases_scan(s->topics->phrases, s->folded.bytes, folded, note_phrase, s);
	settle(s, UINT64_MAX);
}

static void note_literal(void *context, uint32_t topic)
{
	set_flag(context, topic, FLAG_CANDIDATE);
}

static bool is_ascii(const char *text, size_t length)
{
	unsigned char all = 0;
	for (size_t i = 0; i < length; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

static void try_regex(struct topics_scratch *s, uint32_t topic, const char *text, size_t length)
{
	if (s->flags[topic] & (FLAG_MATCHED | FLAG_EXCLUDED))
		return;
	enum regex_result result = regex_match(s->topics->list[topic].regex, s->regex, text, length);
	if (result == REGEX_YES)
		set_flag(s, topic, FLAG_MATCHED);
	if (result == REGEX_LIMIT) /* the counter is not part of what is immutable */
		atomic_fetch_add_explicit(&((struct topics *)s->topics)->limit_hits, 1, memory_order_relaxed);
}

static void find_regexes(struct topics_scratch *s, const char *text, size_t length)
{
	const struct topics *topics = s->topics;
	if (!is_ascii(text, length)) { /* which folds to itself here */
		length = fold_into(&s->cased, FOLD_KEEP_CASE, text, length);
		text = s->cased.bytes;
	}
	if (topics->has_literals)
		literals_scan(topics->literals, text, length, note_literal, s);
	for (size_t i = 0; i < s->touched_count; i++) {
		if (s->flags[s->touched[i]] & FLAG_CANDIDATE)
			try_regex(s, s->touched[i], text, length);
	}
	for (size_t i = 0; i < topics->always_count; i++)
		try_regex(s, topics->always[i], text, length);
}

static int compare_topics(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return (a > b) - (a < b);
}

/* Leaves the scratch as it was before the text. */
static size_t take_result(struct topics_scratch *s, uint32_t *out, size_t max)
{
	size_t count = 0;
	if (s->touched_count > 1)
		qsort(s->touched, s->touched_count, sizeof *s->touched, compare_topics);
	for (size_t i = 0; i < s->touched_count; i++) {
		uint32_t topic = s->touched[i];
		if ((s->flags[topic] & (FLAG_MATCHED | FLAG_VETOED)) == FLAG_MATCHED && count < max)
			out[count++] = topic;
		s->flags[topic] = 0;
		s->settled_end[topic] = 0;
	}
	s->touched_count = 0;
	return count;
}

size_t topics_match(const struct topics *topics, struct topics_scratch *scratch, const char *text, size_t length,
		    uint32_t *out, size_t max)
{
	CHECK(scratch->topics == topics);
	if (length > TEXT_MAX)
		length = TEXT_MAX;
	find_words(scratch, text, length);
	if (topics->has_literals || topics->always_count > 0)
		find_regexes(scratch, text, length);
	return take_result(scratch, out, max);
}

uint64_t topics_match_limit_hits(const struct topics *topics)
{
	return atomic_load_explicit(&((struct topics *)topics)->limit_hits, memory_order_relaxed);
}
