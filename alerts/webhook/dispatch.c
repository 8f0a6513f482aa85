/*
 * Every receiver has its own lanes, its own limit of messages under way and
 * its own pauses, so that one that hangs costs the others nothing.
 */
#include "alerts/webhook/dispatch.h"

#include "alerts/webhook/receiver.h"
#include "alerts/webhook/retry.h"
#include "daemon/base/check.h"
#include "daemon/base/fault.h"
#include "daemon/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lanes of one receiver under way at a time. */
#define BUSY_MAX 8

/* A message under way. */
struct flight {
	struct flight *next;
	struct attempt *attempt;
	struct receiver *receiver;
	struct lane *lane;
	uint32_t generation;
};

struct dispatch {
	struct dispatch_options options;
	struct receiver *receivers;
	struct flight *flights;
	uint32_t random;
};

struct dispatch *dispatch_create(const struct dispatch_options *options)
{
	struct dispatch *d = xcalloc(1, sizeof *d);
	d->options = *options;
	d->random = (uint32_t)monotonic_us() ^ (uint32_t)getpid() << 16 ^ 1;
	return d;
}

/* Marsaglia, "Xorshift RNGs", 2003: enough to keep receivers' retries apart. */
static uint32_t next_random(struct dispatch *d)
{
	uint32_t x = d->random != 0 ? d->random : 1;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return d->random = x;
}

static int64_t now_us(const struct dispatch *d)
{
	return clock_now_us(d->options.clock);
}

/* ---- results ---- */

static void report(struct dispatch *d, const struct delivery *delivery, enum delivery_state state, const char *error)
{
	struct webhook_result result = {
		.delivery = delivery->id,
		.state = state,
		.attempts = delivery->attempts,
		.next_try_us = delivery->next_try_us,
	};
	snprintf(result.error, sizeof result.error, "%.*s", (int)sizeof result.error - 1, error);
	fault_point(FAULT_BEFORE_RESULT);
	d->options.report(d->options.context, &result);
}

static void end_first(struct dispatch *d, struct receiver *r, struct lane *lane, enum delivery_state state, const char *error)
{
	struct job *job = lanes_take_first(&r->lanes, lane);
	report(d, &job->delivery, state, error);
	job_free(job);
}

static void try_again(struct dispatch *d, struct receiver *r, struct lane *lane, const struct outcome *outcome)
{
	struct delivery *delivery = &lane->first->delivery;
	receiver_set_failing(r, true, outcome->error);
	if (lane_is_over(lane) && retry_is_exhausted(delivery->attempts)) {
		char error[sizeof outcome->error + 32];
		snprintf(error, sizeof error, "given up after 24 hours: %s", outcome->error);
		end_first(d, r, lane, DELIVERY_DEAD, error);
		return;
	}
	int64_t pause_us = retry_pause_us(delivery->attempts, next_random(d));
	if (outcome->retry_after_us > 0) {
		r->not_before_us = now_us(d) + outcome->retry_after_us;
		if (pause_us < outcome->retry_after_us)
			pause_us = outcome->retry_after_us;
	}
	delivery->next_try_us = now_us(d) + pause_us;
	report(d, delivery, DELIVERY_PENDING, outcome->error);
}

static void settle(struct dispatch *d, const struct flight *flight, const struct outcome *outcome)
{
	struct receiver *r = flight->receiver;
	lanes_set_busy(&r->lanes, flight->lane, false);
	flight->lane->first->delivery.attempts++;
	switch (outcome->kind) {
	case OUTCOME_TAKEN:
		receiver_set_failing(r, false, "");
		if (outcome->error[0] != '\0')
			log_warning("receiver \"%s\": %s", r->name, outcome->error);
		end_first(d, r, flight->lane, DELIVERY_SENT, outcome->error);
		break;
	case OUTCOME_GONE:
		if (flight->generation == r->generation)
			receiver_disable(r, "HTTP 410: it wants no more messages, and gets none until the configuration is loaded again");
		end_first(d, r, flight->lane, DELIVERY_DEAD, "HTTP 410");
		break;
	case OUTCOME_FAILED:
		try_again(d, r, flight->lane, outcome);
		break;
	}
}

/* ---- sending ---- */

static struct attempt *make_attempt(struct dispatch *d, const struct receiver *r, const struct delivery *delivery, struct err *e)
{
	char webhook_id[512];
	snprintf(webhook_id, sizeof webhook_id, "%s-%u", delivery->alert, delivery->event);
	struct envelope envelope = {webhook_id, delivery->payload, delivery->resolved};
	return attempt_start(r->settings, &envelope, now_us(d), d->options.multi, e);
}

