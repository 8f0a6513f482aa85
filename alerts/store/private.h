#ifndef ALERTS_STORE_PRIVATE_H
#define ALERTS_STORE_PRIVATE_H

#include "alerts/store.h"

#include <sqlite3.h>

/*
 * The inside of alerts/store.h.  Only alerts/store/ includes this.
 *
 * Functions here return SQLite result codes (SQLITE_OK = 0), and two of our
 * own below zero; store_result_of says what a caller of the store is told.
 */
enum {
	STEP_FENCED = -1, /* a position was not where the batch expects it */
	STEP_FAULT = -2,  /* a fault point was told to fail */
};

/* alerts.kind */
enum alert_kind { ALERT_OF_RULE, ALERT_DIGEST, ALERT_OF_SELF };
/* alert_events.notify */
enum event_notify { NOTIFY_NOT, NOTIFY_SENT, NOTIFY_HELD, NOTIFY_TOLD_BY_DIGEST };

#define STORE_BUSY_MS 2000 /* how long a command line may hold the database before the writer says so */

/* ---- schema.c, views.c ---- */

#define STORE_APPLICATION_ID 0x42776c72 /* "Bwlr" */
#define STORE_SCHEMA_VERSION 3
/* The script that brings a database from version [i] to [i + 1]. */
extern const char *const store_migrations[STORE_SCHEMA_VERSION];
/* Views hold no data: dropped and made anew whenever a writer opens a database whose views are older. */
extern const char store_views_sql[];

/* ---- statement.c: every statement is prepared once, when first used ---- */

#define STORE_STATEMENTS(X)                                                                                            \
	X(STMT_BEGIN) X(STMT_COMMIT) X(STMT_ROLLBACK)                                                                  \
	X(STMT_INSERT_DOCUMENT) X(STMT_INSERT_EIGHT_DOCUMENTS) X(STMT_INSERT_REJECT) X(STMT_SET_MARKS)                 \
	X(STMT_ADD_BUCKET) X(STMT_SET_RULE_STATE) X(STMT_SET_SOURCE_STATE) X(STMT_SET_SILENCE)                         \
	X(STMT_SET_TOPIC_SOURCE) X(STMT_SET_BACKLOG) X(STMT_FIND_HELD) X(STMT_END_HELD)                                \
	X(STMT_SET_ALERT) X(STMT_INSERT_EVENT) X(STMT_INSERT_DELIVERY) X(STMT_INSERT_TAKEN) X(STMT_SET_DELIVERY)       \
	X(STMT_FIND_FINISHED_DELIVERIES) X(STMT_DELETE_DELIVERY)                                                       \
	X(STMT_SET_LABEL) X(STMT_FINISH_COMMAND) X(STMT_CLEAR_HEALTH) X(STMT_SET_HEALTH)                                                 \
	X(STMT_INSERT_POSITION) X(STMT_MOVE_POSITION)                                                                  \
	X(STMT_FIND_UNIQUE) X(STMT_GET_IDENTITY_OF) X(STMT_LOAD_OUTBOX) X(STMT_OUTBOX_AGE)                             \
	X(STMT_RETAIN_DOCUMENTS) X(STMT_RETAIN_REJECTS) X(STMT_RETAIN_DELIVERIES) X(STMT_RETAIN_BUCKETS)               \
	X(STMT_RETAIN_ALERTS) X(STMT_RETAIN_COMMANDS) X(STMT_RETAIN_PACKED_HOURS)                                                                  \
	X(STMT_FIND_HOUR) X(STMT_LOAD_HOUR) X(STMT_GET_PACKED_HOUR) X(STMT_LAST_PACKED_HOUR) X(STMT_PUT_PACKED_HOUR)               \
	X(STMT_DROP_PACKED_HOUR)                                                                                       \
	X(STMT_LOAD_COMMANDS) X(STMT_DATA_VERSION)

enum statement {
#define X(id) id,
	STORE_STATEMENTS(X)
#undef X
	STMT_COUNT
};

/* ---- names.c: small tables of names, and the ids behind them ---- */

