#include "model/train/block.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * A step walks through some hundred megabytes, columns of matrices among them,
 * so large blocks ask for pages of 2 MB: many times fewer to look up, and to
 * be given at first.
 */
enum { LINE = 64, HUGE_PAGE = 2 << 20 };

void *block_make(size_t size)
{
	size_t unit = size >= 2 * HUGE_PAGE ? HUGE_PAGE : LINE;
	if (size > (size_t)-1 - 2 * unit)
		return NULL;
	size = (size / unit + 1) * unit;
	void *block = aligned_alloc(unit, size);
	if (block != NULL && unit == HUGE_PAGE)
		(void)madvise(block, size, MADV_HUGEPAGE); /* where there are none it goes as well */
	return block;
}

float *block_zeros(size_t count)
{
	if (count > (size_t)-1 / sizeof(float))
		return NULL;
	float *block = block_make(count * sizeof *block);
	if (block != NULL)
		memset(block, 0, count * sizeof *block);
	return block;
}
