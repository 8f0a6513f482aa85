#ifndef DAEMON_MODEL_PRINT_H
#define DAEMON_MODEL_PRINT_H

#include "daemon/model_place.h"

/* The models of a place on standard output: a table, or an object a line. */
int model_print(const struct model_kept *kept, size_t count, bool json, struct err *e);

#endif
