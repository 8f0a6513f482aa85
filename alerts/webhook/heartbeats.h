#ifndef ALERTS_WEBHOOK_HEARTBEATS_H
#define ALERTS_WEBHOOK_HEARTBEATS_H

#include "alerts/webhook.h"
#include "alerts/webhook/attempt.h"
#include "alerts/webhook/settings.h"

#include <curl/curl.h>
#include <stdint.h>

/*
 * Heartbeats: sent beside the deliveries, once each, one at a time to a
 * receiver.  Belongs to the webhook thread but for heartbeats_get and
 * heartbeats_skip, which any may call.
 */
struct heartbeats;

struct heartbeats *heartbeats_create(CURLM *multi, const struct clock *clock);

/* What is under way is cut off. */
void heartbeats_free(struct heartbeats *heartbeats);

/* `settings` and `why_not` as dispatch_find gives them. */
void heartbeats_send(struct heartbeats *heartbeats, const char *receiver, const char *payload, const struct settings *settings,
		     const char *why_not);

/* One was not even tried. */
void heartbeats_skip(struct heartbeats *heartbeats, const char *receiver);

/* Counts those that have ended, adds what the others wait for.  Returns by when to come back (monotonic). */
int64_t heartbeats_turn(struct heartbeats *heartbeats, struct waits *waits);

void heartbeats_get(struct heartbeats *heartbeats, const char *receiver, struct webhook_heartbeats *out);

#endif
