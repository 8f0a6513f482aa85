#ifndef ALERTS_RECEIVERS_FORMAT_H
#define ALERTS_RECEIVERS_FORMAT_H

#include "alerts/webhook.h"
#include "daemon/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What receivers of each kind expect of a message.  All are made from the same
 * payload (alerts/payload.h); one that an older version stored lacks the newer
 * keys, and says less.
 *
 * Every format, with the way its messages go and what the receiver's secret is
 * for.  A new one is a line here and a file beside this one with its
 * format_NAME; configuration, checks and messages know of it by themselves.
 */
#define FORMATS(X)                                                                                            \
	X(standard, TRANSPORT_HTTP, SECRET_SIGNS)                                                             \
	X(slack, TRANSPORT_HTTP, SECRET_SIGNS)                                                                \
	X(teams, TRANSPORT_HTTP, SECRET_SIGNS)                                                                \
	X(alertmanager, TRANSPORT_HTTP, SECRET_SIGNS)                                                         \
	X(pagerduty, TRANSPORT_HTTP, SECRET_IN_BODY)                                                          \
	X(smtp, TRANSPORT_SMTP, SECRET_LOGIN)                                                                 \
	X(command, TRANSPORT_COMMAND, SECRET_NONE)

enum transport { TRANSPORT_HTTP, TRANSPORT_SMTP, TRANSPORT_COMMAND };

enum secret_use {
	SECRET_SIGNS,   /* if there is one */
	SECRET_IN_BODY, /* a key that must be there; messages are not signed with it */
	SECRET_LOGIN,   /* if there is one */
	SECRET_NONE,
};

enum message_kind {
	MESSAGE_FIRING,    /* also one that a silence kept back until now */
	MESSAGE_UPDATE,    /* it keeps growing, or another topic joined it */
	MESSAGE_RESOLVED,
	MESSAGE_DIGEST,    /* what came late, in one message */
	MESSAGE_HEARTBEAT,
	MESSAGE_TEST,      /* nothing happened: somebody asked for a sign of life */
};

struct message {
	enum message_kind kind;
	const json_t *alert;  /* the payload: an object */
	const char *id;       /* of the message, the same at every attempt */
	const struct receiver_spec *receiver;
	int64_t now_us;
};

/* What is sent, or NULL where that cannot be written.  The caller frees it. */
typedef char *format_body(const struct message *message);

struct format {
	const char *name;
	format_body *body;
	enum transport transport;
	enum secret_use secret;
};

/* NULL, with a message that lists what there is, where the name is not known. */
const struct format *format_find(const char *name, struct err *e);

/* What is to be told, as the outbox holds it. */
struct envelope {
	const char *id;       /* the message's */
	const char *payload;
	bool resolved;        /* what the payload says where its "state" is missing */
};

/* The exact bytes to send to a receiver of this format; the caller frees them.  The same envelope gives the same bytes at
 * every attempt, but where the format needs the time of sending.  NULL where the payload is not one. */
char *format_write(const struct format *format, const struct receiver_spec *receiver, const struct envelope *envelope,
		   int64_t now_us, struct err *e);

#define X(name, transport, secret) format_body format_##name;
FORMATS(X)
#undef X

/* ---- for the formats ---- */

/* A string of the payload; "" where it is missing or null. */
const char *alert_text(const json_t *alert, const char *key);

/* Is it about Bellwether itself? */
bool alert_is_self(const json_t *alert);

/* "firing" of a digest's part, or of a payload as a whole. */
enum message_kind alert_kind(const json_t *alert, bool resolved);

/* Does a digest tell of the alert of its `index`-th event once more behind it?  The last one says how it is. */
bool alert_is_told_later(const json_t *events, size_t index);

/* The JSON's text; takes the reference.  NULL where `json` is. */
char *format_dump(json_t *json);

/* The payload's chart as SVG, NULL where it has none.  The caller frees it. */
char *alert_chart(const json_t *alert);

#endif
