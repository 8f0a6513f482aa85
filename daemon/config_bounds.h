#ifndef DAEMON_CONFIG_BOUNDS_H
#define DAEMON_CONFIG_BOUNDS_H

#include "daemon/config.h"

/*
 * Is this YAML of a size and depth that a configuration can have, with every
 * alias written out?  Costs time and memory in proportion to `length` alone,
 * so it is asked before the document is loaded.  Returns NULL where it is, or
 * what is wrong, and where.  Text that is no YAML is left to the loader.
 */
const char *config_check_bounds(const char *text, size_t length, struct config_mark *mark);

#endif
