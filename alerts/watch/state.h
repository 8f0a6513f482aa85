#ifndef ALERTS_WATCH_STATE_H
#define ALERTS_WATCH_STATE_H

#include "alerts/rule.h"
#include "alerts/story.h"
#include "alerts/watch.h"
#include "alerts/watch/memory.h"
#include "alerts/watch/pairs.h"
#include "alerts/window.h"
#include "daemon/base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The state of the core, shared by the files of alerts/watch.  Event time is
 * counted in cells of the rule grid (minutes since 1970) and in hours.
 */
enum {
	CELLS_AN_HOUR = 60,
	RECENT_CELLS = RULE_LONGEST_CELLS + 13 * CELLS_AN_HOUR, /* the longest window, the most lateness (12 h), some slack */
	ID_SIZE = 17,
	TOPIC_BASELINES = 2,
};

/* Two documents of a story within this event time count once for a topic; also how far back stories are sought. */
#define STORY_SPAN_US (48 * INT64_C(3600000000))
/* Stories sought among this many recent documents. */
#define STORY_DOCUMENTS 200000

struct source_mark {
	char *name;
	int64_t watermark_us, advanced_us, seen_us;
	int64_t loaded_us;         /* while loading: the watermark that the documents so far made */
	int32_t calm_until;        /* nothing that follows it is due before this cell (due.c) */
	bool own_clock;
	bool behind;               /* it brought changes that are held for the digest */
};

/* Was an alert told, since it fired? */
enum told {
	TOLD_NOT,                  /* a silence: it is told when that ends */
	TOLD_LIVE,                 /* by a message of its own or, of a member of a group, of its leader */
	TOLD_DIGEST,               /* it will be, by the digest of the backlog that is open */
	TOLD_ALONE,                /* by a message of its own, before another one of its minute took the lead: its end is told too */
};

/* A rule on a topic: exists from its first change on. */
struct rule_state {
	uint32_t rule, topic;
	enum alert_state state;    /* never ALERT_RESOLVED: that is ALERT_OK */
	uint64_t order;            /* of rule and topic, from their names */
	char id[ID_SIZE];
	char group[ID_SIZE];       /* the leader's id; its own where it is alone or leads */
	uint32_t joined;           /* how many topics ever joined it */
	uint32_t followers;        /* how many of them fire now; not stored */
	uint32_t event;
	int32_t changed;           /* the cell of the last change; no judgement goes back before it */
	int32_t began, fired;      /* cells; fired 0 = not yet */
	int32_t hot;               /* the last cell in which a document came and the count was high */
	int32_t since;             /* the last one of the alert before; windows begin after it; RULE_EVER = none before */
	uint32_t peak;
	enum told told;
	uint32_t said;             /* the peak that the last message said, and its cell */
	int32_t said_cell;
	uint32_t source;           /* whose clock it follows: the furthest that brought a document */
};

struct heard_source {
	uint32_t source;
	int64_t noted_us;          /* applied; once a day */
};

struct topic {
	char *name;
	uint64_t key;              /* hash of the name */
	struct window recent;      /* per cell */
	struct window hours;       /* per hour */
	/* Two, the one used last first: a source that is a day behind is judged by another hour's.  NULL = not learnt since the
	 * history changed. */
	struct rule_baseline *baselines[RULE_METRICS][TOPIC_BASELINES];
	int32_t learnt;            /* none of them is for a later hour */
	struct topic_memory memory;
	uint32_t *rules;           /* indices of the rules that watch this topic, ascending */
	struct rule_state **states; /* beside `rules`; NULL = ok, and never was otherwise */
	size_t rule_count;
	int64_t silent_until_us;
	uint32_t *quiets;          /* indices of the configured silences that mean it */
	size_t quiet_count;
	struct heard_source *sources; /* that brought it documents */
	size_t source_count;
};

/* A topic of the document at hand, and where it stands in the order. */
struct visit {
	uint64_t key;
	uint32_t topic, place;
};

/* The bits of watch_counted: two, and three for each topic: a new story, newly judged, newly negative. */
enum { COUNTED_KNOWN = 1, COUNTED_LATE = 2, COUNTED_TOPICS = 17 };

