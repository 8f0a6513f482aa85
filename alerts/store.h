#ifndef ALERTS_STORE_H
#define ALERTS_STORE_H

#include "alerts/watch.h"
#include "daemon/base/err.h"
#include "daemon/base/item.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The database: schema, migrations, the one transaction of a batch, and what is
 * loaded at start.  alerts/store/ is the only place with sqlite3.h.
 *
 * A store handle belongs to one thread.  The daemon's writer holds the one
 * that writes; readers (top, replay, metrics, sqlite3 itself) open their own.
 * WAL mode: readers never block the writer nor the other way round; the WAL
 * stays on disk after a clean stop, so that a user who may only read the
 * file can open it.
 */
struct store;

enum store_mode {
	STORE_READ,   /* read-only; the file must exist */
	STORE_WRITE,  /* created and migrated where needed */
	STORE_DAEMON, /* as STORE_WRITE, and the lock: one database has one active daemon */
};

/* With STORE_DAEMON: waits up to `wait_us` for the daemon that holds the lock (file beside the database). */
struct store *store_open(const char *path, enum store_mode mode, int64_t wait_us, struct err *e);
void store_close(struct store *store);

/* Stable per database: made when it was created ("bellwether-3f2a9c1d...").  For Kafka's group.instance.id. */
const char *store_identity(const struct store *store);

/* ---- what a batch writes ---- */

/* One document with all that is known of it.  Pointers are borrowed for the call. */
struct store_document {
	int64_t id;
	int64_t applied_us;
	const struct item *item;
	enum polarity polarity;   /* POLARITY_NONE = NULL in SQL */
	float score;
	const char *label;        /* the classifier's topic, NULL = not asked */
	float label_p;
	const char *model;        /* version; NULL = not scored by a model */
	const uint32_t *topics;   /* indices into the names given to store_set_names */
	size_t topic_count;
	int64_t story;
	const struct story_signature *signature;
};

/* A position moves from `previous` to `next` (both opaque). */
struct store_move {
	const char *source, *stream, *previous, *next;
};

struct store_reject {
	int64_t applied_us;
	const struct item *item;  /* coordinates, reason and the raw text in body */
};

/* A delivery's new state. */
enum delivery_state { DELIVERY_PENDING, DELIVERY_SENT, DELIVERY_DEAD };

struct store_delivery {
	int64_t id;
	enum delivery_state state;
	uint32_t attempts;
	int64_t next_try_us;
	const char *last_error;   /* NULL = none */
};

struct store_batch {
	int64_t applied_us;
	const struct store_document *documents;
	size_t document_count;
	const struct store_reject *rejects;
	size_t reject_count;
	const struct store_move *moves;      /* one per stream and batch */
	size_t move_count;
	const struct watch_effects *effects; /* buckets, states, alerts; each alert to notify makes one delivery per receiver */
	const struct store_delivery *deliveries; /* results */
	size_t delivery_count;
};

enum store_result {
	STORE_DONE,
	STORE_AGAIN,   /* disk full, read-only, busy: nothing was written, try the same batch again later */
	STORE_FENCED,  /* a position was not `previous`: somebody else moved it */
	STORE_BROKEN,  /* corrupt database or a bug: give up */
};

/* Names behind the indices of watch effects, and the receivers alerts go to; call before writing and after a reload. */
int store_set_names(struct store *store, const char *const *topics, size_t topic_count, const char *const *rules,
		    size_t rule_count, const char *const *receivers, size_t receiver_count, struct err *e);

/* One BEGIN IMMEDIATE ... COMMIT with all of it, or nothing. */
enum store_result store_write(struct store *store, const struct store_batch *batch, struct err *e);

/* ---- what the daemon needs at start and between batches ---- */

struct store_position {
	char *source, *stream, *next;
};
/* All stored positions; free with store_positions_free. */
int store_load_positions(struct store *store, struct store_position **positions, size_t *count, struct err *e);
void store_positions_free(struct store_position *positions, size_t count);

/* Highest document id, and the last `applied` stamp (TIME_NONE = empty). */
int store_load_marks(struct store *store, int64_t *last_document, int64_t *last_applied_us, struct err *e);

/* Everything watch_load_* takes, into a fresh watch. */
int store_load_watch(struct store *store, struct watch *watch, struct err *e);

/* Is (source, stream, external_id) of an ITEM_UNIQUE item, or a repeated message id, stored already?  Its document id, or 0. */
int64_t store_find_document(struct store *store, const struct item *item);

/* A delivery due: what the webhook thread sends.  All strings owned by the delivery. */
struct delivery {
	int64_t id;
	char *receiver;
	char *alert;             /* alert id */
	uint32_t event;
	bool resolved;           /* this event says "resolved" */
	char *payload;           /* the alert as JSON, receiver-independent; the receiver's format is made from it */
	uint32_t attempts;
	int64_t next_try_us;
};
/* Deliveries still pending with an id above `after`, in order of id. */
int store_load_outbox(struct store *store, int64_t after, struct delivery **deliveries, size_t *count, struct err *e);
void deliveries_free(struct delivery *deliveries, size_t count);

/* Retention: delete at most `max_rows` rows that are due; `*more` says whether there is more. */
int store_retain(struct store *store, int64_t now_us, int64_t documents_us, int64_t trends_us, size_t max_rows, bool *more,
		 struct err *e);

struct store_source_health {
	const char *source, *stream, *state, *message;
	int64_t last_progress_us, lag;
};
int store_write_health(struct store *store, const struct store_source_health *rows, size_t count, int64_t now_us, struct err *e);

/* Bytes of the WAL file now. */
int64_t store_wal_bytes(const struct store *store);

/* Operator commands (other processes) leave rows in `commands`; data_version tells the daemon that something changed. */
struct store_command {
	int64_t id;
	char *verb;      /* "silence", "redeliver", "label" */
	char *subject;   /* topic, alert id, document id */
	char *argument;
	char *why;
	int64_t until_us;
};
bool store_changed_by_others(struct store *store);
int store_load_commands(struct store *store, struct store_command **commands, size_t *count, struct err *e);
void store_commands_free(struct store_command *commands, size_t count);
int store_add_command(struct store *store, const struct store_command *command, struct err *e);

#endif
