#ifndef INGEST_SOURCE_KIND_H
#define INGEST_SOURCE_KIND_H

#include "daemon/base/item.h"
#include "ingest/source.h"

/*
 * The inside of ingest/source.h: what a kind of source implements, and what
 * source.c does for all kinds (thread, stop, health, counters, waiting on a
 * full queue).  Only ingest/ includes this.
 *
 * A new kind: its name in enum source_kind and its options (ingest/source.h),
 * its table here and in source.c's `kinds`, its keys in daemon/config_keys.c,
 * and a word in daemon/config.c's check_source, which tells kinds apart.
 *
 * A kind has one state block.  `run` is the body of the source's only thread;
 * the state belongs to that thread between source_start and the join, except
 * for what `committed` and `wake` touch, which the kind guards itself.
 */
struct source_kind_ops {
	const char *name; /* "kafka", for messages */

	/* Check and copy the options; connect to nothing.  Returns the state, or NULL with `e`.  `source` is for the calls
	 * below and outlives the state; its name and queue are set. */
	void *(*open)(struct source *source, const struct source_options *options, const struct saved_position *saved,
		      size_t saved_count, struct err *e);

	/* Read until source_stopping() or the end; say how it ended by source_set_state. */
	void (*run)(void *state);

	/* Any thread, after source_stopping() turned true: make a `run` that blocks somewhere else than on
	 * source_stop_fd return soon.  May be NULL. */
	void (*wake)(void *state);

	/* Any thread; does not block.  May be NULL. */
	void (*committed)(void *state, const char *stream, const char *next);

	/* The thread is joined, or was never started.  Takes NULL. */
	void (*close)(void *state);

	void (*check)(const struct source_options *options, source_report *report, void *context);
};

extern const struct source_kind_ops source_kafka_ops;
extern const struct source_kind_ops source_rss_ops;
extern const struct source_kind_ops source_file_ops;

/* ---- for the kinds; all of it safe from any thread ---- */

const char *source_name(const struct source *source);

bool source_stopping(const struct source *source);

/* A descriptor that becomes (and stays) readable when the source is to stop: put it beside your own in poll(2) or
 * curl_multi_poll.  Never read it. */
int source_stop_fd(const struct source *source);

/* Sleep up to `timeout_us`, keeping the heartbeat going.  Returns false at once when the source is to stop. */
bool source_wait(struct source *source, int64_t timeout_us);

/* The thread went round its loop (watchdog).  Call it every few seconds at least; source_wait and source_push do too. */
void source_beat(struct source *source);

/* A successful read or poll happened: last_progress_us is now. */
void source_progress(struct source *source);

/* The source's thread only: the outside answers, and has nothing new.  Where nothing was pushed for a while
 * (source_options.life_us), says so by an ITEM_PROGRESS that moves no position and has no time; a full queue is left
 * alone.  Without it a quiet source is not to be told from a dead one, which resolves no alert. */
void source_show_life(struct source *source);

/* Takes the item.  Waits while the queue is full (with `waiting` in the health and the heartbeat going).  Returns 0, or
 * -1 when the source is to stop or the queue is closed: then the item is freed and `run` should return.  Counts
 * documents and rejects. */
int source_push(struct source *source, struct item *item);

/* The same without the loop, for a kind that has to poll something meanwhile: waits `timeout_us` at most, and the caller
 * keeps the item on anything but QUEUE_OK.  `waiting` is set on QUEUE_TIMED_OUT, cleared on QUEUE_OK. */
enum queue_result source_try_push(struct source *source, struct item *item, int64_t timeout_us);

/* State and message of the whole source.  A change of state is logged here; a change of the message alone is not. */
void source_set_state(struct source *source, enum source_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* -1 = unknown. */
void source_set_lag(struct source *source, int64_t lag);

/* Insert or replace the part of that stream; drop it (a revoked partition). */
void source_set_part(struct source *source, const struct source_part *part);
void source_drop_part(struct source *source, const char *stream);

#endif
