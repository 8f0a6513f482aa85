/*
 * The Kafka source against librdkafka's own mock cluster, which answers as a
 * broker does and lets errors be put into it.
 */
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/item.h"
#include "daemon/base/queue.h"
#include "ingest/source.h"
#include "tests/lib/shards.h"

#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_US (20 * SECOND_US)
#define ROOMY 100000
#define API_JOIN_GROUP 11
#define API_HEARTBEAT 12

static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;
static struct queue *queue;
static struct source *source;
static struct err e;

static const char *topics[4];
static struct kafka_property properties[8];
static struct source_options options;

static void setup(void)
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
	producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	ck_assert_ptr_nonnull(producer);
	cluster = rd_kafka_mock_cluster_new(producer, 1);
	ck_assert_ptr_nonnull(cluster);
	rd_kafka_brokers_add(producer, rd_kafka_mock_cluster_bootstraps(cluster));
	topics[0] = "news";
	properties[0] = (struct kafka_property){"session.timeout.ms", "4000"};
	properties[1] = (struct kafka_property){"heartbeat.interval.ms", "300"};
	options = (struct source_options){
		.name = "wire",
		.kind = SOURCE_KAFKA,
		.kafka = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster), .topics = topics, .topic_count = 1,
			  .group = "g", .instance_id = "i", .properties = properties, .property_count = 2},
	};
	queue = queue_create(ROOMY, 1 << 30);
}

static void stop(void)
{
	source_close(source);
	source = NULL;
	struct item *item;
	size_t count;
	while (queue_pop(queue, (void **)&item, 1, &count, 0) == QUEUE_OK)
		item_free(item);
}

static void teardown(void)
{
	stop();
	queue_free(queue);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(producer);
}

static void use_queue(size_t count)
{
	queue_free(queue);
	queue = queue_create(count, 1 << 30);
}

static void add_property(const char *name, const char *value)
{
	properties[options.kafka.property_count++] = (struct kafka_property){name, value};
}

static void create(const char *topic, int partitions)
{
	ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, topic, partitions, 1), 0);
}

