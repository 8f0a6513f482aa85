/*
 * The source's state, made once a second from the client's statistics: which
 * brokers are up, which topics there are, whether this member is in its group
 * and has all partitions.  An event alone would not do: the client tells when
 * the last broker goes, and not when one is back.
 */
#include "ingest/kafka/kafka.h"

#include "daemon/base/clock.h"
#include "ingest/source_kind.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Joining takes a few seconds at most, a rebalance of many members a little more. */
#define JOIN_PATIENCE_US (20 * SECOND_US)
/* A first connection may take a while without anything being wrong. */
#define CONNECT_PATIENCE_US (5 * SECOND_US)

void kafka_fail(struct kafka *kafka, const char *fmt, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, fmt);
	vsnprintf(text, sizeof text, fmt, arguments);
	va_end(arguments);
	if (!kafka->failed)
		source_set_state(kafka->source, SOURCE_FATAL, "%s", text);
	kafka->failed = true;
}

static void fail_by_client(struct kafka *kafka)
{
	char reason[400];
	rd_kafka_resp_err_t err = rd_kafka_fatal_error(kafka->client, reason, sizeof reason);
	if (err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID && client_fenced(kafka))
		source_set_state(kafka->source, SOURCE_WARNING, "out of group '%s' after an outage; joining again",
				 kafka->group);
	else if (err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
		kafka_fail(kafka, "another process reads as the same member of group '%s': %s", kafka->group, reason);
	else
		kafka_fail(kafka, "the Kafka client cannot go on: %s", reason);
}

static void note_loss(struct kafka *kafka)
{
	if (kafka->was_assigned)
		kafka->lost_us = monotonic_us();
}

static void say_down(struct kafka *kafka)
{
	note_loss(kafka);
	source_set_state(kafka->source, SOURCE_DOWN, "no broker of %s can be reached%s%s; retrying", kafka->brokers,
			 kafka->last_error[0] != '\0' ? ": " : "", kafka->last_error);
}

void kafka_on_error(rd_kafka_t *client, int err, const char *reason, void *opaque)
{
	struct kafka *kafka = opaque;
	(void)client;
	if (err == RD_KAFKA_RESP_ERR__FATAL) {
		fail_by_client(kafka);
	} else if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		if (!kafka->failed)
			say_down(kafka);
	} else {
		snprintf(kafka->last_error, sizeof kafka->last_error, "%s", reason);
	}
}

static bool any_broker_up(const json_t *stats)
{
	const char *name;
	json_t *broker;
	json_object_foreach(json_object_get(stats, "brokers"), name, broker) {
		const char *state = json_string_value(json_object_get(broker, "state"));
		if (state != NULL && strcmp(state, "UP") == 0)
			return true;
	}
	return false;
}

/* Partition -1 stands for messages that have none yet. */
static size_t count_partitions(const json_t *stats, const char *topic)
{
	size_t count = 0;
	const char *number;
	json_t *partition;
	json_t *entry = json_object_get(json_object_get(stats, "topics"), topic);
	json_object_foreach(json_object_get(entry, "partitions"), number, partition)
		count += number[0] != '-' && !json_is_true(json_object_get(partition, "unknown"));
	return count;
}

static bool is_steady(const json_t *stats)
{
	const char *state = json_string_value(json_object_get(json_object_get(stats, "cgrp"), "join_state"));
	return state != NULL && strcmp(state, "steady") == 0;
}

/* Messages between what was read and what the log holds; -1 before the first fetch. */
static int64_t lag_of(struct kafka *kafka, const struct partition *partition)
{
	int64_t low, high;
	if (partition->position.offset < 0 ||
	    rd_kafka_get_watermark_offsets(kafka->client, partition->topic, partition->number, &low, &high) !=
		    RD_KAFKA_RESP_ERR_NO_ERROR ||
	    high < 0)
		return -1;
	return high > partition->position.offset ? high - partition->position.offset : 0;
}

/* All that was read so far was read to its end, and the client is where it would get more. */
static void show_life(struct kafka *kafka, int64_t lag)
{
	if (lag == 0 && kafka->held == NULL && kafka->was_assigned && kafka->unsteady_since_us == 0)
		source_show_life(kafka->source);
}

