#ifndef DAEMON_MODEL_PATH_H
#define DAEMON_MODEL_PATH_H

#include "daemon/base/err.h"

#include <stddef.h>

/*
 * Where the model lies: `configured` (--model, or the configuration's key)
 * where it is not NULL; else $BELLWETHER_MODEL; else the installed one; else
 * model/weights of the tree that the program was built in.
 *
 * Writes the directory to `out`.  Fails where nothing was named and neither of
 * the last two is there; whether a named directory holds a model is for
 * classifier_open to say.
 */
int model_path_find(const char *configured, char *out, size_t size, struct err *e);

#endif
