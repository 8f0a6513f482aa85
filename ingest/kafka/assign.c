/*
 * Where each partition is read from.  The group's own offsets are never asked:
 * a partition goes on where this process left it (memory), else where the
 * database says, else by auto.offset.reset.  So a rebalance, a restart or a
 * crash moves no position.
 *
 * Saved offsets are trusted only as far as the log is the one they were taken
 * from.  Three things can have happened to it:
 *  - its start moved past our offset (retention): the broker says "out of
 *    range", and what is gone is told by an ITEM_GAP;
 *  - it was cut, or made anew and is shorter: the same answer;
 *  - it was made anew and is longer by now: nothing would tell.  So reading
 *    starts one message early, and its timestamp is compared with the one kept
 *    in the position.
 * After "out of range" librdkafka lets no single partition start again
 * (seek refuses, incremental assignment needs a cooperative group), so all are
 * assigned anew, each at its position in memory.
 */
#include "ingest/kafka/kafka.h"

#include "ingest/source_kind.h"

#include <inttypes.h>
#include <stdio.h>

/* Two queries a round: the watchdog does not mind. */
#define QUERY_TIMEOUT_MS 1500

/* The offset to ask for.  With `verify`, one earlier where that message can be compared. */
static int64_t start_of(struct kafka *kafka, struct partition *partition, bool verify)
{
	const struct kafka_position *position = &partition->position;
	partition->verifying = verify && position->offset > 0 && position->last_ms >= 0;
	if (position->offset >= 0)
		return position->offset - partition->verifying;
	if (kafka->start == START_ERROR)
		kafka_fail(kafka, "%s has no saved position and auto.offset.reset is 'error'", partition->stream);
	return kafka->start == START_LATEST ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
}

void kafka_revoke_all(struct kafka *kafka)
{
	for (size_t i = 0; i < kafka->partitions.count; i++) {
		struct partition *partition = kafka->partitions.entries[i];
		if (partition->assigned)
			source_drop_part(kafka->source, partition->stream);
		partition->assigned = false;
		partition->sent = -1;
	}
	/* A new assignment comes unpaused. */
	kafka->paused = false;
}

void kafka_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
			void *opaque)
{
	struct kafka *kafka = opaque;
	kafka_revoke_all(kafka);
	if (err != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		rd_kafka_assign(client, NULL);
		return;
	}
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_topic_partition_t *entry = &list->elems[i];
		struct partition *partition = partitions_get(&kafka->partitions, entry->topic, entry->partition);
		partition->assigned = true;
		partition->repair = REPAIR_NONE;
		partition->confirmed = false;
		entry->offset = start_of(kafka, partition, true);
	}
	rd_kafka_assign(client, list);
	kafka->was_assigned = true;
}

static void assign_again(struct kafka *kafka)
{
	rd_kafka_topic_partition_list_t *list = partitions_list(&kafka->partitions);
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_topic_partition_t *entry = &list->elems[i];
		struct partition *partition = partitions_get(&kafka->partitions, entry->topic, entry->partition);
		entry->offset = start_of(kafka, partition, false);
	}
	rd_kafka_assign(kafka->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	kafka->paused = false;
}

/* Go on at the log's start and say what that costs. */
static void jump(struct kafka *kafka, struct partition *partition, int64_t low, const char *reason)
{
	const struct kafka_position start = {.offset = low, .last_ms = -1};
	kafka_deliver_mark(kafka, partition, ITEM_GAP, &start, reason);
}

/* The offset asked for was refused: find out why.  Returns false where it has to be asked again. */
static bool repair_range(struct kafka *kafka, struct partition *partition, int64_t low, int64_t high)
{
	char reason[256];
	int64_t offset = partition->position.offset;
	if (offset < 0 || (offset >= low && offset <= high))
		return true;
	if (offset > high && !partition->confirmed) {
		/* A broker that just became the leader may not know the log's end yet. */
		partition->confirmed = true;
		return false;
	}
	if (offset < low)
		snprintf(reason, sizeof reason,
			 "the log of %s begins at offset %" PRId64 " now: %" PRId64
			 " offsets from %" PRId64 " on were deleted before they were read",
			 partition->stream, low, low - offset, offset);
	else
		snprintf(reason, sizeof reason,
			 "the log of %s ends at offset %" PRId64 ", before the saved %" PRId64
			 ": the topic was made anew or cut; it is read from its start",
			 partition->stream, high, offset);
	jump(kafka, partition, low, reason);
	return true;
}

static void repair_recreated(struct kafka *kafka, struct partition *partition, int64_t low)
{
	char reason[256];
	snprintf(reason, sizeof reason,
		 "the message of %s before the saved offset %" PRId64
		 " is not the one that was read: the topic was made anew; it is read from its start",
		 partition->stream, partition->position.offset);
	jump(kafka, partition, low, reason);
}

static bool needs_repair(const struct partition *partition)
{
	return partition->assigned && partition->repair != REPAIR_NONE;
}

/* The starts or the ends of the logs that need repair, `which` = RD_KAFKA_OFFSET_BEGINNING or _END; NULL where no broker
 * told.  (rd_kafka_query_watermark_offsets would do for one, and may never return.) */
static rd_kafka_topic_partition_list_t *query_offsets(struct kafka *kafka, int64_t which)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	for (size_t i = 0; i < kafka->partitions.count; i++) {
		struct partition *partition = kafka->partitions.entries[i];
		if (needs_repair(partition))
			rd_kafka_topic_partition_list_add(list, partition->topic, partition->number)->offset =
				which;
	}
	if (list->cnt > 0 && rd_kafka_offsets_for_times(kafka->client, list, QUERY_TIMEOUT_MS) == 0)
		return list;
	rd_kafka_topic_partition_list_destroy(list);
	return NULL;
}

/* -1 where it is not known. */
static int64_t offset_in(rd_kafka_topic_partition_list_t *list, const struct partition *partition)
{
	rd_kafka_topic_partition_t *entry =
		rd_kafka_topic_partition_list_find(list, partition->topic, partition->number);
	return entry != NULL && entry->err == 0 && entry->offset >= 0 ? entry->offset : -1;
}

/* Returns true where the partition can start again. */
static bool repair_one(struct kafka *kafka, struct partition *partition, int64_t low, int64_t high)
{
	if (partition->repair == REPAIR_REWIND)
		return true;
	if (low < 0 || high < 0)
		return false;
	if (partition->repair == REPAIR_RANGE)
		return repair_range(kafka, partition, low, high);
	repair_recreated(kafka, partition, low);
	return true;
}

/* Once a second.  Each repair may leave an item that does not fit into the queue, and only one is ever held: then the
 * others wait for the next round. */
void kafka_repair(struct kafka *kafka)
{
	bool repaired = false;
	rd_kafka_topic_partition_list_t *low = query_offsets(kafka, RD_KAFKA_OFFSET_BEGINNING), *high = NULL;
	if (low != NULL)
		high = query_offsets(kafka, RD_KAFKA_OFFSET_END);
	for (size_t i = 0; i < kafka->partitions.count && high != NULL && kafka->held == NULL; i++) {
		struct partition *partition = kafka->partitions.entries[i];
		if (!needs_repair(partition) ||
		    !repair_one(kafka, partition, offset_in(low, partition), offset_in(high, partition)))
			continue;
		partition->repair = REPAIR_NONE;
		partition->confirmed = false;
		repaired = true;
	}
	if (low != NULL)
		rd_kafka_topic_partition_list_destroy(low);
	if (high != NULL)
		rd_kafka_topic_partition_list_destroy(high);
	if (repaired)
		assign_again(kafka);
}
