#ifndef DAEMON_MODEL_PATH_H
#define DAEMON_MODEL_PATH_H

#include "daemon/base/err.h"

#include <stddef.h>

/*
 * Where the model lies: `configured` (--model, or the configuration's key)
 * where it is not NULL; else $BELLWETHER_MODEL; else MODEL_PLACE, where `model
 * promote` has put one; else the installed one; else model/weights of the tree
 * that the program was built in.
 *
 * Writes the directory to `out`: where it is a symbolic link, what it points to
 * now, so that the files which are opened one after the other are of one model
 * although another is promoted meanwhile.  Fails where nothing was named and
 * none of the others is there; whether a named directory holds a model is for
 * classifier_open to say.
 */
#define MODEL_PLACE "/var/lib/bellwether/model"

int model_path_find(const char *configured, char *out, size_t size, struct err *e);

#endif
