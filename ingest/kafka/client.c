/*
 * The client, from its making to its end, and made anew where it fenced itself.
 *
 * A static member that loses its session while the broker is away joins again
 * under a new member id.  What it had sent under the old one (an offset commit,
 * a heartbeat) may reach the broker after that, and the answer, "fenced by
 * another consumer with the same group.instance.id", ends a librdkafka client
 * for good (its issue 3437).  It is the answer that a second process on a copy
 * of the database would get, too.  The two are told apart by what came before:
 * a member that was fenced soon after it lost the group is taken for its own
 * rival, and a new client goes on at the positions in memory.  A second fence
 * soon after that is another process.
 */
#include "ingest/kafka/kafka.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "ingest/source_kind.h"

#include <pthread.h>
#include <time.h>

#define POLL_MS 100
#define CLOSE_WAIT_US (3 * SECOND_US)
#define DESTROY_WAIT_S 3
/* The client keeps a request that waits for its coordinator for less. */
#define SUSPECT_ITSELF_US (90 * SECOND_US)

static int subscribe(struct kafka *kafka, struct err *e)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)kafka->topic_count);
	for (size_t i = 0; i < kafka->topic_count; i++) {
		rd_kafka_topic_partition_list_add(list, kafka->topics[i].name, RD_KAFKA_PARTITION_UA);
		kafka->topics[i].handle = rd_kafka_topic_new(kafka->client, kafka->topics[i].name, NULL);
	}
	rd_kafka_resp_err_t err = rd_kafka_subscribe(kafka->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return err_set(e, "cannot subscribe: %s", rd_kafka_err2str(err));
	return 0;
}

int client_open(struct kafka *kafka, struct err *e)
{
	char reason[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(kafka->conf);
	kafka->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
	if (kafka->client == NULL) {
		rd_kafka_conf_destroy(conf);
		return err_set(e, "cannot create a Kafka client: %s", reason);
	}
	rd_kafka_poll_set_consumer(kafka->client);
	kafka->unsteady_since_us = monotonic_us();
	return subscribe(kafka, e);
}

/* Leave without waiting for a broker that does not answer. */
void client_leave(struct kafka *kafka)
{
	int64_t end_us = monotonic_us() + CLOSE_WAIT_US;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->client);
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(kafka->client, queue);
	while (error == NULL && !rd_kafka_consumer_closed(kafka->client) && monotonic_us() < end_us) {
		rd_kafka_message_t *message = rd_kafka_consume_queue(queue, POLL_MS);
		if (message != NULL)
			rd_kafka_message_destroy(message);
		source_beat(kafka->source);
	}
	rd_kafka_error_destroy(error);
	rd_kafka_queue_destroy(queue);
}

static void *destroy_client(void *client)
{
	rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	return NULL;
}

/*
 * librdkafka 2.0.2 never ends a client again that had a partition of a topic
 * while the topic was deleted (the partition keeps a reference to its broker,
 * whose thread waits for it to go), and a name server that does not answer
 * holds it up for long.  The daemon's end must not wait for either, so a client
 * that takes its time is left to itself.
 */
static void end_client(rd_kafka_t *client)
{
	pthread_t thread;
	struct timespec until;
	CHECK(pthread_create(&thread, NULL, destroy_client, client) == 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DESTROY_WAIT_S;
	if (pthread_timedjoin_np(thread, NULL, &until) != 0)
		pthread_detach(thread);
}

void client_close(struct kafka *kafka)
{
	for (size_t i = 0; i < kafka->topic_count; i++) {
		if (kafka->topics[i].handle != NULL)
			rd_kafka_topic_destroy(kafka->topics[i].handle);
		kafka->topics[i].handle = NULL;
	}
	if (kafka->client != NULL)
		end_client(kafka->client);
	kafka->client = NULL;
}

static bool was_recent(int64_t then_us)
{
	return then_us != 0 && monotonic_us() - then_us < SUSPECT_ITSELF_US;
}

bool client_fenced(struct kafka *kafka)
{
	kafka->fenced = was_recent(kafka->lost_us) && !was_recent(kafka->renewed_us);
	return kafka->fenced;
}

int client_renew(struct kafka *kafka, struct err *e)
{
	client_close(kafka);
	kafka_revoke_all(kafka);
	kafka->fenced = false;
	kafka->renewed_us = monotonic_us();
	return client_open(kafka, e);
}
