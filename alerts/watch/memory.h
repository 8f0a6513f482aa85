#ifndef ALERTS_WATCH_MEMORY_H
#define ALERTS_WATCH_MEMORY_H

#include "alerts/rule.h"
#include "alerts/watch.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What a topic remembers of its recent stories and publishers, for the
 * evidence of alerts.  Bounded: a few kilobytes a topic however much is
 * written about it.
 */
enum { KEPT_STORIES = 24, KEPT_OTHERS = 8, KEPT_PUBLISHERS = RULE_MOST_PUBLISHERS, EVIDENCE_MAX = 10 };
enum { KEPT_PUBLISHER_BYTES = 200, KEPT_TITLE_BYTES = 500, KEPT_URL_BYTES = 2000 };

struct kept_stories;

struct kept_publisher {
	uint32_t hash;
	int32_t last; /* cell */
};

struct kept_publishers {
	struct kept_publisher *each; /* NULL = none yet */
	uint32_t count;
};

struct topic_memory {
	struct kept_stories *stories; /* NULL = none yet */
	struct kept_publishers all, negative; /* negative: those of negative documents, however many others write */
};

void memory_reset(struct topic_memory *memory);
void memory_add(struct topic_memory *memory, const struct watch_document *document, int64_t published_us, int64_t story);

/* Asks the memory of the machine for what memory_add looks at. */
void memory_fetch(const struct topic_memory *memory);

/* Distinct publishers with a (negative) document after cell `after`; KEPT_PUBLISHERS at most. */
uint32_t memory_publishers(const struct topic_memory *memory, bool negative, int32_t after);

/* The best evidence after cell `after`: negative first where `negative`, most copies, newest.  Text stays the memory's. */
size_t memory_evidence(const struct topic_memory *memory, bool negative, int32_t after,
		       struct watch_evidence out[EVIDENCE_MAX]);

#endif
