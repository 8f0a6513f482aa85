/*
 * Lifetimes: a configuration may be replaced while entries made with the old
 * one are still on their way, so the change itself travels down the pipe
 * (pipeline_reconfigure, then the writer) and the old value is freed when both
 * have taken the new one.
 */
#include "daemon/service_private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/model_path.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WRITER_QUEUE_COUNT 4096
#define WRITER_QUEUE_BYTES (16u << 20)
#define DRAIN_US (15 * SECOND_US)
#define FLUSH_WAIT_US (10 * SECOND_US)

void service_fail(struct service *s, const char *what, const char *why)
{
	pthread_mutex_lock(&s->lock);
	if (!s->failed)
		err_set(&s->failure, "%s: %s", what, why);
	s->failed = true;
	pthread_mutex_unlock(&s->lock);
}

/* ---- callbacks ---- */

static void on_committed(void *context, const char *source, const char *stream, const char *next)
{
	struct service *s = context;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->source_count; i++)
		if (strcmp(s->config->sources[i].options.name, source) == 0)
			source_committed(s->sources[i], stream, next);
	pthread_mutex_unlock(&s->lock);
}

static void on_fatal(void *context, const char *message)
{
	service_fail(context, "database", message);
}

static void on_gap(void *context, const char *source, const char *reason, int64_t applied_us)
{
	struct service *s = context;
	service_self_gap(s->own, source, reason, applied_us);
}

static void on_delivery(void *context, const struct webhook_result *result)
{
	struct service *s = context;
	if (result->delivery < 0)
		service_self_result(s->own, result);
	else
		service_take_result(s, result);
}

/* ---- start ---- */

static struct classifier *open_classifier(const struct config *config, struct err *e)
{
	char path[4096];
	if (model_path_find(config->model.path, path, sizeof path, e) != 0)
		return NULL;
	struct classifier_options options = {
		.path = path,
		.device = config->model.device,
		.precision = config->model.precision,
		.threads = (int)config->model.threads,
	};
	return classifier_open(&options, e);
}

int service_check_labels(const struct service *s, const struct config *config, struct err *e)
{
	const struct classifier_info *info = classifier_get_info(s->classifier);
	if (config_check_labels(config, info->topics, info->topic_count, config_log_problem, NULL) == 0)
		return 0;
	return err_set(e, "%s: labels that the model %s does not know", config->path, info->version);
}

struct writer_configuration service_writer_configuration(const struct config *config)
{
	return (struct writer_configuration){
		.watch = &config->watch,
		.receivers = config->receiver_names,
		.receiver_count = config->receiver_count,
		.retain_documents_us = config->retention.documents_us,
		.retain_trends_us = config->retention.trends_us,
	};
}

static struct writer *start_writer(struct service *s, struct store *store, struct err *e)
{
	const struct classifier_info *info = classifier_get_info(s->classifier);
	struct writer_options options = {
		.store = store,
		.configuration = service_writer_configuration(s->config),
		.labels = info->topics,
		.model_version = info->version,
		.input = s->entries,
		.webhook = s->webhook,
		.clock = &wall_clock,
		.callbacks = {.committed = on_committed,
			      .fatal = on_fatal,
			      .gap = on_gap,
			      .explain = service_explain,
			      .context = s},
	};
	return writer_start(&options, e);
}

static void free_service(struct service *s)
{
	words_stop(s->words);
	service_self_free(s->own);
	classifier_close(s->classifier);
	queue_free(s->entries);
	queue_free(s->items);
	config_free(s->config);
	free(s->heartbeats_due_us);
	free(s->results);
	free(s->instance_id);
	pthread_mutex_destroy(&s->results_lock);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* All that asks the database before the writer has it. */
static int prepare(struct service *s, struct store *store, struct err *e)
{
	s->instance_id = xstrdup(store_identity(store));
	s->classifier = open_classifier(s->config, e);
	if (s->classifier != NULL && classifier_get_info(s->classifier)->why_cpu != NULL)
		log_info("the model runs on the CPU: %s", classifier_get_info(s->classifier)->why_cpu);
	if (s->classifier == NULL || service_check_labels(s, s->config, e) != 0 ||
	    service_compare_models(s, store, e) != 0)
		return -1;
	s->own = service_self_create(store, clock_now_us(&wall_clock), e);
	if (s->own == NULL)
		return -1;
	s->words = words_start(s->classifier);
	service_reset_heartbeats(s);
	return 0;
}

struct service *service_start(struct config *config, int64_t lock_wait_us, struct err *e)
{
	struct service *s = xcalloc(1, sizeof *s);
	CHECK(pthread_mutex_init(&s->lock, NULL) == 0 && pthread_mutex_init(&s->results_lock, NULL) == 0);
	s->config = config;
	s->items = queue_create((size_t)config->queue.documents, (size_t)config->queue.bytes);
	s->entries = queue_create(WRITER_QUEUE_COUNT, WRITER_QUEUE_BYTES);
	struct store_position *positions = NULL;
	size_t position_count = 0;

	struct store *store = store_open(config->database, STORE_DAEMON, lock_wait_us, e);
	if (store == NULL)
		goto fail;
	if (prepare(s, store, e) != 0 || store_load_positions(store, &positions, &position_count, e) != 0)
		goto fail_store;
	s->webhook = webhook_start(config->receiver_specs, config->receiver_count, &wall_clock, on_delivery, s, e);
	if (s->webhook == NULL)
		goto fail_store;
	s->sources = service_open_sources(s, config, NULL, positions, position_count, e);
	if (s->sources == NULL)
		goto fail_webhook;
	s->source_count = config->source_count;
	s->writer = start_writer(s, store, e);
	store = NULL; /* the writer's now */
	if (s->writer == NULL)
		goto fail_sources;
	s->pipeline = pipeline_start(&(struct pipeline_options){s->items, s->entries, s->classifier, config});
	if (service_start_sources(s, NULL, e) != 0)
		goto fail_started;
	store_positions_free(positions, position_count);
	return s;

fail_started:
	queue_close(s->items);
	pipeline_stop(s->pipeline, 0);
	queue_close(s->entries);
	writer_stop(s->writer);
fail_sources:
	service_close_sources(s->sources, s->source_count, NULL);
fail_webhook:
	webhook_stop(s->webhook, 0);
fail_store:
	store_positions_free(positions, position_count);
	store_close(store);
fail:
	free_service(s);
	return NULL;
}

/* ---- stop ---- */

void service_stop(struct service *s, int64_t webhook_wait_us)
{
	for (size_t i = 0; i < s->source_count; i++)
		source_stop(s->sources[i]);
	queue_close(s->items);
	pipeline_stop(s->pipeline, DRAIN_US);
	service_self_hand_over(s);
	service_push_results(s, 0);
	/* Where the database cannot be written nobody makes room: whoever still pushes is not to wait for it. */
	if (!writer_flush(s->writer, FLUSH_WAIT_US))
		queue_close(s->entries);
	webhook_drain(s->webhook, webhook_wait_us); /* its last results still reach the writer, */
	service_push_results(s, SECOND_US);
	queue_close(s->entries);
	writer_stop(s->writer); /* which may hand it deliveries to the last */
	webhook_stop(s->webhook, 0);
	service_close_sources(s->sources, s->source_count, NULL);
	free_service(s);
}
