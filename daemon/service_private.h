#ifndef DAEMON_SERVICE_PRIVATE_H
#define DAEMON_SERVICE_PRIVATE_H

#include "daemon/service.h"

#include <pthread.h>

/* The inside of daemon/service.h, for daemon/service*.c only. */
struct service {
	struct classifier *classifier;
	struct webhook *webhook;
	struct writer *writer;
	struct pipeline *pipeline;
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
	/* owned by the driving thread: */
	int64_t health_written_us;
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

#endif
