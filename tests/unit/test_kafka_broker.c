/*
 * The Kafka source against Apache Kafka itself: what the mock cluster does not
 * have (transactions, deletion of records and topics, fencing, restarts).  Ends
 * with 77, a skip, where no broker can be had.
 */
#include "daemon/base/clock.h"
#include "daemon/base/item.h"
#include "daemon/base/queue.h"
#include "ingest/source.h"
#include "tests/lib/shards.h"

#include <librdkafka/rdkafka.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US (40 * SECOND_US)
#define STREAMS_MAX 16
#define NUMBERS_MAX 50000

static char directory[] = "/tmp/bellwether-broker-XXXXXX";
static char brokers[64];

static rd_kafka_t *producer;
static char topic[64], group[64];
static const char *topics[] = {topic};
static struct kafka_property properties[4];
static struct source_options options;

/* What a database would know: the positions, and which numbered documents there are. */
static struct store {
	char streams[STREAMS_MAX][64], next[STREAMS_MAX][64];
	size_t stream_count;
	unsigned char seen[NUMBERS_MAX];
	size_t documents, gaps, rejects;
	char reason[600];
} store;

static struct queue *queue;
static struct source *source;

static rd_kafka_t *create_producer(const char *transactional_id)
{
	char text[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text);
	rd_kafka_conf_set(conf, "enable.idempotence", "true", text, sizeof text);
	rd_kafka_conf_set(conf, "message.max.bytes", "20000000", text, sizeof text);
	rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "500", text, sizeof text);
	rd_kafka_conf_set(conf, "topic.metadata.refresh.interval.ms", "1000", text, sizeof text);
	rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
	if (transactional_id != NULL)
		rd_kafka_conf_set(conf, "transactional.id", transactional_id, text, sizeof text);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	ck_assert_msg(client != NULL, "%s", text);
	return client;
}

/* One administrative call: `call` starts it on the queue. */
#define ADMIN(call)                                                                                                    \
	do {                                                                                                           \
		rd_kafka_queue_t *admin = rd_kafka_queue_new(producer);                                                \
		call;                                                                                                  \
		rd_kafka_event_t *event = rd_kafka_queue_poll(admin, 30000);                                           \
		ck_assert_ptr_nonnull(event);                                                                          \
		ck_assert_msg(rd_kafka_event_error(event) == 0, "%s", rd_kafka_event_error_string(event));             \
		rd_kafka_event_destroy(event);                                                                         \
		rd_kafka_queue_destroy(admin);                                                                         \
	} while (0)

static void create_topic(int partitions)
{
	char text[256];
	rd_kafka_NewTopic_t *entry = rd_kafka_NewTopic_new(topic, partitions, 1, text, sizeof text);
	ADMIN(rd_kafka_CreateTopics(producer, &entry, 1, NULL, admin));
	rd_kafka_NewTopic_destroy(entry);
}

static void delete_topic(void)
{
	rd_kafka_DeleteTopic_t *entry = rd_kafka_DeleteTopic_new(topic);
	ADMIN(rd_kafka_DeleteTopics(producer, &entry, 1, NULL, admin));
	rd_kafka_DeleteTopic_destroy(entry);
	sleep(2);
}

static void delete_records(int32_t partition, int64_t before)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = before;
	rd_kafka_DeleteRecords_t *entry = rd_kafka_DeleteRecords_new(list);
	ADMIN(rd_kafka_DeleteRecords(producer, &entry, 1, NULL, admin));
	rd_kafka_DeleteRecords_destroy(entry);
	rd_kafka_topic_partition_list_destroy(list);
}

static void add_partitions(size_t total)
{
	char text[256];
	rd_kafka_NewPartitions_t *entry = rd_kafka_NewPartitions_new(topic, total, text, sizeof text);
	ADMIN(rd_kafka_CreatePartitions(producer, &entry, 1, NULL, admin));
	rd_kafka_NewPartitions_destroy(entry);
}

