#ifndef DAEMON_CONFIG_SILENCES_H
#define DAEMON_CONFIG_SILENCES_H

#include "daemon/config.h"
#include "daemon/config_read.h"

/*
 * A silence of the configuration as the core takes it: spans of time.  Weekly
 * ones are worked out from 2000 to 2050, so that the same file gives the same
 * spans whenever it is read, for a replay of the past as for the years to come.
 *
 * -1 where it says no time, or one that is none.  `out` belongs to the pool.
 */
int silence_expand(struct pool *pool, const struct config_silence *silence, struct watch_quiet *out, struct err *e);

#endif
