#ifndef MODEL_TRAIN_COMPARE_H
#define MODEL_TRAIN_COMPARE_H

#include "daemon/base/err.h"
#include "model/train/report.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Two models' answers to the same rows.  Both meet the same easy and hard
 * ones, so what tells them apart are the rows that one alone gets right; and
 * the difference of their figures varies far less than each figure does.
 */
struct comparison {
	size_t rows;
	size_t both_right, first_alone, second_alone, none_right;
	size_t changed;          /* rows with another answer, right or wrong */
	double accuracy[2], macro_f1[2];
	double p_value;          /* McNemar's: that chance makes such a difference */
	struct report_interval accuracy_gain, macro_f1_gain; /* of second - first, 95 %: by the paired bootstrap */
};

/* truth[rows], or -1: not counted; answers below `classes`.  Fails for want of memory alone. */
int comparison_make(struct comparison *out, const int *truth, const int *first, const int *second, size_t rows,
		    size_t classes, size_t samples, uint64_t seed, struct err *e);

/* The exact test, two-sided: how likely a fair coin splits a + b tosses as unevenly (McNemar, Psychometrika 12 (1947)). */
double comparison_mcnemar(size_t a, size_t b);

#endif
