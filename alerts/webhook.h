#ifndef ALERTS_WEBHOOK_H
#define ALERTS_WEBHOOK_H

#include "alerts/store.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sends what the outbox holds.  One thread, any number of receivers; a slow or
 * dead receiver never holds up another.  The thread knows neither store nor
 * writer: due deliveries are handed to it, results go to a callback.
 *
 * An alert's events reach a receiver in order: "resolved" never before
 * "firing".  2xx is success; 410 disables the receiver, whose deliveries are
 * dead then; 429 and 503 obey Retry-After, up to an hour; redirects are
 * failures.  Whatever failed is tried again after 5 s, 10 s ... 5 minutes: for
 * ever while the alert fires, for 24 hours of trying once it is resolved.
 *
 * webhook-id is the alert's id, "-" and the event's number.  Every attempt of
 * a delivery has the same id and (but for alertmanager) body, and a timestamp
 * and signature of its own.
 */
struct receiver_spec {
	const char *name;
	const char *url;
	const char *format;       /* one of webhook_formats; NULL = "standard" */
	const char *secret;       /* "whsec_..." or base64 of it; several separated by blanks rotate; NULL = unsigned.
				   * For pagerduty the integration key, which goes into the body */
	const char *ca_file;      /* NULL = the system's */
	int64_t timeout_us;       /* 0 = 15 s */
};

/* The formats by name, NULL at the end (alerts/receivers/format.h). */
extern const char *const webhook_formats[];

/* Will this secret do for the format?  NULL = none: fails where the format needs one. */
int webhook_check_secret(const char *format, const char *secret, struct err *e);

/* The signature header of Standard Webhooks 1.0.0: "v1,<base64 HMAC-SHA256 of id.timestamp.body>", one per secret.
 * Fails on a secret that is empty or no base64, and where `size` is too small; 64 bytes a secret are enough. */
int webhook_sign(const char *secrets, const char *id, int64_t timestamp_s, const char *body, size_t body_length,
		 char *out, size_t size, struct err *e);

struct webhook_result {
	int64_t delivery;
	enum delivery_state state;
	uint32_t attempts;
	int64_t next_try_us;
	char error[256]; /* "" = none */
};
/* Called on the webhook thread after each attempt; may block. */
typedef void webhook_done(void *context, const struct webhook_result *result);

struct webhook;

/* Fails on a receiver whose URL, format or secret is wrong.  `clock` stamps messages and times retries. */
struct webhook *webhook_start(const struct receiver_spec *receivers, size_t count, const struct clock *clock,
			      webhook_done *done, void *context, struct err *e);
/* Hands over deliveries (moved: the array, too).  Any thread; never blocks.  A delivery to a receiver that is not
 * configured is dead. */
void webhook_add(struct webhook *webhook, struct delivery *deliveries, size_t count);
/* Replace the receivers (SIGHUP), or leave them where one of the new is wrong.  What waits for a receiver is tried again at
 * once; what waits for one that is gone is dead. */
int webhook_reconfigure(struct webhook *webhook, const struct receiver_spec *receivers, size_t count, struct err *e);
/* When the thread last went round (monotonic); INT64_MAX while it waits in the callback. */
int64_t webhook_heartbeat_us(struct webhook *webhook);
/* Deliveries handed over and neither sent nor dead. */
size_t webhook_pending(struct webhook *webhook);
/* Gives what is under way or due until `deadline_us` from now, then ends; the rest stays in the outbox. */
void webhook_stop(struct webhook *webhook, int64_t deadline_us);

/* For `check --send-test`: one signed test message, synchronously.  Succeeds where the receiver took it. */
int webhook_send_test(const struct receiver_spec *receiver, struct err *e);

#endif
