/* Looking, every few seconds, and telling.  Others leave gaps here and ask what is open, so these have a lock. */
#include "daemon/service_self.h"

#include "alerts/self.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/metric.h"
#include "daemon/self_check.h"
#include "daemon/self_post.h"
#include "daemon/service_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define EVERY_US (5 * SECOND_US)
#define DIRECT_AFTER_US (10 * SECOND_US) /* of a database that cannot be written: a lock of moments is none of it */
#define PARTS_MAX 1024

struct service_self {
	/* owned by the driving thread: */
	struct self *self;
	struct self_check *check;
	int64_t looked_us;   /* monotonic, as is: */
	int64_t unwritable_us; /* the database cannot be written since; 0 = it can */
	struct source_part *parts;
	struct self_post *post; /* has a lock of its own */

	pthread_mutex_t lock;
	/* guarded by lock: */
	struct {
		char *source, *reason;
		int64_t at_us;
	} *gaps;
	size_t gap_count;
	char **open;
	size_t open_count;
	int64_t free_bytes;
};

/* ---- start and end ---- */

static void load_open(void *context, const char *subject, const struct watch_alert *alert)
{
	self_load(context, subject, alert);
}

static void load_past(void *context, const struct store_source_past *past)
{
	self_check_past(context, past);
}

