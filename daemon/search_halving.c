#include "daemon/search_halving.h"

#include <math.h>
#include <stdbool.h>

size_t halving_plan(size_t candidates, struct halving_rung rungs[HALVING_RUNGS])
{
	size_t count = 0;
	for (;; candidates /= HALVING_FACTOR) {
		candidates = candidates > 0 ? candidates : 1;
		rungs[count++].candidates = candidates;
		if (candidates == 1 || count == HALVING_RUNGS)
			break;
	}
	for (size_t i = 0; i < count; i++)
		rungs[i].part = pow(HALVING_FACTOR, (double)i - (double)(count - 1));
	return count;
}

static bool is_before(uint32_t a, uint32_t b, const double *scores)
{
	if (isnan(scores[a]) || isnan(scores[b]) || scores[a] == scores[b])
		return isnan(scores[a]) == isnan(scores[b]) ? a < b : isnan(scores[b]);
	return scores[a] > scores[b];
}

void halving_keep(uint32_t *alive, size_t count, const double *scores, size_t keep)
{
	for (size_t i = 0; i < keep && i < count; i++) {
		size_t best = i;
		for (size_t k = i + 1; k < count; k++)
			best = is_before(alive[k], alive[best], scores) ? k : best;
		uint32_t candidate = alive[best];
		alive[best] = alive[i];
		alive[i] = candidate;
	}
}