static void produce_by(rd_kafka_t *client, int32_t partition, int number, size_t padding)
{
	static char value[8 * 1024 * 1024];
	int size = snprintf(value, sizeof value, "{\"title\":\"%d\",\"body\":\"", number);
	memset(value + size, 'x', padding);
	memcpy(value + size + padding, "\"}", 2);
	rd_kafka_resp_err_t err;
	int64_t end_us = monotonic_us() + PATIENCE_US;
	do {
		err = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
					RD_KAFKA_V_VALUE(value, (size_t)size + padding + 2),
					RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
		rd_kafka_poll(client, err != 0 ? 100 : 0);
		/* What was just made is not known at once. */
	} while ((err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) && monotonic_us() < end_us);
	ck_assert_msg(err == 0, "%s", rd_kafka_err2str(err));
}

static void produce(int32_t partition, int from, int count)
{
	for (int i = from; i < from + count; i++)
		produce_by(producer, partition, i, 0);
	ck_assert_int_eq(rd_kafka_flush(producer, 60000), 0);
}

static void setup(void)
{
	static int number;
	snprintf(topic, sizeof topic, "news-%d-%d", (int)getpid(), number++);
	strcpy(group, topic);
	memset(&store, 0, sizeof store);
	producer = create_producer(NULL);
	properties[0] = (struct kafka_property){"topic.metadata.refresh.interval.ms", "1000"};
	options = (struct source_options){
		.name = "wire",
		.kind = SOURCE_KAFKA,
		.kafka = {.brokers = brokers, .topics = topics, .topic_count = 1, .group = group, .instance_id = group,
			  .properties = properties, .property_count = 1},
	};
	queue = queue_create(100000, 1 << 30);
}

static void start(void)
{
	struct err e;
	struct saved_position saved[STREAMS_MAX];
	for (size_t i = 0; i < store.stream_count; i++)
		saved[i] = (struct saved_position){store.streams[i], store.next[i]};
	source = source_open(&options, saved, store.stream_count, queue, &e);
	ck_assert_msg(source != NULL, "%s", e.text);
	ck_assert_int_eq(source_start(source, &e), 0);
}

/* As a crash leaves it: what is in the queue is lost. */
static void stop(void)
{
	void *item;
	source_close(source);
	source = NULL;
	for (size_t count; queue_pop(queue, &item, 1, &count, 0) == QUEUE_OK;)
		item_free(item);
}

static void teardown(void)
{
	stop();
	queue_free(queue);
	rd_kafka_destroy(producer);
}

static char *position_of(const char *stream)
{
	for (size_t i = 0; i < store.stream_count; i++) {
		if (strcmp(store.streams[i], stream) == 0)
			return store.next[i];
	}
	ck_assert_uint_lt(store.stream_count, STREAMS_MAX);
	snprintf(store.streams[store.stream_count], sizeof store.streams[0], "%s", stream);
	return store.next[store.stream_count++];
}

/* The writer's part: the position moves only where it stood where the item says. */
static void apply(struct item *item)
{
	char *next = position_of(item->position.stream);
	ck_assert_str_eq(item->position.previous, next);
	strcpy(next, item->position.next);
	if (item->kind == ITEM_DOCUMENT) {
		int number = atoi(item->title);
		ck_assert_msg(store.seen[number] == 0, "document %d comes twice", number);
		store.seen[number] = 1;
		store.documents++;
	} else if (item->kind == ITEM_GAP) {
		store.gaps++;
		snprintf(store.reason, sizeof store.reason, "%s", item->reason);
	}
	store.rejects += item->kind == ITEM_REJECT;
	item_free(item);
}

static bool take_one(int64_t timeout_us)
{
	void *item;
	size_t count;
	if (queue_pop(queue, &item, 1, &count, timeout_us) != QUEUE_OK)
		return false;
	apply(item);
	return true;
}

