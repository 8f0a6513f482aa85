#ifndef ALERTS_WRITER_PRIVATE_H
#define ALERTS_WRITER_PRIVATE_H

#include "alerts/writer.h"
#include "alerts/writer/streams.h"

#include <pthread.h>

/*
 * The inside of alerts/writer.h.  Only alerts/writer.c, the thread (start,
 * loop, stop, status), and the files beside this one include it:
 *
 * batch.c      entries -> what the core is fed and the store is given
 * commit.c     persist, or wait; what follows a commit
 * streams.c    how far each stream was read
 * health.c     the health rows on their way
 * explain.c    the words of an alert's evidence
 * notices.c    alerts on the daemon itself, on their way
 */
#define WRITER_BATCH_MAX 8192 /* entries in one transaction */
#define WRITER_TURN_US SECOND_US /* commands, health and the heartbeat are seen to at least so often */

struct health_rows {
	struct store_source_health *rows; /* strings owned */
	size_t count, capacity;
};

struct notices {
	struct store_notice *each; /* owned, with all that they point to */
	size_t count, capacity;
};

/* Waiting for everything pushed before it; freed by the last of waiter and writer. */
struct writer_flush {
	bool done, lost, abandoned; /* guarded by the writer's lock */
};

/* What the batch under way holds.  Arrays have room for WRITER_BATCH_MAX. */
struct batch {
	int64_t applied_us;
	struct store_document *documents;
	size_t document_count;
	struct store_reject *rejects;
	size_t reject_count;
	struct store_delivery *deliveries;
	size_t delivery_count;
	/* Which document of this batch has a key: index + 1, by open addressing. */
	uint32_t *keyed;
	uint64_t *keys;                   /* by index */
	/* Commands, and what they ask for. */
	struct store_command *commands;
	size_t command_count;
	struct store_command_result *results;
	const char **redeliver;
	size_t redeliver_count;
	struct store_label *labels;
	size_t label_count;
	struct health_rows health;
	bool forget_health;
	struct notices notices;
	uint64_t repeats;
};

struct writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* stopping, or a flush is over */

	/* guarded by lock: */
	struct writer_status status;
	struct health_rows health;
	struct notices notices;
	int64_t stop_at_us;     /* monotonic; 0 = not asked to stop */

	/* fixed at start: */
	struct queue *input;
	struct webhook *webhook;
	const struct clock *clock;
	struct writer_callbacks callbacks;
	const char *const *labels;
	const char *model_version;

	/* owned by the thread: */
	struct store *store;
	struct watch *watch;
	struct watch_effects *effects;
	struct streams *streams;
	struct batch batch;
	void **entries;         /* popped */
	size_t entry_count;
	int64_t last_document, last_applied_us, next_tick_us;
	int64_t last_delivery;
	bool outbox_due;        /* deliveries were made and not handed over yet */
	int64_t retain_documents_us, retain_trends_us;
	int64_t retain_at_us;   /* monotonic: when to look again */
	int64_t health_written_us; /* monotonic */
	uint64_t health_state;  /* hash of the states and messages written last */
	bool forget_health;     /* sources may be gone since the rows were written */
	bool commands_due;
	bool clock_behind;      /* and said so */
	bool wal_warned;
	bool failed;
};

/* ---- batch.c ---- */

void batch_init(struct batch *batch);
void batch_free(struct batch *batch);
/* Start a batch at the stamp of now: feeds the ticks that it passes. */
void batch_begin(struct writer *writer);
/* One entry of the queue.  -1 = the writer has failed. */
int batch_add(struct writer *writer, const struct writer_entry *entry);
/* Operators' commands, where there may be new ones. */
void batch_add_commands(struct writer *writer);
/* Anything to write? */
bool batch_is_empty(const struct writer *writer);
/* It is written, or never will be. */
void batch_clear(struct batch *batch);

/* ---- commit.c ---- */

/* Persist, or wait.  -1 = the writer has failed or gives up at its stop. */
int writer_commit(struct writer *writer);
/* The names of the rules; the array is the caller's. */
const char **writer_rule_names(const struct watch_options *watch);
/* Names of topics, rules and receivers into the store; waits likewise. */
int writer_set_names(struct writer *writer, const struct watch_options *watch, const char *const *receivers, size_t count);
/* What the views say of the configuration; waits likewise. */
int writer_describe(struct writer *writer, const struct watch_options *watch);
/* What the configuration has no more ends, and what is back goes on; waits likewise. */
int writer_retire_rules(struct writer *writer);
/* Waits likewise. */
int writer_find_document(struct writer *writer, const struct item *item, int64_t *id);
/* How many alerts fire now, into the status. */
void writer_count_firing(struct writer *writer);
/* Deliveries made since the last call go to the webhook. */
void writer_hand_over(struct writer *writer);
/* A step of retention, where it is time. */
int writer_retain(struct writer *writer, size_t documents);
/* Say why, once, and never write again.  Returns -1. */
int writer_fail(struct writer *writer, const char *message);

/* ---- health.c ---- */

void health_rows_free(struct health_rows *rows);
/* Move what was put into the batch, where it is time. */
void health_take(struct writer *writer);

/* ---- explain.c ---- */

/* Find the words of what is about to be told.  Waits for WRITER_EXPLAIN_US at most. */
void explain_alerts(struct writer *writer);
void explain_free(struct watch_effects *effects);

/* ---- notices.c ---- */

void notices_free(struct notices *notices);
/* Move what was put into the batch. */
void notices_take(struct writer *writer);

/* ---- writer.c ---- */

void writer_beat(struct writer *writer);

#endif
