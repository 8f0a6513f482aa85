#ifndef ALERTS_RULE_PRIVATE_H
#define ALERTS_RULE_PRIVATE_H

#include "alerts/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the files of the rule share.  Times are hours since 1970 where they are not said to be cells. */
enum {
	DAY_HOURS = 24,
	GAP_HOURS = 72,                /* the last hours are never learnt from */
	DAYS_MOST = RULE_HISTORY_HOURS / DAY_HOURS,
	CELLS_A_DAY = 24 * 60,
	DRIFT_DAYS = 14,               /* a slow build is sought in so many */
};

#define LEAST_EXPECTED 1e-4
enum { LEAST_JUDGED = 5 }; /* stories with a polarity, for a share or a mean to mean something */

/* The windows that are judged together, in cells; ascending. */
extern const int32_t rule_windows[RULE_WINDOWS];

/* The hours learnt from: [begin, begin + hours), oldest first. */
struct history {
	int32_t begin, hours;
	bool gaps;                           /* some hours are not to be believed */
	float counts[RULE_HISTORY_HOURS];    /* of all stories; 0 where the feed was dead */
	float negative[RULE_HISTORY_HOURS];  /* of them */
	float exposure[RULE_HISTORY_HOURS];  /* in average days, by the week's profile; 0 where the feed was dead */
	/* All cumulative: up to, not with, an hour. */
	double counted[RULE_HISTORY_HOURS + 1];  /* of the metric; share and mean: of judged stories */
	double others[RULE_HISTORY_HOURS + 1];   /* negative stories: those that are not; else 0 */
	double summed[RULE_HISTORY_HOURS + 1];   /* share: of negative stories; mean: of scores; else unset */
	double exposed[RULE_HISTORY_HOURS + 1];
};

/* One past day: 24 hours counted back from the history's end; the first one may be shorter. */
struct day {
	int32_t begin, end;   /* indices of its hours */
	struct tally tally;
	double exposure;      /* in average days */
	double weight;        /* half after 45 days */
	double root;          /* of the weight */
	double count;         /* of what is being learnt */
	double kept;          /* what is believed of it: spikes and holidays cut */
	double forecast;      /* level that the days up to four before gave; < 0 = too early */
};

void history_read(struct history *history, const struct window *hours, int32_t hour);
/* After week_learn: what is cumulative. */
void history_sum(struct history *history, const struct window *hours, enum rule_metric metric);
size_t history_cut_days(const struct history *history, const struct window *hours, struct day days[DAYS_MOST]);

/* week.c: the profile, as a cumulative sum; fills the history's exposure, and clears the counts of hours that have none. */
int rule_hour_of_week(int32_t hour);
void week_learn(struct history *history, float cumulative[RULE_WEEK_HOURS + 1]);

/* What each hour of the week had, and how often it was seen. */
struct week {
	double counts[RULE_WEEK_HOURS], seen[RULE_WEEK_HOURS];
	double mean; /* an hour */
};

/* gaps.c: takes their exposure from hours in which the feed was dead, and from holidays. */
void gaps_mark(struct history *history, const struct week *week, const double profile[RULE_WEEK_HOURS]);

/* What is usual, the stories that it rests on, and how days differ (variance over mean; tone: variance). */
struct usual {
	double level, support, dispersion, growth; /* growth: of the logarithm, a day */
};
struct usual level_learn(struct day *days, size_t count, enum rule_metric metric);
/* After level_learn: by what would have forecast these days best. */
struct usual level_forecast(struct day *days, size_t count, struct usual usual);
struct usual tone_learn(const struct day *days, size_t count, bool share);
bool rule_counts(enum rule_metric metric); /* stories, or how bad they are? */
double rule_middle(double *values, size_t count); /* the median, the upper one of an even count; sorts: for a few values */

/* scatter.c: variance over mean within each of the rule's windows. */
void scatter_learn(struct rule_baseline *baseline, const struct history *history, const struct day *days, size_t count);

/*
 * tone.c: a share, or a mean read as one: so many of the judged stories are as
 * bad as can be; each window has a share of its own, drawn with this variance.
 */
struct tone_trial {
	double judged, bad, share, spread;
};
struct tone_trial tone_trial(const struct rule_baseline *baseline, enum rule_metric metric, double judged, double sum,
			     int32_t cells);
double tone_rate(const struct tone_trial *trial, int32_t cells); /* as look_rate */
void tone_scatter(struct rule_baseline *baseline, const struct history *history, enum rule_metric metric);

/* calibrate.c: how often this topic's own past crossed the line, against how often it should have. */
void calibrate(struct rule_baseline *baseline, const struct history *history, const struct day *days, size_t count,
	       enum rule_metric metric);
/* Alarms a day of all windows together, on a topic with this past, at a window's own rate. */
double rule_alarms(const struct rule_baseline *baseline, double rate);

/* look.c: alarms a day that chance makes at this count, in one window alone; INFINITY where the count is not high. */
double look_rate(double count, double mean, double variance, int32_t cells);
/* Negative stories: the others are a witness, since a crisis brings those too.  A factor for the rate. */
double look_witness(const struct rule_baseline *baseline, double others, double exposure, double dispersion);
size_t look_window(int32_t cells); /* the index of the shortest of the rule's windows that is as long, or of the longest */
double look_unsure(const struct rule_baseline *baseline); /* what the baseline holds, from its other fields */
double look_variance(const struct rule_baseline *baseline, double mean, int32_t cells);

/* The week's profile from Monday up to a minute; and the cells that end with `cell`, given the point after it, in days
 * at the level of the baseline's hour: growth included. */
struct week_point {
	double even, smooth;
};
struct week_point look_point(const struct rule_baseline *baseline, int64_t cell);
double look_exposure(const struct rule_baseline *baseline, const struct week_point *end, int32_t cell, int32_t cells);

/* metric.c: what one window says. */
struct look {
	double expected, ratio;
	double per_day; /* INFINITY where the count is not high, or below min_count or min_ratio */
	uint32_t count;
};
uint32_t look_least_count(const struct rule_spec *spec);
uint32_t look_count(enum rule_metric metric, const struct tally *tally);
struct look look_at(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
		    double exposure, int32_t cells);
double look_p_value(const struct rule_spec *spec, const struct rule_baseline *baseline, const struct tally *tally,
		    const struct look *look, int32_t cells);

/* cause.c: what was written in the window that decided, and how bad it was. */
void cause_tell(struct rule_verdict *verdict, const struct rule_spec *spec, const struct rule_baseline *baseline,
		const struct tally *tally, double exposure);

void drift_learn(struct rule_baseline *baseline, const struct window *hours, const struct history *history,
		 const struct day *days, size_t count, enum rule_metric metric);
double drift_rate(const struct rule_baseline *baseline, double count, double exposure);

double rule_budget(const struct rule_spec *spec);

#endif
