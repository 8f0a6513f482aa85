#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include "alerts/writer.h"
#include "daemon/base/err.h"
#include "daemon/config.h"
#include "daemon/pipeline.h"
#include "ingest/source.h"
#include "model/classifier.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * The whole daemon as one object: who is started in what order, what happens
 * on a reload, and the drain at the end.  Driven by one thread (cmd_run);
 * the HTTP thread may ask for health and metrics.
 *
 * Started downstream first: store, webhook, writer, pipeline, sources; stopped
 * upstream first, each queue drained before the next closes.
 */
struct service;

/* Opens the model and the database (waiting `lock_wait_us` for its lock) and starts all threads.  `config` is moved, also
 * on failure. */
struct service *service_start(struct config *config, int64_t lock_wait_us, struct err *e);

/* A new configuration (moved), checked whole by the caller.  -1: it cannot be taken (a source does not open, the model
 * lacks a label, a key has changed that only a restart changes): the old one goes on. */
int service_reload(struct service *service, struct config *config, struct err *e);

/* Stops the sources, drains, commits, gives webhooks `webhook_wait_us`. */
void service_stop(struct service *service, int64_t webhook_wait_us);

/* Call about once a second: stores the sources' health. */
void service_tick(struct service *service);

/* NULL, or the reason why the process must end (it is restarted by systemd). */
const char *service_failure(struct service *service);

/* Do all threads go round?  Otherwise `why` names the one that does not. */
bool service_is_alive(struct service *service, char *why, size_t size);

/* Alive, and nothing stops documents from being stored. */
bool service_is_ready(struct service *service, char *why, size_t size);

/* Prometheus text. */
void service_print_metrics(struct service *service, FILE *out);

/* One line for systemctl status. */
void service_describe(struct service *service, char *out, size_t size);

struct classifier *service_classifier(struct service *service);
const struct config *service_config(struct service *service);

const char *source_state_name(enum source_state state);

#endif
