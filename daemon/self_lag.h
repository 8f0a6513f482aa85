#ifndef DAEMON_SELF_LAG_H
#define DAEMON_SELF_LAG_H

#include "alerts/self.h"
#include "ingest/source.h"

#include <stdbool.h>
#include <stdint.h>

/* Is a source read too slowly?  Judged from two counts alone: what was read, and what is behind.  All zero at first. */
struct self_lag {
	bool growing; /* from one period of the limit's length to the next, and the next */
	/* private: messages that were in the log at `anchor_us` are read when `target` have been; 0 = no lag then */
	int64_t anchor_us;
	uint64_t anchor_read, target;
	/* the least lag of this period and of the two before */
	int64_t period_us, least[3];
};

enum self_verdict self_lag_judge(struct self_lag *lag, const struct source_health *health, int64_t limit_us, int64_t now_us);

#endif
