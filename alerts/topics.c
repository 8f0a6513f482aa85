/*
 * Building the watch list: words become phrases over tokens, each with the
 * topics that it means something to; regular expressions are compiled and the
 * literals that they need collected.  alerts/topics/match.c does the matching.
 */
#include "alerts/topics.h"

#include "alerts/fold.h"
#include "alerts/topics/compiled.h"
#include "alerts/topics/tokens.h"
#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX 1000 /* bytes, folded */

/* A word of a topic on its way into the entries. */
struct listed {
	uint32_t phrase, topic;
	enum entry_kind kind;
	const char *word; /* the caller's */
};

struct builder {
	const struct topic_spec *specs;
	struct topics *topics;
	struct listed *listed;
	size_t count, capacity;
};

struct folded_word {
	char bytes[WORD_MAX + TOKEN_PADDING];
	size_t start, length; /* without the white space around it */
};

static const char *list_name(enum entry_kind kind)
{
	return kind == ENTRY_WORD ? "any" : "none";
}

/* Folds and trims.  Returns the number of its tokens, or 0 with the reason. */
static uint32_t fold_word(const char *word, struct folded_word *out, const char **why)
{
	*why = "holds no letter, digit or symbol";
	out->length = fold_text(word, strlen(word), out->bytes, WORD_MAX);
	if (out->length >= WORD_MAX) {
		*why = "is longer than 1000 bytes";
		return 0;
	}
	memset(out->bytes + out->length, 0, TOKEN_PADDING);
	while (out->length > 0 && token_bytes[(unsigned char)out->bytes[out->length - 1]] == TOKEN_GAP)
		out->length--;
	for (out->start = 0; out->length > 0 && token_bytes[(unsigned char)out->bytes[out->start]] == TOKEN_GAP; out->length--)
		out->start++;

	struct token_cursor cursor;
	struct token token;
	uint32_t count = 0;
	bool good = false;
	out->bytes[out->start + out->length] = '\0';
	token_start(&cursor, out->bytes + out->start, out->length);
	while (token_next(&cursor, &token)) {
		good |= token.kind == TOKEN_WORD || token.kind == TOKEN_LETTER || token.start[0] >= 0x80;
		count++;
	}
	return good ? count : 0;
}

static int add_word(struct builder *b, uint32_t topic, enum entry_kind kind, const char *word, struct err *e)
{
	struct folded_word folded;
	const char *why;
	uint32_t tokens = fold_word(word, &folded, &why);
	if (tokens == 0)
		return err_set(e, "%s: \"%.200s\" %s", list_name(kind), word, why);
	if (tokens > b->topics->longest)
		b->topics->longest = tokens;
	if (b->count == b->capacity) {
		b->capacity = b->capacity ? b->capacity * 2 : 64;
		b->listed = xrealloc(b->listed, b->capacity * sizeof *b->listed);
	}
	uint32_t phrase = phrases_add(b->topics->phrases, folded.bytes + folded.start, folded.length);
	b->listed[b->count++] = (struct listed){phrase, topic, kind, word};
	return 0;
}

static int add_regex(struct builder *b, uint32_t topic, const char *pattern, struct err *e)
{
	struct topics *topics = b->topics;
	struct topic *t = &topics->list[topic];
	t->regex = regex_create(pattern, e);
	if (t->regex == NULL)
		return -1;
	const struct required *required = regex_required(t->regex);
	if (required->count == 0)
		topics->always[topics->always_count++] = topic;
	else
		topics->has_literals = true;
	for (size_t i = 0; i < required->count; i++)
		literals_add(topics->literals, required->literals[i].bytes, required->literals[i].length, topic);
	return 0;
}

static int add_topic(struct builder *b, uint32_t topic, struct err *e)
{
	const struct topic_spec *spec = &b->specs[topic];
	if (spec->any_count == 0 && spec->regex == NULL && spec->label_count == 0)
		return err_set(e, "nothing to find: give any, regex or labels");
	if (spec->any_count == 0 && spec->regex == NULL && spec->none_count > 0)
		return err_set(e, "none without any or regex: it excludes from those, not from labels");
	b->topics->list[topic].has_none = spec->none_count > 0;
	for (size_t i = 0; i < spec->any_count; i++) {
		if (add_word(b, topic, ENTRY_WORD, spec->any[i], e) != 0)
			return -1;
	}
	for (size_t i = 0; i < spec->none_count; i++) {
		if (add_word(b, topic, ENTRY_VETO, spec->none[i], e) != 0)
			return -1;
	}
	return spec->regex != NULL ? add_regex(b, topic, spec->regex, e) : 0;
}

