/*
 * The tables.  They are compact and private; the views are the public face.
 *
 * Why so: the writer is to take a hundred thousand documents a second, and in
 * WAL mode each page that a transaction touches is written once more.  So
 * what grows is only ever appended to.  `documents` has one index, on the
 * writer's stamp, which ascends with the id (it carries the message id's hash
 * along, so that the recent ones are read from it alone, and the id before it,
 * or the many of one stamp would be in the order of their hashes); an index on
 * random hashes would touch a page a document.  Buckets are clustered by (width,
 * start): those of "now" lie side by side, however many topics there are.
 *
 * A change is one more script behind schema_1, which stays as it is since
 * databases of it exist, and STORE_SCHEMA_VERSION counted up.
 *
 * Times are microseconds since 1970 UTC, but for the buckets' seconds.
 * polarity: 0 negative, 1 neutral, 2 positive.  Absent text is NULL.
 */
#include "alerts/store/private.h"

/* Numbers that stand in SQL texts. */
_Static_assert(ITEM_UNIQUE == 4, "documents_unique");
_Static_assert(REJECT_GAP == 1, "rejected_gaps");
_Static_assert(ALERT_PENDING == 1 && ALERT_FIRING == 2, "alerts_open");
_Static_assert(DELIVERY_PENDING == 0, "deliveries_pending");
_Static_assert(NOTIFY_HELD == 2, "alert_events_held");

