/*
 * Match first: the watch list costs a microsecond a document, the encoder a
 * thousand, and most documents of a firehose match nothing.
 */
#include "daemon/scoring.h"

#include "alerts/story.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/metric.h"

#include <stdlib.h>
#include <string.h>

#define SCORE_BYTES (64u << 10) /* of one call of the classifier */
#define SCORE_TEXT_BYTES 4096   /* of one text; what is behind is hardly ever read */

/* The topics that the classifier's label `i` brings, ascending. */
struct label_topics {
	uint32_t *topics;
	size_t count;
};

/* ---- configuration ---- */

static void free_configured(struct scoring *s)
{
	const struct classifier_info *info = classifier_get_info(s->classifier);
	for (size_t i = 0; s->label_topics != NULL && i < info->topic_count; i++)
		free(s->label_topics[i].topics);
	free(s->label_topics);
	free(s->found);
	topics_scratch_free(s->scratch);
}

/* Topics come in ascending order.  One that names a label twice has it once. */
static void add_label_topic(struct label_topics *list, uint32_t topic)
{
	if (list->count > 0 && list->topics[list->count - 1] == topic)
		return;
	list->topics = xrealloc(list->topics, (list->count + 1) * sizeof *list->topics);
	list->topics[list->count++] = topic;
}

void scoring_configure(struct scoring *s, const struct config *config)
{
	const struct classifier_info *info = classifier_get_info(s->classifier);
	free_configured(s);
	s->config = config;
	s->scratch = topics_scratch_create(config->watch_list);
	s->found = xcalloc(config->topic_count + 1, sizeof *s->found);
	s->label_topics = xcalloc(info->topic_count + 1, sizeof *s->label_topics);
	s->needs_labels = config_needs_labels(config);
	for (size_t t = 0; t < config->topic_count; t++)
		for (size_t j = 0; j < config->topics[t].spec.label_count; j++)
			for (size_t l = 0; l < info->topic_count; l++)
				if (strcmp(info->topics[l], config->topics[t].spec.labels[j]) == 0)
					add_label_topic(&s->label_topics[l], (uint32_t)t);
}

struct scoring *scoring_create(struct classifier *classifier, const struct config *config)
{
	struct scoring *s = xcalloc(1, sizeof *s);
	s->classifier = classifier;
	s->topic_logits = xcalloc(SCORING_MAX * (classifier_get_info(classifier)->topic_count + 1), sizeof(float));
	scoring_configure(s, config);
	return s;
}

void scoring_free(struct scoring *s)
{
	if (s == NULL)
		return;
	free_configured(s);
	free(s->text);
	free(s->topic_logits);
	free(s);
}

/* ---- matching ---- */

static bool wants_score(const struct scoring *s, const struct item *item, bool matched)
{
	bool needs_polarity = !(item->flags & ITEM_LABELLED);
	switch (s->config->score) {
	case SCORE_ALL: return true;
	case SCORE_MATCHED: return matched && (needs_polarity || s->needs_labels);
	case SCORE_AUTO: break;
	}
	return s->needs_labels || (matched && needs_polarity);
}

/* Room for the text of one more item behind what is there; returns where. */
static char *text_room(struct scoring *s, size_t used, size_t more)
{
	if (used + more > s->text_size) {
		s->text_size = (used + more) * 2;
		s->text = xrealloc(s->text, s->text_size);
	}
	return s->text + used;
}

static struct writer_entry *entry_create(struct item *item, const uint32_t *topics, size_t count, size_t room)
{
	struct writer_entry *entry = xcalloc(1, sizeof *entry + (count + room) * sizeof *topics);
	entry->kind = ENTRY_ITEM;
	entry->item = item;
	entry->polarity = item->flags & ITEM_LABELLED ? item->polarity : POLARITY_NONE;
	if (entry->polarity != POLARITY_NONE)
		entry->score = (float)(entry->polarity - POLARITY_NEUTRAL); /* -1, 0, 1: as sure as the input is */
	entry->label = -1;
	entry->topics = (uint32_t *)(entry + 1);
	entry->topic_count = count;
	memcpy(entry->topics, topics, count * sizeof *topics);
	return entry;
}

