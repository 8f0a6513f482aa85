#ifndef ALERTS_WEBHOOK_DISPATCH_H
#define ALERTS_WEBHOOK_DISPATCH_H

#include "alerts/store.h"
#include "alerts/webhook.h"
#include "alerts/webhook/attempt.h"
#include "alerts/webhook/settings.h"
#include "daemon/base/clock.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which delivery is sent when, and what becomes of it.  Belongs to the webhook
 * thread; never blocks but in `report`.
 */
struct dispatch;

struct dispatch_options {
	CURLM *multi; /* stays the caller's; nobody else adds to it */
	const struct clock *clock;
	webhook_done *report;
	void *context;
};

struct dispatch *dispatch_create(const struct dispatch_options *options);

/* What is under way is cut off and not reported. */
void dispatch_free(struct dispatch *dispatch);

/* The receivers from now on; `list` is taken.  Receivers of the same name keep what waits for them, which is tried at once;
 * one that was disabled is given another chance. */
void dispatch_configure(struct dispatch *dispatch, struct settings_list *list);

/* Takes what `delivery` owns. */
void dispatch_add(struct dispatch *dispatch, const struct delivery *delivery);

/* Reports what has ended and starts what is due.  Returns when the next will be due, by the clock; INT64_MAX = nothing
 * waits for a time. */
int64_t dispatch_turn(struct dispatch *dispatch);

/* What to wait for beside curl's own. */
void dispatch_add_waits(const struct dispatch *dispatch, struct waits *waits);

/* The settings of a receiver that a message may be sent to now.  NULL where it may not: `*why_not` says why, or is NULL
 * where the receiver asked for a pause. */
const struct settings *dispatch_find(const struct dispatch *dispatch, const char *name, const char **why_not);

bool dispatch_is_busy(const struct dispatch *dispatch);

#endif
