#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include "daemon/base/err.h"
#include "daemon/base/queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A source reads text from the outside and pushes items (daemon/base/item.h)
 * into one bounded queue.  Each source has one thread of its own.  A full queue
 * makes it wait; it never drops.
 *
 * Ingest knows nothing of the store: positions saved by an earlier run are
 * handed to source_open, new ones travel on the items, and source_committed
 * says when they are durable.
 *
 * Call order: source_open, source_start, (source_committed, source_health)*,
 * source_stop, source_close.
 */
enum source_kind {
	SOURCE_KAFKA,
	SOURCE_RSS,
	SOURCE_FILE,
};

/* A stream's `next` as the store has it. */
struct saved_position {
	const char *stream;
	const char *next;
};

/* Which key of a JSON message holds what; NULL = the default of the same name ("publisher" reads "source"). */
struct message_map {
	const char *title, *body, *published, *url, *id, *publisher, *lang;
};

struct kafka_property {
	const char *name, *value;
};

struct kafka_options {
	const char *brokers;
	const char *const *topics;
	size_t topic_count;
	const char *group;
	const char *instance_id; /* group.instance.id: stable per database */
	bool plain_text;         /* values are text, not JSON */
	const struct kafka_property *properties;
	size_t property_count;
};

struct rss_options {
	const char *const *urls;
	size_t url_count;
	int64_t interval_us;
	int64_t timeout_us;        /* whole transfer; 0 = default 30 s */
	size_t max_bytes;          /* after decompression; 0 = default 16 MiB */
	bool allow_private;        /* fetch from loopback and private addresses too */
	const char *user_agent;    /* NULL = default */
	const char *ca_file;       /* NULL = the system's */
};

struct file_options {
	const char *path; /* "-" = standard input */
	double speed;     /* 0 = as fast as possible; 600 = ten minutes of the documents' time a second */
};

/* Everything is copied by source_open. */
struct source_options {
	const char *name;
	enum source_kind kind;
	int64_t life_us;            /* shows life so often while nothing new comes (kafka, rss); 0 = default 5 min */
	struct message_map map;
	struct kafka_options kafka; /* the one of `kind` is read */
	struct rss_options rss;
	struct file_options file;
};

enum source_state {
	SOURCE_STARTING,
	SOURCE_OK,
	SOURCE_WARNING, /* works, but `message` should be known (fewer partitions, a feed failing) */
	SOURCE_DOWN,    /* nothing can be read now; retrying by itself */
	SOURCE_FATAL,   /* will not recover: the daemon must end with `message` */
	SOURCE_DONE,    /* a file read to its end (it is not followed if it grows); of a part: a feed gone for good (410) */
};

struct source_health {
	enum source_state state;
	char message[512];
	int64_t last_progress_us; /* wall clock of the last successful read or poll */
	int64_t heartbeat_us;     /* monotonic time when the thread last went round its loop (watchdog); now, if it ended */
	int64_t lag;              /* messages behind the log's end; -1 = unknown */
	uint64_t documents;       /* pushed since start */
	uint64_t rejects;
	bool waiting;             /* held up by a full queue */
};

/* One health row per part (partition, feed) for the store's source_health view. */
struct source_part {
	char stream[512];
	enum source_state state;
	char message[256];
	int64_t last_progress_us;
	int64_t lag;
};

struct source;

/* Check the options, connect to nothing yet.  NULL with `e` where the options are wrong. */
struct source *source_open(const struct source_options *options, const struct saved_position *saved,
			   size_t saved_count, struct queue *out, struct err *e);
int source_start(struct source *source, struct err *e);

/* A position is durable: the Kafka group's committed offset follows it.  Any thread; does not block. */
void source_committed(struct source *source, const char *stream, const char *next);

/* Any thread; does not block on the network. */
void source_get_health(struct source *source, struct source_health *health);
/* Copies up to `max` parts and returns how many there are. */
size_t source_get_parts(struct source *source, struct source_part *parts, size_t max);

/* Ask the thread to end and join it.  Returns within seconds whatever the network does. */
void source_stop(struct source *source);
void source_close(struct source *source);

/* For `bellwether check`: reach the outside once (fetch each feed, read the broker's metadata, open the file) and report
 * each thing checked.  `status` is "ok", "warning" or "error". */
typedef void source_report(void *context, const char *status, const char *what, const char *message);
void source_check(const struct source_options *options, source_report *report, void *context);

#endif
