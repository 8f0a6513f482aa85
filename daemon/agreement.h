#ifndef DAEMON_AGREEMENT_H
#define DAEMON_AGREEMENT_H

#include "daemon/base/err.h"
#include "model/classifier.h"

#include <stddef.h>

/* How far two forms of one model agree over texts. */
struct agreement {
	size_t texts;
	size_t polarity_equal, topic_equal;    /* labels */
	double polarity_change, topic_change;  /* sums of absolute changes of probabilities, a mean of each text's labels */
	double logit_change;                   /* the largest of both heads */
};

/* Scores each line of `fd` by both; they have the same labels. */
int agreement_measure(struct classifier *original, struct classifier *changed, int fd, struct agreement *out,
		      struct err *e);

#endif
