#ifndef MODEL_REGULAR_FILE_H
#define MODEL_REGULAR_FILE_H

#include "daemon/base/err.h"

#include <stdint.h>

/*
 * Opens a file of a model's directory to read it: a descriptor, and its size in
 * *size.  Never waits: a pipe, a device or a directory is refused.  -1 with a
 * message that does not name the path; errno is ENOENT where there is none.
 */
int regular_file_open(const char *path, uint64_t *size, struct err *e);

#endif
