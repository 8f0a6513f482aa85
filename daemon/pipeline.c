/*
 * Match first: the watch list costs a microsecond a document, the encoder a
 * thousand, and most documents of a firehose match nothing.  All memory of a
 * batch is allocated once and reused.
 */
#include "daemon/pipeline.h"

#include "alerts/story.h"
#include "alerts/writer.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_MAX 512        /* documents */
#define FULL_ENOUGH 64       /* documents that need no more company */
#define IDLE_US (SECOND_US / 2)
#define ENTRY_OVERHEAD 256
#define SCORE_BYTES (64u << 10) /* of one call of the classifier */
#define SCORE_TEXT_BYTES 4096   /* of one text; what is behind is hardly ever read */

/* A batch in the making: arrays by position in the batch. */
struct batch {
	struct item *items[BATCH_MAX];
	struct writer_entry *entries[BATCH_MAX];
	bool matched[BATCH_MAX];
	size_t count;
	/* what the classifier reads: positions in the batch, their texts in one buffer */
	size_t to_score[BATCH_MAX];
	size_t offsets[BATCH_MAX + 1];
	struct text texts[BATCH_MAX];
	struct score scores[BATCH_MAX];
	size_t score_count;
	char *text;
	size_t text_size;
	float *topic_logits;
};

struct pipeline {
	struct pipeline_options options;
	pthread_t thread;
	/* owned by the thread: */
	struct batch batch;
	struct topics_scratch *scratch;
	uint32_t *found;             /* topics of one document */
	struct label_topics *label_topics;
	bool needs_labels;
	bool marked; /* the batch had the marker in it */
	/* guarded by lock: */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct config *next_config;
	void (*between)(void *context);
	void *between_context;
	struct err failure;
	bool failed;
	/* any thread: */
	struct item *_Atomic marker; /* of pipeline_pass, NULL once all before it is in the output */
	_Atomic int64_t heartbeat_us;
	_Atomic int64_t drain_until_us; /* INT64_MAX until the daemon stops */
};

/* The topics that the classifier's label `i` brings, ascending. */
struct label_topics {
	uint32_t *topics;
	size_t count;
};

/* ---- configuration ---- */

static void free_configured(struct pipeline *p)
{
	const struct classifier_info *info = classifier_get_info(p->options.classifier);
	for (size_t i = 0; p->label_topics != NULL && i < info->topic_count; i++)
		free(p->label_topics[i].topics);
	free(p->label_topics);
	free(p->found);
	topics_scratch_free(p->scratch);
}

/* Topics come in ascending order.  One that names a label twice has it once. */
static void add_label_topic(struct label_topics *list, uint32_t topic)
{
	if (list->count > 0 && list->topics[list->count - 1] == topic)
		return;
	list->topics = xrealloc(list->topics, (list->count + 1) * sizeof *list->topics);
	list->topics[list->count++] = topic;
}

static void configure(struct pipeline *p, const struct config *config)
{
	const struct classifier_info *info = classifier_get_info(p->options.classifier);
	p->options.config = config;
	p->scratch = topics_scratch_create(config->watch_list);
	p->found = xcalloc(config->topic_count + 1, sizeof *p->found);
	p->label_topics = xcalloc(info->topic_count + 1, sizeof *p->label_topics);
	p->needs_labels = config_needs_labels(config);
	for (size_t t = 0; t < config->topic_count; t++)
		for (size_t j = 0; j < config->topics[t].spec.label_count; j++)
			for (size_t l = 0; l < info->topic_count; l++)
				if (strcmp(info->topics[l], config->topics[t].spec.labels[j]) == 0)
					add_label_topic(&p->label_topics[l], (uint32_t)t);
}