static void produce(const char *topic, int32_t partition, const char *value, size_t size, int64_t timestamp_ms)
{
	rd_kafka_resp_err_t err;
	do {
		err = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
					RD_KAFKA_V_VALUE((void *)value, size), RD_KAFKA_V_TIMESTAMP(timestamp_ms),
					RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
		if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_poll(producer, 10);
	} while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
	ck_assert_int_eq(err, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void produce_text(const char *topic, int32_t partition, const char *value)
{
	produce(topic, partition, value, strlen(value), INT64_C(1767605400000));
	ck_assert_int_eq(rd_kafka_flush(producer, 10000), 0);
}

/* Numbered from `from` on, a second apart from 2026-01-05T09:30:00Z. */
static void produce_many(int32_t partition, int from, int count)
{
	char value[64];
	for (int i = from; i < from + count; i++) {
		int size = snprintf(value, sizeof value, "{\"title\":\"t%d\"}", i);
		produce("news", partition, value, (size_t)size, INT64_C(1767605400000) + i * 1000);
	}
	ck_assert_int_eq(rd_kafka_flush(producer, 20000), 0);
}

static void start(const struct saved_position *saved, size_t saved_count)
{
	source = source_open(&options, saved, saved_count, queue, &e);
	ck_assert_msg(source != NULL, "%s", e.text);
	ck_assert_msg(source_start(source, &e) == 0, "%s", e.text);
}

static struct item *next_within(int64_t timeout_us)
{
	struct item *item = NULL;
	size_t count;
	if (queue_pop(queue, (void **)&item, 1, &count, timeout_us) != QUEUE_OK)
		return NULL;
	return item;
}

static struct item *next_item(void)
{
	struct item *item = next_within(PATIENCE_US);
	if (item == NULL && source != NULL) {
		struct source_health health;
		source_get_health(source, &health);
		ck_abort_msg("no item; the source says %d '%s'", health.state, health.message);
	}
	return item;
}

static void expect_position(const struct item *item, const char *stream, const char *previous, const char *next)
{
	ck_assert_str_eq(item->source, "wire");
	ck_assert_str_eq(item->position.stream, stream);
	ck_assert_str_eq(item->position.previous, previous);
	ck_assert_str_eq(item->position.next, next);
}

static void expect_titles(int from, int count)
{
	char title[32];
	for (int i = from; i < from + count; i++) {
		struct item *item = next_item();
		/* An empty partition beside it says that it was read to its end. */
		while (item->kind == ITEM_PROGRESS) {
			item_free(item);
			item = next_item();
		}
		snprintf(title, sizeof title, "t%d", i);
		ck_assert_int_eq(item->kind, ITEM_DOCUMENT);
		ck_assert_str_eq(item->title, title);
		item_free(item);
	}
}

static struct source_health wait_for_state(enum source_state state)
{
	struct source_health health;
	for (int64_t end_us = monotonic_us() + PATIENCE_US; monotonic_us() < end_us;) {
		source_get_health(source, &health);
		if (health.state == state)
			return health;
		rd_kafka_poll(producer, 20);
	}
	ck_abort_msg("state %d '%s' instead of %d", health.state, health.message, state);
}

START_TEST(test_documents_carry_positions)
{
	create("news", 1);
	produce_many(0, 0, 3);
	start(NULL, 0);
	struct item *item = next_item();
	ck_assert_int_eq(item->kind, ITEM_DOCUMENT);
	expect_position(item, "news/0", "", "1@1767605400000");
	ck_assert_str_eq(item->coordinates, "news/0@0");
	ck_assert_int_eq(item->published_us, INT64_C(1767605400000000));
	item_free(item);
	item = next_item();
	expect_position(item, "news/0", "1@1767605400000", "2@1767605401000");
	item_free(item);
	item_free(next_item());
	ck_assert_ptr_null(next_within(SECOND_US / 2));
	struct source_health health = wait_for_state(SOURCE_OK);
	ck_assert_uint_eq(health.documents, 3);
	ck_assert_int_eq(health.lag, 0);
	struct source_part parts[4];
	ck_assert_uint_eq(source_get_parts(source, parts, 4), 1);
	ck_assert_str_eq(parts[0].stream, "news/0");
	ck_assert_int_eq(parts[0].lag, 0);
}
END_TEST

START_TEST(test_saved_positions_are_honoured)
{
	const struct saved_position saved[] = {{"news/0", "3@1767605402000"}, {"news/1", "1"}, {"other/0", "9"},
					       {"https://example.com/rss.xml", "etag"}};
	create("news", 2);
	produce_many(0, 0, 5);
	produce_many(1, 0, 2);
	start(saved, 4);
	bool seen[2] = {false, false};
	for (int i = 0; i < 3; i++) {
		struct item *item = next_item();
		int partition = item->position.stream[5] - '0';
		if (!seen[partition])
			ck_assert_str_eq(item->position.previous, saved[partition].next);
		ck_assert_str_eq(item->title, partition == 1 ? "t1" : seen[0] ? "t4" : "t3");
		seen[partition] = true;
		item_free(item);
	}
	ck_assert_ptr_null(next_within(SECOND_US / 2));
}
END_TEST

START_TEST(test_wrong_saved_position)
{
	const struct saved_position saved = {"news/0", "3@"};
	ck_assert_ptr_null(source_open(&options, &saved, 1, queue, &e));
	ck_assert_str_eq(e.text, "source wire: saved position '3@' of news/0 is not a Kafka offset");
}
END_TEST

START_TEST(test_latest_is_remembered_before_a_message_comes)
{
	add_property("auto.offset.reset", "latest");
	create("news", 1);
	produce_many(0, 0, 4);
	start(NULL, 0);
	struct item *item = next_item();
	ck_assert_int_eq(item->kind, ITEM_PROGRESS);
	expect_position(item, "news/0", "", "4");
	item_free(item);
	produce_many(0, 4, 1);
	expect_titles(4, 1);
}
END_TEST

START_TEST(test_no_position_is_an_error_where_asked)
{
	add_property("auto.offset.reset", "error");
	create("news", 1);
	start(NULL, 0);
	struct source_health health = wait_for_state(SOURCE_FATAL);
	ck_assert_str_eq(health.message, "news/0 has no saved position and auto.offset.reset is 'error'");
}
END_TEST

START_TEST(test_bad_values_are_rejected_and_the_stream_goes_on)
{
	create("news", 1);
	produce_text("news", 0, "not json");
	produce_text("news", 0, "[]");
	produce("news", 0, NULL, 0, INT64_C(1767605400000));
	produce_text("news", 0, "{\"title\":\"good\",\"id\":7,\"published\":1767605500}");
	start(NULL, 0);
	struct item *item = next_item();
	ck_assert_int_eq(item->kind, ITEM_REJECT);
	ck_assert_str_eq(item->reason, "not JSON: a value expected at byte 0");
	ck_assert_str_eq(item->body, "not json");
	ck_assert_str_eq(item->coordinates, "news/0@0");
	item_free(item);
	item = next_item();
	ck_assert_int_eq(item->kind, ITEM_REJECT);
	item_free(item);
	item = next_item();
	ck_assert_int_eq(item->kind, ITEM_PROGRESS);
	expect_position(item, "news/0", "2@1767605400000", "3@1767605400000");
	item_free(item);
	item = next_item();
	ck_assert_int_eq(item->kind, ITEM_DOCUMENT);
	ck_assert_str_eq(item->external_id, "7");
	ck_assert_int_eq(item->published_us, INT64_C(1767605500000000));
	item_free(item);
}
END_TEST

START_TEST(test_plain_text)
{
	options.kafka.plain_text = true;
	create("news", 1);
	produce_text("news", 0, "Orbex falls\nby a tenth");
	start(NULL, 0);
	struct item *item = next_item();
	ck_assert_str_eq(item->title, "Orbex falls");
	ck_assert_str_eq(item->body, "by a tenth");
	item_free(item);
}
END_TEST

START_TEST(test_a_position_beyond_the_log_is_a_gap)
{
	const struct saved_position saved = {"news/0", "70"};
	create("news", 1);
	produce_many(0, 0, 2);
	start(&saved, 1);
	struct item *item = next_item();
	ck_assert_int_eq(item->kind, ITEM_GAP);
	expect_position(item, "news/0", "70", "0");
	ck_assert_str_eq(item->reason, "the log of news/0 ends at offset 2, before the saved 70: the topic was made anew "
				       "or cut; it is read from its start");
	item_free(item);
	expect_titles(0, 2);
}
END_TEST

START_TEST(test_another_log_of_the_same_name_is_a_gap)
{
	/* Offset 1 is there, but the message before it is not the one that was read. */
	const struct saved_position saved = {"news/0", "1@1500000000000"};
	create("news", 1);
	produce_many(0, 0, 3);
	start(&saved, 1);
	struct item *item = next_item();
	ck_assert_int_eq(item->kind, ITEM_GAP);
	expect_position(item, "news/0", "1@1500000000000", "0");
	item_free(item);
	expect_titles(0, 3);
}
END_TEST

/* The log ends just where reading starts to verify: the messages to come have offsets that were read in another log. */
START_TEST(test_a_log_that_ends_one_before_the_position_is_a_gap)
{
	const struct saved_position saved = {"news/0", "3@1767605402000"};
	create("news", 1);
	produce_many(0, 0, 2);
	start(&saved, 1);
	struct item *item = next_item();
	ck_assert_int_eq(item->kind, ITEM_GAP);
	expect_position(item, "news/0", "3@1767605402000", "0");
	item_free(item);
	expect_titles(0, 2);
	produce_many(0, 2, 2);
	expect_titles(2, 2);
}
END_TEST

/* The mock keeps 5 MB of a partition. */
START_TEST(test_a_position_before_the_log_is_a_gap)
{
	const struct saved_position saved = {"news/0", "1@1767605400000"};
	size_t size = 500 * 1000;
	char *value = malloc(size);
	memset(value, 'x', size);
	create("news", 1);
	for (int i = 0; i < 16; i++) {
		produce("news", 0, value, size, INT64_C(1767605400000));
		ck_assert_int_eq(rd_kafka_flush(producer, 10000), 0);
	}
	start(&saved, 1);
	struct item *item = next_item();
	ck_assert_int_eq(item->kind, ITEM_GAP);
	int64_t low = atoll(item->position.next);
	ck_assert_int_gt(low, 1);
	char reason[200];
	snprintf(reason, sizeof reason, "the log of news/0 begins at offset %lld now: %lld offsets from 1 on were deleted "
					"before they were read", (long long)low, (long long)low - 1);
	ck_assert_str_eq(item->reason, reason);
	item_free(item);
	item = next_item();
	ck_assert_int_eq(item->kind, ITEM_REJECT);
	ck_assert_int_eq(atoll(item->coordinates + strlen("news/0@")), low);
	ck_assert_uint_le(strlen(item->body), 64 * 1024);
	item_free(item);
	free(value);
}
END_TEST

/* A full queue holds everything up for longer than the client may stay away, and nothing is lost, doubled or reordered. */
START_TEST(test_back_pressure_keeps_polling)
{
	add_property("max.poll.interval.ms", "4000");
	use_queue(10);
	create("news", 2);
	produce_many(0, 0, 3000);
	start(NULL, 0);
	expect_titles(0, 50);
	int64_t until_us = monotonic_us() + 6 * SECOND_US;
	while (monotonic_us() < until_us) {
		struct source_health health;
		source_get_health(source, &health);
		ck_assert_int_lt(monotonic_us() - health.heartbeat_us, SECOND_US);
		rd_kafka_poll(producer, 50);
	}
	struct source_health health;
	source_get_health(source, &health);
	ck_assert(health.waiting);
	ck_assert_int_eq(health.state, SOURCE_OK);
	expect_titles(50, 2950);
	produce_many(0, 3000, 10);
	expect_titles(3000, 10);
	ck_assert_ptr_null(next_within(SECOND_US / 2));
}
END_TEST

/* Two pauses in a row, each with a drain too small to read on. */
START_TEST(test_repeated_pauses)
{
	use_queue(5);
	create("news", 1);
	produce_many(0, 0, 400);
	start(NULL, 0);
	for (int i = 0; i < 3; i++) {
		expect_titles(i * 7, 7);
		rd_kafka_poll(producer, 1500);
	}
	expect_titles(21, 379);
	ck_assert_ptr_null(next_within(SECOND_US / 2));
}
END_TEST

/* Another member takes half of the partitions and goes: what was read stays read, and the missing half is said. */
START_TEST(test_rebalance_keeps_positions)
{
	char text[256];
	create("news", 2);
	produce_many(0, 0, 100);
	produce_many(1, 0, 100);
	start(NULL, 0);
	for (int i = 0; i < 200; i++)
		item_free(next_item());
	wait_for_state(SOURCE_OK);

	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", options.kafka.brokers, text, sizeof text);
	rd_kafka_conf_set(conf, "group.id", "g", text, sizeof text);
	rd_kafka_conf_set(conf, "session.timeout.ms", "4000", text, sizeof text);
	rd_kafka_conf_set(conf, "heartbeat.interval.ms", "300", text, sizeof text);
	rd_kafka_conf_set(conf, "partition.assignment.strategy", "range", text, sizeof text);
	rd_kafka_t *other = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, "news", RD_KAFKA_PARTITION_UA);
	rd_kafka_subscribe(other, list);
	rd_kafka_topic_partition_list_destroy(list);
	struct source_health health;
	for (int64_t end_us = monotonic_us() + PATIENCE_US; monotonic_us() < end_us;) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(other, 50);
		if (message != NULL)
			rd_kafka_message_destroy(message);
		source_get_health(source, &health);
		if (health.state == SOURCE_WARNING)
			break;
	}
	ck_assert_int_eq(health.state, SOURCE_WARNING);
	ck_assert_str_eq(health.message, "reads 1 of the 2 partitions of topic 'news': another member of group 'g' has the "
					 "others, so counts are partial");
	rd_kafka_consumer_close(other);
	rd_kafka_destroy(other);
	wait_for_state(SOURCE_OK);

	produce_many(0, 100, 1);
	produce_many(1, 100, 1);
	for (int i = 0; i < 2; i++) {
		struct item *item = next_item();
		ck_assert_str_eq(item->title, "t100");
		ck_assert_str_eq(item->position.previous, "100@1767605499000");
		item_free(item);
	}
	ck_assert_ptr_null(next_within(SECOND_US / 2));
}
END_TEST