static void take_documents(size_t total)
{
	struct source_health health;
	int64_t end_us = monotonic_us() + PATIENCE_US;
	while (store.documents < total && monotonic_us() < end_us)
		take_one(SECOND_US / 10);
	source_get_health(source, &health);
	ck_assert_msg(store.documents == total, "%zu of %zu documents; the source says %d '%s'", store.documents, total,
		      health.state, health.message);
}

static struct source_health wait_for_state(enum source_state state)
{
	struct source_health health;
	int64_t end_us = monotonic_us() + PATIENCE_US;
	do {
		take_one(SECOND_US / 50);
		source_get_health(source, &health);
	} while (health.state != state && monotonic_us() < end_us);
	ck_assert_msg(health.state == state, "state %d '%s' instead of %d", health.state, health.message, state);
	return health;
}

static void expect_silence(void)
{
	size_t documents = store.documents;
	for (int64_t end_us = monotonic_us() + SECOND_US; monotonic_us() < end_us;)
		take_one(SECOND_US / 20);
	ck_assert_uint_eq(store.documents, documents);
}

static void run_broker(const char *action)
{
	char command[512];
	snprintf(command, sizeof command, "%s/tests/lib/broker.sh %s %s >/dev/null 2>&1", SOURCE_DIR, action, directory);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(test_restarts_go_on_where_the_store_stands)
{
	create_topic(3);
	for (int i = 0; i < 3; i++)
		produce(i, i * 1000, 1000);
	start();
	for (int i = 0; i < 5; i++) {
		take_documents(store.documents + 350);
		stop();
		start();
	}
	take_documents(3000);
	expect_silence();
	ck_assert_uint_eq(store.gaps, 0);
}
END_TEST

START_TEST(test_the_broker_restarts)
{
	create_topic(2);
	produce(0, 0, 500);
	start();
	take_documents(500);
	run_broker("stop");
	wait_for_state(SOURCE_DOWN);
	run_broker("start");
	produce(0, 500, 500);
	produce(1, 1000, 500);
	take_documents(1500);
	run_broker("kill");
	run_broker("start");
	produce(1, 1500, 500);
	take_documents(2000);
	wait_for_state(SOURCE_OK);
	expect_silence();
	ck_assert_uint_eq(store.gaps, 0);
}
END_TEST

START_TEST(test_deleted_records_are_a_gap)
{
	create_topic(1);
	produce(0, 0, 100);
	start();
	take_documents(100);
	stop();
	produce(0, 100, 100);
	delete_records(0, 150);
	start();
	take_documents(150);
	ck_assert_uint_eq(store.gaps, 1);
	char reason[300];
	snprintf(reason, sizeof reason, "the log of %s/0 begins at offset 150 now: 50 offsets from 100 on were deleted before "
					"they were read", topic);
	ck_assert_str_eq(store.reason, reason);
	ck_assert(store.seen[99] && !store.seen[149] && store.seen[150]);
}
END_TEST

/* All that was read is deleted, and nothing else: no gap. */
START_TEST(test_deletion_up_to_the_position_is_no_gap)
{
	create_topic(1);
	produce(0, 0, 100);
	start();
	take_documents(100);
	stop();
	delete_records(0, 100);
	start();
	wait_for_state(SOURCE_OK);
	produce(0, 100, 10);
	take_documents(110);
	ck_assert_uint_eq(store.gaps, 0);
}
END_TEST

START_TEST(test_records_deleted_under_a_held_up_source)
{
	queue_free(queue);
	queue = queue_create(4, 1 << 20);
	create_topic(1);
	produce(0, 0, 2000);
	start();
	take_documents(10);
	sleep(3);
	delete_records(0, 1500);
	int64_t end_us = monotonic_us() + PATIENCE_US;
	while (!store.seen[1999] && monotonic_us() < end_us)
		take_one(SECOND_US / 10);
	ck_assert(store.seen[1999]);
	ck_assert_uint_eq(store.gaps, 1);
	for (int i = 1500; i < 2000; i++)
		ck_assert_msg(store.seen[i], "%d is missing", i);
}
END_TEST

START_TEST(test_a_topic_made_anew_and_shorter)
{
	create_topic(1);
	produce(0, 0, 100);
	start();
	take_documents(100);
	stop();
	delete_topic();
	create_topic(1);
	produce(0, 100, 20);
	start();
	take_documents(120);
	ck_assert_uint_eq(store.gaps, 1);
	ck_assert_ptr_nonnull(strstr(store.reason, "was made anew or cut"));
}
END_TEST

START_TEST(test_a_topic_made_anew_and_longer)
{
	create_topic(1);
	produce(0, 0, 100);
	start();
	take_documents(100);
	stop();
	delete_topic();
	create_topic(1);
	produce(0, 100, 200);
	start();
	take_documents(300);
	ck_assert_uint_eq(store.gaps, 1);
	ck_assert_ptr_nonnull(strstr(store.reason, "is not the one that was read"));
}
END_TEST

START_TEST(test_a_topic_made_anew_while_it_is_read)
{
	create_topic(1);
	produce(0, 0, 100);
	start();
	take_documents(100);
	delete_topic();
	wait_for_state(SOURCE_DOWN);
	create_topic(1);
	produce(0, 100, 20);
	take_documents(120);
	ck_assert_uint_eq(store.gaps, 1);
	wait_for_state(SOURCE_OK);
}
END_TEST

START_TEST(test_aborted_transactions_are_passed_over)
{
	char id[80];
	snprintf(id, sizeof id, "%s-t", topic);
	create_topic(1);
	rd_kafka_t *client = create_producer(id);
	ck_assert_ptr_null(rd_kafka_init_transactions(client, 30000));
	start();
	for (int i = 0; i < 4; i++) {
		ck_assert_ptr_null(rd_kafka_begin_transaction(client));
		for (int k = 0; k < 10; k++)
			produce_by(client, 0, i * 10 + k, 0);
		ck_assert_int_eq(rd_kafka_flush(client, 30000), 0);
		rd_kafka_error_t *error = i % 2 == 0 ? rd_kafka_commit_transaction(client, 30000)
						     : rd_kafka_abort_transaction(client, 30000);
		ck_assert_msg(error == NULL, "%s", rd_kafka_error_string(error));
	}
	rd_kafka_destroy(client);
	take_documents(20);
	expect_silence();
	ck_assert(store.seen[0] && !store.seen[10] && store.seen[20] && !store.seen[30]);
	/* 40 messages and 4 markers. */
	ck_assert_str_eq(position_of(store.streams[0]), "44");
	stop();
	start();
	wait_for_state(SOURCE_OK);
	expect_silence();
	ck_assert_uint_eq(store.gaps, 0);
}
END_TEST

START_TEST(test_partitions_added_later_are_read)
{
	create_topic(1);
	produce(0, 0, 10);
	start();
	take_documents(10);
	add_partitions(3);
	sleep(1);
	produce(2, 10, 10);
	take_documents(20);
	struct source_part parts[4];
	int64_t end_us = monotonic_us() + PATIENCE_US;
	while (source_get_parts(source, parts, 4) != 3 && monotonic_us() < end_us)
		take_one(SECOND_US / 10);
	ck_assert_uint_eq(source_get_parts(source, parts, 4), 3);
}
END_TEST

START_TEST(test_a_second_reader_ends_the_first)
{
	create_topic(1);
	produce(0, 0, 10);
	start();
	take_documents(10);
	struct source *first = source;
	start();
	struct source *second = source;
	source = first;
	struct source_health health = wait_for_state(SOURCE_FATAL);
	ck_assert_msg(strstr(health.message, "another process reads as the same member of group") != NULL, "%s",
		      health.message);
	source_close(first);
	source = second;
}
END_TEST

/* Two sources of one daemon, in one group, with a topic each. */
START_TEST(test_two_sources_share_a_group)
{
	create_topic(1);
	produce(0, 0, 10);
	start();
	take_documents(10);
	struct source *first = source;
	topic[0] = 'o';
	create_topic(1);
	produce(0, 10, 10);
	options.name = "second wire";
	start();
	take_documents(20);
	wait_for_state(SOURCE_OK);
	struct source *second = source;
	source = first;
	wait_for_state(SOURCE_OK);
	source_close(first);
	source = second;
}
END_TEST

START_TEST(test_large_values_through_a_small_queue)
{
	queue_free(queue);
	queue = queue_create(100, 1 << 20);
	create_topic(1);
	for (int i = 0; i < 12; i++)
		produce_by(producer, 0, i, i % 3 == 0 ? 6 * 1000 * 1000 : 1000);
	ck_assert_int_eq(rd_kafka_flush(producer, 60000), 0);
	start();
	for (int i = 0; i < 12; i++) {
		usleep(300 * 1000);
		take_documents((size_t)i + 1);
	}
	expect_silence();
}
END_TEST

/* A database at the start of a log, and one at its end, are told how far they are. */
START_TEST(test_lag)
{
	queue_free(queue);
	queue = queue_create(10, 1 << 20);
	create_topic(1);
	produce(0, 0, 1000);
	start();
	struct source_health health = {.lag = -1};
	int64_t end_us = monotonic_us() + PATIENCE_US;
	while (health.lag < 900 && monotonic_us() < end_us) {
		usleep(50 * 1000);
		source_get_health(source, &health);
	}
	ck_assert_int_ge(health.lag, 900);
	take_documents(1000);
	while (health.lag != 0 && monotonic_us() < end_us) {
		usleep(50 * 1000);
		source_get_health(source, &health);
	}
	ck_assert_int_eq(health.lag, 0);
}
END_TEST

/* Returns the script's exit status; its last line is the address, or the reason of a skip. */
static int start_broker(void)
{
	char command[512], line[512] = "";
	snprintf(command, sizeof command, "%s/tests/lib/broker.sh start %s", SOURCE_DIR, directory);
	FILE *pipe = popen(command, "r");
	if (pipe == NULL)
		return 1;
	while (fgets(line, sizeof line, pipe) != NULL)
		continue;
	line[strcspn(line, "\n")] = '\0';
	int status = pclose(pipe);
	if (status != 0)
		puts(line);
	snprintf(brokers, sizeof brokers, "%.60s", line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run_tests(void)
{
	const struct shard_test together[] = {
		{test_restarts_go_on_where_the_store_stands, 0},
		{test_deleted_records_are_a_gap, 0},
		{test_deletion_up_to_the_position_is_no_gap, 0},
		{test_records_deleted_under_a_held_up_source, 0},
		{test_a_topic_made_anew_and_shorter, 0},
		{test_a_topic_made_anew_and_longer, 0},
		{test_a_topic_made_anew_while_it_is_read, 0},
		{test_aborted_transactions_are_passed_over, 0},
		{test_partitions_added_later_are_read, 0},
		{test_a_second_reader_ends_the_first, 0},
		{test_two_sources_share_a_group, 0},
		{test_large_values_through_a_small_queue, 0},
		{test_lag, 0},
	};
	const struct shard_test alone[] = {{test_the_broker_restarts, 0}};
	const struct shard_suite suite = {"kafka_broker", 120, setup, teardown};
	int result = shards_run(&suite, together, sizeof together / sizeof together[0], 4);
	return shards_run(&suite, alone, 1, 1) == EXIT_SUCCESS ? result : EXIT_FAILURE;
}

int main(void)
{
	char command[512];
	if (mkdtemp(directory) == NULL)
		return EXIT_FAILURE;
	int result = start_broker();
	if (result == 0) {
		result = run_tests();
		snprintf(command, sizeof command, "%s/tests/lib/broker.sh kill %s", SOURCE_DIR, directory);
		if (system(command) != 0)
			result = EXIT_FAILURE;
	}
	snprintf(command, sizeof command, "rm -rf %s", directory);
	if (system(command) != 0)
		result = EXIT_FAILURE;
	return result;
}
