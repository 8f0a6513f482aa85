#ifndef DAEMON_SEARCH_HALVING_H
#define DAEMON_SEARCH_HALVING_H

#include <stddef.h>
#include <stdint.h>

/*
 * Successive halving: all candidates get a small part of the work, the best
 * third of them three times as much, and so on until few get all of it
 * (Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and
 * Hyperparameter Optimization", AISTATS 2016).  Each rung costs about the same.
 */
enum { HALVING_RUNGS = 4, HALVING_FACTOR = 3 };

struct halving_rung {
	size_t candidates;
	double part; /* of a whole run; 1 in the last rung */
};

/* Returns how many rungs there are; 0 < candidates.  A part is never below 1/27: less tells nothing apart. */
size_t halving_plan(size_t candidates, struct halving_rung rungs[HALVING_RUNGS]);

/* Leaves the `keep` candidates of alive[count] with the highest scores[candidate] in `alive`, best first; of equal ones that
 * with the lower number.  NaN is below everything. */
void halving_keep(uint32_t *alive, size_t count, const double *scores, size_t keep);

#endif
