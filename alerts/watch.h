#ifndef ALERTS_WATCH_H
#define ALERTS_WATCH_H

#include "alerts/model_switch.h"
#include "alerts/rule.h"
#include "alerts/story.h"
#include "daemon/base/item.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The core: (state, event) -> (state, effects).
 *
 * No SQLite, no sockets, no clock, no thread, no randomness.  The daemon's
 * writer feeds it and persists the effects; replay, the comparison of rules
 * and the property tests feed it and look.  So a replay of the stored log
 * gives the alerts of the live run, with the same ids.
 *
 * Time: `published` is event time, cut into cells of the rule grid
 * (RULE_CELL_US).  Every source has a watermark: the latest `published` it has
 * shown, capped at `applied` unless the source plays by its own clock.  A rule
 * is evaluated at the watermark of the source that brought a document, as soon
 * as it comes.  While a source is silent its watermark advances with `applied`
 * (tick events), so that alerts resolve and silence is seen.
 *
 * A document older than its source's watermark by more than the allowed
 * lateness, or marked as backfill, is counted in the trends and never alerts.
 * `published` TIME_NONE is read as `applied`.
 *
 * A rule never goes back before its own last change: where a source lags
 * behind, its documents are judged at the time of that change.
 *
 * Topics and rules are addressed by their index in the configuration; the
 * caller maps them to the names in the database.
 *
 * What is told, and how.  An alert is sent when it fires, when it has grown to
 * twice what its last message said (once an hour at most), when it resolves,
 * and when a silence runs out while it fires.  Of topics that fire on the same
 * stories, the first leads a group and the others join it: they are told by
 * messages of the leader, which fires until the last of them is quiet; one that
 * grows beyond those stories stands alone again.  Of those who fire in one
 * minute, the same one leads in whatever order their documents come.  What is raised long after its
 * event time (a backlog after an outage) is held, and told by one digest; what
 * still fires then is also sent by itself.
 */
struct watch;

/* A time of `applied` in which nothing is sent: [from, until). */
struct watch_span {
	int64_t from_us, until_us;
};

/* A silence of the configuration.  A weekly one comes with the instants that its time zone's rules make of it: the core
 * knows no calendar. */
struct watch_quiet {
	const char *name;
	const char *const *topics;  /* names; topic_count 0 = all */
	size_t topic_count;
	const struct watch_span *spans; /* ascending, apart */
	size_t span_count;
	const char *weekly, *timezone, *why; /* for who asks the database; NULL = none */
};

struct watch_options {
	const char *const *topics;  /* names; alert ids are made from them, not from indices */
	size_t topic_count;
	const struct rule_spec *rules;
	size_t rule_count;
	int64_t lateness_us;        /* 0 = default: 1 h */
	int64_t no_data_us;         /* 0 = default: WATCH_NO_DATA_US; see watch_tick */
	const struct watch_quiet *quiets;
	size_t quiet_count;
};
#define WATCH_NO_DATA_US (6 * INT64_C(3600000000))

/* Everything is copied. */
struct watch *watch_create(const struct watch_options *options);
void watch_free(struct watch *watch);

/* ---- events ---- */

struct watch_document {
	int64_t id;              /* assigned by the caller, ascending */
	const char *source;
	unsigned flags;          /* enum item_flags */
	int64_t published_us;
	int64_t applied_us;
	enum polarity polarity;
	float score;             /* P(positive) - P(negative); 0 where polarity is none */
	const uint32_t *topics;  /* ascending */
	size_t topic_count;
	struct story_signature signature;
	int64_t story;           /* 0 = to be found by the signature; else found before (a replay): for every document, or none */
	const char *publisher, *title, *url; /* for evidence; copied as needed */
};

struct watch_effects;

/* Feed one document.  Returns the id of its story.  Documents without topics are fed too: they move the watermark and
 * are the first of their story. */
int64_t watch_document(struct watch *watch, const struct watch_document *document, struct watch_effects *effects);

