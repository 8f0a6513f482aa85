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
 * Two titles are one story where they share about half of their words and pairs
 * of words, once labels ("UPDATE 2-", "BRIEF-") and attributions (" - Example
 * Wire", ": source") are taken off, and
 *   - their numbers do not contradict each other: all numbers of one stand in the
 *     other, so yesterday's figures are not today's;
 *   - they begin with the same subject, unless they share three quarters;
 *   - short titles share more (4 or 5 words: three quarters; up to 3: everything).
 * It is an estimate from hashes: pairs near a limit may fall on either side.
 *
 * story_sign is a pure function of the title and may run anywhere; the index
 * is state of the watch and belongs to one thread.  The same documents in the
 * same order get the same stories.
 */
#define STORY_HASHES 32

struct story_signature {
	uint16_t minhash[STORY_HASHES]; /* of words and pairs of words */
	uint16_t head[2];               /* hashes of the first two words */
	uint32_t numbers;               /* two bits for every number */
	uint32_t words;                 /* 0 = nothing to compare: a story of its own */
};

void story_sign(const char *title, size_t length, struct story_signature *out);

struct story_index;

/* Remembers documents for `span_us` of event time and at most `max_documents` (the latest added), in about 160 bytes each,
 * allocated here. */
struct story_index *story_index_create(int64_t span_us, size_t max_documents);
void story_index_free(struct story_index *index);

/* The story that this document belongs to; `document` itself where it is new.  Adds it to the index.  Costs the same however
 * many documents there are. */
int64_t story_index_add(struct story_index *index, int64_t document, int64_t published_us,
			const struct story_signature *signature);

/* A hint: this signature comes soon.  Asks the memory for what looking for it touches, and then, `near`, for what that leads
 * to.  Changes nothing. */
void story_index_fetch(const struct story_index *index, const struct story_signature *signature, bool near);

/* At start: put back a document whose story is known (documents in order of id). */
void story_index_load(struct story_index *index, int64_t document, int64_t published_us,
		      const struct story_signature *signature, int64_t story);

#endif
