#ifndef INGEST_KAFKA_PARTITIONS_H
#define INGEST_KAFKA_PARTITIONS_H

#include "daemon/base/err.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is known of each partition: how far it was read, and how far that is
 * durable.
 *
 * A position is "OFFSET" (the next one to read), or "OFFSET@MS" where the
 * message before it bore the timestamp MS (Kafka's milliseconds).  The
 * timestamp tells the log that was read from another one of the same name: see
 * assign.h.
 */
#define KAFKA_POSITION_SIZE 48

struct kafka_position {
	int64_t offset;  /* -1 = nothing was read yet */
	int64_t last_ms; /* of the message before `offset`; -1 = not known */
};
void kafka_position_format(const struct kafka_position *position, char out[KAFKA_POSITION_SIZE]);

/* What a partition needs before it can be read on. */
enum kafka_repair {
	REPAIR_NONE,
	REPAIR_REWIND,    /* start again at the position in memory */
	REPAIR_RANGE,     /* the broker does not have the offset that was asked for */
	REPAIR_RECREATED, /* the log is another one than the one that was read */
};

struct partition {
	char *topic;
	int32_t number;
	char *stream; /* "topic/number" */

	/* Owned by the source's thread. */
	struct kafka_position position;
	char next[KAFKA_POSITION_SIZE]; /* its text, as the last item had it */
	bool assigned;
	bool verifying; /* the first message to come is the one before `position`, to compare */
	enum kafka_repair repair;
	bool confirmed; /* the log's end was already seen once before `position` */
	int64_t sent;   /* the group's offset at the broker, -1 = not known */

	/* Guarded by partitions.lock. */
	int64_t committed; /* durable offset, -1 = none */
};

struct partitions {
	pthread_mutex_t lock; /* also held to add entries; the source's thread alone adds them and reads them without */
	struct partition **entries; /* sorted by topic and number; never removed */
	size_t count;
	struct partition *last; /* found last: messages come in runs */
};

void partitions_init(struct partitions *partitions);
void partitions_clear(struct partitions *partitions);

/* Source's thread only.  Finds, or adds with nothing read. */
struct partition *partitions_get(struct partitions *partitions, const char *topic, int32_t number);

/* Take a saved position.  -1 where `next` is not one. */
int partitions_restore(struct partitions *partitions, const char *topic, int32_t number, const char *next,
		       struct err *e);

/* "topic/number" in its parts; `topic` has the room of `stream`.  False where it is none. */
bool kafka_stream_parse(const char *stream, char *topic, int32_t *number);

/* Any thread: `next` is durable. */
void partitions_committed(struct partitions *partitions, const char *stream, const char *next);

/* How many partitions of `topic` (NULL = of all) are assigned. */
size_t partitions_assigned(const struct partitions *partitions, const char *topic);

/* The assigned partitions, offsets unset.  The caller destroys the list. */
rd_kafka_topic_partition_list_t *partitions_list(const struct partitions *partitions);

/* Those assigned whose durable offset the group does not have yet, marked as sent; NULL where there are none. */
rd_kafka_topic_partition_list_t *partitions_take_commits(struct partitions *partitions);

#endif
