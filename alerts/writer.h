#ifndef ALERTS_WRITER_H
#define ALERTS_WRITER_H

#include "alerts/store.h"
#include "alerts/watch.h"
#include "alerts/webhook.h"
#include "daemon/base/clock.h"
#include "daemon/base/queue.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The writer: one thread that owns the store and the watch.  It pops scored
 * items, stamps the batch with a monotone `applied`, feeds the watch, and
 * writes everything in one transaction.  If that fails it keeps the effects
 * and tries again; nothing else moves until they are in.
 *
 * Queue entries are struct writer_entry, moved to the writer.
 */
struct writer_entry {
	enum { ENTRY_ITEM, ENTRY_DELIVERY_RESULT, ENTRY_CONFIGURATION } kind;
	/* ENTRY_ITEM: */
	struct item *item;
	enum polarity polarity;
	float score;
	int label;                 /* index of the classifier's topic, -1 = not asked */
	float label_p;
	bool scored;               /* by the model (its version is stored) */
	struct story_signature signature;
	uint32_t *topics;          /* in the same allocation */
	size_t topic_count;
	/* ENTRY_DELIVERY_RESULT: */
	struct webhook_result result;
	/* ENTRY_CONFIGURATION: what stands behind it in the queue was made with this configuration. */
	struct writer_configuration *configuration; /* borrowed; `taken` is called when the writer no longer needs it */
};

/* Topics, rules, receivers and retention: what a reload changes. */
struct writer_configuration {
	const struct watch_options *watch;
	const char *const *receivers;
	size_t receiver_count;
	int64_t retain_documents_us, retain_trends_us;
	/* On the writer's thread, when all has been copied and stored.  May be NULL. */
	void (*taken)(void *context);
	void *context;
};

struct writer_callbacks {
	/* A position is durable. */
	void (*committed)(void *context, const char *source, const char *stream, const char *next);
	/* The writer cannot go on: the daemon must end (and be restarted). */
	void (*fatal)(void *context, const char *message);
	void *context;
};

struct writer_options {
	struct store *store;             /* moved: closed by writer_stop */
	const struct watch_options *watch;
	const char *const *receivers;
	size_t receiver_count;
	const char *const *labels;       /* the classifier's topics, by writer_entry.label */
	const char *model_version;
	int64_t retain_documents_us, retain_trends_us;
	struct queue *input;
	struct webhook *webhook;         /* NULL = no receivers */
	const struct clock *clock;
	struct writer_callbacks callbacks;
};

struct writer;

/* Loads the state from the store, then starts the thread. */
struct writer *writer_start(const struct writer_options *options, struct err *e);

/* Waits until everything pushed to the input before this call is committed, `wait_us` at most.  False = not yet. */
bool writer_flush(struct writer *writer, int64_t wait_us);

/* Health rows to store at the next chance. Copies. */
void writer_put_health(struct writer *writer, const struct store_source_health *rows, size_t count);

struct writer_status {
	int64_t heartbeat_us;      /* monotonic */
	bool waiting;              /* the last transaction failed and is tried again */
	char message[256];
	uint64_t documents, repeats, rejects, batches, alerts;
	int64_t last_commit_us;    /* microseconds that the last transaction took */
	int64_t wal_bytes;
	int64_t outbox_oldest_us;  /* when the oldest pending delivery was made; TIME_NONE = none */
	size_t outbox_pending;
};
void writer_get_status(struct writer *writer, struct writer_status *status);

/* The input queue is closed; waits until it is drained and committed. */
void writer_stop(struct writer *writer);

#endif
