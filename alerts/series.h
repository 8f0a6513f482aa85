#ifndef ALERTS_SERIES_H
#define ALERTS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How unusual is the newest value of an evenly spaced series of counts, judged
 * from earlier values only?  This is `bellwether detect`.
 *
 * What it has in common with the rules on topics (alerts/rule.h): a verdict is
 * how often chance would do this, held against a budget of false alarms, never
 * a threshold on the count; several windows are judged together, and the
 * rarest decides; what is once told is told again only where it grows much
 * rarer; outages are left out of what is learnt; and the tails
 * (alerts/rule/tail.h).  What differs: a series has no stories, so that one
 * loud account makes bursts every day.  A rule's negative binomial would take
 * each for news; here a window is held against the highest of each day.
 */
enum { SERIES_SPANS = 3 };

/* What it rests on, for a bench to turn. */
struct series_constants {
	double hours[SERIES_SPANS]; /* the windows */
	size_t days;                /* learnt from */
	double prior_deviation;     /* of a day's highest window on the logarithm, worth prior_days of days */
	double prior_days;
	double told_again;          /* for a day, news is what has at most the chance of the news before, to this power */
};

extern const struct series_constants series_usual;

struct series_options {
	size_t hour_rows;            /* rows of an hour, at least 1 */
	size_t day_rows;             /* rows of a day, at least hour_rows */
	double false_alarms_per_day; /* the budget */
	const struct series_constants *constants; /* NULL = series_usual; copied */
};

struct series_verdict {
	double expected; /* of the value, from the same time on earlier days; the value itself on the first day */
	double score;    /* 0..1: 1 - the chance a day; halved where it is no news */
	bool alert;      /* news, and the chance is within the budget */
};

struct series;

struct series *series_create(const struct series_options *options);
void series_free(struct series *series);

/* The next row.  Values below 0 count as 0; NAN is a row without a value: its score is 0, and nothing is learnt from it. */
struct series_verdict series_add(struct series *series, double value);

/* How many rows back anything is remembered: a longer gap is a new beginning. */
size_t series_memory(const struct series *series);

#endif
