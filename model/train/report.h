#ifndef MODEL_TRAIN_REPORT_H
#define MODEL_TRAIN_REPORT_H

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What predictions are worth, in scikit-learn's terms: means over classes are
 * over those that occur in the truth or among the predictions, and what is
 * divided by nothing is 0.
 */
struct report_class {
	double precision, recall, f1;
	size_t support;  /* rows that are of it */
	size_t predicted; /* rows that are called it */
};

struct report_means {
	double precision, recall, f1;
};

/* Where the middle 95 of 100 lie when rows are drawn anew. */
struct report_interval {
	double low, high;
};

struct report {
	size_t rows, classes;
	struct report_class *of; /* [classes] */
	size_t *confusion;       /* [classes, classes]: truth by row, prediction by column */
	double accuracy;
	struct report_means macro, weighted;
	double loss;             /* the mean of -log p(truth) */
	double calibration;      /* expected calibration error, 15 bins: Guo et al., arXiv:1706.04599 */
	bool has_intervals;
	struct report_interval accuracy_interval, macro_interval, weighted_interval;
};

/* truth[rows] below `classes`, or -1: a row that is not counted; logits[rows], a row's `classes` values every `stride`. */
int report_make(struct report *report, const int *truth, const float *logits, size_t stride, size_t rows, size_t classes,
		struct err *e);
void report_clear(struct report *report);

/* A confusion matrix alone: one of zeros, and what follows from it and `rows` once it is filled. */
int report_open(struct report *report, size_t classes, struct err *e);
void report_count(struct report *report);

/* Where the middle 95 of 100 of values[count > 0] lie; sorts them. */
struct report_interval report_middle(double *values, size_t count);

/* Adds the intervals, by the percentile bootstrap (Efron, 1979) with `samples` samples. */
int report_bootstrap(struct report *report, size_t samples, uint64_t seed, struct err *e);

#endif
