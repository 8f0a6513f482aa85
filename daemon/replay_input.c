/*
 * Lines become documents in batches, for the classifier's sake; a batch ends
 * where the input pauses, so a pipe shows its alerts as they happen.  The clock
 * of a file is its documents': `applied` is the latest `published` so far.
 */
#include "daemon/replay.h"

#include "alerts/story.h"
#include "alerts/topics.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/lines.h"
#include "daemon/model_path.h"
#include "ingest/message.h"
#include "model/classifier.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_DOCUMENTS = 256, BATCH_BYTES = 1 << 20, LINGER_US = 20000 };

/* One document; text as offsets into the batch's buffer, which may move while it grows. */
struct entry {
	struct watch_document document;
	size_t publisher, title, url, text, text_length;
	size_t first_topic;
	bool wants_score;
};

struct reader {
	const struct config *config;
	struct replay *replay;
	struct message_parser *parser;
	struct topics_scratch *scratch;
	struct classifier *classifier; /* opened when first needed */
	bool needs_labels;
	bool *wants_polarity;          /* [topic]: a rule on it counts tone */
	int64_t id, applied_us;
	/* the batch */
	struct entry entries[BATCH_DOCUMENTS];
	size_t count, to_score;
	char *bytes;
	size_t used, room;
	uint32_t *topics;              /* [BATCH_DOCUMENTS, topic_count] */
	struct text texts[BATCH_DOCUMENTS];
	struct score scores[BATCH_DOCUMENTS];
	float *topic_logits;
};

static void reader_free(struct reader *reader)
{
	message_parser_free(reader->parser);
	topics_scratch_free(reader->scratch);
	classifier_close(reader->classifier);
	free(reader->wants_polarity);
	free(reader->topics);
	free(reader->topic_logits);
	free(reader->bytes);
	free(reader);
}

static bool rule_counts_tone(const struct rule_spec *rule, const char *topic)
{
	if (rule->metric == RULE_VOLUME)
		return false;
	for (size_t i = 0; i < rule->topic_count; i++)
		if (strcmp(rule->topics[i], topic) == 0)
			return true;
	return rule->topic_count == 0;
}

static struct reader *reader_create(struct replay *replay, const struct config *config, struct err *e)
{
	static const struct message_map usual_names;
	struct reader *reader = xcalloc(1, sizeof *reader);

	reader->config = config;
	reader->replay = replay;
	reader->applied_us = TIME_NONE;
	reader->scratch = topics_scratch_create(config->watch_list);
	reader->needs_labels = config_needs_labels(config);
	reader->wants_polarity = xcalloc(config->topic_count + 1, sizeof *reader->wants_polarity);
	reader->topics = xcalloc(BATCH_DOCUMENTS, (config->topic_count + 1) * sizeof *reader->topics);
	for (size_t t = 0; t < config->topic_count; t++)
		for (size_t r = 0; r < config->rule_count; r++)
			reader->wants_polarity[t] |= rule_counts_tone(&config->watch.rules[r], config->watch.topics[t]);
	reader->parser = message_parser_create(&usual_names, MESSAGE_LABELS, e);
	if (!reader->parser) {
		reader_free(reader);
		return NULL;
	}
	return reader;
}

static int open_classifier(struct reader *reader, struct err *e)
{
	const struct config *config = reader->config;
	struct classifier_options options = {.device = config->model.device,
					     .precision = config->model.precision,
					     .threads = (int)config->model.threads};
	const struct classifier_info *info;
	char path[4096];

	if (model_path_find(config->model.path, path, sizeof path, e) < 0)
		return -1;
	options.path = path;
	reader->classifier = classifier_open(&options, e);
	if (!reader->classifier)
		return -1;
	info = classifier_get_info(reader->classifier);
	if (config_check_labels(config, info->topics, info->topic_count, config_print_problem, NULL) < 0)
		return err_set(e, "a topic asks for labels that the model does not have");
	reader->topic_logits = xcalloc(BATCH_DOCUMENTS, (info->topic_count + 1) * sizeof *reader->topic_logits);
	return 0;
}

