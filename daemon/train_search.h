#ifndef DAEMON_TRAIN_SEARCH_H
#define DAEMON_TRAIN_SEARCH_H

#include "daemon/base/err.h"
#include "daemon/train_options.h"
#include "model/train/fit.h"

#include <stdbool.h>

/*
 * A search for a recipe: trials with values drawn from a space, of which
 * successive halving lets the better ones run longer.  In OUT:
 *
 *     search.txt   what is searched, over which rows, base and teacher, so that another search does not go on here
 *     trials.csv   a line for each trial of each rung, as soon as it is done
 *     best.yaml    the best recipe, for `train --config`; its model is OUT/model
 *
 * The same seed draws the same trials.  A search that was stopped or killed
 * goes on with `resume`: what trials.csv has is not done again, and the trial
 * that was under way goes on from its checkpoint.
 */
enum trial_end { TRIAL_DONE, TRIAL_FAILED, TRIAL_STOPPED, TRIAL_IMPOSSIBLE };

struct trial_result {
	struct fit_figures figures;
	double seconds;
};

struct train_search {
	/* Which rows, base and teacher the options name: a hash of what these hold. */
	int (*look)(void *context, const struct train_options *options, uint64_t *hash, struct err *e);
	/* Trains as far as `part` of the options' steps.  TRIAL_FAILED: the values are to blame; TRIAL_IMPOSSIBLE: no
	 * trial would do better.  Both leave a message. */
	enum trial_end (*run)(void *context, const struct train_options *options, double part, struct trial_result *result,
			      struct err *e);
	void (*say)(void *context, const char *text); /* a line of progress */
	void *context;
};

/* SEARCH_WRONG: what was given cannot be searched.  It and SEARCH_FAILED leave a message. */
enum search_end { SEARCH_DONE, SEARCH_STOPPED, SEARCH_FAILED, SEARCH_WRONG };

/* `options->search` and `trials` say what is searched, the others what is fixed. */
enum search_end train_search_run(const struct train_search *search, const struct train_options *options, struct err *e);

#endif
