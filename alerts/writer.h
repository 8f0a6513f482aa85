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
 * Entries of feeds that are stored already are dropped; a message id that came
 * before is recorded as rejected (store_find_document says when); an item
 * whose position was passed already is dropped.  None of them reaches the
 * watch.
 *
 * Queue entries are struct writer_entry, each one allocation, moved to the
 * writer.  It pops until the queue is closed, whatever happens: after a fatal
 * error it throws away what comes, which is read again after a restart.
 */
struct writer_entry {
	enum { ENTRY_ITEM, ENTRY_DELIVERY_RESULT, ENTRY_CONFIGURATION, ENTRY_FLUSH } kind;
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
	/* ENTRY_FLUSH: writer_flush's own. */
	struct writer_flush *flush;
};

/* Topics, rules, receivers and retention: what a reload changes. */
struct writer_configuration {
	const struct watch_options *watch;
	const char *const *receivers;
	size_t receiver_count;
	int64_t retain_documents_us, retain_trends_us;
	/* On the writer's thread, when all has been copied and stored, or will never be.  May be NULL. */
	void (*taken)(void *context);
	void *context;
};

/* On the writer's thread; each may be NULL. */
struct writer_callbacks {
	/* A position is durable. */
	void (*committed)(void *context, const char *source, const char *stream, const char *next);
	/* The writer cannot go on: the daemon must end (and be restarted).  Called once. */
	void (*fatal)(void *context, const char *message);
	void *context;
	/* A gap in a source's log is durable. */
	void (*gap)(void *context, const char *source, const char *reason, int64_t applied_us);
	/* An alert is about to be told: find the words of its evidence.  `count` titles, WRITER_EXPLAINED at most, of these
	 * polarities; `words`, one for each, come empty and are filled with what stays valid until the next call, or are
	 * left so.  The stream waits meanwhile: `wait_us` at most. */
	void (*explain)(void *context, const char *const *titles, const enum polarity *polarities, size_t count,
			struct watch_words *words, int64_t wait_us);
};
#define WRITER_EXPLAINED 5
#define WRITER_EXPLAIN_US (300 * INT64_C(1000)) /* for all alerts of a batch together */

struct writer_options {
	struct store *store;             /* moved: closed by writer_stop */
	struct writer_configuration configuration; /* the first: copied by writer_start, which does not call `taken` */
	const char *const *labels;       /* the classifier's topics, by writer_entry.label; borrowed, as is the version */
	const char *model_version;
	struct queue *input;
	struct webhook *webhook;         /* NULL = no receivers */
	const struct clock *clock;
	struct writer_callbacks callbacks;
};

struct writer;

/* Loads the state from the store, hands what is pending to the webhook, then starts the thread.  On failure the store is
 * closed too. */
struct writer *writer_start(const struct writer_options *options, struct err *e);

/* Waits until everything pushed to the input before this call is committed, `wait_us` at most.  False = not yet, or never
 * since the writer has failed. */
bool writer_flush(struct writer *writer, int64_t wait_us);

/* Health of one source: the whole row (stream "") and its parts, stored at the next chance; replaces what was put or
 * stored for that source before.  Copies. */
void writer_put_health(struct writer *writer, const struct store_source_health *rows, size_t count);

/* A telling about the daemon itself, stored and sent with the next transaction.  Copies; any thread. */
void writer_put_notice(struct writer *writer, const struct store_notice *notice);

struct writer_status {
	int64_t heartbeat_us;      /* monotonic */
	bool waiting;              /* the last transaction failed and is tried again */
	char message[256];
	uint64_t documents;        /* stored by this writer, as are the others */
	uint64_t repeats;          /* known ones: entries of feeds, message ids, positions passed before */
	uint64_t rejects, batches;
	uint64_t alerts;           /* changes of alerts */
	int64_t applied_us;        /* the stamp of the last transaction; TIME_NONE = there was none.  Ahead of the clock where that was set back */
	int64_t last_commit_us;    /* microseconds that the last transaction took */
	int64_t wal_bytes;
	int64_t outbox_oldest_us;  /* when the oldest pending delivery was made; TIME_NONE = none */
	size_t outbox_pending;
	size_t alerts_firing;      /* of rules on topics */
};
void writer_get_status(struct writer *writer, struct writer_status *status);

/* The input queue is closed; waits until it is drained and committed.  Where the database cannot be written, tries for
 * WRITER_STOP_US more and gives up: positions did not move, so nothing is lost. */
#define WRITER_STOP_US (10 * SECOND_US)
void writer_stop(struct writer *writer);

#endif
