/*
 * The thread and its inbox.  Others leave deliveries, heartbeats, new receivers
 * and the wish to stop in the inbox and wake the thread; everything else belongs to
 * the thread (alerts/webhook/dispatch.c), which waits for the network, the
 * inbox and the next retry in one curl_multi_poll.
 */
#include "alerts/webhook.h"

#include "alerts/webhook/dispatch.h"
#include "alerts/webhook/heartbeats.h"
#include "daemon/base/check.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The thread shows a sign of life at least this often. */
#define HEARTBEAT_US (10 * SECOND_US)

struct parcel {
	struct parcel *next;
	struct delivery *deliveries;
	size_t count;
};

/* One a receiver: a newer one takes its place. */
struct heartbeat {
	struct heartbeat *next;
	char *receiver, *payload;
};

struct inbox {
	struct parcel *first, **last;
	struct heartbeat *heartbeats;
	struct settings_list *settings; /* NULL = as they are */
	bool stopping;
	int64_t stop_at_us;             /* monotonic */
};

struct webhook {
	const struct clock *clock;
	webhook_done *done;
	void *context;
	CURLM *multi;
	pthread_t thread;
	atomic_int_fast64_t heartbeat_us;
	atomic_size_t pending;
	bool drained; /* the thread has been joined; whoever drains and stops asks */

	pthread_mutex_t lock;
	struct inbox inbox; /* guarded by lock */

	struct dispatch *dispatch; /* owned by the thread */
	struct heartbeats *heartbeats;
};

/* ---- the thread ---- */

static void beat(struct webhook *w)
{
	atomic_store(&w->heartbeat_us, monotonic_us());
}

/* The callback may wait for the writer, which may wait for a disk: no reason to call this thread stuck. */
static void report(void *context, const struct webhook_result *result)
{
	struct webhook *w = context;
	if (result->state != DELIVERY_PENDING)
		atomic_fetch_sub(&w->pending, 1);
	atomic_store(&w->heartbeat_us, INT64_MAX);
	w->done(w->context, result);
	beat(w);
}

static void heartbeat_free(struct heartbeat *heartbeat)
{
	free(heartbeat->receiver);
	free(heartbeat->payload);
	free(heartbeat);
}

static void take_parcels(struct webhook *w, struct parcel *parcel)
{
	for (struct parcel *next; parcel != NULL; parcel = next) {
		next = parcel->next;
		for (size_t i = 0; i < parcel->count; i++)
			dispatch_add(w->dispatch, &parcel->deliveries[i]);
		free(parcel->deliveries);
		free(parcel);
	}
}

static void take_heartbeats(struct webhook *w, struct heartbeat *heartbeat)
{
	for (struct heartbeat *next; heartbeat != NULL; heartbeat = next) {
		const char *why_not;
		next = heartbeat->next;
		const struct settings *settings = dispatch_find(w->dispatch, heartbeat->receiver, &why_not);
		heartbeats_send(w->heartbeats, heartbeat->receiver, heartbeat->payload, settings, why_not);
		heartbeat_free(heartbeat);
	}
}

static void take_inbox(struct webhook *w, bool *stopping, int64_t *stop_at_us)
{
	pthread_mutex_lock(&w->lock);
	struct inbox inbox = w->inbox;
	w->inbox.first = NULL;
	w->inbox.last = &w->inbox.first;
	w->inbox.heartbeats = NULL;
	w->inbox.settings = NULL;
	pthread_mutex_unlock(&w->lock);

	if (inbox.settings != NULL)
		dispatch_configure(w->dispatch, inbox.settings);
	take_parcels(w, inbox.first);
	take_heartbeats(w, inbox.heartbeats);
	*stopping = inbox.stopping;
	*stop_at_us = inbox.stop_at_us;
}

static int wait_ms(int64_t wait_us)
{
	if (wait_us > HEARTBEAT_US)
		wait_us = HEARTBEAT_US;
	return wait_us > 0 ? (int)((wait_us + 999) / 1000) : 0;
}

/* How long until the thread must look again, whatever comes. */
static int64_t turn(struct webhook *w, struct waits *waits)
{
	int64_t next_us = dispatch_turn(w->dispatch);
	int64_t wait_us = next_us != INT64_MAX ? next_us - clock_now_us(w->clock) : INT64_MAX;
	dispatch_add_waits(w->dispatch, waits);
	next_us = heartbeats_turn(w->heartbeats, waits);
	if (next_us != INT64_MAX && next_us - monotonic_us() < wait_us)
		wait_us = next_us - monotonic_us();
	return wait_us;
}