/*
 * A hint: this document comes soon, to be fed or loaded; only its topics, its story and its signature are looked at.  What it
 * will touch is asked of the memory and nothing changes.  Called twice for each of many documents, some of them ahead: first
 * not `near`, then `near`, which follows the pointers that the first call has brought.  Topics that are none are passed over.
 */
void watch_fetch(const struct watch *watch, const struct watch_document *document, bool near);

/*
 * How the last document was counted, for when it is loaded again: what it added
 * to its topics hangs on documents before it, more of them than are loaded, and
 * on how far its source had been read.  Opaque, below 1 << 53; 0 = not known.
 */
uint64_t watch_counted(const struct watch *watch);

/* A source has shown that it was read up to `published_us` without a document; TIME_NONE = that it is alive, and no more:
 * its event time stays where it is. */
void watch_progress(struct watch *watch, const char *source, unsigned flags, int64_t published_us, int64_t applied_us,
		    struct watch_effects *effects);

/*
 * The grid of `applied`: call for every multiple of WATCH_TICK_US that the stamp passes, in order.  Only what is not
 * ok is judged: at min(applied, unless the source has its own clock; watermark + applied now - applied when the
 * watermark last moved).  A source that has shown nothing at all for no_data_us holds its alerts as they are: a dead
 * feed resolves nothing.  Where another source of the topic is alive, the alert follows that one's clock from then on.
 */
#define WATCH_TICK_US (15 * INT64_C(1000000))
void watch_tick(struct watch *watch, int64_t applied_us, struct watch_effects *effects);

/* An operator's command: nothing of `topic` (NULL = all) notifies until `until_us` (applied time). */
void watch_silence(struct watch *watch, const char *topic, int64_t until_us, struct watch_effects *effects);

/* ---- effects: what the caller persists, in order ---- */

enum alert_state { ALERT_OK, ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED };

/* What an event of an alert is about.  But for the first and the last two, the state stays ALERT_FIRING. */
enum alert_change {
	CHANGE_PENDING,
	CHANGE_FIRED,     /* also: told live, after only a digest had told it */
	CHANGE_ESCALATED, /* it keeps growing: the peak is at least twice what the last message said */
	CHANGE_JOINED,    /* another topic fires on the same stories and joined this alert's group */
	CHANGE_RENEWED,   /* a silence ran out */
	CHANGE_RESOLVED,
	ALERT_CHANGES,    /* how many there are */
};

/*
 * A trend bucket.  In effects it is what is to be ADDED to the stored one (absent = 0): a document touches one bucket
 * of each width (900, 3600, 86400) for each of its topics.  In watch_load_bucket it is the stored total.  Only buckets
 * of 3600 within WATCH_HISTORY_US of the topic's newest one are used by rules and need be loaded.
 */
#define WATCH_HISTORY_US (13 * 7 * 24 * 3600 * INT64_C(1000000))
struct watch_bucket {
	uint32_t topic;
	int32_t width_s;     /* 900, 3600, 86400 */
	int64_t start_s;     /* seconds since 1970, multiple of width */
	uint32_t total, negative, neutral, positive, unjudged;
	double score_sum;            /* over judged documents */
	/* What rules count: a story once, when its first document (its first judged, first negative one) comes. */
	uint32_t stories, judged_stories, negative_stories;
	double story_score_sum;      /* over judged stories */
};

/* What rules make of it: the stories, and how many documents there were. */
struct tally watch_bucket_tally(const struct watch_bucket *bucket);

struct watch_evidence {
	int64_t document, story;
	int64_t published_us;
	enum polarity polarity;
	float score;
	uint32_t copies;             /* documents of this story in the window */
	const char *publisher, *title, *url; /* long ones cut; valid until the effects are cleared */
};

/* The hours up to the change, against what is usual (rule_expect); the last one may still be open. */
enum { WATCH_CHART_POINTS = 49 };
struct watch_chart {
	int64_t start_s;             /* seconds since 1970 */
	int64_t step_s;
	size_t count;                /* 0 = no chart: of what is not sent */
	float counts[WATCH_CHART_POINTS], expected[WATCH_CHART_POINTS], limit[WATCH_CHART_POINTS];
};

