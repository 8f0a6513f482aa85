#ifndef ALERTS_WEBHOOK_ATTEMPT_H
#define ALERTS_WEBHOOK_ATTEMPT_H

#include "alerts/webhook/outcome.h"
#include "alerts/webhook/process.h"
#include "alerts/webhook/settings.h"
#include "daemon/base/err.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One try of one message, whichever way its format goes: over the network in a
 * curl multi handle, by a courier, or to a command.  Nothing blocks.  It outlives the
 * settings it was made from.
 */
struct attempt;

/* Under way from now on.  NULL where the message cannot be made: then no attempt will ever succeed. */
struct attempt *attempt_start(const struct settings *settings, const struct envelope *envelope, int64_t now_us, CURLM *multi,
			      struct err *e);

/* It is to end: who frees several says so to all first, and waits for the slowest only. */
void attempt_cancel(struct attempt *attempt);

/* Cuts off what is still under way. */
void attempt_free(struct attempt *attempt);

/* For what curl_multi_info_read gives: that attempt is over now. */
void attempt_finish(CURL *easy, CURLcode code);

/* Is it over?  Then `out` says how. */
bool attempt_is_over(struct attempt *attempt, struct outcome *out);

/* What curl does not wait for by itself.  Start with {0}; free `each`. */
struct waits {
	struct curl_waitfd *each;
	size_t count, capacity;
};
void waits_add(struct waits *waits, const struct attempt *attempt);

/* By when attempt_is_over is to be asked in any case (monotonic); INT64_MAX = curl tells. */
int64_t attempt_deadline_us(const struct attempt *attempt);

#endif
