/*
 * Blocks of `length` values (van Herk, Pattern Recognition Letters 13, 1992):
 * a window is the tail of the last block and the head of this one, and tails
 * are worked out once, when a block is full.
 */
#include "alerts/series/sliding.h"

#include "daemon/base/check.h"

#include <math.h>
#include <stdlib.h>

void sliding_init(struct sliding *sliding, enum sliding_kind kind, size_t length)
{
	*sliding = (struct sliding){.kind = kind, .length = length};
	sliding->block = xcalloc(length, sizeof *sliding->block);
	sliding->tails = xcalloc(length, sizeof *sliding->tails);
}

void sliding_reset(struct sliding *sliding)
{
	free(sliding->block);
	free(sliding->tails);
	*sliding = (struct sliding){0};
}

static double join(const struct sliding *sliding, double a, double b)
{
	return sliding->kind == SLIDING_SUM ? a + b : fmax(a, b);
}

static void begin_block(struct sliding *sliding)
{
	double *done = sliding->block;

	for (size_t i = sliding->length - 1; i-- > 0;)
		done[i] = join(sliding, done[i], done[i + 1]);
	sliding->block = sliding->tails;
	sliding->tails = done;
	sliding->filled = 0;
}

double sliding_add(struct sliding *sliding, double value)
{
	if (sliding->filled == sliding->length)
		begin_block(sliding);
	sliding->head = sliding->filled ? join(sliding, sliding->head, value) : value;
	sliding->block[sliding->filled++] = value;
	return sliding->filled == sliding->length ? sliding->head
						  : join(sliding, sliding->tails[sliding->filled], sliding->head);
}