static int compare_listed(const void *left, const void *right)
{
	const struct listed *a = left, *b = right;
	if (a->phrase != b->phrase)
		return a->phrase < b->phrase ? -1 : 1;
	if (a->topic != b->topic)
		return a->topic < b->topic ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

/* Sorts the list by phrase and topic; a word given twice stays once. */
static int sort_listed(struct builder *b, struct err *e)
{
	size_t kept = 0;
	if (b->count > 0)
		qsort(b->listed, b->count, sizeof *b->listed, compare_listed);
	for (size_t i = 0; i < b->count; i++) {
		const struct listed *this = &b->listed[i], *last = &b->listed[kept > 0 ? kept - 1 : 0];
		bool same = kept > 0 && this->phrase == last->phrase && this->topic == last->topic;
		if (same && this->kind != last->kind)
			return err_set(e, "topic \"%s\": \"%.200s\" stands in any and in none", b->specs[this->topic].name,
				       this->word);
		if (!same)
			b->listed[kept++] = *this;
	}
	b->count = kept;
	return 0;
}

static void lay_out_entries(struct builder *b)
{
	struct topics *topics = b->topics;
	uint32_t phrases = phrases_count(topics->phrases);
	topics->entry_start = xcalloc(phrases + 1UL, sizeof *topics->entry_start);
	topics->entries = xmalloc(b->count * sizeof *topics->entries);
	topics->settled_once = xmalloc(phrases * sizeof *topics->settled_once);
	memset(topics->settled_once, true, phrases);
	for (size_t i = 0; i < b->count; i++) {
		const struct listed *l = &b->listed[i];
		topics->entry_start[l->phrase + 1] = (uint32_t)i + 1;
		topics->entries[i] = (struct entry){l->topic, l->kind};
		if (topics->list[l->topic].has_none)
			topics->settled_once[l->phrase] = false;
	}
}

struct search {
	const struct topics *topics;
	uint32_t topic;
	bool found;
};

static void note_word(void *context, uint32_t phrase, uint32_t first, uint32_t end)
{
	(void)first;
	(void)end;
	struct search *search = context;
	for (uint32_t i = search->topics->entry_start[phrase]; i < search->topics->entry_start[phrase + 1]; i++) {
		const struct entry *entry = &search->topics->entries[i];
		search->found |= entry->topic == search->topic && entry->kind == ENTRY_WORD;
	}
}

/* Which exclusions hold a word of their topic?  The automaton itself tells. */
static void tell_masks_from_vetoes(struct builder *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct listed *l = &b->listed[i];
		if (l->kind != ENTRY_VETO)
			continue;
		struct folded_word folded;
		const char *why;
		CHECK(fold_word(l->word, &folded, &why) > 0);
		struct search search = {.topics = b->topics, .topic = l->topic};
		phrases_scan(b->topics->phrases, folded.bytes + folded.start, folded.length, note_word, &search);
		if (search.found)
			b->topics->entries[i].kind = ENTRY_MASK;
	}
}

struct topics *topics_create(const struct topic_spec *specs, size_t count, struct err *e)
{
	struct topics *topics = xcalloc(1, sizeof *topics);
	struct builder b = {.specs = specs, .topics = topics};
	topics->count = count;
	topics->list = xcalloc(count, sizeof *topics->list);
	topics->phrases = phrases_create();
	topics->literals = literals_create();
	topics->always = xmalloc(count * sizeof *topics->always);
	for (size_t i = 0; i < count; i++) {
		if (add_topic(&b, (uint32_t)i, e) != 0) {
			err_prefix(e, "topic \"%s\"", specs[i].name);
			goto fail;
		}
	}
	if (sort_listed(&b, e) != 0)
		goto fail;
	phrases_compile(topics->phrases);
	literals_compile(topics->literals);
	lay_out_entries(&b);
	tell_masks_from_vetoes(&b);
	free(b.listed);
	return topics;
fail:
	free(b.listed);
	topics_free(topics);
	return NULL;
}

void topics_free(struct topics *topics)
{
	if (topics == NULL)
		return;
	for (size_t i = 0; i < topics->count; i++)
		regex_free(topics->list[i].regex);
	free(topics->list);
	phrases_free(topics->phrases);
	literals_free(topics->literals);
	free(topics->always);
	free(topics->entry_start);
	free(topics->entries);
	free(topics->settled_once);
	free(topics);
}
