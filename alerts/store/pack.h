#ifndef ALERTS_STORE_PACK_H
#define ALERTS_STORE_PACK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How hours are packed (pack.c writes, load_hours.c reads): a version, then for
 * each topic that has something, by ascending id: the id's distance from the
 * one before, documents, negative ones, stories, judged and negative ones, the
 * sum of scores in millionths, and how long after the hour's begin the row was
 * changed last.  Numbers are variable in length, seven bits a byte, lowest
 * first; the last two have a sign.
 */
enum { PACK_VERSION = 1, PACK_HOUR_S = 3600, PACK_NUMBERS = 7, PACK_NUMBER_BYTES = 10 };

/* Small numbers stay small, below zero too. */
static inline uint64_t pack_fold_sign(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

static inline int64_t pack_unfold_sign(uint64_t number)
{
	return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

/* False where the bytes end within the number. */
static inline bool pack_take(const uint8_t **at, const uint8_t *end, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t byte = *(*at)++;

		*number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

#endif
