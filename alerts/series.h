#ifndef ALERTS_SERIES_H
#define ALERTS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How unusual is the newest value of an evenly spaced series of counts, judged
 * from earlier values only?  A verdict is a chance a day, as the rules' verdicts
 * are rates: how likely a day's highest hour is as high as the hour that ends
 * with this value.
 *
 * This is `bellwether detect`, and nothing else uses it: rules on topics
 * (alerts/rule.h) judge stories, not rows.
 */
struct series_options {
	size_t hour_rows;          /* rows of an hour, at least 1 */
	size_t day_rows;           /* rows of a day, at least hour_rows */
	double false_alarms_per_day; /* the budget */
};

struct series_verdict {
	double expected; /* of the value, from the same time on earlier days; the value itself on the first day */
	double score;    /* 0..1: 1 - the chance a day; halved for a day after an alert: what goes on is not news */
	bool alert;      /* the chance is within the budget, for the first time within a day */
};

struct series;

struct series *series_create(const struct series_options *options);
void series_free(struct series *series);

/* Values below 0 and what is no number count as 0. */
struct series_verdict series_add(struct series *series, double value);

#endif
