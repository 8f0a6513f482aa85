/*
 * Lifetimes: a configuration may be replaced while entries made with the old
 * one are still on their way, so the change itself travels down the pipe
 * (pipeline_reconfigure, then the writer) and the old value is freed when both
 * have taken the new one.
 */
#include "daemon/service.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/metrics.h"
#include "daemon/model_path.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WRITER_QUEUE_COUNT 4096
#define WRITER_QUEUE_BYTES (16u << 20)
#define PARTS_MAX 256
#define HEALTH_EVERY_US (5 * SECOND_US)
#define STUCK_US (60 * SECOND_US) /* no round of a loop takes this long */
#define DRAIN_US (15 * SECOND_US)
#define FLUSH_WAIT_US (10 * SECOND_US)

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

static void fail(struct service *s, const char *fmt, const char *text)
{
	pthread_mutex_lock(&s->lock);
	if (!s->failed)
		err_set(&s->failure, fmt, text);
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
	fail(context, "database: %s", message);
}

static void on_delivery(void *context, const struct webhook_result *result)
{
	struct service *s = context;
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_DELIVERY_RESULT;
	entry->result = *result;
	if (queue_push(s->entries, entry, sizeof *entry, QUEUE_FOREVER) != QUEUE_OK)
		free(entry); /* the daemon is ending: the delivery stays pending and is sent again */
}

/* ---- sources ---- */

static struct source *open_source(struct service *s, const struct config_source *configured,
				  const struct store_position *positions, size_t count, struct err *e)
{
	struct source_options options = configured->options;
	options.kafka.instance_id = s->instance_id;
	struct saved_position *saved = xcalloc(count, sizeof *saved);
	size_t mine = 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(positions[i].source, options.name) == 0)
			saved[mine++] = (struct saved_position){positions[i].stream, positions[i].next};
	struct source *source = source_open(&options, saved, mine, s->items, e);
	free(saved);
	return source;
}

static void close_sources(struct source **sources, size_t count)
{
	for (size_t i = 0; i < count; i++)
		source_close(sources[i]);
	free(sources);
}

/* Opens every source of `config`; nothing is started.  NULL with a message that names file, line and column. */
static struct source **open_sources(struct service *s, const struct config *config, const struct store_position *positions,
				    size_t position_count, struct err *e)
{
	struct source **sources = xcalloc(config->source_count, sizeof *sources);
	for (size_t i = 0; i < config->source_count; i++) {
		sources[i] = open_source(s, &config->sources[i], positions, position_count, e);
		if (sources[i] == NULL) {
			struct config_mark mark = config->sources[i].mark;
			err_prefix(e, "%s:%zu:%zu: source \"%s\"", config->path, mark.line, mark.column,
				   config->sources[i].options.name);
			close_sources(sources, i);
			return NULL;
		}
	}
	return sources;
}

