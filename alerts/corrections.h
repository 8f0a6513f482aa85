#ifndef ALERTS_CORRECTIONS_H
#define ALERTS_CORRECTIONS_H

#include "alerts/store.h"

/*
 * What the desk judged of stored documents (`bellwether label`): rows to train
 * on, and cases that a new model has to answer right.  A judgement outlives its
 * document, whose text is copied with it.  Labels that a daemon has not carried
 * out yet count too.
 */
struct store_correction {
	int64_t document;
	int64_t story;          /* 0 = the document is stored no more */
	enum polarity polarity; /* the desk's; never POLARITY_NONE */
	const char *title, *body;
};

/* The last judgement of each document, newest first; of one document's waiting and stored ones, the waiting one comes first
 * and the stored one may follow.  Stops where `each` returns other than 0.  Strings are valid during the call.  Only reads. */
typedef int store_correction_each(void *context, const struct store_correction *correction);
int store_each_correction(struct store *store, store_correction_each *each, void *context, struct err *e);

#endif
