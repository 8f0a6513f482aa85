#ifndef ALERTS_WATCH_PAIRS_H
#define ALERTS_WATCH_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which stories a topic has counted: for a pair of topic and story, when its
 * last document came (event time), its last judged and its last negative one.
 * What is not younger than the span before the newest document of its clock is
 * forgotten: so what is known depends only on the documents within the span,
 * and a restart that loads those knows the same.
 *
 * Sources that share the world's time share clock 0.  A source that plays by
 * its documents' own times has a clock of its own, or a recording of other
 * years would make everybody forget.
 */
enum pair_aspect { PAIR_SEEN, PAIR_JUDGED, PAIR_NEGATIVE, PAIR_ASPECTS };

struct pair {
	uint64_t key; /* 0 = empty */
	int32_t last[PAIR_ASPECTS]; /* cells; INT32_MIN = never */
	uint32_t clock; /* of its last document */
};

struct pairs {
	struct pair *slots;
	size_t size, count; /* size: a power of two or 0 */
	int32_t span;
	int32_t *newest; /* by clock; INT32_MIN = nothing yet */
	size_t clocks;
};

void pairs_init(struct pairs *pairs, int32_t span);
void pairs_reset(struct pairs *pairs);

/* Marks aspects (bits: 1 << PAIR_JUDGED) of the pair at `cell`; returns those that were not so marked within the span. */
unsigned pairs_mark(struct pairs *pairs, uint32_t clock, uint64_t topic_key, int64_t story, unsigned aspects, int32_t cell);

/* Asks the memory for the place of a pair. */
void pairs_fetch(const struct pairs *pairs, uint64_t topic_key, int64_t story);

/* Is an aspect of a pair in use marked, and not forgotten? */
bool pairs_holds(const struct pairs *pairs, const struct pair *pair, enum pair_aspect aspect);

/* Has the topic had a document of the story after cell `after`, within the span? */
bool pairs_seen(const struct pairs *pairs, uint64_t topic_key, int64_t story, int32_t after);

/* Independent of order and of what has run out. */
uint64_t pairs_digest(const struct pairs *pairs);

#endif
