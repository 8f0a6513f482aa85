#ifndef DAEMON_MODEL_CASES_H
#define DAEMON_MODEL_CASES_H

#include "daemon/corrections.h"
#include "model/classifier.h"

/* How a model answers what the desk has corrected. */
struct model_cases {
	size_t cases, right;
};

/* What it answers wrongly; `score` says how. */
typedef void model_cases_wrong(void *context, const struct correction *correction, const struct score *score);

/* Fails where a device fails. */
int model_cases_run(struct classifier *classifier, const struct corrections *corrections, model_cases_wrong *wrong, void *context,
		    struct model_cases *out, struct err *e);

#endif
