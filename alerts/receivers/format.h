#ifndef ALERTS_RECEIVERS_FORMAT_H
#define ALERTS_RECEIVERS_FORMAT_H

#include "daemon/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What receivers of each kind expect in the body of a message.  All are made
 * from the same payload (alerts/payload.h).
 *
 * Every format, with whether the receiver's secret is a key inside the body:
 * then it is needed, and messages are not signed with it.  A new one is a line
 * here and a file beside this one with its format_NAME; configuration, checks
 * and messages know of it by themselves.
 */
#define FORMATS(X)                                                                                            \
	X(standard, false)                                                                                    \
	X(slack, false)                                                                                       \
	X(alertmanager, false)                                                                                \
	X(pagerduty, true)

enum message_kind {
	MESSAGE_FIRING,
	MESSAGE_RESOLVED,
	MESSAGE_TEST, /* nothing happened: somebody asked for a sign of life */
};

struct message {
	enum message_kind kind;
	const json_t *alert;     /* the payload: an object */
	const char *secret;      /* the receiver's; NULL = none */
	int64_t now_us;
};

/* A body of this format, or NULL.  The caller decrefs it. */
typedef json_t *format_body(const struct message *message);

struct format {
	const char *name;
	format_body *body;
	bool key_in_body;
};

/* NULL, with a message that lists what there is, where the name is not known. */
const struct format *format_find(const char *name, struct err *e);

/* The body's exact bytes for a payload as the outbox holds it; the caller frees them.  The same delivery gives the same
 * bytes at every attempt, but where the format needs the time of sending.  NULL where the payload is not one. */
char *format_write(const struct format *format, enum message_kind kind, const char *payload, const char *secret,
		   int64_t now_us, struct err *e);

#define X(name, key_in_body) format_body format_##name;
FORMATS(X)
#undef X

/* ---- for the formats ---- */

/* A string of the payload; "" where it is missing or null. */
const char *alert_text(const json_t *alert, const char *key);

/* "negative-spike on boeing: 14 stories in 60 min, 2.1 expected, 5 publishers", or what else the kind is about;
 * the caller frees it. */
char *alert_summary(const struct message *message);

/* Calls `each` for the stories that made the alert, the first `max` of them. */
void alert_each_story(const json_t *alert, size_t max, void (*each)(void *context, const json_t *story), void *context);

#endif
