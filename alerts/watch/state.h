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
};

/* Two documents of a story within this event time count once for a topic; also how far back stories are sought. */
#define STORY_SPAN_US (48 * INT64_C(3600000000))
/* Stories sought among this many recent documents. */
#define STORY_DOCUMENTS 200000

struct source_mark {
	char *name;
	int64_t watermark_us, advanced_us, seen_us;
	int64_t loaded_us;         /* while loading: the watermark that the documents so far made */
	bool own_clock;
};

/* A rule on a topic: exists from its first change on. */
struct rule_state {
	uint32_t rule, topic;
	enum alert_state state;    /* never ALERT_RESOLVED: that is ALERT_OK */
	char id[ID_SIZE];
	uint32_t event;
	int32_t changed;           /* the cell of the last change; no judgement goes back before it */
	int32_t began, fired;      /* cells; fired 0 = not yet */
	int32_t hot;               /* the last cell in which a document came and the count was high */
	uint32_t peak;
	bool notified;             /* the firing was sent */
	uint32_t source;           /* whose clock it follows: the furthest that brought a document */
};

struct topic {
	char *name;
	uint64_t key;              /* hash of the name */
	struct window recent;      /* per cell */
	struct window hours;       /* per hour */
	struct rule_baseline *baselines[RULE_METRICS]; /* NULL = not learnt since the history changed */
	struct topic_memory memory;
	uint32_t *rules;           /* indices of the rules that watch this topic, ascending */
	struct rule_state **states; /* beside `rules`; NULL = ok, and never was otherwise */
	size_t rule_count;
	int64_t silent_until_us;
};

struct watch {
	struct topic *topics;
	size_t topic_count;
	struct rule_spec *rules;   /* names owned; topics resolved and dropped */
	size_t rule_count;
	int64_t lateness_us, no_data_us;
	struct source_mark *sources;
	size_t source_count, last_source;
	struct rule_state **active; /* those that are not ok */
	size_t active_count, active_room;
	struct pairs pairs;
	struct story_index *stories;
	int64_t silent_until_us;   /* everything */
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

static inline uint64_t hash_number(uint64_t seed, uint64_t value)
{
	return hash_bytes(seed, &value, sizeof value);
}

/* ---- configure.c ---- */
void configure(struct watch *watch, const struct watch_options *options);
void free_topic(struct topic *topic);

/* ---- sources.c ---- */
uint32_t source_find(struct watch *watch, const char *name); /* made where it is new */
struct watch_source_state source_state(const struct source_mark *source);

/* ---- count.c ---- */
/* Event time as the core uses it: capped at `applied` unless the source has its own clock, and within sane years. */
int64_t event_time(const struct watch_document *document);
/* Count a document in the topic's pairs and, where `recent`, its windows and memory; tells what is new in it. */
struct tally count_document(struct watch *watch, struct topic *topic, const struct watch_document *document,
			    int64_t published_us, int64_t story, bool recent);
/* Add to the topic's history and to the trends. */
void count_history(struct topic *topic, int64_t published_us, const struct tally *tally);
void count_trends(uint32_t topic, const struct watch_document *document, int64_t published_us, const struct tally *tally,
		  struct watch_effects *effects);

/* ---- load.c ---- */
struct tally bucket_tally(const struct watch_bucket *bucket);

/* ---- judge.c ---- */
/* Judge the rules of a topic that count any of `tally`, at a source's watermark; upwards only: the cell is still open. */
void judge_topic(struct watch *watch, uint32_t topic, const struct tally *tally, uint32_t source, int64_t applied_us,
		 struct watch_effects *effects);
/* What falls due by time alone, in the cells closed before `cell`, for whatever follows this source's clock. */
void judge_due(struct watch *watch, uint32_t source, int32_t cell, int64_t applied_us, struct watch_effects *effects);
/* `active` is kept in order of topic and rule, so that what falls due together is told in one order. */
void activate(struct watch *watch, struct rule_state *state);
void deactivate(struct watch *watch, const struct rule_state *state);

/* ---- text.c: a rule's state as the database keeps it ---- */
enum { STATE_TEXT_SIZE = WATCH_STATE_SIZE };
void state_print(const struct watch *watch, const struct rule_state *state, char out[STATE_TEXT_SIZE]);
/* Source names may be unknown yet: they are made.  -1 where the text is none of ours. */
int state_parse(struct watch *watch, const char *text, struct rule_state *state);

/* ---- announce.c ---- */
/* Write down that `state` (already changed) became `change` in `cell`, with its evidence. */
struct change {
	enum alert_state to;
	int32_t cell;
	bool notify;
	int64_t applied_us;
	const struct rule_verdict *verdict;
};
void announce(const struct watch *watch, const struct rule_state *state, const struct change *change,
	      struct watch_effects *effects);

#endif
