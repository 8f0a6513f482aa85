/* How the daemon is: for systemd, for HTTP, and for source_health in the database. */
#include "daemon/service_private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/metrics.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 256
#define HEALTH_EVERY_US (5 * SECOND_US)
#define STUCK_US (60 * SECOND_US) /* no round of a loop takes this long */

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
		service_fail(s, "classifier", stopped);
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

static void put_health(struct service *s)
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

void service_tick(struct service *s)
{
	service_push_results(s, 0);
	put_health(s);
	service_self_tick(s);
	service_beat(s);
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

static void print_self(struct service *s, FILE *out)
{
	size_t count;
	char **open = service_self_open(s->own, &count);
	metrics_print_self(out, (const char *const *)open, count, service_self_free_bytes(s->own));
	for (size_t i = 0; i < count; i++)
		free(open[i]);
	free(open);
}

/* Under the lock: the names are the configuration's. */
static void print_heartbeats(struct service *s, FILE *out)
{
	size_t count = s->config->heartbeat_count;
	struct webhook_heartbeats *heartbeats = xcalloc(count + 1, sizeof *heartbeats);
	const char **receivers = xcalloc(count + 1, sizeof *receivers);
	for (size_t i = 0; i < count; i++) {
		receivers[i] = s->config->heartbeats[i].receiver;
		webhook_get_heartbeats(s->webhook, receivers[i], &heartbeats[i]);
	}
	metrics_print_heartbeats(out, heartbeats, receivers, count);
	free(receivers);
	free(heartbeats);
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
	metrics_print_watch_list(out, s->config->watch_list);
	print_heartbeats(s, out);
	pthread_mutex_unlock(&s->lock);
	free(names);
	free(healths);

	struct writer_status status;
	writer_get_status(s->writer, &status);
	metrics_print_writer(out, &status);
	print_self(s, out);
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
