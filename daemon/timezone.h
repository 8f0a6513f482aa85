#ifndef DAEMON_TIMEZONE_H
#define DAEMON_TIMEZONE_H

#include "daemon/base/err.h"

#include <stdint.h>

/*
 * Instants of local times, by the time zone's own rules: summer time, and what
 * governments have decided.
 *
 * The C library knows one zone at a time, that of the process.  Between
 * zone_enter and zone_leave that is the one asked for: nothing else in this
 * program asks for local time.  One caller at a time.
 */

/* "Europe/Berlin", "UTC".  -1 where there is no such zone on this machine: then nothing has changed. */
int zone_enter(const char *name, struct err *e);
void zone_leave(void);

/* Which of two instants is meant where a clock shows the same time twice, when summer time ends. */
enum zone_side { ZONE_EARLIER, ZONE_LATER };

/* The instant at which clocks in the zone show this time; `day` days behind 1970-01-01, `minute` of it (beyond a day is the
 * next).  A time that they skip is read as if they had not. */
int64_t zone_instant(int64_t day, int minute, enum zone_side side);

#endif
