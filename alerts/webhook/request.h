#ifndef ALERTS_WEBHOOK_REQUEST_H
#define ALERTS_WEBHOOK_REQUEST_H

#include "alerts/webhook/settings.h"
#include "daemon/base/err.h"

#include <curl/curl.h>
#include <stdint.h>

/*
 * One message over HTTP: a curl handle with everything it needs, so that it
 * outlives the settings it was made from.
 */
struct request;

/* POST of `body` (taken, also on failure), signed at `now_us`.  NULL where it cannot be made: then no attempt will ever
 * succeed. */
struct request *request_create(const struct settings *settings, const char *webhook_id, char *body, int64_t now_us,
			       struct err *e);
/* Not while a multi handle holds it. */
void request_free(struct request *request);

/* For curl_easy_perform or curl_multi_add_handle; CURLOPT_PRIVATE is the caller's. */
CURL *request_handle(struct request *request);

enum outcome_kind {
	OUTCOME_TAKEN,  /* 2xx */
	OUTCOME_FAILED, /* worth another try */
	OUTCOME_GONE,   /* 410: the receiver wants nothing any more */
};

struct outcome {
	enum outcome_kind kind;
	int64_t retry_after_us; /* 0 = the receiver said nothing, or not with 429 or 503 */
	char error[256];        /* "" = none */
};

void request_outcome(const struct request *request, CURLcode code, struct outcome *outcome);

#endif
