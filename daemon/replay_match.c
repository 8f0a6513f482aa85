/* Topics by words and by labels, as the daemon finds them. */
#include "daemon/replay_match.h"

#include "daemon/base/check.h"
#include "daemon/replay_report.h"

#include <stdlib.h>
#include <string.h>

struct replay_label {
	const char *label;
	uint32_t topic;
};

static int by_label(const void *x, const void *y)
{
	const struct replay_label *a = x, *b = y;
	int labels = strcmp(a->label, b->label);

	return labels ? labels : (a->topic > b->topic) - (a->topic < b->topic);
}

static void list_labels(struct replay_matcher *matcher)
{
	const struct config *config = matcher->config;
	size_t count = 0;

	for (size_t t = 0; t < config->topic_count; t++)
		count += config->topics[t].spec.label_count;
	matcher->labels = xcalloc(count + 1, sizeof *matcher->labels);
	for (uint32_t t = 0; t < config->topic_count; t++)
		for (size_t i = 0; i < config->topics[t].spec.label_count; i++)
			matcher->labels[matcher->label_count++] = (struct replay_label){config->topics[t].spec.labels[i], t};
	qsort(matcher->labels, matcher->label_count, sizeof *matcher->labels, by_label);
}

struct replay_matcher *replay_matcher_create(const struct config *config)
{
	struct replay_matcher *matcher = xcalloc(1, sizeof *matcher);

	matcher->config = config;
	matcher->scratch = topics_scratch_create(config->watch_list);
	matcher->found = xcalloc(config->topic_count + 1, sizeof *matcher->found);
	matcher->wants_polarity = xcalloc(config->topic_count + 1, sizeof *matcher->wants_polarity);
	for (uint32_t t = 0; t < config->topic_count; t++)
		for (uint32_t r = 0; r < config->rule_count; r++)
			if (config->watch.rules[r].metric != RULE_VOLUME && replay_rule_watches(config, r, t))
				matcher->wants_polarity[t] = true;
	list_labels(matcher);
	return matcher;
}

void replay_matcher_free(struct replay_matcher *matcher)
{
	if (!matcher)
		return;
	topics_scratch_free(matcher->scratch);
	free(matcher->found);
	free(matcher->wants_polarity);
	free(matcher->labels);
	free(matcher);
}

void replay_match_words(struct replay_matcher *matcher, const char *text, size_t length)
{
	matcher->count = topics_match(matcher->config->watch_list, matcher->scratch, text, length, matcher->found,
				      matcher->config->topic_count);
}

/* Into its place, unless it is there. */
static void add_topic(struct replay_matcher *matcher, uint32_t topic)
{
	size_t at = matcher->count;

	while (at > 0 && matcher->found[at - 1] > topic)
		at--;
	if (at > 0 && matcher->found[at - 1] == topic)
		return;
	memmove(matcher->found + at + 1, matcher->found + at, (matcher->count - at) * sizeof *matcher->found);
	matcher->found[at] = topic;
	matcher->count++;
}

void replay_match_again(struct replay_matcher *matcher, const uint32_t *found, size_t count, const char *label)
{
	size_t low = 0, high = matcher->label_count;

	memmove(matcher->found, found, count * sizeof *found);
	matcher->count = count;
	while (label && low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(matcher->labels[middle].label, label) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; label && low < matcher->label_count && strcmp(matcher->labels[low].label, label) == 0; low++)
		add_topic(matcher, matcher->labels[low].topic);
}

bool replay_match_wants_polarity(const struct replay_matcher *matcher)
{
	for (size_t i = 0; i < matcher->count; i++)
		if (matcher->wants_polarity[matcher->found[i]])
			return true;
	return false;
}

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool same_topic(const struct topic_spec *a, const struct topic_spec *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->regex ? a->regex : "", b->regex ? b->regex : "") == 0 &&
	       same_texts(a->any, a->any_count, b->any, b->any_count) &&
	       same_texts(a->none, a->none_count, b->none, b->none_count) &&
	       same_texts(a->labels, a->label_count, b->labels, b->label_count);
}

bool replay_match_alike(const struct config *a, const struct config *b)
{
	if (a->topic_count != b->topic_count)
		return false;
	for (size_t t = 0; t < a->topic_count; t++)
		if (!same_topic(&a->topics[t].spec, &b->topics[t].spec))
			return false;
	return true;
}
