#ifndef DAEMON_REPLAY_REPORT_H
#define DAEMON_REPLAY_REPORT_H

#include "daemon/base/err.h"
#include "daemon/replay.h"

#include <stddef.h>
#include <stdio.h>

/* What is told of finished replays. */

/* A table: for each topic how often it fired, beside what the rules' budgets allow in that time, how long, and in all; the
 * longest and the noisiest. */
void replay_print_summary(const struct replay *replay, FILE *out);

/*
 * Two configurations over the same documents.  Alerts on a topic that overlap in
 * time are the same crisis, whatever rule raised them.  A JSON line for each, in
 * order of time:
 *
 *   {"raised_by":"a|b|both","topic","from","until":null = it goes on,"earlier":"a|b|same"|null = only one raised it,
 *    "lead_s","a":[{"id","rule","fired","resolved","peak_count","expected","told"},...],"b":[...],"headline"}
 */
void replay_print_comparison(const struct replay *a, const struct replay *b, FILE *out);
/* A table of the same: how many on each topic. */
void replay_print_comparison_summary(const struct replay *a, const struct replay *b, FILE *out);

/* A chart for each topic and rule that it has, and a page that shows them, into a directory, which is made where it is not
 * there.  Several replays are told apart by their names ("A", "B"; NULL where there is one). */
struct replay_report {
	const struct replay *replay;
	const char *name;
};
int replay_write_charts(const struct replay_report *reports, size_t count, const char *directory, struct err *e);

/* "45m", "3h05m", "12d04h" */
void replay_format_duration(int64_t duration_us, char out[32]);

/* What happened on one topic, over all rules. */
struct replay_tale {
	uint64_t documents;
	uint32_t fired, told;
	double allowed;               /* firings that the budgets allow in the span */
	int64_t longest_us, all_us;   /* how long it fired, at the longest and in all */
};
/* [topic_count]; the caller frees. */
struct replay_tale *replay_tell(const struct replay *replay);

/* Does the rule watch the topic? */
bool replay_rule_watches(const struct config *config, uint32_t rule, uint32_t topic);

/* When an alert ended; one that fires still: the last event of the stream. */
int64_t replay_alert_end(const struct replay *replay, const struct replay_alert *alert);

#endif
