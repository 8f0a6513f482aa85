#ifndef ALERTS_RULE_H
#define ALERTS_RULE_H

#include "alerts/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A spike rule as the user wrote it, and the pure function that judges a
 * count: (history, counts, time) -> verdict.
 *
 * The topic's history gives what to expect (rule_learn); the recent counts of
 * several windows are held against that (rule_judge).  A verdict is a rate:
 * how often a topic like this one would show such a count by chance.  It fires
 * where that rate is within the user's budget of false alarms.
 */
#define RULE_CELL_US (60 * INT64_C(1000000)) /* the event-time grid */

enum {
	RULE_HISTORY_HOURS = 13 * 7 * 24, /* what a baseline is learnt from */
	RULE_LONGEST_CELLS = 48 * 60,     /* the longest window */
	RULE_WEEK_HOURS = 7 * 24,
	RULE_WINDOWS = 6,                 /* judged together */
	RULE_MOST_PUBLISHERS = 32,        /* as min_publishers: more are not told apart */
	RULE_EVER = INT32_MIN,            /* as `since`: no alert was before */
	RULE_HOLD_FACTOR = 10,            /* as long as the rate is within so many budgets, a firing alert holds */
	RULE_AGAIN_FACTOR = 30,           /* so many budgets are rare enough behind an alert, where all of it is within one */
};

/* A new one: its name in daemon/config_keys.c, what a window says of it in rule/metric.c, its past in rule/learn.c, history.c and
 * level.c, which documents touch it in watch/judge.c (counts_for); `grep RULE_VOLUME` finds the rest (charts, cause, replay). */
enum rule_metric {
	RULE_NEGATIVE_COUNT, /* negative stories */
	RULE_NEGATIVE_SHARE, /* negative stories among those with a polarity */
	RULE_MEAN_SCORE,     /* of stories with a polarity */
	RULE_VOLUME,         /* all stories */
	RULE_METRICS,          /* how many there are */
};

struct rule_spec {
	const char *name;
	const char *const *topics;    /* names; NULL with topic_count 0 = all */
	size_t topic_count;
	enum rule_metric metric;
	double false_alarms_per_day;  /* the budget, per topic: 1 per month = 1 / 30.4; 0 = default: 1 per month */
	int64_t window_us;            /* 0 = the rule's own set of windows, 15 minutes to 48 hours; at most 48 h */
	uint32_t min_count;           /* stories; 0 = default: 2 */
	double min_ratio;             /* count over expected; 0 = default: 1, more than expected */
	uint32_t min_publishers;      /* 0 = default: 1 */
	int64_t for_us;               /* pending this long before firing; default 0 */
	int64_t keep_firing_us;       /* resolved this long after the last document that kept the count high */
};

/* What a topic's past says about one metric.  A pure function of the history and the hour. */
struct rule_baseline {
	int32_t hour;        /* learnt for this hour */
	double days;         /* of history that it rests on */
	double level;        /* counts: stories on an average day; share: 0..1; mean score: -1..1 */
	double support;      /* stories that the level rests on */
	double unsure;       /* how unsure the level is: variance over its square */
	double growth;       /* counts of a busy topic: of the level's logarithm, a day, around `hour`; else 0 */
	double dispersion;   /* counts: variance over mean of a day; else: variance of a day's own level */
	double scatter[RULE_WINDOWS]; /* of each of the rule's windows; counts: variance over mean; else: of its own level */
	double score_variance; /* mean score: of a single story's */
	double past_alarms, past_slope;   /* how often the topic's own past crossed a line; 1 and 1 = as reckoned */
	double usual_alarms, usual_slope; /* the same of simulated topics like this one */
	double stories, stories_dispersion; /* all stories on an average day, whatever the metric, and their variance over mean */
	double judged;       /* of them with a polarity */
	double share, share_support, share_spread; /* the negative share, stories it rests on, variance of a day's own share */
	double drift;        /* counts: the cumulative sum of a slow build, up to `hour` */
	float week[RULE_WEEK_HOURS + 1]; /* the week's profile from Monday 0:00 UTC, cumulative, 7 in all */
};

/* The hour to learn for when judging in `cell`: baselines are learnt anew every hour while a topic is young, later once a
 * day. */
int32_t rule_baseline_hour(const struct window *hours, int32_t cell);
void rule_learn(struct rule_baseline *baseline, enum rule_metric metric, const struct window *hours, int32_t hour);

/* Which of the two made it fire: more is written, or what is written turned worse. */
enum rule_cause {
	RULE_CAUSE_NONE, /* neither fire nor hold */
	RULE_CAUSE_VOLUME,
	RULE_CAUSE_TONE,
	RULE_CAUSE_BOTH,
};

struct rule_verdict {
	bool fire;           /* within the budget */
	bool hold;           /* not that rare, but still high: a firing alert goes on */
	int32_t cells;       /* the window that decided */
	uint32_t count;      /* stories in it: what the metric counts; mean score: those with a polarity */
	double expected;     /* of the count; mean score: the usual mean */
	double ratio;        /* count over expected; mean score: the mean in the window */
	double p_value;      /* chance of as much or more in one window; 1 where neither fire nor hold */
	double per_day;      /* how often a day chance would do this; INFINITY = all the time */

	/* Volume and tone in the same window, whatever the metric. */
	uint32_t stories, judged;  /* all of them; those with a polarity */
	double stories_expected;
	double share, share_expected; /* negative among judged: 0..1; share is 0 where nothing is judged */
	enum rule_cause cause;
};

/*
 * Judge windows that end with `cell`.  `since`: the last cell of an alert that is
 * over.  What that has told alarms nobody anew, nor does one story more on top of
 * it: windows begin after it, and those that reach further back count only where
 * what came since is rare by itself, if not as rare as the budget asks.
 */
struct rule_span {
	int32_t since, cell;
};

/* Can any of the windows fire?  False where there are fewer stories than min_count in the longest one: then nothing need be
 * learnt. */
bool rule_may_fire(const struct rule_spec *spec, const struct window *recent, struct rule_span span);

struct rule_verdict rule_judge(const struct rule_spec *spec, const struct rule_baseline *baseline,
			       const struct window *recent, struct rule_span span);

/*
 * For charts: what is usual in the `cells` cells that end with `cell`, and the
 * smallest value at which that window would fire alone, other stories being as
 * many as usual.  Of the negative share: negative stories, as many being judged
 * as usual; of the mean score: the mean, and the highest one that would fire.
 */
struct rule_band {
	double expected, limit;
};
struct rule_band rule_expect(const struct rule_spec *spec, const struct rule_baseline *baseline, int32_t cell, int32_t cells);

#endif
