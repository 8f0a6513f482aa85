#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "alerts/topics.h"
#include "alerts/webhook.h"
#include "alerts/writer.h"
#include "ingest/source.h"
#include "model/classifier.h"

#include <stdio.h>

/* Parts of /metrics in the Prometheus text format; service_print_metrics puts them together. */
void metrics_print_sources(FILE *out, const struct source_health *healths, const char *const *names, size_t count);
void metrics_print_writer(FILE *out, const struct writer_status *status);
void metrics_print_self(FILE *out, const char *const *open, size_t count, int64_t free_bytes);
void metrics_print_heartbeats(FILE *out, const struct webhook_heartbeats *heartbeats, const char *const *receivers,
			      size_t count);
void metrics_print_watch_list(FILE *out, const struct topics *watch_list);
void metrics_print_process(FILE *out, size_t item_depth, size_t entry_depth, const struct classifier_info *info);

#endif
