#ifndef ALERTS_WEBHOOK_REQUEST_H
#define ALERTS_WEBHOOK_REQUEST_H

#include "alerts/webhook/outcome.h"
#include "alerts/webhook/settings.h"
#include "daemon/base/err.h"

#include <curl/curl.h>
#include <stdint.h>

/*
 * One message over HTTP or SMTP: a curl handle with everything it needs, so
 * that it outlives the settings it was made from.
 */
struct request;

/* Of `body` (taken, also on failure): a POST, signed at `now_us`, or a mail.  NULL where it cannot be made: then no attempt
 * will ever succeed. */
struct request *request_create(const struct settings *settings, const char *webhook_id, char *body, int64_t now_us,
			       struct err *e);
/* Not while a multi handle or a courier holds it. */
void request_free(struct request *request);

/* For curl_multi_add_handle; CURLOPT_PRIVATE is the caller's. */
CURL *request_handle(struct request *request);

void request_outcome(const struct request *request, CURLcode code, struct outcome *outcome);

#endif