static void start(struct dispatch *d, struct receiver *r, struct lane *lane)
{
	struct err e;
	struct flight flight = {d->flights, NULL, r, lane, r->generation};
	if (fault_point(FAULT_BEFORE_SEND) != 0) {
		lanes_set_busy(&r->lanes, lane, true);
		settle(d, &flight, &(struct outcome){.kind = OUTCOME_FAILED, .error = "a fault was injected before sending"});
		return;
	}
	flight.attempt = make_attempt(d, r, &lane->first->delivery, &e);
	if (flight.attempt == NULL) {
		log_warning("receiver \"%s\": delivery %lld cannot be sent: %s", r->name, (long long)lane->first->delivery.id,
			    e.text);
		end_first(d, r, lane, DELIVERY_DEAD, e.text);
		return;
	}
	lanes_set_busy(&r->lanes, lane, true);
	d->flights = xcalloc(1, sizeof flight);
	*d->flights = flight;
}

static void land(struct dispatch *d, const struct flight *flight, struct outcome *outcome)
{
	if (fault_point(FAULT_AFTER_SEND) != 0)
		*outcome = (struct outcome){.kind = OUTCOME_FAILED, .error = "a fault was injected after sending"};
	if (flight->generation != flight->receiver->generation)
		outcome->retry_after_us = 0; /* asked for by an address of before */
	settle(d, flight, outcome);
	attempt_free(flight->attempt);
}

/* Returns whether anything changed. */
static bool start_due(struct dispatch *d, struct receiver *r, int64_t *next_us)
{
	struct lane *lane;
	bool changed = false;
	if (r->disabled[0] != '\0') {
		while ((lane = lanes_idle(&r->lanes)) != NULL)
			end_first(d, r, lane, DELIVERY_DEAD, r->disabled);
		return false;
	}
	int64_t now = now_us(d);
	/* Of a clock that was set back, as in lanes_due. */
	if (r->not_before_us > now + RETRY_AFTER_MAX_US)
		r->not_before_us = now;
	if (r->not_before_us > now) {
		if (r->lanes.first != NULL && r->not_before_us < *next_us)
			*next_us = r->not_before_us;
		return false;
	}
	for (; r->lanes.busy < BUSY_MAX && (lane = lanes_due(&r->lanes, now, next_us)) != NULL; changed = true)
		start(d, r, lane);
	return changed;
}

static void perform(struct dispatch *d)
{
	int running, left;
	curl_multi_perform(d->options.multi, &running);
	for (CURLMsg *message; (message = curl_multi_info_read(d->options.multi, &left)) != NULL;) {
		CHECK(message->msg == CURLMSG_DONE);
		attempt_finish(message->easy_handle, message->data.result);
	}
}

/* Returns whether anything changed. */
static bool land_all(struct dispatch *d, int64_t *next_us)
{
	bool changed = false;
	perform(d);
	for (struct flight **place = &d->flights, *flight; (flight = *place) != NULL;) {
		struct outcome outcome;
		if (attempt_is_over(flight->attempt, &outcome)) {
			*place = flight->next;
			land(d, flight, &outcome);
			free(flight);
			changed = true;
			continue;
		}
		int64_t deadline_us = attempt_deadline_us(flight->attempt);
		if (deadline_us != INT64_MAX && now_us(d) + deadline_us - monotonic_us() < *next_us)
			*next_us = now_us(d) + deadline_us - monotonic_us();
		place = &flight->next;
	}
	return changed;
}

/* Until nothing moves: what curl has finished would not wake curl_multi_poll. */
int64_t dispatch_turn(struct dispatch *d)
{
	int64_t next_us;
	bool changed;
	do {
		next_us = INT64_MAX;
		changed = land_all(d, &next_us);
		for (struct receiver *r = d->receivers; r != NULL; r = r->next)
			changed |= start_due(d, r, &next_us);
	} while (changed);
	return next_us;
}

void dispatch_add_waits(const struct dispatch *d, struct waits *waits)
{
	for (const struct flight *flight = d->flights; flight != NULL; flight = flight->next)
		waits_add(waits, flight->attempt);
}

bool dispatch_is_busy(const struct dispatch *d)
{
	return d->flights != NULL;
}

/* ---- receivers ---- */

void dispatch_configure(struct dispatch *d, struct settings_list *list)
{
	receivers_configure(&d->receivers, list);
}

const struct settings *dispatch_find(const struct dispatch *d, const char *name, const char **why_not)
{
	const struct receiver *r = receiver_find(d->receivers, name);
	*why_not = r == NULL ? receiver_not_configured : r->disabled[0] != '\0' ? r->disabled : NULL;
	return *why_not == NULL && r->not_before_us <= now_us(d) ? r->settings : NULL;
}

void dispatch_add(struct dispatch *d, const struct delivery *delivery)
{
	struct receiver *r = receiver_find_or_create(&d->receivers, delivery->receiver);
	lanes_add(&r->lanes, delivery);
}

void dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return;
	for (struct flight *flight = d->flights; flight != NULL; flight = flight->next)
		attempt_cancel(flight->attempt);
	for (struct flight *flight = d->flights, *next; flight != NULL; flight = next) {
		next = flight->next;
		lanes_set_busy(&flight->receiver->lanes, flight->lane, false);
		attempt_free(flight->attempt);
		free(flight);
	}
	receivers_free(d->receivers);
	free(d);
}
