#ifndef DAEMON_SCORING_H
#define DAEMON_SCORING_H

#include "alerts/writer.h"
#include "daemon/base/item.h"
#include "daemon/config.h"
#include "model/classifier.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One batch of the pipeline: which topics each document is about, what the
 * classifier makes of those that it has to read, and an entry for the writer
 * for each of them.  All memory is allocated once and reused.
 *
 * The owner fills `items` up to `count`, calls scoring_match and then
 * scoring_score, and takes the entries away.
 */
#define SCORING_MAX 512 /* documents of a batch */

struct scoring {
	struct item *items[SCORING_MAX];
	size_t count;
	struct writer_entry *entries[SCORING_MAX]; /* from scoring_match on, each with the item of its place */

	/* private: */
	struct classifier *classifier;
	const struct config *config;
	struct topics_scratch *scratch;
	uint32_t *found;             /* topics of one document */
	struct label_topics *label_topics;
	bool needs_labels;
	/* what the classifier reads: positions in the batch, their texts in one buffer */
	size_t to_score[SCORING_MAX];
	size_t offsets[SCORING_MAX + 1];
	struct text texts[SCORING_MAX];
	struct score scores[SCORING_MAX];
	size_t score_count;
	char *text;
	size_t text_size;
	float *topic_logits;
};

struct scoring *scoring_create(struct classifier *classifier, const struct config *config);
void scoring_free(struct scoring *scoring);

/* Between two batches: what follows is matched with this configuration, which stays the caller's. */
void scoring_configure(struct scoring *scoring, const struct config *config);

/* Match every document, make the entries, and list those that the classifier has to read. */
void scoring_match(struct scoring *scoring);

/* Read them.  `heartbeat_us` is set after each call of the classifier.  -1 where a device fails. */
int scoring_score(struct scoring *scoring, _Atomic int64_t *heartbeat_us, struct err *e);

/* Free one entry with its item. */
void scoring_free_entry(struct writer_entry *entry);

#endif
