#ifndef ALERTS_WATCH_PAIRS_H
#define ALERTS_WATCH_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which stories a topic has counted: for a pair of topic and story, when its
 * last document came (event time), its last judged and its last negative one.
 * A pair not seen for the span is new again.  So what is known depends only on
 * the documents within the span, and a restart that loads those knows the same.
 */
enum pair_aspect { PAIR_SEEN, PAIR_JUDGED, PAIR_NEGATIVE, PAIR_ASPECTS };

struct pair {
	uint64_t key; /* 0 = empty */
	int32_t last[PAIR_ASPECTS]; /* cells; INT32_MIN = never */
};

struct pairs {
	struct pair *slots;
	size_t size, count; /* size: a power of two or 0 */
	int32_t span, newest;
};

void pairs_init(struct pairs *pairs, int32_t span);
void pairs_reset(struct pairs *pairs);

/* Marks an aspect of the pair at `cell`; true where it was not so marked within the span. */
bool pairs_mark(struct pairs *pairs, uint64_t topic_key, int64_t story, enum pair_aspect aspect, int32_t cell);

/* Has the topic had a document of the story after cell `after`, within the span? */
bool pairs_seen(const struct pairs *pairs, uint64_t topic_key, int64_t story, int32_t after);

/* Independent of order and of what has run out. */
uint64_t pairs_digest(const struct pairs *pairs);

#endif
