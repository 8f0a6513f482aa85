#ifndef DAEMON_WORDS_H
#define DAEMON_WORDS_H

#include "alerts/watch.h"
#include "daemon/base/item.h"
#include "model/classifier.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The words of a title that weighed most in its polarity, by occlusion: the
 * title is judged again with each word left out, and a word weighs as much as
 * the polarity's odds fall without it (their natural logarithm): where three
 * words say the same, the probability hardly moves when one is gone.
 *
 * One thread of its own asks the classifier, so that whoever waits for the
 * answer can stop waiting.
 */
struct words;

enum {
	WORDS_TITLES = 8, /* of one question */
	WORDS_LEFT_OUT = 24, /* words of a title that are tried, from its start */
	WORDS_TOLD = 5,   /* of a title */
};
#define WORDS_LEAST 0.1f /* a word that weighs less says nothing */

/* The classifier outlives it. */
struct words *words_start(struct classifier *classifier);
void words_stop(struct words *words);

/*
 * Fills `found`, one for each title, with what stays valid until the next call;
 * leaves it empty where the answer does not come within `wait_us`, a title is
 * none that the model judges as `polarities` says, or no word weighs enough.
 * One thread calls this at a time.
 */
void words_find(struct words *words, const char *const *titles, const enum polarity *polarities, size_t count,
		struct watch_words *found, int64_t wait_us);

#endif
