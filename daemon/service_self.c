/*
 * A telling waits in a list until the writer takes it.  That list is the
 * driving thread's but for the marks of who has taken a direct message, which
 * the webhook thread sets; so the lock guards the list as a whole.
 */
#include "daemon/service_self.h"

#include "alerts/self.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/metric.h"
#include "daemon/self_check.h"
#include "daemon/service_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define EVERY_US (5 * SECOND_US)
#define DIRECT_AFTER_US (10 * SECOND_US) /* of a database that cannot be written: a lock of moments is none of it */
#define PARTS_MAX 1024

/* One telling on its way to the writer. */
struct waiting {
	struct watch_alert alert;
	char *subject, *payload;
	char **receivers;
	bool *taken;       /* beside them, as are: */
	int64_t *direct;   /* id of the delivery that went past the database; 0 = none */
	size_t receiver_count;
};

struct service_self {
	/* owned by the driving thread: */
	struct self *self;
	struct self_check *check;
	int64_t looked_us;   /* monotonic, as is: */
	int64_t unwritable_us; /* the database cannot be written since; 0 = it can */
	int64_t last_direct;
	struct source_part *parts;

	pthread_mutex_t lock;
	/* guarded by lock: */
	struct waiting *waiting;
	size_t waiting_count;
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
	own->free_bytes = -1;
	if (store_each_open_notice(store, load_open, own->self, e) == 0 &&
	    store_each_source(store, load_past, own->check, e) == 0)
		return own;
	service_self_free(own);
	return NULL;
}

static void waiting_reset(struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->receiver_count; i++)
		free(waiting->receivers[i]);
	free(waiting->receivers);
	free(waiting->taken);
	free(waiting->direct);
	free(waiting->subject);
	free(waiting->payload);
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
	for (size_t i = 0; i < own->waiting_count; i++)
		waiting_reset(&own->waiting[i]);
	free(own->waiting);
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
	self_end_round(own->self, now_us);
	publish(own, database.free_bytes);
}

/* ---- telling ---- */

/* Everybody, or those who are named. */
static void name_receivers(struct waiting *waiting, const struct config *config)
{
	const struct self_limits *limits = &config->self;
	bool all = limits->receiver_count == 0;
	const char *const *names = all ? config->receiver_names : limits->receivers;
	waiting->receiver_count = all ? config->receiver_count : limits->receiver_count;
	waiting->receivers = xcalloc(waiting->receiver_count + 1, sizeof *waiting->receivers);
	waiting->taken = xcalloc(waiting->receiver_count + 1, sizeof *waiting->taken);
	waiting->direct = xcalloc(waiting->receiver_count + 1, sizeof *waiting->direct);
	for (size_t i = 0; i < waiting->receiver_count; i++)
		waiting->receivers[i] = xstrdup(names[i]);
}

static void take_changes(struct service *s)
{
	struct service_self *own = s->own;
	size_t count;
	const struct self_change *changes = self_changes(own->self, &count);
	if (count == 0)
		return;
	pthread_mutex_lock(&own->lock);
	own->waiting = xrealloc(own->waiting, (own->waiting_count + count) * sizeof *own->waiting);
	for (size_t i = 0; i < count; i++) {
		struct waiting *waiting = &own->waiting[own->waiting_count++];
		*waiting = (struct waiting){.alert = changes[i].alert,
					    .subject = xstrdup(changes[i].subject),
					    .payload = self_write_payload(&changes[i])};
		name_receivers(waiting, s->config);
		log_warning("%s: %s", changes[i].subject, changes[i].message);
	}
	pthread_mutex_unlock(&own->lock);
	metric_add(METRIC_SELF_TOLD, count);
	self_clear(own->self);
}

void service_self_hand_over(struct service *s)
{
	struct service_self *own = s->own;
	pthread_mutex_lock(&own->lock);
	for (size_t i = 0; i < own->waiting_count; i++) {
		struct waiting *waiting = &own->waiting[i];
		writer_put_notice(s->writer, &(struct store_notice){
						     .subject = waiting->subject,
						     .alert = &waiting->alert,
						     .payload = waiting->payload,
						     .receivers = (const char *const *)waiting->receivers,
						     .taken = waiting->taken,
						     .receiver_count = waiting->receiver_count,
					     });
		waiting_reset(waiting);
	}
	own->waiting_count = 0;
	pthread_mutex_unlock(&own->lock);
}

/* Past the database, once to each receiver; the webhook thread tries again by itself. */
static void send_directly(struct service *s, struct waiting *waiting)
{
	struct service_self *own = s->own;
	for (size_t i = 0; i < waiting->receiver_count; i++) {
		if (waiting->direct[i] != 0)
			continue;
		struct delivery *delivery = xcalloc(1, sizeof *delivery);
		*delivery = (struct delivery){
			.id = waiting->direct[i] = --own->last_direct,
			.receiver = xstrdup(waiting->receivers[i]),
			.alert = xstrdup(waiting->alert.id),
			.event = waiting->alert.event,
			.resolved = waiting->alert.state == ALERT_RESOLVED,
			.payload = xstrdup(waiting->payload),
		};
		webhook_add(s->webhook, delivery, 1);
		metric_add(METRIC_SELF_DIRECT, 1);
	}
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
	if (now - own->unwritable_us < DIRECT_AFTER_US)
		return;
	pthread_mutex_lock(&own->lock);
	for (size_t i = 0; i < own->waiting_count; i++)
		send_directly(s, &own->waiting[i]);
	pthread_mutex_unlock(&own->lock);
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
	pthread_mutex_lock(&own->lock);
	for (size_t i = 0; i < own->waiting_count; i++)
		for (size_t r = 0; r < own->waiting[i].receiver_count; r++)
			if (own->waiting[i].direct[r] == result->delivery && result->state == DELIVERY_SENT)
				own->waiting[i].taken[r] = true;
	pthread_mutex_unlock(&own->lock);
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
