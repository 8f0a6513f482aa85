#ifndef DAEMON_YAML_FILE_H
#define DAEMON_YAML_FILE_H

#include "daemon/base/err.h"

#include <yaml.h>

/* Parses a file and hands its document over; -1 where either fails, with the place of what YAML does not allow. */
int yaml_file_read(const char *path, int (*take)(void *context, yaml_document_t *document, struct err *e), void *context,
		   struct err *e);

#endif
