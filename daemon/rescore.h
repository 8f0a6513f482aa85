#ifndef DAEMON_RESCORE_H
#define DAEMON_RESCORE_H

#include "alerts/store.h"
#include "daemon/config.h"
#include "model/classifier.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A new model is not a crisis.  Where the model differs from the one whose
 * judgements the history is in, recent documents of each watched topic are
 * judged by the new one too, and what the two said is stored as a switch
 * (alerts/model_switch.h): rules go on from a history as the new model would
 * have judged it.  Trends stay as they were scored.
 *
 * Before the writer starts.  The switch is stored in one transaction: a process
 * that is killed before it does all of it again, one that is killed behind it
 * finds nothing to do.
 */
#define RESCORE_TEXTS 5000            /* at most */
#define RESCORE_US (10 * INT64_C(1000000)) /* no more texts after this long */

struct rescore_options {
	struct store *store;
	struct classifier *classifier;
	const struct config *config;
	int64_t now_us;                  /* the wall clock's */
	void (*progress)(void *context); /* now and then, meanwhile; may be NULL */
	void *context;
};

struct rescore_result {
	bool switched;          /* else there was nothing to do */
	char old_model[256];
	size_t texts;           /* judged by both */
	double negative_before, negative_after; /* shares of those, 0 where there were none */
	int64_t took_us;
};

/* -1 where the database or a device fails; `e->busy` where the same may succeed later. */
int rescore_history(const struct rescore_options *options, struct rescore_result *result, struct err *e);

#endif
