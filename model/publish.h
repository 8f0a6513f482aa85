#ifndef MODEL_PUBLISH_H
#define MODEL_PUBLISH_H

#include "daemon/base/err.h"

#include <stdbool.h>

/*
 * A directory that appears whole or not at all: it is filled beside its place
 * under another name, and renamed when everything is on the disk.
 */
struct publish {
	char target[3800]; /* where it is to be */
	char path[4000];   /* where it is filled; "" when there is nothing to abandon */
};

/* Fails where `target` exists already (an empty directory is fine) or its parent cannot be written. */
int publish_begin(struct publish *publish, const char *target, struct err *e);

/* Copies file `name` of `directory`; one that is not there is left out. */
int publish_copy(const struct publish *publish, const char *directory, const char *name, struct err *e);

/* Brings everything to the disk and the directory to its place. */
int publish_finish(struct publish *publish, struct err *e);

/* Brings a file or a directory's entries to the disk. */
int publish_sync(const char *path, struct err *e);

/* Removes what publish_finish did not bring to its place; {0} is legal. */
void publish_abandon(struct publish *publish);

#endif
