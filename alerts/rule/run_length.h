#ifndef ALERTS_RULE_RUN_LENGTH_H
#define ALERTS_RULE_RUN_LENGTH_H

#include "alerts/rule.h"

/*
 * The table of simulated run lengths.  Rows: stories a day (0.5, 2, 8, 32, 128,
 * 512; share and mean: judged ones); columns: the hour's scatter over the day's (0.07, 0.15, 0.3, 0.5, 0.75, 1): 1
 * where stories come alone, little where a level wanders slowly.
 */
enum { RUN_LEVELS = 6, RUN_PARTS = 6 };

/* Where a topic stands in the table: 0 .. RUN_LEVELS - 1, 0 .. RUN_PARTS - 1, with fractions. */
double run_level(const struct rule_baseline *baseline, enum rule_metric metric);
double run_part(const struct rule_baseline *baseline);

/* Fills usual_alarms and usual_slope. */
void run_length_learn(struct rule_baseline *baseline, enum rule_metric metric);

#endif