static void take_new_config(struct pipeline *p)
{
	pthread_mutex_lock(&p->lock);
	if (p->next_config != NULL) {
		free_configured(p);
		configure(p, p->next_config);
		p->between(p->between_context);
		p->next_config = NULL;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
}

void pipeline_reconfigure(struct pipeline *p, const struct config *config, void (*between)(void *context), void *context)
{
	pthread_mutex_lock(&p->lock);
	p->next_config = config;
	p->between = between;
	p->between_context = context;
	while (p->next_config != NULL)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* ---- one batch ---- */

/* The marker goes no further than here. */
static void find_marker(struct pipeline *p)
{
	struct batch *batch = &p->batch;
	struct item *marker = atomic_load(&p->marker);
	p->marked = false;
	for (size_t i = 0; marker != NULL && i < batch->count && !p->marked; i++) {
		if (batch->items[i] != marker)
			continue;
		item_free(marker);
		batch->count--;
		memmove(batch->items + i, batch->items + i + 1, (batch->count - i) * sizeof *batch->items);
		p->marked = true;
	}
}

static void tell_of_marker(struct pipeline *p)
{
	if (!p->marked)
		return;
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->marker, NULL);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

bool pipeline_pass(struct pipeline *p, int64_t wait_us)
{
	int64_t until_us = monotonic_us() + wait_us;
	struct timespec until = {.tv_sec = until_us / SECOND_US, .tv_nsec = until_us % SECOND_US * 1000};
	if (atomic_load(&p->marker) != NULL)
		return false; /* that of a call before is still on its way */
	struct item *marker = item_create(&(struct item){.kind = ITEM_PROGRESS, .polarity = POLARITY_NONE,
							 .published_us = TIME_NONE});
	atomic_store(&p->marker, marker);
	if (queue_push(p->options.input, marker, marker->size, wait_us) != QUEUE_OK) {
		atomic_store(&p->marker, NULL);
		item_free(marker);
		return false;
	}
	int rc = 0;
	pthread_mutex_lock(&p->lock);
	while (atomic_load(&p->marker) != NULL && rc == 0)
		rc = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	bool passed = atomic_load(&p->marker) == NULL;
	pthread_mutex_unlock(&p->lock);
	return passed;
}

/* Pops at least one item, then more until the batch is full enough or the linger is over. */
static enum queue_result gather(struct pipeline *p)
{
	struct batch *batch = &p->batch;
	void *popped[BATCH_MAX];
	size_t count;
	batch->count = 0;
	enum queue_result result = queue_pop(p->options.input, popped, BATCH_MAX, &count, IDLE_US);
	if (result != QUEUE_OK)
		return result;
	memcpy(batch->items, popped, count * sizeof *popped);
	batch->count = count;

	int64_t deadline = monotonic_us() + p->options.config->model.linger_us;
	while (batch->count < FULL_ENOUGH) {
		int64_t left = deadline - monotonic_us();
		if (left <= 0 ||
		    queue_pop(p->options.input, popped, BATCH_MAX - batch->count, &count, left) != QUEUE_OK)
			break;
		memcpy(batch->items + batch->count, popped, count * sizeof *popped);
		batch->count += count;
	}
	return QUEUE_OK;
}

static bool wants_score(const struct pipeline *p, const struct item *item, bool matched)
{
	bool needs_polarity = !(item->flags & ITEM_LABELLED);
	switch (p->options.config->score) {
	case SCORE_ALL: return true;
	case SCORE_MATCHED: return matched && (needs_polarity || p->needs_labels);
	case SCORE_AUTO: break;
	}
	return p->needs_labels || (matched && needs_polarity);
}

/* Room for the text of one more item behind what is there; returns where. */
static char *text_room(struct batch *batch, size_t used, size_t more)
{
	if (used + more > batch->text_size) {
		batch->text_size = (used + more) * 2;
		batch->text = xrealloc(batch->text, batch->text_size);
	}
	return batch->text + used;
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

/* Match every document, and list those that the classifier has to read. */
static void match(struct pipeline *p)
{
	struct batch *batch = &p->batch;
	const struct config *config = p->options.config;
	size_t used = 0, document_count = 0, matched_count = 0;
	batch->score_count = 0;
	int64_t start = monotonic_us();
	for (size_t i = 0; i < batch->count; i++) {
		struct item *item = batch->items[i];
		size_t found = 0, length = 0;
		if (item->kind == ITEM_DOCUMENT) {
			char *text = text_room(batch, used, item->size);
			length = item_text(item, text, item->size);
			found = topics_match(config->watch_list, p->scratch, text, length, p->found, config->topic_count);
		}
		batch->entries[i] = entry_create(item, p->found, found, p->needs_labels ? config->topic_count : 0);
		if (item->kind != ITEM_DOCUMENT)
			continue;
		document_count++;
		matched_count += found > 0;
		story_sign(item->title, strlen(item->title), &batch->entries[i]->signature);
		if (wants_score(p, item, found > 0)) {
			batch->to_score[batch->score_count] = i;
			batch->offsets[batch->score_count++] = used;
			used += length;
		}
	}
	batch->offsets[batch->score_count] = used;
	metric_observe(METRIC_MATCH_SECONDS, monotonic_us() - start);
	metric_add(METRIC_DOCUMENTS_IN, document_count);
	metric_add(METRIC_DOCUMENTS_MATCHED, matched_count);
}

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

static void put_label(struct pipeline *p, struct writer_entry *entry, float *logits, size_t count)
{
	softmax_row(logits, count);
	entry->label = 0;
	for (size_t l = 1; l < count; l++)
		if (logits[l] > logits[entry->label])
			entry->label = (int)l;
	entry->label_p = logits[entry->label];
	if (p->needs_labels)
		add_topics_of_label(entry, &p->label_topics[entry->label]);
}

static void put_scores(struct pipeline *p)
{
	struct batch *batch = &p->batch;
	size_t labels = classifier_get_info(p->options.classifier)->topic_count;
	int64_t now = clock_now_us(&wall_clock);
	for (size_t i = 0; i < batch->score_count; i++) {
		struct writer_entry *entry = batch->entries[batch->to_score[i]];
		const struct score *score = &batch->scores[i];
		entry->scored = true;
		if (!(entry->item->flags & ITEM_LABELLED) && score->can_judge) {
			entry->polarity = (enum polarity)score_polarity(score);
			entry->score = score_value(score);
		}
		if (labels > 0 && score->can_judge)
			put_label(p, entry, batch->topic_logits + i * labels, labels);
		metric_observe(METRIC_QUEUE_SECONDS, now - entry->item->received_us);
	}
}

/* How many of the texts from `first` on one call takes. */
static size_t score_run(const struct batch *batch, size_t first)
{
	size_t count = 0;
	for (size_t bytes = 0; first + count < batch->score_count && bytes < SCORE_BYTES; count++) {
		size_t length = batch->texts[first + count].length;
		bytes += length < SCORE_TEXT_BYTES ? length : SCORE_TEXT_BYTES;
	}
	return count;
}

/* In runs, each of which is a sign of life: a whole batch of long articles takes a large model minutes on few cores. */
static int score(struct pipeline *p, struct err *e)
{
	struct batch *batch = &p->batch;
	size_t labels = classifier_get_info(p->options.classifier)->topic_count;
	if (batch->score_count == 0)
		return 0;
	for (size_t i = 0; i < batch->score_count; i++)
		batch->texts[i] =
			(struct text){batch->text + batch->offsets[i], batch->offsets[i + 1] - batch->offsets[i]};
	int64_t start = monotonic_us();
	for (size_t at = 0, count; at < batch->score_count; at += count) {
		count = score_run(batch, at);
		if (classifier_run(p->options.classifier, batch->texts + at, count, batch->scores + at,
				   batch->topic_logits + at * labels, e) != 0)
			return -1;
		atomic_store(&p->heartbeat_us, monotonic_us());
	}
	metric_observe(METRIC_SCORE_SECONDS, monotonic_us() - start);
	metric_add(METRIC_DOCUMENTS_SCORED, batch->score_count);
	metric_add(METRIC_BATCHES_SCORED, 1);
	put_scores(p);
	return 0;
}

static void free_entry(struct writer_entry *entry)
{
	item_free(entry->item);
	free(entry);
}

/* Waits for room.  False when the writer takes nothing more, or the time to drain is over. */
static bool push(struct pipeline *p, struct writer_entry *entry)
{
	size_t weight = entry->item->size + ENTRY_OVERHEAD;
	enum queue_result result = QUEUE_TIMED_OUT;
	while (result == QUEUE_TIMED_OUT && monotonic_us() <= atomic_load(&p->drain_until_us))
		result = queue_push(p->options.output, entry, weight, IDLE_US);
	return result == QUEUE_OK;
}

static void hand_on(struct pipeline *p)
{
	struct batch *batch = &p->batch;
	size_t i = 0;
	atomic_store(&p->heartbeat_us, INT64_MAX); /* a full queue is the writer's matter */
	while (i < batch->count && push(p, batch->entries[i]))
		i++;
	/* None behind one that is dropped may pass, or its stream's position would move over it. */
	for (; i < batch->count; i++)
		free_entry(batch->entries[i]);
}

/* Nothing of the batch has moved a position: it will be read again after a restart. */
static void drop_items(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		item_free(batch->items[i]);
}

static void drop(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free_entry(batch->entries[i]);
}

static void fail(struct pipeline *p, const struct err *e)
{
	log_error("classifier: %s", e->text);
	pthread_mutex_lock(&p->lock);
	p->failure = *e;
	p->failed = true;
	pthread_mutex_unlock(&p->lock);
}

static void *run(void *context)
{
	struct pipeline *p = context;
	struct err e;
	bool failed = false;
	for (;;) {
		atomic_store(&p->heartbeat_us, INT64_MAX);
		take_new_config(p);
		enum queue_result result = gather(p);
		if (result == QUEUE_CLOSED)
			break;
		if (result == QUEUE_TIMED_OUT)
			continue;
		find_marker(p);
		if (monotonic_us() > atomic_load(&p->drain_until_us)) {
			drop_items(&p->batch);
			continue;
		}
		atomic_store(&p->heartbeat_us, monotonic_us());
		match(p);
		/* After a failure the queue is drained into nothing until the daemon has ended. */
		if (!failed && score(p, &e) != 0) {
			fail(p, &e);
			failed = true;
		}
		if (failed)
			drop(&p->batch);
		else
			hand_on(p);
		tell_of_marker(p);
	}
	take_new_config(p);
	return NULL;
}

struct pipeline *pipeline_start(const struct pipeline_options *options)
{
	struct pipeline *p = xcalloc(1, sizeof *p);
	p->options = *options;
	CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	CHECK(pthread_cond_init(&p->changed, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	atomic_init(&p->heartbeat_us, INT64_MAX);
	atomic_init(&p->drain_until_us, INT64_MAX);
	size_t labels = classifier_get_info(options->classifier)->topic_count;
	p->batch.topic_logits = xcalloc(BATCH_MAX * (labels + 1), sizeof(float));
	configure(p, options->config);
	CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
	return p;
}

int64_t pipeline_heartbeat_us(struct pipeline *p)
{
	return atomic_load(&p->heartbeat_us);
}

const char *pipeline_failure(struct pipeline *p)
{
	pthread_mutex_lock(&p->lock);
	const char *failure = p->failed ? p->failure.text : NULL;
	pthread_mutex_unlock(&p->lock);
	return failure;
}

void pipeline_stop(struct pipeline *p, int64_t drain_us)
{
	atomic_store(&p->drain_until_us, monotonic_us() + drain_us);
	CHECK(pthread_join(p->thread, NULL) == 0);
	free_configured(p);
	free(p->batch.text);
	free(p->batch.topic_logits);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
