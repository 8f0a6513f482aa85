#include "alerts/webhook/heartbeats.h"

#include "daemon/base/check.h"
#include "daemon/base/log.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pulse {
	struct pulse *next;
	char *receiver;
	struct attempt *attempt;         /* owned by the thread; NULL = none is under way */
	struct webhook_heartbeats counts; /* guarded by lock */
};

struct heartbeats {
	CURLM *multi;
	const struct clock *clock;
	pthread_mutex_t lock;
	struct pulse *pulses;            /* guarded by lock; none ever goes */
};

struct heartbeats *heartbeats_create(CURLM *multi, const struct clock *clock)
{
	struct heartbeats *h = xcalloc(1, sizeof *h);
	h->multi = multi;
	h->clock = clock;
	CHECK(pthread_mutex_init(&h->lock, NULL) == 0);
	return h;
}

void heartbeats_free(struct heartbeats *h)
{
	if (h == NULL)
		return;
	for (struct pulse *pulse = h->pulses; pulse != NULL; pulse = pulse->next)
		attempt_cancel(pulse->attempt);
	for (struct pulse *pulse = h->pulses, *next; pulse != NULL; pulse = next) {
		next = pulse->next;
		attempt_free(pulse->attempt);
		free(pulse->receiver);
		free(pulse);
	}
	pthread_mutex_destroy(&h->lock);
	free(h);
}

/* With the lock held. */
static struct pulse *find_or_create(struct heartbeats *h, const char *receiver)
{
	struct pulse **place = &h->pulses;
	while (*place != NULL && strcmp((*place)->receiver, receiver) != 0)
		place = &(*place)->next;
	if (*place == NULL) {
		*place = xcalloc(1, sizeof **place);
		(*place)->receiver = xstrdup(receiver);
		(*place)->counts.sent_us = TIME_NONE;
	}
	return *place;
}

static struct pulse *find(struct heartbeats *h, const char *receiver)
{
	pthread_mutex_lock(&h->lock);
	struct pulse *pulse = find_or_create(h, receiver);
	pthread_mutex_unlock(&h->lock);
	return pulse;
}

void heartbeats_skip(struct heartbeats *h, const char *receiver)
{
	pthread_mutex_lock(&h->lock);
	find_or_create(h, receiver)->counts.skipped++;
	pthread_mutex_unlock(&h->lock);
}

void heartbeats_get(struct heartbeats *h, const char *receiver, struct webhook_heartbeats *out)
{
	pthread_mutex_lock(&h->lock);
	*out = find_or_create(h, receiver)->counts;
	pthread_mutex_unlock(&h->lock);
}

/* The log tells where it changes, not every time. */
static void settle(struct heartbeats *h, struct pulse *pulse, bool sent, const char *error)
{
	pthread_mutex_lock(&h->lock);
	struct webhook_heartbeats *counts = &pulse->counts;
	bool failed_before = counts->error[0] != '\0';
	if (sent) {
		counts->sent++;
		counts->sent_us = clock_now_us(h->clock);
	} else {
		counts->failed++;
	}
	snprintf(counts->error, sizeof counts->error, "%s", sent ? "" : error);
	pthread_mutex_unlock(&h->lock);
	if (!sent && !failed_before)
		log_warning("receiver \"%s\": the heartbeat failed: %s", pulse->receiver, error);
	if (sent && failed_before)
		log_info("receiver \"%s\": takes heartbeats again", pulse->receiver);
}

static struct attempt *start(struct heartbeats *h, const struct settings *settings, const char *payload, struct err *e)
{
	json_t *object = json_loads(payload, 0, NULL);
	const char *id = json_string_value(json_object_get(object, "id"));
	struct envelope envelope = {id != NULL ? id : "heartbeat", payload, false};
	struct attempt *attempt = attempt_start(settings, &envelope, clock_now_us(h->clock), h->multi, e);
	json_decref(object);
	return attempt;
}

void heartbeats_send(struct heartbeats *h, const char *receiver, const char *payload, const struct settings *settings,
		     const char *why_not)
{
	struct err e;
	struct pulse *pulse = find(h, receiver);
	if (why_not != NULL) {
		settle(h, pulse, false, why_not);
	} else if (settings == NULL || pulse->attempt != NULL) {
		heartbeats_skip(h, receiver);
	} else {
		pulse->attempt = start(h, settings, payload, &e);
		if (pulse->attempt == NULL)
			settle(h, pulse, false, e.text);
	}
}

int64_t heartbeats_turn(struct heartbeats *h, struct waits *waits)
{
	int64_t next_us = INT64_MAX;
	pthread_mutex_lock(&h->lock);
	struct pulse *pulse = h->pulses;
	pthread_mutex_unlock(&h->lock);
	while (pulse != NULL) {
		struct outcome outcome;
		if (pulse->attempt != NULL && attempt_is_over(pulse->attempt, &outcome)) {
			settle(h, pulse, outcome.kind == OUTCOME_TAKEN, outcome.error);
			attempt_free(pulse->attempt);
			pulse->attempt = NULL;
		} else if (pulse->attempt != NULL) {
			waits_add(waits, pulse->attempt);
			if (attempt_deadline_us(pulse->attempt) < next_us)
				next_us = attempt_deadline_us(pulse->attempt);
		}
		pthread_mutex_lock(&h->lock);
		pulse = pulse->next;
		pthread_mutex_unlock(&h->lock);
	}
	return next_us;
}
