#ifndef DAEMON_DRIFT_MEASURE_H
#define DAEMON_DRIFT_MEASURE_H

#include <stddef.h>

/*
 * How far two distributions over the same bins are apart, from counts.  Bins
 * that are empty on both sides are none.
 */

/*
 * Population stability index: sum of (a - b) ln(a / b) over the shares a and b
 * of each bin (Siddiqi, Credit Risk Scorecards, 2006).  Half a count is added to
 * each bin, so that an empty one is not infinitely far from the other.
 */
double drift_stability(const double *before, const double *now, size_t bins);

/* Jensen-Shannon distance, in [0, 1]: the root of the divergence to base 2 (Lin, 1991; Endres and Schindelin, 2003). */
double drift_distance(const double *before, const double *now, size_t bins);

/*
 * The stability index that chance alone stays below 95 times of 100: under one
 * distribution the index times n m / (n + m) follows a chi-squared with bins - 1
 * degrees of freedom (Yurdakul, Statistical Properties of the Population
 * Stability Index, 2018).  `n_before` and `n_now` draws; infinite where one is 0.
 */
double drift_chance(const double *before, const double *now, size_t bins, double n_before, double n_now);

enum drift_verdict { DRIFT_UNKNOWN, DRIFT_STABLE, DRIFT_WATCH, DRIFT_SHIFTED };

/* Below 0.1 stable, from 0.25 on shifted, between them watch; what chance may do is stable. */
enum drift_verdict drift_judge(double stability, double chance);

/* "stable" */
const char *drift_verdict_name(enum drift_verdict verdict);

#endif