struct watch {
	struct topic *topics;
	size_t topic_count;
	struct rule_spec *rules;   /* names owned; topics resolved and dropped */
	size_t rule_count;
	int64_t lateness_us, no_data_us;
	struct source_mark *sources;
	size_t source_count, last_source;
	struct rule_state **active; /* those that are not ok, by `order` */
	size_t active_count, active_room;
	bool groups_stale;         /* states were loaded or are gone: followers are to be counted */
	uint64_t last_counted;
	struct visit *visits;
	size_t visit_room;
	struct pairs pairs;
	struct story_index *stories;
	int64_t silent_until_us;   /* everything */
	struct watch_quiet *quiets; /* spans owned, names not kept */
	size_t quiet_count;
	int64_t backlog_us;        /* since when changes are held; TIME_NONE = none are */
};

static inline int32_t cell_of(int64_t time_us)
{
	int64_t cell = time_us / RULE_CELL_US;

	return (int32_t)(cell - (time_us < cell * RULE_CELL_US));
}

static inline int64_t cell_time(int32_t cell)
{
	return cell * RULE_CELL_US;
}

static inline int32_t hour_of(int64_t time_us)
{
	int64_t hour = time_us / (RULE_CELL_US * CELLS_AN_HOUR);

	return (int32_t)(hour - (time_us < hour * RULE_CELL_US * CELLS_AN_HOUR));
}

/* Asks the memory for what lies there. */
static inline void fetch_lines(const void *at, size_t size)
{
	enum { LINE = 64 };

	for (size_t i = 0; i < size; i += LINE)
		__builtin_prefetch((const char *)at + i);
}

static inline uint64_t hash_number(uint64_t seed, uint64_t value)
{
	return hash_bytes(seed, &value, sizeof value);
}

/* ---- configure.c ---- */
void configure(struct watch *watch, const struct watch_options *options);
void free_topic(struct topic *topic);

/* ---- quiet.c ---- */
void quiets_copy(struct watch *watch, const struct watch_options *options);
void quiets_free(struct watch *watch);
bool is_silent(const struct watch *watch, const struct topic *topic, int64_t applied_us);
bool is_all_silent(const struct watch *watch, int64_t applied_us);

/* ---- sources.c ---- */
uint32_t source_find(struct watch *watch, const char *name); /* made where it is new */
void put_source(struct watch *watch, uint32_t index, struct watch_effects *effects);
/* The topic has a document of the source. */
void topic_hear(struct watch *watch, uint32_t topic, uint32_t source, int64_t applied_us, struct watch_effects *effects);
bool source_is_dead(const struct watch *watch, uint32_t source, int64_t applied_us);
/* Alerts that follow a dead source follow a living one of their topic from now on. */
void leave_dead_sources(struct watch *watch, int64_t applied_us, struct watch_effects *effects);

/* ---- count.c ---- */
/* Event time as the core uses it: capped at `applied` unless the source has its own clock, and within sane years. */
int64_t event_time(const struct watch_document *document);
/* Count a document in the topic's pairs; tells what is new in it. */
struct tally count_document(struct watch *watch, const struct topic *topic, const struct watch_document *document,
			    uint32_t source, int64_t published_us, int64_t story);
/* Into its windows and memory. */
void count_recent(struct topic *topic, const struct watch_document *document, int64_t published_us, int64_t story,
		  const struct tally *tally);
uint64_t counted_write(const struct tally *tally, size_t place);
/* Where it is known, it is put in the place of what was found now. */
void counted_read(uint64_t counted, size_t place, const struct watch_document *document, struct tally *tally);
/* Add to the topic's history and to the trends. */
void count_history(struct topic *topic, int64_t published_us, const struct tally *tally);
void count_trends(uint32_t topic, const struct watch_document *document, int64_t published_us, const struct tally *tally,
		  struct watch_effects *effects);

/* ---- judge.c ---- */
/* Frees those for hours after `hour`. */
void forget_baselines(struct topic *topic, int32_t hour);
const struct rule_baseline *baseline_of(struct topic *topic, enum rule_metric metric, int32_t cell);
struct rule_verdict judge(struct watch *watch, uint32_t topic, uint32_t rule, struct rule_span span);
/* Judge the rules of a topic that count any of `tally`, at a source's watermark; upwards only: the cell is still open. */
void judge_topic(struct watch *watch, uint32_t topic, const struct tally *tally, uint32_t source, int64_t applied_us,
		 struct watch_effects *effects);