/* ---- scores ---- */

static int compare_topics(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool has_topic(const uint32_t *topics, size_t count, uint32_t topic)
{
	for (size_t i = 0; i < count; i++)
		if (topics[i] == topic)
			return true;
	return false;
}

/* The classifier's most probable label may bring topics beside those that the words brought. */
static void add_topics_of_label(struct reader *reader, struct entry *entry, const float *logits)
{
	const struct classifier_info *info = classifier_get_info(reader->classifier);
	uint32_t *topics = reader->topics + entry->first_topic;
	size_t label = 0;

	for (size_t l = 1; l < info->topic_count; l++)
		if (logits[l] > logits[label])
			label = l;
	for (size_t t = 0; info->topic_count && t < reader->config->topic_count; t++) {
		const struct topic_spec *spec = &reader->config->topics[t].spec;

		for (size_t i = 0; i < spec->label_count; i++)
			if (strcmp(spec->labels[i], info->topics[label]) == 0 &&
			    !has_topic(topics, entry->document.topic_count, (uint32_t)t))
				topics[entry->document.topic_count++] = (uint32_t)t;
	}
	qsort(topics, entry->document.topic_count, sizeof *topics, compare_topics);
}

static void put_score(struct reader *reader, struct entry *entry, const struct score *score, const float *logits)
{
	if (!score->can_judge)
		return;
	if (!(entry->document.flags & ITEM_LABELLED)) {
		entry->document.polarity = (enum polarity)score_polarity(score);
		entry->document.score = score_value(score);
	}
	if (reader->needs_labels)
		add_topics_of_label(reader, entry, logits);
}

static int score_batch(struct reader *reader, struct err *e)
{
	size_t labels, at = 0;

	if (!reader->to_score)
		return 0;
	if (!reader->classifier && open_classifier(reader, e) < 0)
		return -1;
	labels = classifier_get_info(reader->classifier)->topic_count;
	for (size_t i = 0; i < reader->count; i++)
		if (reader->entries[i].wants_score)
			reader->texts[at++] = (struct text){reader->bytes + reader->entries[i].text,
							    reader->entries[i].text_length};
	if (classifier_run(reader->classifier, reader->texts, at, reader->scores, reader->topic_logits, e) < 0)
		return -1;
	at = 0;
	for (size_t i = 0; i < reader->count; i++) {
		if (!reader->entries[i].wants_score)
			continue;
		put_score(reader, &reader->entries[i], &reader->scores[at], reader->topic_logits + at * labels);
		at++;
	}
	return 0;
}

static int flush(struct reader *reader, struct err *e)
{
	if (score_batch(reader, e) < 0)
		return -1;
	for (size_t i = 0; i < reader->count; i++) {
		struct entry *entry = &reader->entries[i];
		struct watch_document *document = &entry->document;

		document->topics = reader->topics + entry->first_topic;
		document->publisher = reader->bytes + entry->publisher;
		document->title = reader->bytes + entry->title;
		document->url = reader->bytes + entry->url;
		if (replay_document(reader->replay, document, e) < 0)
			return -1;
	}
	reader->count = reader->to_score = reader->used = 0;
	return 0;
}

/* ---- lines ---- */

/* Room for so many bytes behind what is kept; returns where they begin. */
static size_t take_room(struct reader *reader, size_t size)
{
	size_t at = reader->used;

	if (reader->room - at < size) {
		reader->room = 2 * (at + size);
		reader->bytes = xrealloc(reader->bytes, reader->room);
	}
	reader->used += size;
	return at;
}

static size_t keep_text(struct reader *reader, const char *text)
{
	size_t size = strlen(text) + 1, at = take_room(reader, size);

	memcpy(reader->bytes + at, text, size);
	return at;
}

/* Title and body as the matcher and the model read them: item_text's form. */
static void keep_model_text(struct reader *reader, struct entry *entry, const struct item *item)
{
	size_t size = strlen(item->title) + strlen(item->body) + 4;

	entry->text = take_room(reader, size);
	entry->text_length = item_text(item, reader->bytes + entry->text, size);
}

static float score_of_label(enum polarity polarity)
{
	return polarity == POLARITY_NEGATIVE ? -1.f : polarity == POLARITY_POSITIVE ? 1.f : 0.f;
}

static void match(struct reader *reader, struct entry *entry)
{
	struct watch_document *document = &entry->document;
	uint32_t *topics;

	entry->first_topic = reader->count * (reader->config->topic_count + 1);
	topics = reader->topics + entry->first_topic;
	document->topic_count = topics_match(reader->config->watch_list, reader->scratch, reader->bytes + entry->text,
					     entry->text_length, topics, reader->config->topic_count);
	entry->wants_score = reader->needs_labels;
	for (size_t i = 0; i < document->topic_count && !(document->flags & ITEM_LABELLED); i++)
		entry->wants_score |= reader->wants_polarity[topics[i]];
}

static int add_line(struct reader *reader, const char *line, size_t length, struct err *e)
{
	struct item item = {.published_us = TIME_NONE, .polarity = POLARITY_NONE};
	struct entry *entry = &reader->entries[reader->count];

	if (message_parse(reader->parser, line, length, &item, e) < 0)
		return -1;
	if (item.published_us == TIME_NONE)
		item.published_us = reader->applied_us;
	if (item.published_us == TIME_NONE)
		return err_set(e, "no usable time in \"published\"");
	if (item.published_us > reader->applied_us)
		reader->applied_us = item.published_us;
	*entry = (struct entry){
		.document = {.id = ++reader->id,
			     .source = "replay",
			     .flags = ITEM_OWN_CLOCK | (item.flags & ITEM_LABELLED),
			     .published_us = item.published_us,
			     .applied_us = reader->applied_us,
			     .polarity = item.flags & ITEM_LABELLED ? item.polarity : POLARITY_NONE,
			     .score = item.flags & ITEM_LABELLED ? score_of_label(item.polarity) : 0},
		.publisher = keep_text(reader, item.publisher),
		.title = keep_text(reader, item.title),
		.url = keep_text(reader, item.url),
	};
	keep_model_text(reader, entry, &item);
	story_sign(item.title, strlen(item.title), &entry->document.signature);
	match(reader, entry);
	reader->to_score += entry->wants_score;
	reader->count++;
	return 0;
}

static bool is_blank(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static void reject(uint64_t *rejected, uint64_t line_number, const struct err *why)
{
	if ((*rejected)++ == 0)
		fprintf(stderr, "bellwether replay: line %llu: %s\n", (unsigned long long)line_number, why->text);
}

int replay_read(struct replay *replay, const struct config *config, int fd, uint64_t *rejected, struct err *e)
{
	struct reader *reader = reader_create(replay, config, e);
	struct lines *lines;
	enum lines_result got = LINES_OK;
	uint64_t number = 0;
	int result = -1;

	if (!reader)
		return -1;
	lines = lines_open(fd);
	while (got != LINES_END) {
		const char *line;
		size_t length;
		struct err why;

		got = lines_next(lines, reader->count ? LINGER_US : LINES_FOREVER, &line, &length, e);
		if (got == LINES_FAILED)
			goto done;
		number += got == LINES_OK;
		if (got == LINES_OK && !is_blank(line, length) && add_line(reader, line, length, &why) < 0)
			reject(rejected, number, &why);
		if (got != LINES_OK || reader->count == BATCH_DOCUMENTS || reader->used >= BATCH_BYTES)
			if (flush(reader, e) < 0)
				goto done;
	}
	result = 0;
done:
	lines_close(lines);
	reader_free(reader);
	return result;
}
