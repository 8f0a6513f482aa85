#ifndef ALERTS_WEBHOOK_H
#define ALERTS_WEBHOOK_H

#include "alerts/store.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sends what the outbox holds.  One thread (and one more for each mail under
 * way, which libcurl cannot do otherwise), any number of receivers; a slow or
 * dead receiver never holds up another.  The thread knows neither store nor
 * writer: due deliveries are handed to it, results go to a callback.
 *
 * An alert's events reach a receiver in order: "resolved" never before
 * "firing".  Over HTTP 2xx is success; 410 disables the receiver, whose
 * deliveries are dead then; 429 and 503 obey Retry-After, up to an hour;
 * redirects are failures.  A mail is taken when the server took it for one
 * recipient at least; a command by exit status 0.  Whatever failed is tried
 * again after 5 s, 10 s ... 5 minutes: for ever while the alert fires, for 24
 * hours of trying once it is resolved or where the message is a digest.
 *
 * webhook-id is the alert's id, "-" and the event's number.  Every attempt of
 * a delivery has the same id and (but for alertmanager and the Date of a mail)
 * body, and a timestamp and signature of its own.
 */
enum receiver_chart {
	RECEIVER_CHART_AUTO, /* in mails, nowhere else */
	RECEIVER_CHART_YES,  /* smtp: attached; standard, command: the key "chart_svg" */
	RECEIVER_CHART_NO,
};

struct receiver_spec {
	const char *name;
	const char *url;          /* NULL for command */
	const char *format;       /* one of webhook_formats; NULL = "standard" */
	const char *secret;       /* "whsec_..." or base64 of it; several separated by blanks rotate; NULL = unsigned.
				   * For pagerduty the integration key, which goes into the body; for smtp the login: the
				   * user and the password on two lines, or "user:password"; none for command */
	const char *ca_file;      /* NULL = the system's */
	int64_t timeout_us;       /* 0 = 15 s */
	enum receiver_chart chart;

	/* smtp */
	const char *from;         /* "alerts@example.com" or "Alerts <alerts@example.com>" */
	const char *const *to;
	size_t to_count;
	const char *starttls;     /* for smtp:// "required", "try" or "never"; NULL = "required" */

	/* command: run without a shell, the first word is the program's absolute path */
	const char *const *command;
	size_t command_count;
};

/* The formats by name, NULL at the end (alerts/receivers/format.h). */
extern const char *const webhook_formats[];

/* Words of `starttls`, NULL at the end. */
extern const char *const webhook_starttls[];

/* Do the keys fit the format and each other?  The secret is not looked at (webhook_check_secret does), but for whether the
 * receiver `has_secret`.  `*key` becomes the name of the key that is wrong; the message does not repeat it. */
int webhook_check_spec(const struct receiver_spec *receiver, bool has_secret, const char **key, struct err *e);

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
/* The thread's own sign of life: when it last went round (monotonic); INT64_MAX while it waits in the callback. */
int64_t webhook_heartbeat_us(struct webhook *webhook);
/* Deliveries handed over and neither sent nor dead. */
size_t webhook_pending(struct webhook *webhook);

/*
 * The dead-man's switch: one heartbeat to a receiver, now, beside what waits.
 * It is signed and formatted like any message (its webhook-id is the payload's
 * "id"), tried once and never kept: one that fails has failed, and one that
 * comes while the one before is still under way, or while the receiver has
 * asked for a pause, is skipped.  Any thread; never blocks.  A receiver of
 * pagerduty opens no incident for one whose "status" is "ok".
 */
void webhook_heartbeat(struct webhook *webhook, const char *receiver, const char *payload);

/* What became of a receiver's heartbeats since the start. */
struct webhook_heartbeats {
	uint64_t sent, failed, skipped;
	int64_t sent_us;  /* when the last one was taken; TIME_NONE = none was */
	char error[256];  /* of the last one; "" = it was taken */
};
void webhook_get_heartbeats(struct webhook *webhook, const char *receiver, struct webhook_heartbeats *out);

/* Gives what is under way or due until `deadline_us` from now, then ends the thread; the rest stays in the outbox, and so does
 * what is handed over from now on: for whoever takes results to a thread that hands over deliveries, and stops that one next. */
void webhook_drain(struct webhook *webhook, int64_t deadline_us);
/* Drains, where that was not done before, and frees: nobody may call any more. */
void webhook_stop(struct webhook *webhook, int64_t deadline_us);

/* For `check --send-test`: one signed test message, synchronously.  Succeeds where the receiver took it; then `e` says for
 * whom it did not ("" = for all). */
int webhook_send_test(const struct receiver_spec *receiver, struct err *e);

#endif