/* An alert came to be, or changed. */
struct watch_alert {
	char id[32];                 /* stable from pending to resolved: from rule, topic and the cell where it began */
	uint32_t event;              /* 1, 2, 3 ... within the alert; webhook-id = id "-" event */
	uint32_t rule, topic;
	enum alert_state state;
	bool notify;                 /* to be sent (pending is not; silenced is not) */
	bool late;                   /* told later after its event time than the lateness allows, an hour at least */
	int64_t at_us;               /* event time of this change */
	int64_t started_us, fired_us, resolved_us; /* TIME_NONE = not yet */
	int64_t window_us;           /* the window that decided */
	uint32_t count, peak_count;
	double expected, ratio, p_value;
	uint32_t documents, publishers;
	const struct watch_evidence *evidence;
	size_t evidence_count;
	enum alert_change change;
	bool held;                   /* to be told by the next digest (struct watch_late), not sent by itself */
	enum rule_cause cause;       /* this and the next three: see struct rule_verdict */
	uint32_t stories, judged;
	double stories_expected;
	double share, share_expected;
	const char *group;           /* id of the alert that leads the group; NULL is read as its own: alone, or the leader */
	const uint32_t *members;     /* topics of the group that fire (of a resolution: that fired), the leader's first, then by
				      * name; count 0 is read as its own topic alone */
	size_t member_count;
	struct watch_chart chart;
	/* The words that weighed most, beside the first `explained` stories of `evidence`.  The core leaves this empty: it
	 * knows no model (writer_callbacks.explain does). */
	const struct watch_words *words;
	size_t explained;
};

/* A word as it stands in the title, and how far the logarithm of its polarity's odds falls without it. */
struct watch_word {
	const char *text;
	float weight;
};

struct watch_words {
	const struct watch_word *each; /* heaviest first */
	size_t count;
};

/* The backlog of an outage is over: every change held since the digest before is told in one message. */
struct watch_late {
	char id[32];                 /* "digest-...": its only event is 1 */
	int64_t at_us;               /* applied */
	size_t after;                /* it belongs behind so many of the alerts of these effects */
};

/* A rule's state for one topic, to be stored as it is. */
struct watch_rule_state {
	uint32_t rule, topic;
	const char *state;           /* opaque text, valid until cleared */
};

struct watch_source_state {
	const char *source;
	int64_t watermark_us;
	int64_t advanced_us;         /* `applied` when the watermark last moved */
	int64_t seen_us;             /* `applied` when it last showed anything, a document or progress */
	bool own_clock;
	bool behind;                 /* it brought changes that are held */
};

/* A source brought a document on this topic; noted once a day. */
struct watch_topic_source {
	uint32_t topic;
	const char *source;
	int64_t noted_us;            /* applied */
};

/* Since when (applied) changes are held; TIME_NONE = none are. */
struct watch_backlog_state {
	int64_t since_us;
};

struct watch_silence_state {
	uint32_t topic; /* UINT32_MAX = all */
	int64_t until_us;
};

/* Effects of many events gather here; arrays hold each bucket once (summed), each state and source once (its last
 * value), alerts in order. */
struct watch_effects {
	struct watch_bucket *increments;
	size_t increment_count;
	struct watch_rule_state *rule_states;
	size_t rule_state_count;
	struct watch_source_state *sources;
	size_t source_count;
	struct watch_alert *alerts;
	size_t alert_count;
	struct watch_silence_state *silences;
	size_t silence_count;
	struct watch_topic_source *topic_sources; /* each pair once */
	size_t topic_source_count;
	struct watch_late *lates;    /* in order */
	size_t late_count;
	struct watch_backlog_state *backlog; /* NULL = as it was */
	struct watch_effects_private *private;
};

