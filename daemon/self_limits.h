#ifndef DAEMON_SELF_LIMITS_H
#define DAEMON_SELF_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When the daemon tells of itself (daemon/self_check.h), as the configuration has it.  0 = never, where it is a limit. */
struct self_limits {
	int64_t source_down_us, silent_us, lag_us, outbox_age_us, clock_us;
	int64_t wal_bytes, disk_free_bytes;
	bool gap;
	int64_t hold_us;              /* what is too large, or right again, must stay so for this long */
	const char *const *receivers; /* names; receiver_count 0 = all */
	size_t receiver_count;
};

#endif
