#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H

#include "daemon/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Eight hexadecimal digits that tell one model from another: they change with
 * any byte of config.json, vocab.txt or the weights, and do not depend on where
 * the directory lies.  No protection against somebody who forges a model.
 */
enum { MODEL_VERSION_SIZE = 9 };

/* `weights` is the file's content, already in memory. */
int model_version(const char *directory, const void *weights, size_t size, char out[MODEL_VERSION_SIZE],
		  struct err *e);

#endif