struct service_self *service_self_create(struct store *store, int64_t now_us, struct err *e)
{
	struct service_self *own = xcalloc(1, sizeof *own);
	CHECK(pthread_mutex_init(&own->lock, NULL) == 0);
	own->self = self_create();
	own->check = self_check_create(now_us);
	own->parts = xcalloc(PARTS_MAX, sizeof *own->parts);
	own->post = self_post_create();
	own->free_bytes = -1;
	if (store_each_open_notice(store, load_open, own->self, e) == 0 &&
	    store_each_source(store, load_past, own->check, e) == 0)
		return own;
	service_self_free(own);
	return NULL;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void service_self_free(struct service_self *own)
{
	if (own == NULL)
		return;
	self_post_free(own->post);
	for (size_t i = 0; i < own->gap_count; i++) {
		free(own->gaps[i].source);
		free(own->gaps[i].reason);
	}
	free(own->gaps);
	free_texts(own->open, own->open_count);
	free(own->parts);
	self_check_free(own->check);
	self_free(own->self);
	pthread_mutex_destroy(&own->lock);
	free(own);
}

/* ---- looking ---- */

static void take_gaps(struct service_self *own)
{
	pthread_mutex_lock(&own->lock);
	for (size_t i = 0; i < own->gap_count; i++) {
		self_check_gap(own->check, own->gaps[i].source, own->gaps[i].reason, own->gaps[i].at_us);
		free(own->gaps[i].source);
		free(own->gaps[i].reason);
	}
	own->gap_count = 0;
	pthread_mutex_unlock(&own->lock);
}

static int64_t room_beside(const char *database)
{
	struct statvfs fs;
	char directory[4096];
	const char *slash = strrchr(database, '/');
	snprintf(directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - database + 1) : 1,
		 slash != NULL ? database : ".");
	return statvfs(directory, &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : -1;
}

static void look_at_sources(struct service *s, int64_t now_us)
{
	struct service_self *own = s->own;
	for (size_t i = 0; i < s->source_count; i++) {
		const struct source_options *options = &s->config->sources[i].options;
		struct source_health health;
		source_get_health(s->sources[i], &health);
		size_t count = source_get_parts(s->sources[i], own->parts, PARTS_MAX);
		struct self_source seen = {
			.name = options->name,
			.health = &health,
			.parts = own->parts,
			.part_count = count < PARTS_MAX ? count : PARTS_MAX,
			.interval_us = options->kind == SOURCE_RSS ? options->rss.interval_us : 0,
		};
		self_check_source(own->check, own->self, &s->config->self, &seen, now_us);
	}
}

static void note_open(void *context, const char *subject)
{
	struct service_self *own = context;
	own->open = xrealloc(own->open, (own->open_count + 1) * sizeof(char *));
	own->open[own->open_count++] = xstrdup(subject);
}

/* For whoever asks from another thread. */
static void publish(struct service_self *own, int64_t free_bytes)
{
	pthread_mutex_lock(&own->lock);
	free_texts(own->open, own->open_count);
	own->open = NULL;
	own->open_count = 0;
	self_each_open(own->self, note_open, own);
	own->free_bytes = free_bytes;
	pthread_mutex_unlock(&own->lock);
}

static void look(struct service *s, const struct writer_status *status)
{
	struct service_self *own = s->own;
	int64_t now_us = clock_now_us(&wall_clock);
	struct self_database database = {status, room_beside(s->config->database)};
	take_gaps(own);
	look_at_sources(s, now_us);
	self_check_database(own->self, &s->config->self, &database, now_us);
	self_check_gpu(own->self, classifier_trouble(s->classifier), now_us);
	self_end_round(own->self, now_us);
	publish(own, database.free_bytes);
}

/* ---- telling ---- */

static void take_changes(struct service *s)
{
	size_t count;
	const struct self_change *changes = self_changes(s->own->self, &count);
	for (size_t i = 0; i < count; i++) {
		if (changes[i].alert.state == ALERT_RESOLVED)
			log_info("%s: %s", changes[i].subject, changes[i].message);
		else
			log_warning("%s: %s", changes[i].subject, changes[i].message);
		self_post_add(s->own->post, &changes[i], s->config);
	}
	metric_add(METRIC_SELF_TOLD, count);
	self_clear(s->own->self);
}

void service_self_hand_over(struct service *s)
{
	self_post_hand_over(s->own->post, s->writer);
}

static void deliver(struct service *s, const struct writer_status *status)
{
	struct service_self *own = s->own;
	int64_t now = monotonic_us();
	if (!status->waiting) {
		own->unwritable_us = 0;
		service_self_hand_over(s);
		return;
	}
	if (own->unwritable_us == 0)
		own->unwritable_us = now;
	if (now - own->unwritable_us >= DIRECT_AFTER_US)
		self_post_send(own->post, s->webhook);
}

void service_self_tick(struct service *s)
{
	struct writer_status status;
	int64_t now = monotonic_us();
	writer_get_status(s->writer, &status);
	if (now - s->own->looked_us >= EVERY_US) {
		s->own->looked_us = now;
		look(s, &status);
		take_changes(s);
	}
	deliver(s, &status);
}

/* ---- from other threads ---- */

void service_self_gap(struct service_self *own, const char *source, const char *reason, int64_t at_us)
{
	pthread_mutex_lock(&own->lock);
	own->gaps = xrealloc(own->gaps, (own->gap_count + 1) * sizeof *own->gaps);
	own->gaps[own->gap_count].source = xstrdup(source);
	own->gaps[own->gap_count].reason = xstrdup(reason);
	own->gaps[own->gap_count++].at_us = at_us;
	pthread_mutex_unlock(&own->lock);
}

void service_self_result(struct service_self *own, const struct webhook_result *result)
{
	self_post_result(own->post, result);
}

char **service_self_open(struct service_self *own, size_t *count)
{
	pthread_mutex_lock(&own->lock);
	char **open = xcalloc(own->open_count + 1, sizeof *open);
	for (size_t i = 0; i < own->open_count; i++)
		open[i] = xstrdup(own->open[i]);
	*count = own->open_count;
	pthread_mutex_unlock(&own->lock);
	return open;
}

int64_t service_self_free_bytes(struct service_self *own)
{
	pthread_mutex_lock(&own->lock);
	int64_t free_bytes = own->free_bytes;
	pthread_mutex_unlock(&own->lock);
	return free_bytes;
}
