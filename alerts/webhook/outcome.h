#ifndef ALERTS_WEBHOOK_OUTCOME_H
#define ALERTS_WEBHOOK_OUTCOME_H

#include <stdint.h>

/* What became of one try of a message. */
enum outcome_kind {
	OUTCOME_TAKEN,
	OUTCOME_FAILED, /* worth another try */
	OUTCOME_GONE,   /* 410: the receiver wants nothing any more */
};

struct outcome {
	enum outcome_kind kind;
	int64_t retry_after_us; /* 0 = the receiver said nothing, or not with 429 or 503 */
	char error[256];        /* "" = none; of what was taken: for whom it was not */
};

#endif
