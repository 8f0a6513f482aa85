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
 * file can open it.  Files are made with mode 0640: group readers work.
 *
 * Every commit is synced (synchronous=FULL): what was committed survives a
 * power cut, not only a kill.
 */
struct store;

enum store_mode {
	STORE_READ,   /* read-only; the file must exist and have this version's schema */
	STORE_WRITE,  /* the same, for a command line that leaves a command */
	STORE_DAEMON, /* created and migrated where needed, and the lock: one database has one active daemon */
};

/* With STORE_DAEMON: waits up to `wait_us` for the daemon that holds the lock (file "<path>.lock", its pid inside); the
 * error says who holds it.  A database of a newer version, or of another program, is refused. */
struct store *store_open(const char *path, enum store_mode mode, int64_t wait_us, struct err *e);
void store_close(struct store *store);

/* Stable per database: made when it was created ("bellwether-3f2a9c1d...").  For Kafka's group.instance.id. */
const char *store_identity(const struct store *store);

/* What a call that may meet a full disk comes back with. */
enum store_result {
	STORE_DONE,
	STORE_AGAIN,   /* disk full, read-only, busy: nothing was written, try the same again later */
	STORE_FENCED,  /* a position was not `previous`: somebody else moved it; nothing was written */
	STORE_BROKEN,  /* corrupt database or a bug: give up */
};

/* The names behind the indices of watch effects, and the receivers that alerts go to. */
struct store_names {
	const char *const *topics;
	size_t topic_count;
	const char *const *rules;
	size_t rule_count;
	const char *const *receivers;
	size_t receiver_count;
};

/* Call before the first write or load, and after a reload.  Copies what it needs. */
enum store_result store_set_names(struct store *store, const struct store_names *names, struct err *e);

/* After that: what the rules allow and which silences there are from now on, for the views alone. */
enum store_result store_describe(struct store *store, const struct watch_options *options, int64_t now_us, struct err *e);

/* ---- what a batch writes ---- */

/* One document with all that is known of it.  Pointers are borrowed for the call. */
struct store_document {
	int64_t id;               /* ascending, above store_load_marks' */
	const struct item *item;
	uint64_t key;             /* store_item_key of the item, where it is known already; else 0 */
	int64_t published_us;     /* never TIME_NONE: the item's own or what stands in for it */
	enum polarity polarity;   /* POLARITY_NONE = NULL in SQL, as is the score then */
	float score;
	const char *label;        /* the classifier's topic, NULL = not asked */
	float label_p;
	const char *model;        /* version; NULL = not scored by a model */
	const uint32_t *topics;   /* indices into the names given to store_set_names, ascending */
	size_t topic_count;
	int64_t story;
	uint64_t counted;    /* by the core */
};

/* A position moves from `previous` ("" = none stored) to `next` (both opaque). */
struct store_move {
	const char *source, *stream, *previous, *next;
};

/* What took a position and made no document. */
enum reject_kind {
	REJECT_UNREADABLE, /* ITEM_REJECT */
	REJECT_GAP,        /* ITEM_GAP: the source lost data; visible in source_health */
	REJECT_REPEAT,     /* a message id that is known came again at a new offset: the first wins */
};

struct store_reject {
	enum reject_kind kind;
	const struct item *item;  /* coordinates, reason and the raw text in body */
	int64_t first;            /* REJECT_REPEAT: the document that won */
};

enum delivery_state { DELIVERY_PENDING, DELIVERY_SENT, DELIVERY_DEAD };

/* A delivery's new state. */
struct store_delivery {
	int64_t id;
	enum delivery_state state;
	uint32_t attempts;
	int64_t next_try_us;
	const char *last_error;   /* NULL or "" = none */
};

/* A command that was carried out: its effects are in the same batch. */
struct store_command_result {
	int64_t id;
	const char *problem;      /* NULL = done */
};

/* The desk's own judgement of a document. */
struct store_label {
	int64_t document;
	enum polarity polarity;
};

/* A telling about the daemon itself: an alert of rule "bellwether" on a subject that is no topic. */
struct store_notice {
	const char *subject;      /* "source wire", "disk": stands as the topic in alert_history */
	const struct watch_alert *alert; /* rule and topic are not looked at */
	const char *payload;      /* what is sent */
	const char *const *receivers; /* names of those that get it; receiver_count 0 = all */
	const bool *taken;        /* beside `receivers`: this one has taken it already; NULL = none has */
	size_t receiver_count;
};

