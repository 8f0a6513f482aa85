#ifndef ALERTS_STORY_H
#define ALERTS_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Stories: near-duplicate titles (a wire's updates, copies, reposts) are one
 * story, which counts once for alerts.  A story's id is the id of its first
 * document.
 *
 * story_sign is a pure function of the title and may run anywhere; the index
 * is state of the watch and belongs to one thread.
 */
#define STORY_HASHES 16

struct story_signature {
	uint32_t minhash[STORY_HASHES];
	uint32_t words; /* 0 = nothing to compare: a story of its own */
};

void story_sign(const char *title, size_t length, struct story_signature *out);

struct story_index;

/* Remembers documents for `span_us` of event time and at most `max_documents`. */
struct story_index *story_index_create(int64_t span_us, size_t max_documents);
void story_index_free(struct story_index *index);

/* The story that this document belongs to; `document` itself where it is new.  Adds it to the index. */
int64_t story_index_add(struct story_index *index, int64_t document, int64_t published_us,
			const struct story_signature *signature);

/* At start: put back a document whose story is known (documents in order of id). */
void story_index_load(struct story_index *index, int64_t document, int64_t published_us,
		      const struct story_signature *signature, int64_t story);

#endif
