/*
 * From queue entries to a batch: what is known already is dropped, the core
 * is fed, and what it answers is laid out for the store.
 *
 * Items live until the batch is written; rows point into them.
 */
#include "alerts/writer/private.h"

#include "daemon/base/check.h"
#include "daemon/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYED_SLOTS (4 * WRITER_BATCH_MAX)
#define CLOCK_SLACK_US MINUTE_US

void batch_init(struct batch *batch)
{
	batch->documents = xcalloc(WRITER_BATCH_MAX, sizeof *batch->documents);
	batch->rejects = xcalloc(WRITER_BATCH_MAX, sizeof *batch->rejects);
	batch->deliveries = xcalloc(WRITER_BATCH_MAX, sizeof *batch->deliveries);
	batch->keyed = xcalloc(KEYED_SLOTS, sizeof *batch->keyed);
	batch->keys = xcalloc(WRITER_BATCH_MAX, sizeof *batch->keys);
}

void batch_free(struct batch *batch)
{
	batch_clear(batch);
	free(batch->documents);
	free(batch->rejects);
	free(batch->deliveries);
	free(batch->keyed);
	free(batch->keys);
}

static size_t keyed_home(uint64_t key)
{
	return (size_t)(key >> 32) % KEYED_SLOTS;
}

void batch_clear(struct batch *batch)
{
	/* Only the slots in use: a batch of one must not pay for a full one's table. */
	for (size_t i = 0; i < batch->document_count; i++)
		for (size_t s = keyed_home(batch->keys[i]); batch->keys[i] != 0 && batch->keyed[s] != 0; s = (s + 1) % KEYED_SLOTS)
			batch->keyed[s] = 0;
	store_commands_free(batch->commands, batch->command_count);
	free(batch->results);
	free(batch->redeliver);
	free(batch->labels);
	health_rows_free(&batch->health);
	notices_free(&batch->notices);
	*batch = (struct batch){
		.documents = batch->documents, .rejects = batch->rejects, .deliveries = batch->deliveries,
		.keyed = batch->keyed, .keys = batch->keys,
	};
}

bool batch_is_empty(const struct writer *writer)
{
	const struct batch *batch = &writer->batch;
	const struct watch_effects *effects = writer->effects;
	size_t moves;
	streams_moves(writer->streams, &moves);
	return batch->document_count + batch->reject_count + batch->delivery_count + batch->command_count +
		       batch->health.count + batch->notices.count + moves == 0 &&
	       effects->increment_count + effects->rule_state_count + effects->source_count + effects->alert_count +
			       effects->silence_count + effects->topic_source_count + effects->late_count == 0 &&
	       effects->backlog == NULL;
}

/* ---- the stamp and its ticks ---- */

static int64_t stamp(struct writer *writer)
{
	int64_t now = clock_now_us(writer->clock);
	if (writer->last_applied_us == TIME_NONE || now >= writer->last_applied_us) {
		writer->clock_behind = false;
		return now;
	}
	if (writer->last_applied_us - now > CLOCK_SLACK_US && !writer->clock_behind) {
		writer->clock_behind = true;
		log_warning("the clock is %lld s behind the last stamp in the database: no tick comes until it has caught up",
			    (long long)((writer->last_applied_us - now) / SECOND_US));
	}
	return writer->last_applied_us;
}

void batch_begin(struct writer *writer)
{
	int64_t now = stamp(writer);
	if (writer->last_applied_us == TIME_NONE)
		writer->next_tick_us = (now / WATCH_TICK_US + 1) * WATCH_TICK_US;
	writer->last_applied_us = now;
	writer->batch.applied_us = now;
	/* After a long stop these are many: they are what silence looks like. */
	for (; writer->next_tick_us <= now; writer->next_tick_us += WATCH_TICK_US) {
		watch_tick(writer->watch, writer->next_tick_us, writer->effects);
		writer_beat(writer);
	}
}

/* ---- items ---- */

static bool is_known_here(const struct batch *batch, const struct item *item, uint64_t key, int64_t *id)
{
	for (size_t s = keyed_home(key); batch->keyed[s] != 0; s = (s + 1) % KEYED_SLOTS) {
		size_t i = batch->keyed[s] - 1;
		if (batch->keys[i] == key && store_same_document(batch->documents[i].item, item)) {
			*id = batch->documents[i].id;
			return true;
		}
	}
	return false;
}

static void note_key(struct batch *batch, size_t index, uint64_t key)
{
	batch->keys[index] = key;
	if (key == 0)
		return;
	size_t s = keyed_home(key);
	while (batch->keyed[s] != 0)
		s = (s + 1) % KEYED_SLOTS;
	batch->keyed[s] = (uint32_t)index + 1;
}

static void add_reject(struct batch *batch, enum reject_kind kind, const struct item *item, int64_t first)
{
	batch->rejects[batch->reject_count++] = (struct store_reject){kind, item, first};
}