struct store_source_health {
	const char *source;
	const char *stream;       /* "" = the source as a whole */
	const char *state, *message;
	int64_t last_progress_us; /* TIME_NONE = never */
	int64_t lag;              /* -1 = unknown */
};

struct store_batch {
	int64_t applied_us;
	const struct store_document *documents;
	size_t document_count;
	const struct store_reject *rejects;
	size_t reject_count;
	const struct store_move *moves;          /* one per stream and batch */
	size_t move_count;
	const struct watch_effects *effects;     /* NULL = none; each alert to notify makes one delivery per receiver */
	const struct store_delivery *deliveries; /* results */
	size_t delivery_count;
	const char *const *redeliver;            /* alert ids: what was sent or given up becomes pending once more */
	size_t redeliver_count;
	const struct store_label *labels;
	size_t label_count;
	const struct store_command_result *commands;
	size_t command_count;
	const struct store_notice *notices;
	size_t notice_count;
	const struct store_source_health *health; /* rows of a source replace all that it had */
	size_t health_count;
	bool forget_health;                      /* first drop the rows of every source: some may be gone */
};

/* One BEGIN IMMEDIATE ... COMMIT with all of it, or nothing.  Syncs the disk; checkpoints the WAL where it has grown. */
enum store_result store_write(struct store *store, const struct store_batch *batch, struct err *e);

/* ---- what the daemon needs at start and between batches ---- */

struct store_position {
	char *source, *stream, *next;
};
/* All stored positions; free with store_positions_free. */
int store_load_positions(struct store *store, struct store_position **positions, size_t *count, struct err *e);
void store_positions_free(struct store_position *positions, size_t count);

/* Highest document id given so far (0 = none), and the last `applied` stamp (TIME_NONE = none). */
int store_load_marks(struct store *store, int64_t *last_document, int64_t *last_applied_us, struct err *e);

/* Everything watch_load_* takes, into a fresh watch whose topics and rules are those of store_set_names. */
int store_load_watch(struct store *store, struct watch *watch, struct err *e);

/*
 * Is this document known?  `*id` is its id, or 0 where it is new.
 *
 * ITEM_UNIQUE items are known by (source, stream, external_id) for as long as
 * the document is stored: how feeds work, to be dropped silently.
 *
 * Others are known by the message's own id among the last STORE_RECALL
 * documents, if source and stream are the same but for the "/partition" at the
 * stream's end: a producer's retry may land on another partition.  The first wins; a
 * repeat is written as REJECT_REPEAT, and its position advances.  Items
 * without an external_id are always new.
 */
#define STORE_RECALL (INT64_C(1) << 20)
enum store_result store_find_document(struct store *store, const struct item *item, int64_t *id, struct err *e);

/* The same question between two items of one batch.  store_item_key is 0 where the item has no id; equal items have
 * equal keys. */
uint64_t store_item_key(const struct item *item);
bool store_same_document(const struct item *a, const struct item *b);

/*
 * After store_load_watch, and after store_set_names with watch_reconfigure: alerts whose rule or topic is gone from the
 * configuration end as resolved, with an event and its deliveries, all in one transaction; `*closed` says how many.  A
 * rule that is back on a topic gets the state that it left there.
 */
enum store_result store_retire_rules(struct store *store, struct watch *watch, int64_t applied_us, size_t *closed,
				     struct err *e);

/* A delivery due: what the webhook thread sends.  All strings owned by the delivery. */
struct delivery {
	int64_t id;
	char *receiver;
	char *alert;             /* alert id */
	uint32_t event;          /* webhook-id = alert "-" event */
	bool resolved;           /* nothing follows it: it says "resolved", or is a digest */
	char *payload;           /* alerts/payload.h; receiver-independent, the receiver's format is made from it */
	uint32_t attempts;
	int64_t next_try_us;
};
/* Deliveries still pending with an id above `after`, in order of id (which is the order of events). */
int store_load_outbox(struct store *store, int64_t after, struct delivery **deliveries, size_t *count, struct err *e);
void deliveries_free(struct delivery *deliveries, size_t count);

/* How many deliveries are pending, and when the oldest was made (TIME_NONE = none). */
int store_outbox_age(struct store *store, size_t *pending, int64_t *oldest_us, struct err *e);

/* The notices that still fire: subject, and of the alert id, event, started_us, fired_us, peak_count.  Valid during the call. */
typedef void store_open_notice(void *context, const char *subject, const struct watch_alert *alert);
int store_each_open_notice(struct store *store, store_open_notice *each, void *context, struct err *e);