static int start_sources(struct service *s, struct err *e)
{
	for (size_t i = 0; i < s->source_count; i++)
		if (source_start(s->sources[i], e) != 0) {
			err_prefix(e, "source \"%s\"", s->config->sources[i].options.name);
			while (i-- > 0)
				source_stop(s->sources[i]);
			return -1;
		}
	return 0;
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

static void log_problem(void *context, const char *line)
{
	(void)context;
	log_error("%s", line);
}

static int check_labels(struct service *s, struct err *e)
{
	const struct classifier_info *info = classifier_get_info(s->classifier);
	if (config_check_labels(s->config, info->topics, info->topic_count, log_problem, NULL) == 0)
		return 0;
	return err_set(e, "%s: labels that the model %s does not know", s->config->path, info->version);
}

static struct writer *start_writer(struct service *s, struct store *store, struct err *e)
{
	const struct classifier_info *info = classifier_get_info(s->classifier);
	struct writer_options options = {
		.store = store,
		.watch = &s->config->watch,
		.receivers = s->config->receiver_names,
		.receiver_count = s->config->receiver_count,
		.labels = info->topics,
		.model_version = info->version,
		.retain_documents_us = s->config->retention.documents_us,
		.retain_trends_us = s->config->retention.trends_us,
		.input = s->entries,
		.webhook = s->webhook,
		.clock = &wall_clock,
		.callbacks = {on_committed, on_fatal, s},
	};
	return writer_start(&options, e);
}

static void free_service(struct service *s)
{
	classifier_close(s->classifier);
	queue_free(s->entries);
	queue_free(s->items);
	config_free(s->config);
	free(s->instance_id);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct service *service_start(struct config *config, int64_t lock_wait_us, struct err *e)
{
	struct service *s = xcalloc(1, sizeof *s);
	CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
	s->config = config;
	s->items = queue_create((size_t)config->queue.documents, (size_t)config->queue.bytes);
	s->entries = queue_create(WRITER_QUEUE_COUNT, WRITER_QUEUE_BYTES);
	struct store_position *positions = NULL;
	size_t position_count = 0;

	struct store *store = store_open(config->database, STORE_DAEMON, lock_wait_us, e);
	if (store == NULL)
		goto fail;
	s->instance_id = xstrdup(store_identity(store));
	s->classifier = open_classifier(config, e);
	if (s->classifier == NULL || check_labels(s, e) != 0 ||
	    store_load_positions(store, &positions, &position_count, e) != 0)
		goto fail_store;
	s->webhook = webhook_start(config->receiver_specs, config->receiver_count, &wall_clock, on_delivery, s, e);
	if (s->webhook == NULL)
		goto fail_store;
	s->sources = open_sources(s, config, positions, position_count, e);
	if (s->sources == NULL)
		goto fail_webhook;
	s->source_count = config->source_count;
	s->writer = start_writer(s, store, e);
	store = NULL; /* the writer's now */
	if (s->writer == NULL)
		goto fail_sources;
	s->pipeline = pipeline_start(&(struct pipeline_options){s->items, s->entries, s->classifier, config});
	if (start_sources(s, e) != 0)
		goto fail_started;
	store_positions_free(positions, position_count);
	return s;

fail_started:
	queue_close(s->items);
	pipeline_stop(s->pipeline, 0);
	queue_close(s->entries);
	writer_stop(s->writer);
fail_sources:
	close_sources(s->sources, s->source_count);
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
	writer_flush(s->writer, FLUSH_WAIT_US);
	webhook_stop(s->webhook, webhook_wait_us); /* its last results still reach the writer */
	queue_close(s->entries);
	writer_stop(s->writer);
	close_sources(s->sources, s->source_count);
	free_service(s);
}

/* ---- reload ---- */

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What only a restart can change. */
static int check_unchanged(const struct config *old, const struct config *new, struct err *e)
{
	const char *key = NULL;
	if (!same(old->database, new->database))
		key = "database";
	else if (!same(old->model.path, new->model.path) || !same(old->model.device, new->model.device) ||
		 !same(old->model.precision, new->model.precision) || old->model.threads != new->model.threads)
		key = "model";
	else if (!same(old->http.listen, new->http.listen))
		key = "http.listen";
	else if (old->queue.documents != new->queue.documents || old->queue.bytes != new->queue.bytes)
		key = "queue";
	return key == NULL ? 0 : err_set(e, "%s: %s has changed: restart to apply that", new->path, key);
}

struct reload {
	struct service *service;
	struct writer_configuration configuration;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool taken;
};

static void on_taken(void *context)
{
	struct reload *reload = context;
	pthread_mutex_lock(&reload->lock);
	reload->taken = true;
	pthread_cond_signal(&reload->changed);
	pthread_mutex_unlock(&reload->lock);
}

/* Between two batches of the pipeline: what follows was made with the new configuration. */
static void push_configuration(void *context)
{
	struct reload *reload = context;
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_CONFIGURATION;
	entry->configuration = &reload->configuration;
	CHECK(queue_push(reload->service->entries, entry, sizeof *entry, QUEUE_FOREVER) == QUEUE_OK);
}

/* The new value goes down the pipe; returns when nobody holds the old one. */
static void swap_configuration(struct service *s, const struct config *config)
{
	struct reload reload = {
		.service = s,
		.configuration = {&config->watch, config->receiver_names, config->receiver_count,
				  config->retention.documents_us, config->retention.trends_us, on_taken, &reload},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	pipeline_reconfigure(s->pipeline, config, push_configuration, &reload);
	pthread_mutex_lock(&reload.lock);
	while (!reload.taken)
		pthread_cond_wait(&reload.changed, &reload.lock);
	pthread_mutex_unlock(&reload.lock);
	pthread_cond_destroy(&reload.changed);
	pthread_mutex_destroy(&reload.lock);
}

static struct source **open_sources_from_database(struct service *s, const struct config *config, struct err *e)
{
	struct store_position *positions = NULL;
	size_t count = 0;
	struct source **sources = NULL;
	struct store *store = store_open(config->database, STORE_READ, 0, e);
	if (store != NULL && store_load_positions(store, &positions, &count, e) == 0)
		sources = open_sources(s, config, positions, count, e);
	store_positions_free(positions, count);
	store_close(store);
	return sources;
}

int service_reload(struct service *s, struct config *config, struct err *e)
{
	struct writer_status status;
	writer_get_status(s->writer, &status);
	if (status.waiting)
		err_set(e, "the database cannot be written now (%s): reload again later", status.message);
	struct source **trial = NULL;
	if (status.waiting || check_unchanged(s->config, config, e) != 0 ||
	    (trial = open_sources(s, config, NULL, 0, e)) == NULL) {
		config_free(config);
		return -1;
	}
	close_sources(trial, config->source_count);

	for (size_t i = 0; i < s->source_count; i++)
		source_stop(s->sources[i]);
	CHECK(webhook_reconfigure(s->webhook, config->receiver_specs, config->receiver_count, e) == 0);
	swap_configuration(s, config);
	struct source **sources = open_sources_from_database(s, config, e);

	pthread_mutex_lock(&s->lock);
	struct config *old = s->config;
	struct source **old_sources = s->sources;
	size_t old_count = s->source_count;
	s->config = config;
	s->sources = sources;
	s->source_count = sources != NULL ? config->source_count : 0;
	pthread_mutex_unlock(&s->lock);
	close_sources(old_sources, old_count);
	config_free(old);
	if (sources == NULL || start_sources(s, e) != 0)
		fail(s, "%s", e->text); /* half a reload is no state to be in: a restart takes the new one whole */
	return 0;
}

/* ---- looking ---- */

const char *source_state_name(enum source_state state)
{
	static const char *const names[] = {"starting", "ok", "warning", "down", "fatal", "done"};
	return names[state];
}

static void check_sources(struct service *s)
{
	for (size_t i = 0; i < s->source_count; i++) {
		struct source_health health;
		source_get_health(s->sources[i], &health);
		if (health.state == SOURCE_FATAL && !s->failed) {
			s->failed = true;
			err_set(&s->failure, "source \"%s\": %s", s->config->sources[i].options.name, health.message);
		}
	}
}

const char *service_failure(struct service *s)
{
	const char *stopped = pipeline_failure(s->pipeline);
	if (stopped != NULL)
		fail(s, "classifier: %s", stopped);
	pthread_mutex_lock(&s->lock);
	check_sources(s);
	const char *failure = s->failed ? s->failure.text : NULL;
	pthread_mutex_unlock(&s->lock);
	return failure;
}

/* Rows point into `health` and `parts`. */
static size_t health_rows(struct service *s, size_t i, struct source_health *health, struct source_part *parts,
			  struct store_source_health *rows)
{
	const char *name = s->config->sources[i].options.name;
	source_get_health(s->sources[i], health);
	size_t count = source_get_parts(s->sources[i], parts, PARTS_MAX);
	rows[0] = (struct store_source_health){name, "", source_state_name(health->state), health->message,
					       health->last_progress_us, health->lag};
	if (count > PARTS_MAX)
		count = PARTS_MAX;
	for (size_t p = 0; p < count; p++)
		rows[p + 1] = (struct store_source_health){name, parts[p].stream, source_state_name(parts[p].state),
							   parts[p].message, parts[p].last_progress_us, parts[p].lag};
	return count + 1;
}

void service_tick(struct service *s)
{
	int64_t now = monotonic_us();
	if (now - s->health_written_us < HEALTH_EVERY_US)
		return;
	s->health_written_us = now;
	struct source_part *parts = xcalloc(PARTS_MAX, sizeof *parts);
	struct store_source_health *rows = xcalloc(PARTS_MAX + 1, sizeof *rows);
	for (size_t i = 0; i < s->source_count; i++) {
		struct source_health health;
		size_t count = health_rows(s, i, &health, parts, rows);
		writer_put_health(s->writer, rows, count);
	}
	free(rows);
	free(parts);
}

static bool is_stuck(int64_t heartbeat_us)
{
	return heartbeat_us != INT64_MAX && monotonic_us() - heartbeat_us > STUCK_US;
}

bool service_is_alive(struct service *s, char *why, size_t size)
{
	struct writer_status status;
	writer_get_status(s->writer, &status);
	const char *stuck = NULL;
	if (is_stuck(status.heartbeat_us))
		stuck = "the writer";
	else if (is_stuck(pipeline_heartbeat_us(s->pipeline)))
		stuck = "the classifier";
	else if (is_stuck(webhook_heartbeat_us(s->webhook)))
		stuck = "the webhook thread";
	if (stuck != NULL) {
		snprintf(why, size, "%s has not moved for %lld s", stuck, (long long)(STUCK_US / SECOND_US));
		return false;
	}
	bool alive = true;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->source_count && alive; i++) {
		struct source_health health;
		source_get_health(s->sources[i], &health);
		alive = health.state == SOURCE_DONE || !is_stuck(health.heartbeat_us);
		if (!alive)
			snprintf(why, size, "source \"%s\" has not moved for %lld s", s->config->sources[i].options.name,
				 (long long)(STUCK_US / SECOND_US));
	}
	pthread_mutex_unlock(&s->lock);
	return alive;
}

bool service_is_ready(struct service *s, char *why, size_t size)
{
	if (!service_is_alive(s, why, size))
		return false;
	struct writer_status status;
	writer_get_status(s->writer, &status);
	if (status.waiting)
		snprintf(why, size, "the database cannot be written: %s", status.message);
	return !status.waiting;
}

void service_describe(struct service *s, char *out, size_t size)
{
	struct writer_status status;
	char why[512];
	writer_get_status(s->writer, &status);
	if (!service_is_ready(s, why, sizeof why))
		snprintf(out, size, "%s", why);
	else
		snprintf(out, size, "%llu documents stored, %llu alerts, %zu deliveries pending",
			 (unsigned long long)status.documents, (unsigned long long)status.alerts, status.outbox_pending);
}

void service_print_metrics(struct service *s, FILE *out)
{
	pthread_mutex_lock(&s->lock);
	struct source_health *healths = xcalloc(s->source_count, sizeof *healths);
	const char **names = xcalloc(s->source_count, sizeof *names);
	for (size_t i = 0; i < s->source_count; i++) {
		names[i] = s->config->sources[i].options.name;
		source_get_health(s->sources[i], &healths[i]);
	}
	metrics_print_sources(out, healths, names, s->source_count);
	pthread_mutex_unlock(&s->lock);
	free(names);
	free(healths);

	struct writer_status status;
	writer_get_status(s->writer, &status);
	metrics_print_writer(out, &status);
	metrics_print_process(out, queue_depth(s->items), queue_depth(s->entries), classifier_get_info(s->classifier));
}

struct classifier *service_classifier(struct service *s)
{
	return s->classifier;
}

const struct config *service_config(struct service *s)
{
	return s->config;
}
