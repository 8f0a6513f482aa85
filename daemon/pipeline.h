#ifndef DAEMON_PIPELINE_H
#define DAEMON_PIPELINE_H

#include "daemon/base/queue.h"
#include "daemon/config.h"
#include "model/classifier.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Between the sources and the writer: one thread that pops items in batches
 * (as many as are there, waiting at most the linger for company), matches the
 * watch list, has the classifier read what needs reading, and hands scored
 * entries (alerts/writer.h) to the writer's queue in the same order.
 */
struct pipeline_options {
	struct queue *input;           /* struct item *, moved in */
	struct queue *output;          /* struct writer_entry *, moved out */
	struct classifier *classifier; /* outlives the pipeline */
	const struct config *config;   /* outlives the pipeline, or until pipeline_reconfigure returns */
};

struct pipeline;

struct pipeline *pipeline_start(const struct pipeline_options *options);

/* Swap the configuration between two batches.  When it returns, nothing holds the old one and every entry pushed so far
 * was made with it: the caller puts the change into the output queue behind them.  `between` runs at that moment. */
void pipeline_reconfigure(struct pipeline *pipeline, const struct config *config, void (*between)(void *context),
			  void *context);

/* Waits until all that was pushed to the input before this call is in the output, `wait_us` at most; false = not yet.  One
 * thread calls this at a time. */
bool pipeline_pass(struct pipeline *pipeline, int64_t wait_us);

/* Monotonic time when it last went round; INT64_MAX while it rests on an empty or full queue (watchdog). */
int64_t pipeline_heartbeat_us(struct pipeline *pipeline);

/* NULL, or why it had to stop (a device failed). */
const char *pipeline_failure(struct pipeline *pipeline);

/* The input queue is closed: drains it for `drain_us` at most, then joins.  What is left then is dropped: its positions have
 * not moved, so it is read again at the next start. */
void pipeline_stop(struct pipeline *pipeline, int64_t drain_us);

#endif
