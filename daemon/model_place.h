#ifndef DAEMON_MODEL_PLACE_H
#define DAEMON_MODEL_PLACE_H

#include "daemon/base/err.h"
#include "model/publish.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Where the model in service lies, and the ones before it.
 *
 * PLACE is a symbolic link to one of the directories PLACE.versions/0001,
 * 0002, ...  A new model is filled beside them, and one rename of a link puts
 * it in service: whoever opens PLACE, and whoever is killed at any moment, finds
 * the old model or the new one.  Each directory says in promoted.json what was
 * in place before it, so that the way back needs nothing else.
 *
 * A PLACE that is a directory gives way to the link in one step and becomes the
 * first of the versions.
 */
struct model_place {
	char path[3600];     /* PLACE */
	char versions[3700]; /* PLACE.versions */
	int lock;            /* held by who changes; -1 */
};

/* What stands in promoted.json. */
struct model_promotion {
	char version[64];   /* of the model, as `score` would name it; "" = not known */
	char promoted[40];  /* ISO 8601 */
	char from[3800];    /* the directory that it was copied from */
	char previous[3800]; /* what PLACE pointed to before; "" = there was nothing */
	long long cases, right; /* corrected cases; -1 = not looked at */
};

/* `path`, else $BELLWETHER_MODEL, else MODEL_PLACE.  To change it (`change`) its versions' directory is made, and nobody else
 * changes it until it is closed; leftovers of who was killed are removed. */
int model_place_open(struct model_place *place, const char *path, bool change, struct err *e);
void model_place_close(struct model_place *place);

/* Begins a copy of `directory` among the versions: all its files.  `promotion->previous` is set. */
int model_place_copy(const struct model_place *place, const char *directory, struct publish *publish,
		     struct model_promotion *promotion, struct err *e);

/* Finishes the copy, with its promoted.json, and puts it in service.  `durable`: the disk has it. */
int model_place_switch(const struct model_place *place, struct publish *publish, const struct model_promotion *promotion,
		       bool *durable, struct err *e);

/* Removes what was promoted but the `keep` newest directories, what is in place and what was before it.  After a switch that the
 * disk has.  Who else leads to one of the versions by a link of his own is not known here. */
int model_place_prune(const struct model_place *place, size_t keep, struct err *e);

/* What was in place before what is: "" = nothing was.  Fails where nothing was promoted. */
int model_place_previous(const struct model_place *place, char *out, size_t size, struct err *e);

/* Back to `previous`, as it stands in promoted.json; "" = to nothing. */
int model_place_return(const struct model_place *place, const char *previous, struct err *e);

/* A directory of the versions, or PLACE itself where it is none of them. */
struct model_kept {
	char path[3900];
	bool in_place;
	struct model_promotion promotion;
};

/* Newest first; the caller frees.  What is in place but not among the versions comes last. */
int model_place_list(const struct model_place *place, struct model_kept **kept, size_t *count, struct err *e);

#endif