START_TEST(test_committed_positions_reach_the_group)
{
	char text[256];
	create("news", 1);
	produce_many(0, 0, 5);
	start(NULL, 0);
	expect_titles(0, 5);
	source_committed(source, "news/0", "4@1767605403000");
	source_committed(source, "unknown", "4");
	source_committed(source, "news/x", "4");
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", options.kafka.brokers, text, sizeof text);
	rd_kafka_conf_set(conf, "group.id", "g", text, sizeof text);
	rd_kafka_t *tool = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, "news", 0);
	for (int i = 0; i < 100 && entry->offset != 4; i++) {
		rd_kafka_committed(tool, list, 5000);
		rd_kafka_poll(producer, 50);
	}
	ck_assert_int_eq(entry->offset, 4);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(tool);
}
END_TEST

START_TEST(test_a_missing_topic_is_waited_for)
{
	add_property("topic.metadata.refresh.interval.ms", "500");
	topics[1] = "later";
	options.kafka.topic_count = 2;
	create("news", 1);
	rd_kafka_mock_topic_set_error(cluster, "later", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	produce_many(0, 0, 1);
	start(NULL, 0);
	expect_titles(0, 1);
	struct source_health health = wait_for_state(SOURCE_WARNING);
	ck_assert_str_eq(health.message,
			 "topic 'later' cannot be read: Broker: Unknown topic or partition; retrying");
	rd_kafka_mock_topic_set_error(cluster, "later", RD_KAFKA_RESP_ERR_NO_ERROR);
	wait_for_state(SOURCE_OK);
	produce_text("later", 0, "{\"title\":\"at last\"}");
	struct item *item = next_item();
	while (item->kind == ITEM_PROGRESS) {
		item_free(item);
		item = next_item();
	}
	ck_assert_str_eq(item->title, "at last");
	item_free(item);
}
END_TEST

START_TEST(test_brokers_go_and_come)
{
	create("news", 1);
	produce_many(0, 0, 2);
	start(NULL, 0);
	expect_titles(0, 2);
	wait_for_state(SOURCE_OK);
	rd_kafka_mock_broker_set_down(cluster, 1);
	struct source_health health = wait_for_state(SOURCE_DOWN);
	ck_assert_msg(strstr(health.message, "no broker of 127.0.0.1:") == health.message, "%s", health.message);
	rd_kafka_mock_broker_set_up(cluster, 1);
	wait_for_state(SOURCE_OK);
	produce_many(0, 2, 2);
	expect_titles(2, 2);
}
END_TEST

START_TEST(test_stop_is_quick_without_brokers)
{
	options.kafka.brokers = "127.0.0.1:1";
	start(NULL, 0);
	wait_for_state(SOURCE_DOWN);
	int64_t before_us = monotonic_us();
	stop();
	ck_assert_int_lt(monotonic_us() - before_us, 6 * SECOND_US);
}
END_TEST

START_TEST(test_fencing_is_fatal)
{
	create("news", 1);
	rd_kafka_mock_push_request_errors(cluster, API_JOIN_GROUP, 1, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
	start(NULL, 0);
	struct source_health health = wait_for_state(SOURCE_FATAL);
	ck_assert_msg(strstr(health.message, "another process reads as the same member of group 'g'") == health.message,
		      "%s", health.message);
}
END_TEST

/* The broker's answer to what a member sent before it joined again: it is its own rival.  Twice, it is another's. */
START_TEST(test_a_fence_after_an_outage_is_survived_once)
{
	create("news", 1);
	produce_many(0, 0, 2);
	start(NULL, 0);
	expect_titles(0, 2);
	wait_for_state(SOURCE_OK);
	rd_kafka_mock_broker_set_down(cluster, 1);
	wait_for_state(SOURCE_DOWN);
	rd_kafka_mock_push_request_errors(cluster, API_HEARTBEAT, 1, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
	rd_kafka_mock_broker_set_up(cluster, 1);
	struct source_health health = wait_for_state(SOURCE_WARNING);
	ck_assert_str_eq(health.message, "out of group 'g' after an outage; joining again");
	wait_for_state(SOURCE_OK);
	produce_many(0, 2, 2);
	expect_titles(2, 2);
	rd_kafka_mock_push_request_errors(cluster, API_HEARTBEAT, 1, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
	health = wait_for_state(SOURCE_FATAL);
	ck_assert_msg(strstr(health.message, "another process reads as the same member") == health.message, "%s",
		      health.message);
}
END_TEST

static const struct {
	const char *name, *value, *reason;
} wrong[] = {
	{"bootstrap.servers", "x", "property 'bootstrap.servers' cannot be set: the key 'brokers' says it"},
	{"group.id", "x", "property 'group.id' cannot be set: the key 'group' says it"},
	{"group.instance.id", "x",
	 "property 'group.instance.id' cannot be set: it is derived from the database, which has one reader"},
	{"enable.auto.commit", "true",
	 "property 'enable.auto.commit' cannot be set: positions are committed with the documents, in the database"},
	{"enable.auto.offset.store", "false",
	 "property 'enable.auto.offset.store' cannot be set: positions are committed with the documents, in the database"},
	{"partition.assignment.strategy", "cooperative-sticky",
	 "property 'partition.assignment.strategy' cannot be set: only 'range' keeps positions across every rebalance"},
	{"plugin.library.paths", "x.so",
	 "property 'plugin.library.paths' cannot be set: it would load code into the daemon"},
	{"auto.offset.reset", "none", "property 'auto.offset.reset': 'none' is not earliest, latest or error"},
	{"no.such.thing", "1", "property 'no.such.thing': No such configuration property: \"no.such.thing\""},
	{"fetch.wait.max.ms", "soon",
	 "property 'fetch.wait.max.ms': Invalid value for configuration property \"fetch.wait.max.ms\""},
	{"isolation.level", "read_all",
	 "property 'isolation.level': Invalid value \"read_all\" for configuration property \"isolation.level\""},
	{"error_cb", "x",
	 "property 'error_cb': Property \"error_cb\" must be set through dedicated .._set_..() function"},
};

START_TEST(test_refused_properties)
{
	char reason[600];
	add_property(wrong[_i].name, wrong[_i].value);
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	snprintf(reason, sizeof reason, "source wire: %s", wrong[_i].reason);
	ck_assert_str_eq(e.text, reason);
}
END_TEST

/* Seen only by making a client. */
START_TEST(test_properties_that_contradict)
{
	add_property("max.poll.interval.ms", "1000");
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	ck_assert_str_eq(e.text, "source wire: properties: `max.poll.interval.ms`must be >= `session.timeout.ms`");
	options.kafka.property_count = 2;
	add_property("security.protocol", "ssl");
	add_property("ssl.ca.location", "/nowhere/ca.pem");
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "ssl.ca.location"));
}
END_TEST

START_TEST(test_wrong_options)
{
	topics[0] = "a/b";
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "topic 'a/b' is no topic's name"));
	topics[0] = "news";
	options.kafka.group = "";
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	options.kafka.group = "g";
	options.kafka.brokers = "";
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	options.kafka.brokers = "h:1";
	options.kafka.topic_count = 0;
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	options.kafka.topic_count = 1;
	options.map.title = "a..b";
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	ck_assert_str_eq(e.text, "source wire: mapped name 'a..b': an empty key beside a dot");
}
END_TEST