static void feed_document(struct writer *writer, const struct writer_entry *entry, uint64_t key)
{
	struct batch *batch = &writer->batch;
	const struct item *item = entry->item;
	int64_t published_us = item->published_us != TIME_NONE ? item->published_us : item->received_us;
	bool judged = entry->polarity != POLARITY_NONE;
	struct watch_document document = {
		.id = ++writer->last_document,
		.source = item->source,
		.flags = item->flags,
		.published_us = published_us,
		.applied_us = batch->applied_us,
		.polarity = entry->polarity,
		.score = judged ? entry->score : 0,
		.topics = entry->topics,
		.topic_count = entry->topic_count,
		.signature = entry->signature,
		.publisher = item->publisher,
		.title = item->title,
		.url = item->url,
	};
	int64_t story = watch_document(writer->watch, &document, writer->effects);
	note_key(batch, batch->document_count, key);
	batch->documents[batch->document_count++] = (struct store_document){
		.id = document.id,
		.item = item,
		.key = key,
		.published_us = published_us,
		.polarity = entry->polarity,
		.score = document.score,
		.label = entry->label >= 0 && writer->labels != NULL ? writer->labels[entry->label] : NULL,
		.label_p = entry->label_p,
		.model = entry->scored ? writer->model_version : NULL,
		.topics = entry->topics,
		.topic_count = entry->topic_count,
		.story = story,
		.counted = watch_counted(writer->watch),
	};
}

static int add_document(struct writer *writer, const struct writer_entry *entry)
{
	struct batch *batch = &writer->batch;
	const struct item *item = entry->item;
	uint64_t key = store_item_key(item);
	int64_t known = 0;
	if (key != 0 && !is_known_here(batch, item, key, &known) && writer_find_document(writer, item, &known) != 0)
		return -1;
	if (known == 0) {
		feed_document(writer, entry, key);
		return 0;
	}
	batch->repeats++;
	if (!(item->flags & ITEM_UNIQUE))
		add_reject(batch, REJECT_REPEAT, item, known);
	return 0;
}

static int break_off(struct writer *writer, const struct item *item)
{
	char message[512];
	snprintf(message, sizeof message,
		 "source %s, stream %.200s: an item starts at \"%.60s\", which is not where the stored position is",
		 item->source, item->position.stream, item->position.previous);
	return writer_fail(writer, message);
}

static int add_item(struct writer *writer, const struct writer_entry *entry)
{
	struct batch *batch = &writer->batch;
	const struct item *item = entry->item;
	enum stream_step step = streams_step(writer->streams, item);
	if (step == STREAM_BROKEN)
		return break_off(writer, item);
	if (step == STREAM_PASSED) {
		batch->repeats++;
		return 0;
	}
	switch (item->kind) {
	case ITEM_DOCUMENT:
		return add_document(writer, entry);
	case ITEM_PROGRESS:
		/* Without a time it says that the source is alive, which is as much. */
		watch_progress(writer->watch, item->source, item->flags, item->published_us, batch->applied_us,
			       writer->effects);
		return 0;
	case ITEM_REJECT:
		add_reject(batch, REJECT_UNREADABLE, item, 0);
		return 0;
	case ITEM_GAP:
		add_reject(batch, REJECT_GAP, item, 0);
		return 0;
	}
	return 0;
}

int batch_add(struct writer *writer, const struct writer_entry *entry)
{
	struct batch *batch = &writer->batch;
	switch (entry->kind) {
	case ENTRY_ITEM:
		return add_item(writer, entry);
	case ENTRY_DELIVERY_RESULT:
		batch->deliveries[batch->delivery_count++] = (struct store_delivery){
			entry->result.delivery, entry->result.state, entry->result.attempts, entry->result.next_try_us,
			entry->result.error};
		return 0;
	case ENTRY_FLUSH: /* over when the batch is written, and */
	case ENTRY_CONFIGURATION: /* a batch of its own: the loop sees to both */
		return 0;
	}
	return 0;
}

/* ---- commands ---- */

static const char *carry_out(struct writer *writer, const struct store_command *command)
{
	struct batch *batch = &writer->batch;
	if (strcmp(command->verb, "silence") == 0) {
		const char *topic = strcmp(command->subject, "*") == 0 ? NULL : command->subject;
		if (command->until_us == TIME_NONE)
			return "no time given";
		watch_silence(writer->watch, topic, command->until_us, writer->effects);
	} else if (strcmp(command->verb, "redeliver") == 0) {
		batch->redeliver[batch->redeliver_count++] = command->subject;
	} else if (strcmp(command->verb, "label") == 0) {
		enum polarity polarity = polarity_parse(command->argument);
		if (polarity == POLARITY_NONE)
			return "no such polarity";
		batch->labels[batch->label_count++] =
			(struct store_label){strtoll(command->subject, NULL, 10), polarity};
	} else {
		return "this version does not know the command";
	}
	return NULL;
}

void batch_add_commands(struct writer *writer)
{
	struct batch *batch = &writer->batch;
	struct err e;
	if (store_changed_by_others(writer->store))
		writer->commands_due = true;
	if (!writer->commands_due)
		return;
	if (store_load_commands(writer->store, &batch->commands, &batch->command_count, &e) != 0) {
		log_warning("commands wait: %s", e.text);
		return; /* they are looked for again */
	}
	writer->commands_due = false;
	size_t count = batch->command_count;
	batch->results = xcalloc(count, sizeof *batch->results);
	batch->redeliver = xcalloc(count, sizeof *batch->redeliver);
	batch->labels = xcalloc(count, sizeof *batch->labels);
	for (size_t i = 0; i < count; i++) {
		const struct store_command *command = &batch->commands[i];
		batch->results[i] = (struct store_command_result){command->id, carry_out(writer, command)};
		log_info("%s %s: %s", command->verb, command->subject,
			 batch->results[i].problem != NULL ? batch->results[i].problem : "done");
	}
}