enum name_kind { NAME_SOURCE, NAME_TOPIC, NAME_RULE, NAME_RECEIVER, NAME_LABEL, NAME_MODEL, NAME_STREAM, NAME_KINDS };

struct name_cache {
	struct cached_name *slots;
	size_t capacity, count;
	/* What was found last of each kind: most documents come from the stream of the one before. */
	struct {
		const char *text; /* a slot's; NULL = none */
		int64_t parent, id;
	} last[NAME_KINDS];
};

/* Database ids of one list of configured names, by index. */
struct name_ids {
	int64_t *ids;     /* 0 = not stored (readers only) */
	char **names;
	size_t count;
	uint32_t *places; /* the way back: index + 1 by id, up to `highest` */
	int64_t highest;
};

/* ---- keys.c: the message ids of the last STORE_RECALL documents ---- */

struct recall {
	uint64_t *keys;  /* by document id, modulo STORE_RECALL; 0 = no id */
	uint32_t *slots; /* open addressing: index into `keys` + 1; 0 = free */
	int64_t last;    /* the highest document id noted */
};

struct store {
	sqlite3 *db;
	char *path;
	enum store_mode mode;
	int lock_fd;
	char identity[64];
	sqlite3_stmt *statements[STMT_COUNT];
	struct name_cache cache;
	sqlite3_stmt *find_name[NAME_KINDS], *add_name[NAME_KINDS];
	struct name_ids topics, rules, receivers;
	struct recall recall;
	bool recall_loaded;
	uint64_t *batch_keys;        /* of the batch under way */
	size_t batch_keys_capacity;
	char *scratch;               /* a topic list */
	size_t scratch_size;
	int wal_pages;               /* as of the last commit */
	int wal_tried_pages;         /* as of the last checkpoint */
	int data_version;
	bool packed_known;           /* hours that may be packed: */
	int64_t packed_upto_s;       /* none begins later */
	int64_t pack_from_s;         /* what is to be packed begins later */
};

/* A statement being bound, first parameter first; `rc` keeps the first failure. */
struct bound {
	sqlite3_stmt *statement;
	int at;
	int rc;
};

struct bound store_bind(struct store *store, enum statement statement);
void bind_integer(struct bound *bound, int64_t value);
void bind_real(struct bound *bound, double value);
void bind_text(struct bound *bound, const char *text);     /* NULL and "" become NULL */
void bind_time(struct bound *bound, int64_t time_us);      /* TIME_NONE becomes NULL */
void bind_null(struct bound *bound);
/* Run to the end and reset; rows are ignored. */
int store_run(struct bound *bound);
/* Next row: SQLITE_ROW, SQLITE_DONE or an error.  On anything but SQLITE_ROW the statement is reset. */
int store_next(struct bound *bound);
/* Give up a statement before its last row. */
void store_reset(struct bound *bound);

/* A copy that the caller frees; "" where SQL has NULL. */
char *column_copy(sqlite3_stmt *statement, int column);
/* "" where SQL has NULL; valid until the next step. */
const char *column_text(sqlite3_stmt *statement, int column);
int64_t column_time(sqlite3_stmt *statement, int column);

/* Prepare a statement that is used once; finalised by the caller. */
int store_prepare(struct store *store, const char *sql, sqlite3_stmt **statement);
int store_execute(struct store *store, const char *sql);
void store_finalize_statements(struct store *store);

/* What the caller of the store is told, with the message in `e`. */
enum store_result store_result_of(struct store *store, int rc, struct err *e);
/* The same for calls that return 0 / -1. */
int store_fail(struct store *store, int rc, struct err *e);

/* BEGIN IMMEDIATE, and its two ends.  After store_rollback nothing that was interned since is remembered. */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);

/* ---- names.c ---- */

/* The id of a name; added where it is new and the store writes.  SQLITE_NOTFOUND where it may not be added. */
int names_find(struct store *store, enum name_kind kind, int64_t parent, const char *text, bool add, int64_t *id);
/* A source's stream. */
int names_find_stream(struct store *store, const char *source, const char *stream, int64_t *id);
void names_forget(struct store *store);
void names_close(struct store *store);
/* The index of a database id in a configured list; false = not there. */
bool name_ids_index(const struct name_ids *ids, int64_t id, uint32_t *index);

