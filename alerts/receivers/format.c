#include "alerts/receivers/format.h"

#include "daemon/base/check.h"

#include <string.h>

static const struct format formats[] = {
#define X(name, transport, secret) {#name, format_##name, transport, secret},
	FORMATS(X)
#undef X
};

const char *const webhook_formats[] = {
#define X(name, transport, secret) #name,
	FORMATS(X)
#undef X
	NULL,
};

const struct format *format_find(const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
#define X(name, transport, secret) ", " #name
	err_set(e, "no format \"%s\": expected one of %s", name, (FORMATS(X)) + strlen(", "));
#undef X
	return NULL;
}

const char *alert_text(const json_t *alert, const char *key)
{
	const char *value = json_string_value(json_object_get(alert, key));
	return value != NULL ? value : "";
}

bool alert_is_self(const json_t *alert)
{
	return strcmp(alert_text(alert, "rule"), "bellwether") == 0 && json_is_string(json_object_get(alert, "message"));
}

enum message_kind alert_kind(const json_t *alert, bool resolved)
{
	static const struct {
		const char *state;
		enum message_kind kind;
	} kinds[] = {{"resolved", MESSAGE_RESOLVED}, {"digest", MESSAGE_DIGEST}, {"heartbeat", MESSAGE_HEARTBEAT},
		     {"test", MESSAGE_TEST}};
	const char *state = alert_text(alert, "state"), *change = alert_text(alert, "change");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(state, kinds[i].state) == 0)
			return kinds[i].kind;
	if (state[0] == '\0' && resolved)
		return MESSAGE_RESOLVED;
	return strcmp(change, "escalated") == 0 || strcmp(change, "joined") == 0 ? MESSAGE_UPDATE : MESSAGE_FIRING;
}

bool alert_is_told_later(const json_t *events, size_t index)
{
	const char *id = alert_text(json_array_get(events, index), "id");
	for (size_t i = index + 1; i < json_array_size(events); i++)
		if (strcmp(alert_text(json_array_get(events, i), "id"), id) == 0)
			return true;
	return false;
}

char *format_write(const struct format *format, const struct receiver_spec *receiver, const struct envelope *envelope,
		   int64_t now_us, struct err *e)
{
	json_error_t error;
	json_t *alert = json_loads(envelope->payload, 0, &error);
	if (!json_is_object(alert)) {
		err_set(e, "the stored payload is no JSON object: %s", alert == NULL ? error.text : "another type");
		json_decref(alert);
		return NULL;
	}
	char *out = format->body(&(struct message){alert_kind(alert, envelope->resolved), alert, envelope->id, receiver, now_us});
	json_decref(alert);
	if (out == NULL)
		err_set(e, "the payload does not fit the format %s", format->name);
	return out;
}

char *format_dump(json_t *json)
{
	char *out = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	json_decref(json);
	return out;
}