static void *run(void *context)
{
	struct webhook *w = context;
	struct waits waits = {0};
	for (;;) {
		bool stopping;
		int64_t stop_at_us;
		beat(w);
		take_inbox(w, &stopping, &stop_at_us);
		waits.count = 0;
		int64_t wait_us = turn(w, &waits);
		if (stopping) {
			int64_t left_us = stop_at_us - monotonic_us();
			bool idle = !dispatch_is_busy(w->dispatch) && wait_us > 0;
			if (idle || left_us <= 0)
				break;
			if (wait_us > left_us)
				wait_us = left_us;
		}
		curl_multi_poll(w->multi, waits.each, (unsigned)waits.count, wait_ms(wait_us), NULL);
	}
	free(waits.each);
	return NULL;
}

/* ---- what others call ---- */

static void free_webhook(struct webhook *w)
{
	dispatch_free(w->dispatch);
	heartbeats_free(w->heartbeats);
	for (struct heartbeat *heartbeat = w->inbox.heartbeats, *next; heartbeat != NULL; heartbeat = next) {
		next = heartbeat->next;
		heartbeat_free(heartbeat);
	}
	for (struct parcel *parcel = w->inbox.first, *next; parcel != NULL; parcel = next) {
		next = parcel->next;
		deliveries_free(parcel->deliveries, parcel->count);
		free(parcel);
	}
	settings_list_free(w->inbox.settings);
	curl_multi_cleanup(w->multi);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct webhook *webhook_start(const struct receiver_spec *receivers, size_t count, const struct clock *clock,
			      webhook_done *done, void *context, struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(e, "libcurl does not start");
		return NULL;
	}
	struct settings_list *settings = settings_list_create(receivers, count, e);
	if (settings == NULL)
		return NULL;

	struct webhook *w = xcalloc(1, sizeof *w);
	w->clock = clock;
	w->done = done;
	w->context = context;
	w->inbox.last = &w->inbox.first;
	CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
	w->multi = curl_multi_init();
	CHECK(w->multi != NULL);
	w->dispatch = dispatch_create(&(struct dispatch_options){w->multi, clock, report, w});
	dispatch_configure(w->dispatch, settings);
	w->heartbeats = heartbeats_create(w->multi, clock);
	beat(w);

	int error = pthread_create(&w->thread, NULL, run, w);
	if (error != 0) {
		err_sys(e, error, "cannot start the webhook thread");
		free_webhook(w);
		return NULL;
	}
	pthread_setname_np(w->thread, "webhook");
	return w;
}

void webhook_add(struct webhook *w, struct delivery *deliveries, size_t count)
{
	struct parcel *parcel = xcalloc(1, sizeof *parcel);
	*parcel = (struct parcel){NULL, deliveries, count};
	atomic_fetch_add(&w->pending, count);
	pthread_mutex_lock(&w->lock);
	*w->inbox.last = parcel;
	w->inbox.last = &parcel->next;
	pthread_mutex_unlock(&w->lock);
	curl_multi_wakeup(w->multi);
}

void webhook_heartbeat(struct webhook *w, const char *receiver, const char *payload)
{
	pthread_mutex_lock(&w->lock);
	struct heartbeat **place = &w->inbox.heartbeats;
	while (*place != NULL && strcmp((*place)->receiver, receiver) != 0)
		place = &(*place)->next;
	bool skipped = *place != NULL;
	if (!skipped) {
		*place = xcalloc(1, sizeof **place);
		(*place)->receiver = xstrdup(receiver);
	}
	free((*place)->payload);
	(*place)->payload = xstrdup(payload);
	pthread_mutex_unlock(&w->lock);
	if (skipped)
		heartbeats_skip(w->heartbeats, receiver);
	curl_multi_wakeup(w->multi);
}

void webhook_get_heartbeats(struct webhook *w, const char *receiver, struct webhook_heartbeats *out)
{
	heartbeats_get(w->heartbeats, receiver, out);
}

int webhook_reconfigure(struct webhook *w, const struct receiver_spec *receivers, size_t count, struct err *e)
{
	struct settings_list *settings = settings_list_create(receivers, count, e);
	if (settings == NULL)
		return -1;
	pthread_mutex_lock(&w->lock);
	struct settings_list *unused = w->inbox.settings;
	w->inbox.settings = settings;
	pthread_mutex_unlock(&w->lock);
	settings_list_free(unused);
	curl_multi_wakeup(w->multi);
	return 0;
}

int64_t webhook_heartbeat_us(struct webhook *w)
{
	return atomic_load(&w->heartbeat_us);
}

size_t webhook_pending(struct webhook *w)
{
	return atomic_load(&w->pending);
}

void webhook_drain(struct webhook *w, int64_t deadline_us)
{
	if (w->drained)
		return;
	pthread_mutex_lock(&w->lock);
	w->inbox.stopping = true;
	w->inbox.stop_at_us = monotonic_us() + deadline_us;
	pthread_mutex_unlock(&w->lock);
	curl_multi_wakeup(w->multi);
	pthread_join(w->thread, NULL);
	w->drained = true;
}

void webhook_stop(struct webhook *w, int64_t deadline_us)
{
	if (w == NULL)
		return;
	webhook_drain(w, deadline_us);
	free_webhook(w);
}
