#ifndef DAEMON_SERVICE_PRIVATE_H
#define DAEMON_SERVICE_PRIVATE_H

#include "daemon/service.h"
#include "daemon/service_self.h"
#include "daemon/words.h"

#include <pthread.h>

/* The inside of daemon/service.h, for daemon/service*.c only. */
struct service {
	struct classifier *classifier;
	struct webhook *webhook;
	struct writer *writer;
	struct pipeline *pipeline;
	struct words *words;
	struct service_self *own; /* alerts on the daemon itself */
	struct queue *items;   /* sources to pipeline */
	struct queue *entries; /* pipeline and webhook to writer */
	char *instance_id;
	/* guarded by lock (the HTTP thread looks at them): */
	pthread_mutex_t lock;
	struct config *config;
	struct source **sources;
	size_t source_count;
	struct err failure;
	bool failed;
	/* guarded by a lock of their own, which may be held while waiting for room: */
	pthread_mutex_t results_lock;
	struct webhook_result *results; /* that found no room in `entries` */
	size_t result_count, result_room;
	/* owned by the driving thread: */
	int64_t health_written_us;
	int64_t *heartbeats_due_us; /* monotonic; beside config->heartbeats */
};

/* The process must end; the first reason is kept.  Any thread. */
void service_fail(struct service *service, const char *what, const char *why);

/* Does the model know all labels of `config`?  Each that it does not is logged. */
int service_check_labels(const struct service *service, const struct config *config, struct err *e);

/* What the writer takes of a configuration, at the start and at a reload. */
struct writer_configuration service_writer_configuration(const struct config *config);

/* Opens every source of `config` but those that are kept (NULL, or by position: the source that goes on, NULL = none), which
 * it takes over; nothing is started.  NULL with a message that names file, line and column. */
struct source **service_open_sources(struct service *service, const struct config *config, struct source *const *kept,
				     const struct store_position *positions, size_t position_count, struct err *e);
int service_start_sources(struct service *service, struct source *const *kept, struct err *e);
void service_close_sources(struct source **sources, size_t count, struct source *const *kept);

/* For each source of `config`, the running one whose options are the same.  Free the array only. */
struct source **service_keep_sources(const struct service *service, const struct config *config);

/* ---- service_results.c ---- */

/* What became of a delivery; never blocks for long.  Any thread. */
void service_take_result(struct service *service, const struct webhook_result *result);
/* Bring along what waits: `wait_us` for each. */
void service_push_results(struct service *service, int64_t wait_us);

/* ---- service_heartbeat.c ---- */

/* Send what is due, while the service is ready. */
void service_beat(struct service *service);
/* At the start and with each configuration. */
void service_reset_heartbeats(struct service *service);

/* ---- service_model.c ---- */

/* Before the writer starts: has the model changed since the history was judged? */
int service_compare_models(struct service *service, struct store *store, struct err *e);
/* writer_callbacks.explain */
void service_explain(void *context, const char *const *titles, const enum polarity *polarities, size_t count,
		     struct watch_words *words, int64_t wait_us);

#endif