static char reports[2000];

static void note(void *context, const char *status, const char *what, const char *message)
{
	(void)context;
	size_t used = strlen(reports);
	snprintf(reports + used, sizeof reports - used, "%s|%s|%s\n", status, what, message);
}

START_TEST(test_check)
{
	create("news", 3);
	topics[1] = "missing";
	options.kafka.topic_count = 2;
	rd_kafka_mock_topic_set_error(cluster, "missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	reports[0] = '\0';
	source_check(&options, note, NULL);
	ck_assert_msg(strstr(reports, "|1 in the cluster\nok|topic news|3 partitions\nwarning|topic missing|the broker does "
				      "not know it;") != NULL, "%s", reports);
	reports[0] = '\0';
	add_property("group.id", "x");
	source_check(&options, note, NULL);
	ck_assert_ptr_nonnull(strstr(reports, "error|properties|property 'group.id' cannot be set"));
}
END_TEST

/* The mock group lets three seconds pass before the first assignment: the tests wait side by side. */
int main(void)
{
	const struct shard_test tests[] = {
		{test_documents_carry_positions, 0},
		{test_saved_positions_are_honoured, 0},
		{test_wrong_saved_position, 0},
		{test_latest_is_remembered_before_a_message_comes, 0},
		{test_no_position_is_an_error_where_asked, 0},
		{test_bad_values_are_rejected_and_the_stream_goes_on, 0},
		{test_plain_text, 0},
		{test_a_position_beyond_the_log_is_a_gap, 0},
		{test_another_log_of_the_same_name_is_a_gap, 0},
		{test_a_log_that_ends_one_before_the_position_is_a_gap, 0},
		{test_a_position_before_the_log_is_a_gap, 0},
		{test_back_pressure_keeps_polling, 0},
		{test_repeated_pauses, 0},
		{test_rebalance_keeps_positions, 0},
		{test_committed_positions_reach_the_group, 0},
		{test_a_missing_topic_is_waited_for, 0},
		{test_brokers_go_and_come, 0},
		{test_stop_is_quick_without_brokers, 0},
		{test_fencing_is_fatal, 0},
		{test_a_fence_after_an_outage_is_survived_once, 0},
		{test_refused_properties, sizeof wrong / sizeof wrong[0]},
		{test_properties_that_contradict, 0},
		{test_wrong_options, 0},
		{test_check, 0},
	};
	const struct shard_suite suite = {"kafka", 60, setup, teardown};
	return shards_run(&suite, tests, sizeof tests / sizeof tests[0], 8);
}
