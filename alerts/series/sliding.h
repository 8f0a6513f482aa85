#ifndef ALERTS_SERIES_SLIDING_H
#define ALERTS_SERIES_SLIDING_H

#include <stddef.h>

/*
 * The sum or the highest of the last `length` values, in constant time a value
 * and without subtracting: after a huge value has left, nothing of it is left.
 */
enum sliding_kind { SLIDING_SUM, SLIDING_MOST };

/* Embedded in its owner; the fields are private to sliding.c. */
struct sliding {
	enum sliding_kind kind;
	size_t length, filled;
	double head;              /* over this block's values */
	double *block, *tails;    /* this block's values; tails[i]: over the last block's values from i on */
};

void sliding_init(struct sliding *sliding, enum sliding_kind kind, size_t length);
void sliding_reset(struct sliding *sliding); /* frees */

/* Values are finite; before the first one there were zeros. */
double sliding_add(struct sliding *sliding, double value);

#endif