/* ---- keys.c ---- */

/* Remember the key of a stored document. */
void recall_note(struct recall *recall, int64_t id, uint64_t key);
void recall_free(struct recall *recall);

/* ---- write_documents.c, write_watch.c, outbox.c: parts of one batch ---- */

int write_documents(struct store *store, const struct store_batch *batch);
int write_rejects(struct store *store, const struct store_batch *batch);
int write_positions(struct store *store, const struct store_batch *batch);
int write_effects(struct store *store, const struct store_batch *batch);
/* An alert's change by the ids and names of its rule and topic, which may be configured no more. */
struct stored_alert {
	const struct watch_alert *alert;
	int64_t rule, topic;
	const char *rule_name, *topic_name;
	enum alert_kind kind;
	const char *subject; /* ALERT_OF_SELF */
};
int write_alert(struct store *store, const struct stored_alert *of, int64_t applied_us);

/* ---- write_alerts.c: the rows that make up an alert's change ---- */

int write_alert_row(struct store *store, const struct stored_alert *of, const char *evidence, int64_t applied_us);
int write_event_row(struct store *store, const struct watch_alert *alert, const char *payload, int64_t applied_us);
/* One for each receiver. */
int write_delivery_rows(struct store *store, const struct watch_alert *alert, int64_t applied_us);

/* ---- late.c, notices.c ---- */

int write_late(struct store *store, const struct watch_late *late, int64_t applied_us);
int write_notices(struct store *store, const struct store_batch *batch);
int write_rule_state(struct store *store, int64_t rule, int64_t topic, const char *state);
int write_outbox(struct store *store, const struct store_batch *batch);
int write_command_results(struct store *store, const struct store_batch *batch);
int write_health(struct store *store, const struct store_batch *batch);

/* The column `flags`: the item's own in the lowest bits, above them how the core counted the document. */
#define DOCUMENT_FLAG_BITS 8
#define DOCUMENT_FLAGS ((1 << DOCUMENT_FLAG_BITS) - 1)

/* ---- load_documents.c ---- */

struct topic_list {
	uint32_t *indices; /* ascending */
	size_t count, capacity;
};
/* "3,17" -> indices of the topics that are watched now. */
void read_topics(const struct store *store, const char *list, struct topic_list *out);
/*
 * Changes of the model, oldest first.  What the model of before switch [i] has
 * judged is changed by the switches from `from[i]` on: where its model came
 * back later, nothing in between concerns it.
 */
struct switch_list {
	struct watch_switch *each;
	size_t *from;
	size_t count;
};
/* The documents that the core recalls, and what changes of the model make of the windows. */
int load_documents(struct store *store, struct watch *watch, int64_t last_document, const struct switch_list *switches);

/* ---- pack.c: hours that are over, packed to be loaded fast ---- */

/* Packs what is over for a day, until as many rows as `*left` are worked off. */
int pack_hours(struct store *store, int64_t now_s, int64_t *left);
/* A row of this hour changes in the transaction under way. */
int pack_drop(struct store *store, int64_t start_s);

/* The first hour with rows behind `after_s`: SQLITE_ROW, or SQLITE_DONE where there is none. */
int pack_find_hour(struct store *store, int64_t after_s, int64_t *start_s);

/* ---- load_hours.c ---- */

/* Every hour of every watched topic, packed or not: what the core counts of it.  A topic's own come in order of time. */
typedef void hour_each(void *context, const struct watch_bucket *bucket, int64_t changed_s);
int load_hours(struct store *store, hour_each *each, void *context);

/* ---- wal.c ---- */

/* Keep the WAL small: called after each commit. */
void wal_checkpoint(struct store *store);
/* The disk is full: give back what the WAL holds. */
void wal_shrink(struct store *store);

/* ---- lock.c ---- */

/* The descriptor that holds the lock, or -1. */
int lock_take(const char *path, int64_t wait_us, struct err *e);
void lock_release(int fd);

#endif