/* Retention: delete at most `max_rows` rows that are due; `*more` says whether there is more.  Documents (three days at
 * least: what the core recalls), rejects and finished deliveries go by `received`; trends by when they were last changed,
 * 15-minute buckets after 8 days, hours after 13 weeks, days and alerts after `trends_us`.  A span of 0 keeps for ever. */
enum store_result store_retain(struct store *store, int64_t now_us, int64_t documents_us, int64_t trends_us,
			       size_t max_rows, bool *more, struct err *e);

/* Bytes of the WAL file now. */
int64_t store_wal_bytes(const struct store *store);

/* ---- operator commands: left as rows by other processes, carried out by the daemon's own rules ---- */

struct store_command {
	int64_t id;
	char *verb;      /* "silence", "redeliver", "label" */
	char *subject;   /* a topic ("*" = all), an alert's id, a document's id */
	char *argument;  /* "label": negative, neutral, positive; "silence": "end" where one is to end; else "" */
	char *why;
	int64_t until_us; /* "silence" */
};
/* Has another connection committed since the last call?  True on the first. */
bool store_changed_by_others(struct store *store);
/* Commands not yet carried out, in order. */
int store_load_commands(struct store *store, struct store_command **commands, size_t *count, struct err *e);
void store_commands_free(struct store_command *commands, size_t count);
/* For the command line (STORE_WRITE).  -1 with the reason where the subject does not exist or the argument is wrong. */
int store_add_command(struct store *store, const struct store_command *command, struct err *e);

/* ---- the daemon's own past ---- */

/* What each source last did: when its watermark last moved, and the last gap in its log; TIME_NONE = never. */
struct store_source_past {
	const char *source;
	int64_t advanced_us, gap_us;
	const char *gap_reason; /* "" = none */
};
typedef void store_source_each(void *context, const struct store_source_past *past);
int store_each_source(struct store *store, store_source_each *each, void *context, struct err *e);

/* How many alerts of rules on topics fire now. */
int store_count_firing(struct store *store, size_t *firing, struct err *e);

/* ---- another model (alerts/model_switch.h) ---- */

/* A switch, by the topics of store_set_names. */
struct store_switch {
	struct watch_switch switched;
	char *old_model, *new_model;
	uint32_t texts;                 /* judged by both */
	struct switch_pairs overall;
	struct switch_pairs *pairs;     /* by topic: what the chances in `switched` are made from */
	size_t topic_count;
};

/* All switches that history may still speak of, oldest first. */
int store_load_switches(struct store *store, struct store_switch **switches, size_t *count, struct err *e);
void store_switches_free(struct store_switch *switches, size_t count);

/* Writes one: `switched.at_us`, the models, `texts`, `overall` and `pairs` are read.  All of it or nothing. */
enum store_result store_add_switch(struct store *store, const struct store_switch *added, struct err *e);

/* The model whose judgements the history is in: that of the last switch or, where documents were judged since, theirs.
 * "" = none yet. */
int store_current_model(struct store *store, char *version, size_t size, struct err *e);

/* Documents of watched topics that this model has judged, or whose polarity was given, newest first, `max` at most.  Stops
 * where `each` returns other than 0. */
struct store_judged {
	bool given;                /* the polarity came with the document */
	enum polarity polarity;
	float score;
	const uint32_t *topics;
	size_t topic_count;
	const char *title, *body;
};
typedef int store_judged_each(void *context, const struct store_judged *judged);
int store_each_judged(struct store *store, const char *model, int64_t max, store_judged_each *each, void *context,
		      struct err *e);

/* ---- looking back: for replay, top and others that only read ---- */

struct store_past {
	/* Topics as indices of store_set_names, without those that are watched no more; with its story, so without a
	 * signature. */
	struct watch_document document;
	const char *body;
	const char *label;              /* of the classifier; NULL = not asked */
	bool scored;                    /* by a model: without a polarity, it could not judge */
};
/* Documents applied at `since_us` or later, in order of id.  Stops where `each` returns other than 0.  Strings are valid
 * during the call.  With STORE_READ, give the names first by store_use_names. */
typedef int store_each(void *context, const struct store_past *past);
int store_each_document(struct store *store, int64_t since_us, store_each *each, void *context, struct err *e);

/* As store_set_names, for a reader: names that are not stored are simply not found. */
int store_use_names(struct store *store, const struct store_names *names, struct err *e);

/* One SELECT (over the views); columns as text, NULL where SQL's is.  Stops where `each` returns other than 0. */
typedef int store_row(void *context, size_t columns, const char *const *values);
int store_query(struct store *store, const char *sql, store_row *each, void *context, struct err *e);

#endif
