#ifndef INGEST_KAFKA_KAFKA_H
#define INGEST_KAFKA_KAFKA_H

#include "daemon/base/err.h"
#include "daemon/base/item.h"
#include "ingest/kafka/partitions.h"
#include "ingest/message.h"
#include "ingest/source.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The state of a Kafka source, shared by the files of this folder.  All of it
 * belongs to the source's thread but what partitions.h says is locked;
 * librdkafka's callbacks are served on that thread, inside its polls.
 */

/* Where a partition begins of which nothing was read yet (auto.offset.reset). */
enum kafka_start {
	START_EARLIEST,
	START_LATEST,
	START_ERROR,
};

struct kafka_topic {
	char *name;
	rd_kafka_topic_t *handle; /* keeps the topic's metadata alive in the client */
	size_t partitions;        /* as the broker says; 0 = the topic is not there */
	char error[128];          /* why it cannot be read, "" = nothing known */
};

struct kafka {
	struct source *source;
	char *brokers, *group;
	struct kafka_topic *topics;
	size_t topic_count;
	enum kafka_start start;
	rd_kafka_conf_t *conf; /* each client takes a copy */
	struct message_parser *parser;
	struct partitions partitions;

	rd_kafka_t *client;
	struct item *held; /* did not fit into the queue; pushed before anything else is read */
	int64_t held_since_us;
	bool paused;
	bool failed;  /* ends the thread; its state says why */
	bool was_assigned;
	int64_t unsteady_since_us; /* out of the group since; 0 = in it */
	int64_t lost_us;           /* monotonic time at which the group, once joined, was last seen lost; 0 = never */
	bool fenced;               /* to be renewed: see client.c */
	int64_t renewed_us;        /* monotonic; 0 = never */
	char last_error[256];
};

/* conf.c */

/* The client's configuration: our defaults, the user's properties over them, and what the contract needs.  NULL with `e`
 * for a property that is refused or wrong.  `start` takes auto.offset.reset. */
rd_kafka_conf_t *kafka_conf_create(const struct source_options *source, enum kafka_start *start, struct err *e);

/* client.c: the client, from its making to its end.  client_open and client_renew return -1 with `e` where no client can
 * be made.  client_fenced returns false where the fence is another process's.  client_leave and client_close wait a few
 * seconds at most. */
int client_open(struct kafka *kafka, struct err *e);
int client_renew(struct kafka *kafka, struct err *e);
bool client_fenced(struct kafka *kafka);
void client_leave(struct kafka *kafka);
void client_close(struct kafka *kafka);

/* assign.c: see there. */
void kafka_revoke_all(struct kafka *kafka);
void kafka_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
			void *kafka);
void kafka_repair(struct kafka *kafka);

/* consume.c: one event of the client's queue. */
void kafka_consume(struct kafka *kafka, const rd_kafka_message_t *message);

/* The item's source, position and coordinates filled in for `partition`, which moves to `to`.  `reason` may be NULL. */
void kafka_deliver_mark(struct kafka *kafka, struct partition *partition, enum item_kind kind,
			const struct kafka_position *to, const char *reason);

/* health.c: the state of the source from what the client says. */
int kafka_on_stats(rd_kafka_t *client, char *json, size_t size, void *kafka);
void kafka_on_error(rd_kafka_t *client, int err, const char *reason, void *kafka);
void kafka_fail(struct kafka *kafka, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* check.c */
void kafka_check(const struct source_options *options, source_report *report, void *context);

#endif
