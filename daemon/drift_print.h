#ifndef DAEMON_DRIFT_PRINT_H
#define DAEMON_DRIFT_PRINT_H

#include "daemon/drift_live.h"

/* What live text is against `before`, on standard output. */
struct drift_view {
	const struct drift_live *live;
	const struct drift_profile *before;
	const char *model;   /* its version */
	bool trained;        /* `before` is the model's training text, else the weeks before the newest */
	size_t words;        /* at most */
};

/* For people: a table, what it means, and the newest words. */
int drift_print_text(const struct drift_view *view, struct err *e);

/* An object for each week and source, and one for the newest words, a line each. */
int drift_print_json(const struct drift_view *view, struct err *e);

#endif