struct watch_effects *watch_effects_create(void);
void watch_effects_clear(struct watch_effects *effects);
void watch_effects_free(struct watch_effects *effects);

/* ---- loading a stored state: call before the first event, each in the order of the database ---- */

void watch_load_bucket(struct watch *watch, const struct watch_bucket *bucket);
/* -1 where the text is not one that this version or an older one wrote. */
int watch_load_rule_state(struct watch *watch, const struct watch_rule_state *state);
void watch_load_source(struct watch *watch, const struct watch_source_state *source);
void watch_load_silence(struct watch *watch, const struct watch_silence_state *silence);
void watch_load_topic_source(struct watch *watch, const struct watch_topic_source *source);
void watch_load_backlog(struct watch *watch, const struct watch_backlog_state *backlog);
/* The recent documents (those with `applied` within WATCH_RECALL_US of the last one's, in order of id; backfill too; those
 * without topics only for their signatures) with the story they were given and how they were counted.  Topics stand as they
 * stood then; those that are watched no more are UINT32_MAX. */
#define WATCH_RECALL_US (3 * 24 * 3600 * INT64_C(1000000))
/* Only the latest of them need a signature: as many as stories are sought among, and some for titles without words. */
#define WATCH_RECALL_SIGNATURES 225000
void watch_load_document(struct watch *watch, const struct watch_document *document, int64_t story, uint64_t counted);

/*
 * A stored state whose rule or topic is configured no more, or not together: after loading, or a reload.
 * 1 = its alert was open and ends here: `alert` is its last event (rule, topic and what the last verdict said are the
 * caller's to fill in), `text` what is to be stored instead.  0 = nothing was open.  -1 = not a text of ours.
 */
#define WATCH_STATE_SIZE 1024
int watch_retire_state(struct watch *watch, const char *state, int64_t applied_us, struct watch_alert *alert,
		       char text[WATCH_STATE_SIZE]);

/* Is the rule there, and watches it that topic? */
bool watch_has_rule(const struct watch *watch, uint32_t rule, uint32_t topic);

/* A new configuration (SIGHUP): topics and rules that keep their names keep their state.  What is gone is forgotten here;
 * its stored states are to be retired.  True where a topic, or a rule on a topic, was not there before: what the database
 * knows of it from an earlier configuration is not in this core, and comes by a load into another one. */
bool watch_reconfigure(struct watch *watch, const struct watch_options *options, struct watch_effects *effects);

/* ---- another model (alerts/model_switch.h) ---- */

/* Documents behind this one were judged by another model. */
struct watch_switch {
	int64_t at_us;          /* `applied` */
	int64_t last_document;  /* the last one of before */
	struct switch_chances overall;
	const struct switch_chances *topics; /* by index */
};

/* All that was counted so far becomes what the new model would have counted: history, windows, which stories are known as
 * negative.  Evidence stays as it was said, alerts stay as they are.  For a replay that comes to the place. */
void watch_switch_model(struct watch *watch, const struct watch_switch *model_switch);

/* While loading, in place of watch_load_bucket, a bucket of before these switches (oldest first); and, between the last
 * document of before and the first behind it, what the windows hold of the time [from, until). */
void watch_load_bucket_before(struct watch *watch, const struct watch_bucket *bucket, const struct watch_switch *switches,
			      size_t count);
void watch_load_switch(struct watch *watch, const struct watch_switch *model_switch, struct watch_span span);

/* ---- looking ---- */

/* For tests: the state of a rule on a topic now. */
enum alert_state watch_get_state(const struct watch *watch, uint32_t rule, uint32_t topic);

/* For charts: what a rule expects of a topic in the `cells` cells that end with that of `at_us`, as far as is known now
 * (rule_expect). */
struct rule_band watch_expect(struct watch *watch, uint32_t rule, uint32_t topic, int64_t at_us, int32_t cells);

/* A digest of the whole state: equal digests = equal states (restart tests). */
uint64_t watch_digest(const struct watch *watch);

#endif
