#ifndef ALERTS_WEBHOOK_SETTINGS_H
#define ALERTS_WEBHOOK_SETTINGS_H

#include "alerts/receivers/format.h"
#include "alerts/webhook.h"

/* A receiver's specification, checked and copied. */
struct settings {
	struct receiver_spec spec; /* its texts belong to the settings; format and timeout are set */
	const struct format *format;
	char *user, *password;     /* of the login; NULL = none */
};

/* NULL where a key, or the secret, is wrong; the message names the receiver. */
struct settings *settings_create(const struct receiver_spec *spec, struct err *e);
void settings_free(struct settings *settings);

struct settings_list {
	struct settings **each;
	size_t count;
};

struct settings_list *settings_list_create(const struct receiver_spec *specs, size_t count, struct err *e);
/* Those taken from the list are NULL in it. */
void settings_list_free(struct settings_list *list);

#endif