static void update_parts(struct kafka *kafka)
{
	int64_t total = -1;
	for (size_t i = 0; i < kafka->partitions.count; i++) {
		const struct partition *partition = kafka->partitions.entries[i];
		if (!partition->assigned)
			continue;
		struct source_part part = {.state = partition->repair == REPAIR_NONE ? SOURCE_OK : SOURCE_DOWN,
					   .last_progress_us = clock_now_us(&wall_clock),
					   .lag = lag_of(kafka, partition)};
		snprintf(part.stream, sizeof part.stream, "%s", partition->stream);
		if (partition->repair != REPAIR_NONE)
			snprintf(part.message, sizeof part.message, "looking for the place to read on from");
		source_set_part(kafka->source, &part);
		if (part.lag >= 0)
			total = part.lag + (total > 0 ? total : 0);
	}
	source_set_lag(kafka->source, total);
	show_life(kafka, total);
}

/* A topic that is not there, or of which others read a part.  Returns false where all is well. */
static bool warn_of_topics(struct kafka *kafka)
{
	size_t missing = 0;
	const struct kafka_topic *first = NULL;
	for (size_t i = 0; i < kafka->topic_count; i++) {
		missing += kafka->topics[i].partitions == 0;
		if (first == NULL && kafka->topics[i].partitions == 0)
			first = &kafka->topics[i];
	}
	if (first != NULL) {
		source_set_state(kafka->source, missing == kafka->topic_count ? SOURCE_DOWN : SOURCE_WARNING,
				 "topic '%s' cannot be read: %s; retrying", first->name,
				 first->error[0] != '\0' ? first->error : "the broker does not know it");
		return true;
	}
	for (size_t i = 0; i < kafka->topic_count && kafka->unsteady_since_us == 0; i++) {
		const struct kafka_topic *topic = &kafka->topics[i];
		size_t assigned = partitions_assigned(&kafka->partitions, topic->name);
		if (assigned >= topic->partitions)
			continue;
		source_set_state(kafka->source, SOURCE_WARNING,
				 "reads %zu of the %zu partitions of topic '%s': another member of group '%s' has the "
				 "others, so counts are partial",
				 assigned, topic->partitions, topic->name, kafka->group);
		return true;
	}
	return false;
}

static void update_state(struct kafka *kafka, bool up)
{
	int64_t unsteady_us = kafka->unsteady_since_us != 0 ? monotonic_us() - kafka->unsteady_since_us : 0;
	if (!up) {
		if (kafka->was_assigned || kafka->last_error[0] != '\0' || unsteady_us > CONNECT_PATIENCE_US)
			say_down(kafka);
		return;
	}
	if (warn_of_topics(kafka))
		return;
	if (unsteady_us > JOIN_PATIENCE_US) {
		source_set_state(kafka->source, SOURCE_WARNING, "not in group '%s' yet%s%s; retrying", kafka->group,
				 kafka->last_error[0] != '\0' ? ": " : "", kafka->last_error);
	} else if (kafka->was_assigned && unsteady_us == 0) {
		source_set_state(kafka->source, SOURCE_OK, "%s", "");
		kafka->last_error[0] = '\0';
	}
}

static void read_stats(struct kafka *kafka, const json_t *stats)
{
	bool up = any_broker_up(stats);
	bool steady = is_steady(stats);
	for (size_t i = 0; i < kafka->topic_count; i++) {
		struct kafka_topic *topic = &kafka->topics[i];
		topic->partitions = count_partitions(stats, topic->name);
		if (topic->partitions > 0)
			topic->error[0] = '\0';
	}
	if (!up || !steady)
		note_loss(kafka);
	if (steady)
		kafka->unsteady_since_us = 0;
	else if (kafka->unsteady_since_us == 0)
		kafka->unsteady_since_us = monotonic_us();
	if (up) {
		source_progress(kafka->source);
		update_parts(kafka);
	}
	update_state(kafka, up);
}

int kafka_on_stats(rd_kafka_t *client, char *json, size_t size, void *opaque)
{
	struct kafka *kafka = opaque;
	(void)client;
	json_t *stats = json_loadb(json, size, 0, NULL);
	if (stats != NULL && !kafka->failed && !kafka->fenced)
		read_stats(kafka, stats);
	json_decref(stats);
	return 0; /* the client frees the text */
}
