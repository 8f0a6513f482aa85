#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H

#include "daemon/base/err.h"
#include "model/weights.h"

/*
 * Eight hexadecimal digits that tell one model from another: they change with
 * any byte of config.json, vocab.txt or model.safetensors, and do not depend on
 * where the directory lies.  So a converted model has a version of its own: it
 * is other numbers, which give other scores at fp32; the version of the model
 * that it was made from stands in its file.  No protection against somebody who
 * forges a model.
 */
enum { MODEL_VERSION_SIZE = 9 };

/* `weights` is the open model.safetensors of `directory`. */
int model_version(const char *directory, const struct weights *weights, char out[MODEL_VERSION_SIZE], struct err *e);

#endif