/* ---- due.c ---- */
/* The cell in which time alone brings an alert's next step. */
int32_t due_cell(const struct watch *watch, const struct rule_state *state);
void step_due(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects);
/* What falls due by time alone, in the cells closed before `cell`, for whatever follows this source's clock; and alerts are
 * told whose silence has ended. */
void judge_due(struct watch *watch, uint32_t source, int32_t cell, int64_t applied_us, struct watch_effects *effects);
/* To be called where an alert begins, goes over to another source, loses its last follower or may wait for a silence to end. */
void due_stir(struct watch *watch);

/* ---- active.c ---- */
/* The place in `order` of a rule on a topic: by their names, so that the order of the configuration plays no part. */
uint64_t order_of(const struct watch *watch, uint32_t rule, uint32_t topic);
void activate(struct watch *watch, struct rule_state *state);
void deactivate(struct watch *watch, const struct rule_state *state);

/* ---- text.c: a rule's state as the database keeps it ---- */
enum { STATE_TEXT_SIZE = WATCH_STATE_SIZE };
void state_print(const struct watch *watch, const struct rule_state *state, char out[STATE_TEXT_SIZE]);
void put_state(const struct watch *watch, const struct rule_state *state, struct watch_effects *effects);
/* Source names may be unknown yet: they are made.  -1 where the text is none of ours. */
int state_parse(struct watch *watch, const char *text, struct rule_state *state);

/* ---- tell.c: the steps of an alert, and which of them are sent ---- */
/* What is seen where a change is made. */
struct moment {
	int32_t cell;
	int64_t applied_us;
	const struct rule_verdict *verdict;
};
void begin_pending(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects);
void fire(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects);
void resolve(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects);
/* Another update where it has grown enough. */
void escalate(struct watch *watch, struct rule_state *state, const struct moment *now, struct watch_effects *effects);
/* A silence ran out while the alert goes on: now it is told. */
void break_silence(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects);
/* The digest is out, or its leader is gone: what goes on is told by itself. */
void tell_again(struct watch *watch, struct rule_state *state, int64_t applied_us, struct watch_effects *effects);

/* ---- group.c ---- */
bool leads(const struct rule_state *state); /* or is alone */
/* The alert that leads those who fire on the same stories; NULL = none. */
struct rule_state *group_seek(struct watch *watch, const struct rule_state *state, const struct moment *now);
void group_join(struct rule_state *state, struct rule_state *leader);
/* Is it for `state`, which has just fired, to lead this leader's group?  Then it takes the lead. */
bool group_precedes(const struct watch *watch, const struct rule_state *state, const struct rule_state *leader);
void group_lead(struct watch *watch, struct rule_state *state, struct rule_state *leader, struct watch_effects *effects);
/* A member that no longer fires, or (`leaves`) stands on its own from now on. */
void group_release(struct watch *watch, struct rule_state *state, bool leaves, struct watch_effects *effects);
/* Does it still fire on stories of its group? */
bool group_shares(struct watch *watch, const struct rule_state *state, const struct moment *now);
/* The group's topics, the leader's first, then by name; the caller frees.  `all`: also those that fire no more. */
uint32_t *group_members(const struct watch *watch, const struct rule_state *state, bool all, size_t *count);
/* Count followers after a load or a reload; who has lost the leader stands alone. */
void groups_settle(struct watch *watch, int64_t applied_us, struct watch_effects *effects);

/* ---- backlog.c ---- */
bool is_late(const struct watch *watch, const struct rule_state *state, int32_t cell, int64_t applied_us);
/* Has the source last shown what was late? */
bool is_behind(const struct watch *watch, uint32_t source, int64_t applied_us);
/* A change is held for the digest. */
void backlog_hold(struct watch *watch, uint32_t source, int64_t applied_us, struct watch_effects *effects);
/* At each tick: is it over? */
void backlog_tick(struct watch *watch, int64_t applied_us, struct watch_effects *effects);

/* ---- chart.c ---- */
struct watch_chart chart_of(struct watch *watch, uint32_t rule, uint32_t topic, int32_t cell);

/* ---- announce.c ---- */
/* Write down that `state` (already changed) became `to` in `cell`, with its evidence. */
struct change {
	enum alert_state to;
	enum alert_change what;
	bool notify, held, late;
};
void announce(struct watch *watch, const struct rule_state *state, const struct change *change, const struct moment *now,
	      struct watch_effects *effects);

#endif
