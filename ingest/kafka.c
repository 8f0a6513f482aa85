/*
 * Kafka through librdkafka: one client, one group, one thread.
 *
 * The thread's loop is a poll of the client's queue, which serves everything:
 * messages, the end of a partition, rebalances, errors, statistics.  It must
 * never stop for long, or the group takes the partitions away
 * (max.poll.interval.ms).  So a full queue in front of us does not block it:
 * the one item that did not fit is held, the partitions are paused after a
 * while, and polling goes on.  Pausing throws away what the client fetched
 * ahead, which is why a short wait comes first.
 */
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "ingest/kafka/kafka.h"
#include "ingest/source_kind.h"

#include <stdlib.h>
#include <string.h>

#define POLL_MS 100
#define PUSH_WAIT_US (50 * INT64_C(1000))
#define PAUSE_AFTER_US SECOND_US

static void kafka_close(void *state);

static int restore(struct kafka *kafka, const struct saved_position *saved, struct err *e)
{
	char topic[512];
	int32_t number;
	/* A stream of another topic is from an earlier configuration: it is kept where it is, untouched. */
	if (strlen(saved->stream) >= sizeof topic || !kafka_stream_parse(saved->stream, topic, &number))
		return 0;
	for (size_t i = 0; i < kafka->topic_count; i++) {
		if (strcmp(kafka->topics[i].name, topic) == 0)
			return partitions_restore(&kafka->partitions, topic, number, saved->next, e);
	}
	return 0;
}

static int check_options(const struct kafka_options *options, struct err *e)
{
	if (options->brokers == NULL || options->brokers[0] == '\0')
		return err_set(e, "no brokers: a list of host:port is needed");
	if (options->group == NULL || options->group[0] == '\0')
		return err_set(e, "no group: a name for the consumer group is needed");
	if (options->topic_count == 0)
		return err_set(e, "no topics: at least one is needed");
	for (size_t i = 0; i < options->topic_count; i++) {
		const char *topic = options->topics[i];
		size_t length = strlen(topic);
		if (length == 0 || length > 249 || strspn(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
								 "0123456789._-") != length)
			return err_set(e, "topic '%.60s' is no topic's name: up to 249 letters, digits, '.', '_', '-'",
				       topic);
	}
	return 0;
}

static void *kafka_open(struct source *source, const struct source_options *options,
			const struct saved_position *saved, size_t saved_count, struct err *e)
{
	const struct kafka_options *given = &options->kafka;
	struct kafka *kafka = xcalloc(1, sizeof *kafka);
	kafka->source = source;
	partitions_init(&kafka->partitions);
	if (check_options(given, e) == -1)
		goto fail;
	kafka->brokers = xstrdup(given->brokers);
	kafka->group = xstrdup(given->group);
	kafka->topics = xcalloc(given->topic_count, sizeof kafka->topics[0]);
	kafka->topic_count = given->topic_count;
	for (size_t i = 0; i < given->topic_count; i++)
		kafka->topics[i].name = xstrdup(given->topics[i]);
	kafka->parser = message_parser_create(&options->map, given->plain_text ? MESSAGE_PLAIN : 0, e);
	if (kafka->parser == NULL)
		goto fail;
	kafka->conf = kafka_conf_create(options, &kafka->start, e);
	if (kafka->conf == NULL)
		goto fail;
	rd_kafka_conf_set_opaque(kafka->conf, kafka);
	for (size_t i = 0; i < saved_count; i++) {
		if (restore(kafka, &saved[i], e) == -1)
			goto fail;
	}
	return kafka;
fail:
	kafka_close(kafka);
	return NULL;
}

static void set_paused(struct kafka *kafka, bool paused)
{
	if (kafka->paused == paused)
		return;
	rd_kafka_topic_partition_list_t *list = partitions_list(&kafka->partitions);
	if (paused)
		rd_kafka_pause_partitions(kafka->client, list);
	else
		rd_kafka_resume_partitions(kafka->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	kafka->paused = paused;
}

/* Returns whether the client may be polled now. */
static bool push_held(struct kafka *kafka)
{
	if (kafka->held == NULL)
		return true;
	if (source_try_push(kafka->source, kafka->held, PUSH_WAIT_US) == QUEUE_OK) {
		kafka->held = NULL;
		set_paused(kafka, false);
		return true;
	}
	if (monotonic_us() - kafka->held_since_us < PAUSE_AFTER_US)
		return false;
	set_paused(kafka, true);
	return true;
}

static void poll_client(struct kafka *kafka)
{
	rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka->client, kafka->held != NULL ? 0 : POLL_MS);
	if (message == NULL)
		return;
	kafka_consume(kafka, message);
	rd_kafka_message_destroy(message);
}

/* The group's offsets follow the database, for the tools that show a group's lag.  A client that lost its place in the
 * group keeps them: they would arrive later, under the name of the member that it was. */
static void send_commits(struct kafka *kafka)
{
	if (kafka->unsteady_since_us != 0)
		return;
	rd_kafka_topic_partition_list_t *list = partitions_take_commits(&kafka->partitions);
	if (list == NULL)
		return;
	rd_kafka_commit(kafka->client, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

static void kafka_run(void *state)
{
	struct kafka *kafka = state;
	struct err e;
	int64_t next_us = 0;
	source_set_state(kafka->source, SOURCE_STARTING, "joining group '%s'", kafka->group);
	if (client_open(kafka, &e) == -1)
		kafka_fail(kafka, "%s", e.text);
	while (!source_stopping(kafka->source) && !kafka->failed) {
		source_beat(kafka->source);
		if (kafka->fenced && client_renew(kafka, &e) == -1) {
			kafka_fail(kafka, "%s", e.text);
			break;
		}
		if (push_held(kafka))
			poll_client(kafka);
		int64_t now_us = monotonic_us();
		if (now_us < next_us)
			continue;
		next_us = now_us + SECOND_US;
		kafka_repair(kafka);
		send_commits(kafka);
	}
	if (kafka->client == NULL)
		return;
	send_commits(kafka);
	client_leave(kafka);
}

static void kafka_committed(void *state, const char *stream, const char *next)
{
	struct kafka *kafka = state;
	partitions_committed(&kafka->partitions, stream, next);
}

static void kafka_close(void *state)
{
	struct kafka *kafka = state;
	if (kafka == NULL)
		return;
	client_close(kafka);
	for (size_t i = 0; i < kafka->topic_count; i++)
		free(kafka->topics[i].name);
	if (kafka->conf != NULL)
		rd_kafka_conf_destroy(kafka->conf);
	item_free(kafka->held);
	message_parser_free(kafka->parser);
	partitions_clear(&kafka->partitions);
	free(kafka->topics);
	free(kafka->brokers);
	free(kafka->group);
	free(kafka);
}

const struct source_kind_ops source_kafka_ops = {
	.name = "kafka",
	.open = kafka_open,
	.run = kafka_run,
	.committed = kafka_committed,
	.close = kafka_close,
	.check = kafka_check,
};
