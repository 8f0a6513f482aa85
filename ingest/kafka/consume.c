/*
 * One event of the client's queue becomes at most one item.
 *
 * Positions chain: an item's `previous` is the `next` of the item pushed before
 * it for the same partition.  So the offsets that compaction or transaction
 * markers leave out need no item of their own, except at the log's end.
 */
#include "ingest/kafka/kafka.h"

#include "daemon/base/clock.h"
#include "ingest/source_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LATEST_MS INT64_C(4102444800000) /* 2100-01-01 */

/* Takes the item: pushes or holds it. */
static void deliver(struct kafka *kafka, struct item *item)
{
	if (source_try_push(kafka->source, item, 0) == QUEUE_OK)
		return;
	kafka->held = item;
	kafka->held_since_us = monotonic_us();
}

/* Finish `item` and send it off; the partition stands at `to` from now on. */
static void deliver_at(struct kafka *kafka, struct partition *partition, struct item *item,
		       const struct kafka_position *to)
{
	char next[KAFKA_POSITION_SIZE];
	kafka_position_format(to, next);
	item->source = source_name(kafka->source);
	item->received_us = clock_now_us(&wall_clock);
	item->position = (struct position){partition->stream, partition->next, next};
	struct item *copy = item_create(item);
	memcpy(partition->next, next, sizeof next);
	partition->position = *to;
	deliver(kafka, copy);
}

void kafka_deliver_mark(struct kafka *kafka, struct partition *partition, enum item_kind kind,
			const struct kafka_position *to, const char *reason)
{
	struct item item = {.kind = kind, .polarity = POLARITY_NONE, .published_us = TIME_NONE,
			    .coordinates = partition->stream, .reason = reason};
	deliver_at(kafka, partition, &item, to);
}

static void consume_value(struct kafka *kafka, struct partition *partition, const rd_kafka_message_t *message,
			  const struct kafka_position *next)
{
	char coordinates[600];
	struct err e;
	struct item item = {.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE, .coordinates = coordinates};
	snprintf(coordinates, sizeof coordinates, "%s@%" PRId64, partition->stream, message->offset);
	if (message_parse(kafka->parser, message->payload, message->len, &item, &e) == -1) {
		item.kind = ITEM_REJECT;
		item.reason = e.text;
		item.body = message_raw(kafka->parser, message->payload, message->len);
		item.published_us = TIME_NONE;
	}
	/* A producer may write any number there. */
	if (item.published_us == TIME_NONE && next->last_ms > 0 && next->last_ms < LATEST_MS)
		item.published_us = next->last_ms * 1000;
	deliver_at(kafka, partition, &item, next);
}

/* The message before the saved position came back: is it the one that was read? */
static void verify(struct partition *partition, const rd_kafka_message_t *message, int64_t timestamp_ms)
{
	partition->verifying = false;
	if (message->offset == partition->position.offset - 1 && timestamp_ms != partition->position.last_ms)
		partition->repair = REPAIR_RECREATED;
}

static void consume_message(struct kafka *kafka, const rd_kafka_message_t *message)
{
	struct partition *partition =
		partitions_get(&kafka->partitions, rd_kafka_topic_name(message->rkt), message->partition);
	if (kafka->held != NULL && partition->repair == REPAIR_NONE)
		partition->repair = REPAIR_REWIND;
	if (partition->repair != REPAIR_NONE)
		return;
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
	if (partition->verifying)
		verify(partition, message, timestamp_ms);
	/* Read already: the message to verify, or one fetched twice around a pause. */
	if (message->offset < partition->position.offset)
		return;
	const struct kafka_position next = {message->offset + 1, timestamp_ms > 0 ? timestamp_ms : -1};
	if (message->payload == NULL)
		kafka_deliver_mark(kafka, partition, ITEM_PROGRESS, &next, NULL);
	else
		consume_value(kafka, partition, message, &next);
}

/* The end of the log for now, perhaps behind markers that are no messages. */
static void consume_end(struct kafka *kafka, const rd_kafka_message_t *message)
{
	struct partition *partition =
		partitions_get(&kafka->partitions, rd_kafka_topic_name(message->rkt), message->partition);
	if (kafka->held != NULL || partition->repair != REPAIR_NONE)
		return;
	partition->verifying = false;
	/* The message to verify is not there: what comes next at its offset would be taken for read. */
	if (message->offset < partition->position.offset)
		partition->repair = REPAIR_RANGE;
	if (message->offset <= partition->position.offset)
		return;
	const struct kafka_position next = {message->offset, -1};
	kafka_deliver_mark(kafka, partition, ITEM_PROGRESS, &next, NULL);
}

static void consume_error(struct kafka *kafka, const rd_kafka_message_t *message)
{
	const char *reason = rd_kafka_message_errstr(message);
	const char *topic = message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : NULL;
	if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
		partitions_get(&kafka->partitions, topic, message->partition)->repair = REPAIR_RANGE;
		return;
	}
	if (message->err == RD_KAFKA_RESP_ERR__FATAL) {
		kafka_on_error(kafka->client, message->err, reason, kafka);
		return;
	}
	snprintf(kafka->last_error, sizeof kafka->last_error, "%s", reason);
	for (size_t i = 0; i < kafka->topic_count && topic != NULL; i++) {
		struct kafka_topic *entry = &kafka->topics[i];
		if (strcmp(entry->name, topic) == 0)
			snprintf(entry->error, sizeof entry->error, "%s", rd_kafka_err2str(message->err));
	}
}

void kafka_consume(struct kafka *kafka, const rd_kafka_message_t *message)
{
	/* A poll may fail (no position where one is asked for) and still bring a message. */
	if (kafka->failed || kafka->fenced)
		return;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		consume_message(kafka, message);
	else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		consume_end(kafka, message);
	else
		consume_error(kafka, message);
}
