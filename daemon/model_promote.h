#ifndef DAEMON_MODEL_PROMOTE_H
#define DAEMON_MODEL_PROMOTE_H

#include "daemon/base/err.h"
#include "model/classifier.h"

/*
 * A model's way into service: a copy of it is made where models are kept,
 * opened, held against its run.json and the desk's corrected cases, and put in
 * place.  Says on standard output what is in place then, and on standard error
 * which cases are answered wrongly.  Blocks signals: one that comes removes the
 * copy and ends the process.
 */
struct model_promote_options {
	struct classifier_options model; /* how it is opened; the path is not looked at */
	const char *directory, *place;   /* place: NULL = model_place_open's */
	const char *database;            /* with the corrections; NULL = the usual one, where it is there */
	unsigned long allow;             /* cases that may be answered wrongly */
	unsigned long keep;              /* versions that stay, 2 at least: this one and the one before always do */
};

/* -1 leaves what is in place as it is. */
int model_promote(const struct model_promote_options *options, struct err *e);

#endif