void scoring_match(struct scoring *s)
{
	const struct config *config = s->config;
	size_t used = 0, document_count = 0, matched_count = 0;
	s->score_count = 0;
	int64_t start = monotonic_us();
	for (size_t i = 0; i < s->count; i++) {
		struct item *item = s->items[i];
		size_t found = 0, length = 0;
		if (item->kind == ITEM_DOCUMENT) {
			char *text = text_room(s, used, item->size);
			length = item_text(item, text, item->size);
			found = topics_match(config->watch_list, s->scratch, text, length, s->found, config->topic_count);
		}
		s->entries[i] = entry_create(item, s->found, found, s->needs_labels ? config->topic_count : 0);
		if (item->kind != ITEM_DOCUMENT)
			continue;
		document_count++;
		matched_count += found > 0;
		story_sign(item->title, strlen(item->title), &s->entries[i]->signature);
		if (wants_score(s, item, found > 0)) {
			s->to_score[s->score_count] = i;
			s->offsets[s->score_count++] = used;
			used += length;
		}
	}
	s->offsets[s->score_count] = used;
	metric_observe(METRIC_MATCH_SECONDS, monotonic_us() - start);
	metric_add(METRIC_DOCUMENTS_IN, document_count);
	metric_add(METRIC_DOCUMENTS_MATCHED, matched_count);
}

/* ---- scoring ---- */

static int compare_topics(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* The classifier's label may bring topics beside those that the words brought. */
static void add_topics_of_label(struct writer_entry *entry, const struct label_topics *list)
{
	size_t before = entry->topic_count;
	for (size_t i = 0; i < list->count; i++)
		if (bsearch(&list->topics[i], entry->topics, before, sizeof *entry->topics, compare_topics) == NULL)
			entry->topics[entry->topic_count++] = list->topics[i];
	qsort(entry->topics, entry->topic_count, sizeof *entry->topics, compare_topics);
}

static void put_label(struct scoring *s, struct writer_entry *entry, float *logits, size_t count)
{
	softmax_row(logits, count);
	entry->label = 0;
	for (size_t l = 1; l < count; l++)
		if (logits[l] > logits[entry->label])
			entry->label = (int)l;
	entry->label_p = logits[entry->label];
	if (s->needs_labels)
		add_topics_of_label(entry, &s->label_topics[entry->label]);
}

static void put_scores(struct scoring *s)
{
	size_t labels = classifier_get_info(s->classifier)->topic_count;
	int64_t now = clock_now_us(&wall_clock);
	for (size_t i = 0; i < s->score_count; i++) {
		struct writer_entry *entry = s->entries[s->to_score[i]];
		const struct score *score = &s->scores[i];
		entry->scored = true;
		if (!(entry->item->flags & ITEM_LABELLED) && score->can_judge) {
			entry->polarity = (enum polarity)score_polarity(score);
			entry->score = score_value(score);
		}
		if (labels > 0 && score->can_judge)
			put_label(s, entry, s->topic_logits + i * labels, labels);
		metric_observe(METRIC_QUEUE_SECONDS, now - entry->item->received_us);
	}
}

/* How many of the texts from `first` on one call takes. */
static size_t score_run(const struct scoring *s, size_t first)
{
	size_t count = 0;
	for (size_t bytes = 0; first + count < s->score_count && bytes < SCORE_BYTES; count++) {
		size_t length = s->texts[first + count].length;
		bytes += length < SCORE_TEXT_BYTES ? length : SCORE_TEXT_BYTES;
	}
	return count;
}

/* In runs, each of which is a sign of life: a whole batch of long articles takes a large model minutes on few cores. */
int scoring_score(struct scoring *s, _Atomic int64_t *heartbeat_us, struct err *e)
{
	size_t labels = classifier_get_info(s->classifier)->topic_count;
	if (s->score_count == 0)
		return 0;
	for (size_t i = 0; i < s->score_count; i++)
		s->texts[i] =
			(struct text){s->text + s->offsets[i], s->offsets[i + 1] - s->offsets[i]};
	int64_t start = monotonic_us();
	for (size_t at = 0, count; at < s->score_count; at += count) {
		count = score_run(s, at);
		if (classifier_run(s->classifier, s->texts + at, count, s->scores + at,
				   s->topic_logits + at * labels, e) != 0)
			return -1;
		atomic_store(heartbeat_us, monotonic_us());
	}
	metric_observe(METRIC_SCORE_SECONDS, monotonic_us() - start);
	metric_add(METRIC_DOCUMENTS_SCORED, s->score_count);
	metric_add(METRIC_BATCHES_SCORED, 1);
	put_scores(s);
	return 0;
}

void scoring_free_entry(struct writer_entry *entry)
{
	item_free(entry->item);
	free(entry);
}
