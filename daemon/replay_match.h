#ifndef DAEMON_REPLAY_MATCH_H
#define DAEMON_REPLAY_MATCH_H

#include "daemon/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of a configuration's topics a document is about, and whether a rule on them needs its polarity. */
struct replay_matcher {
	uint32_t *found;   /* topics of the document matched last, ascending */
	size_t count;
	/* private: */
	const struct config *config;
	struct topics_scratch *scratch;
	bool *wants_polarity;            /* [topic]: a rule on it counts tone */
	struct replay_label *labels;     /* what the classifier's labels bring, by label */
	size_t label_count;
};

struct replay_matcher *replay_matcher_create(const struct config *config);
void replay_matcher_free(struct replay_matcher *matcher);

/* By the words of a text. */
void replay_match_words(struct replay_matcher *matcher, const char *text, size_t length);

/* Begin anew with topics found before, and add those that the classifier's label brings (NULL = none). */
void replay_match_again(struct replay_matcher *matcher, const uint32_t *found, size_t count, const char *label);

/* Does any topic found want to know a polarity? */
bool replay_match_wants_polarity(const struct replay_matcher *matcher);

/* Would two configurations find the same topics, under the same indices, in every document? */
bool replay_match_alike(const struct config *a, const struct config *b);

#endif