static const char schema_1[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE marks("
	"  one INTEGER PRIMARY KEY CHECK (one = 1),"
	"  document INTEGER NOT NULL,"  /* highest id ever given: retention may delete its row */
	"  applied INTEGER);"
	"INSERT INTO marks VALUES (1, 0, NULL);"

	"CREATE TABLE sources(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE streams("
	"  id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES sources, name TEXT NOT NULL, UNIQUE (source, name));"
	"CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE rules(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE receivers(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE labels(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE models(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"

	"CREATE TABLE positions(stream INTEGER PRIMARY KEY REFERENCES streams, next TEXT NOT NULL, moved INTEGER NOT NULL);"

	"CREATE TABLE documents("
	"  id INTEGER PRIMARY KEY,"
	"  stream INTEGER NOT NULL,"
	"  flags INTEGER NOT NULL,"
	"  published INTEGER NOT NULL, received INTEGER NOT NULL, applied INTEGER NOT NULL,"
	"  polarity INTEGER, score REAL, label INTEGER, label_p REAL, model INTEGER,"
	"  story INTEGER NOT NULL,"
	"  topics TEXT,"                /* ids of watched topics: "3,17" */
	"  key INTEGER,"                /* hash of the message's or entry's id */
	"  external_id TEXT, coordinates TEXT, publisher TEXT, lang TEXT, url TEXT,"
	"  title TEXT NOT NULL, body TEXT);"
	"CREATE INDEX documents_applied ON documents(applied, key);"
	"CREATE INDEX documents_unique ON documents(key) WHERE flags & 4;" /* ITEM_UNIQUE: feeds, a trickle */

	"CREATE TABLE rejected("
	"  id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, kind INTEGER NOT NULL,"
	"  received INTEGER NOT NULL, applied INTEGER NOT NULL,"
	"  coordinates TEXT, external_id TEXT, reason TEXT NOT NULL, raw TEXT);"
	"CREATE INDEX rejected_gaps ON rejected(stream) WHERE kind = 1;"

	"CREATE TABLE buckets("
	"  width INTEGER NOT NULL, start INTEGER NOT NULL, topic INTEGER NOT NULL,"
	"  total INTEGER NOT NULL, negative INTEGER NOT NULL, neutral INTEGER NOT NULL, positive INTEGER NOT NULL,"
	"  unjudged INTEGER NOT NULL, score_sum REAL NOT NULL,"
	"  stories INTEGER NOT NULL, judged_stories INTEGER NOT NULL, negative_stories INTEGER NOT NULL,"
	"  story_score_sum REAL NOT NULL,"
	"  changed INTEGER NOT NULL,"   /* `applied` in seconds: retention, also of streams with their own clock */
	"  PRIMARY KEY (width, start, topic)) WITHOUT ROWID;"

	"CREATE TABLE rule_states("
	"  rule INTEGER NOT NULL, topic INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (rule, topic)) WITHOUT ROWID;"
	"CREATE TABLE source_states("
	"  source INTEGER PRIMARY KEY, watermark INTEGER, advanced INTEGER, seen INTEGER, own_clock INTEGER NOT NULL);"
	"CREATE TABLE silences(topic INTEGER PRIMARY KEY, until INTEGER NOT NULL);" /* topic 0 = all */

	"CREATE TABLE alerts("
	"  id TEXT PRIMARY KEY, rule INTEGER NOT NULL, topic INTEGER NOT NULL, event INTEGER NOT NULL,"
	"  state INTEGER NOT NULL, late INTEGER NOT NULL,"
	"  at INTEGER, started INTEGER, fired INTEGER, resolved INTEGER, window INTEGER NOT NULL,"
	"  count INTEGER NOT NULL, peak_count INTEGER NOT NULL, expected REAL, ratio REAL, p_value REAL,"
	"  documents INTEGER NOT NULL, publishers INTEGER NOT NULL, evidence TEXT NOT NULL,"
	"  changed INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX alerts_open ON alerts(topic) WHERE state IN (1, 2);"
	"CREATE TABLE alert_events("
	"  alert TEXT NOT NULL REFERENCES alerts ON DELETE CASCADE, event INTEGER NOT NULL, state INTEGER NOT NULL,"
	"  at INTEGER, applied INTEGER NOT NULL, notify INTEGER NOT NULL, payload TEXT NOT NULL,"
	"  PRIMARY KEY (alert, event)) WITHOUT ROWID;"
	"CREATE TABLE deliveries("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT," /* never reused: the webhook thread may still hold an old one */
	"  alert TEXT NOT NULL, event INTEGER NOT NULL, receiver INTEGER NOT NULL REFERENCES receivers,"
	"  state INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
	"  next_try INTEGER, changed INTEGER NOT NULL, last_error TEXT,"
	"  UNIQUE (alert, event, receiver),"
	"  FOREIGN KEY (alert, event) REFERENCES alert_events ON DELETE CASCADE);"
	"CREATE INDEX deliveries_pending ON deliveries(id) WHERE state = 0;"

	"CREATE TABLE commands("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, verb TEXT NOT NULL, subject TEXT NOT NULL, argument TEXT, why TEXT,"
	"  until INTEGER, created INTEGER NOT NULL, done INTEGER, problem TEXT);"
	"CREATE INDEX commands_waiting ON commands(id) WHERE done IS NULL;"
	/* The text is copied: a judgement outlives the document's retention, as training data. */
	"CREATE TABLE corrections("
	"  document INTEGER PRIMARY KEY, polarity INTEGER NOT NULL, at INTEGER NOT NULL, was INTEGER, title TEXT, body TEXT);"

	"CREATE TABLE health("
	"  stream INTEGER PRIMARY KEY REFERENCES streams, state TEXT NOT NULL, message TEXT, last_progress INTEGER,"
	"  lag INTEGER, updated INTEGER NOT NULL);";

static const char schema_2[] =
	"DROP INDEX documents_applied;"
	"CREATE INDEX documents_applied ON documents(applied, id, key);";

/* ---- the third ---- */

/* How often the old model said the first and the new one the second: negative, neutral or positive, nothing. */
#define SWITCHES                                                                                                       \
	"CREATE TABLE model_switches("                                                                                 \
	"  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, old INTEGER NOT NULL REFERENCES models,"                       \
	"  new INTEGER NOT NULL REFERENCES models, document INTEGER NOT NULL, texts INTEGER NOT NULL);"                \
	"CREATE TABLE switch_pairs("                                                                                   \
	"  switch INTEGER NOT NULL REFERENCES model_switches, topic INTEGER NOT NULL," /* topic 0 = all */             \
	"  negative_negative INTEGER NOT NULL, negative_other INTEGER NOT NULL, negative_none INTEGER NOT NULL,"       \
	"  other_negative INTEGER NOT NULL, other_other INTEGER NOT NULL, other_none INTEGER NOT NULL,"                \
	"  none_negative INTEGER NOT NULL, none_other INTEGER NOT NULL, none_none INTEGER NOT NULL,"                   \
	"  score_shift REAL NOT NULL, PRIMARY KEY (switch, topic)) WITHOUT ROWID;"

/* What an alert tells while it lasts, and who it is grouped with. */
#define LIFECYCLE                                                                                                      \
	"ALTER TABLE alerts ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;" /* enum alert_kind */                         \
	"ALTER TABLE alerts ADD COLUMN subject TEXT;"   /* of an alert on the daemon itself */                         \
	"ALTER TABLE alerts ADD COLUMN leader TEXT;"    /* of its group */                                             \
	"ALTER TABLE alerts ADD COLUMN change INTEGER;"                                                                \
	"ALTER TABLE alerts ADD COLUMN cause INTEGER NOT NULL DEFAULT 0;"                                              \
	"ALTER TABLE alerts ADD COLUMN stories INTEGER;"                                                               \
	"ALTER TABLE alerts ADD COLUMN judged INTEGER;"                                                                \
	"ALTER TABLE alerts ADD COLUMN stories_expected REAL;"                                                         \
	"ALTER TABLE alerts ADD COLUMN share REAL;"                                                                    \
	"ALTER TABLE alerts ADD COLUMN share_expected REAL;"                                                           \
	"CREATE INDEX alerts_fired ON alerts(topic, fired);"                                                           \
	"CREATE INDEX alert_events_held ON alert_events(alert) WHERE notify = 2;"                                      \
	"ALTER TABLE marks ADD COLUMN backlog INTEGER;" /* since when changes are held for a digest */                 \
	"ALTER TABLE source_states ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;"                                      \
	"CREATE TABLE topic_sources("                   /* which sources speak of a topic */                           \
	"  topic INTEGER NOT NULL, source INTEGER NOT NULL, noted INTEGER NOT NULL, PRIMARY KEY (topic, source)) WITHOUT ROWID;"

/* What the configuration says, for the views alone: budgets, and silences with the spans of time that are to come. */
#define DESCRIPTION                                                                                                    \
	"ALTER TABLE rules ADD COLUMN budget REAL;"     /* false alarms a day on each topic */                         \
	"ALTER TABLE rules ADD COLUMN every INTEGER NOT NULL DEFAULT 1;" /* it watches every topic, else: */           \
	"CREATE TABLE rule_topics(rule INTEGER NOT NULL, topic INTEGER NOT NULL, PRIMARY KEY (rule, topic)) WITHOUT ROWID;" \
	"ALTER TABLE silences ADD COLUMN since INTEGER;"                                                               \
	"ALTER TABLE silences ADD COLUMN why TEXT;"                                                                    \
	"CREATE TABLE quiets("                                                                                         \
	"  id INTEGER PRIMARY KEY, name TEXT NOT NULL, every INTEGER NOT NULL, weekly TEXT, timezone TEXT, why TEXT);" \
	"CREATE TABLE quiet_topics("                                                                                   \
	"  quiet INTEGER NOT NULL REFERENCES quiets ON DELETE CASCADE, topic INTEGER NOT NULL,"                        \
	"  PRIMARY KEY (quiet, topic)) WITHOUT ROWID;"                                                                 \
	"CREATE TABLE quiet_spans("                                                                                    \
	"  quiet INTEGER NOT NULL REFERENCES quiets ON DELETE CASCADE, start INTEGER NOT NULL, until INTEGER NOT NULL," \
	"  PRIMARY KEY (quiet, start)) WITHOUT ROWID;"

/* An hour of all topics in one value (pack.c). */
#define PACKED_HOURS "CREATE TABLE packed_hours(start INTEGER PRIMARY KEY, topics BLOB NOT NULL);"

static const char schema_3[] =
	SWITCHES LIFECYCLE DESCRIPTION PACKED_HOURS;

const char *const store_migrations[STORE_SCHEMA_VERSION] = {schema_1, schema_2, schema_3};
