#ifndef ALERTS_RULE_H
#define ALERTS_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A spike rule as the user wrote it, and the pure function that judges a
 * count: (history, counts, time) -> verdict.
 */
#define RULE_CELL_US (60 * INT64_C(1000000)) /* the event-time grid */

enum rule_metric {
	METRIC_NEGATIVE_COUNT, /* negative stories */
	METRIC_NEGATIVE_SHARE,
	METRIC_MEAN_SCORE,
	METRIC_VOLUME,         /* all stories */
};

struct rule_spec {
	const char *name;
	const char *const *topics;    /* names; NULL with topic_count 0 = all */
	size_t topic_count;
	enum rule_metric metric;
	double false_alarms_per_day;  /* the budget, per topic: 1 per month = 1 / 30.4 */
	int64_t window_us;            /* 0 = the rule's own set of windows */
	uint32_t min_count;           /* 0 = default */
	double min_ratio;             /* 0 = default */
	uint32_t min_publishers;      /* 0 = default */
	int64_t for_us;               /* pending this long before firing; default 0 */
	int64_t keep_firing_us;       /* default 1 h */
};

#endif
