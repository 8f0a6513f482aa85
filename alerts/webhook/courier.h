#ifndef ALERTS_WEBHOOK_COURIER_H
#define ALERTS_WEBHOOK_COURIER_H

#include "daemon/base/err.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* A transfer on a thread of its own, for what libcurl cannot do without blocking. */
struct courier;

/* Under way from now on, for `timeout_us` and a few moments at most.  `easy` is the courier's until it is freed; its progress
 * function, too.  `wake` is woken at the end.  NULL where no thread can be started. */
struct courier *courier_start(CURL *easy, int64_t timeout_us, CURLM *wake, struct err *e);

/* Is it over?  Then `code` says how. */
bool courier_is_over(struct courier *courier, CURLcode *code);

/* It is to end, soon; does not wait for that. */
void courier_cancel(struct courier *courier);

/* Cancels, and waits for the end: a second or so. */
void courier_free(struct courier *courier);

#endif
