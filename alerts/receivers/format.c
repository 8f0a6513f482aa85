#include "alerts/receivers/format.h"

#include "alerts/webhook.h"
#include "daemon/base/check.h"

#include <stdio.h>
#include <string.h>

static const struct format formats[] = {
#define X(name, key_in_body) {#name, format_##name, key_in_body},
	FORMATS(X)
#undef X
};

const char *const webhook_formats[] = {
#define X(name, key_in_body) #name,
	FORMATS(X)
#undef X
	NULL,
};

const struct format *format_find(const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
#define X(name, key_in_body) ", " #name
	err_set(e, "no format \"%s\": expected one of %s", name, (FORMATS(X)) + strlen(", "));
#undef X
	return NULL;
}

char *format_write(const struct format *format, enum message_kind kind, const char *payload, const char *secret,
		   int64_t now_us, struct err *e)
{
	json_error_t error;
	json_t *alert = json_loads(payload, 0, &error);
	if (!json_is_object(alert)) {
		err_set(e, "the stored payload is no JSON object: %s", alert == NULL ? error.text : "another type");
		json_decref(alert);
		return NULL;
	}
	json_t *body = format->body(&(struct message){kind, alert, secret, now_us});
	char *out = body != NULL ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	json_decref(body);
	json_decref(alert);
	if (out == NULL)
		err_set(e, "the payload does not fit the format %s", format->name);
	return out;
}

const char *alert_text(const json_t *alert, const char *key)
{
	const char *value = json_string_value(json_object_get(alert, key));
	return value != NULL ? value : "";
}

static double alert_number(const json_t *alert, const char *key)
{
	return json_number_value(json_object_get(alert, key));
}

char *alert_summary(const struct message *message)
{
	char *out = NULL;
	int length;
	const json_t *alert = message->alert;
	const char *rule = alert_text(alert, "rule"), *topic = alert_text(alert, "topic");
	if (message->kind == MESSAGE_TEST) {
		length = asprintf(&out, "Bellwether: a test message, nothing happened");
	} else if (message->kind == MESSAGE_RESOLVED) {
		length = asprintf(&out, "%s on %s: resolved, %.0f at the peak", rule, topic,
				  alert_number(alert, "peak_count"));
	} else {
		length = asprintf(&out, "%s on %s: %.0f in %.0f min, %.3g expected, %.0f publishers", rule, topic,
				  alert_number(alert, "count"), alert_number(alert, "window_s") / 60,
				  alert_number(alert, "expected"), alert_number(alert, "publishers"));
	}
	CHECK(length >= 0);
	return out;
}

void alert_each_story(const json_t *alert, size_t max, void (*each)(void *context, const json_t *story), void *context)
{
	const json_t *evidence = json_object_get(alert, "evidence"), *story;
	size_t index;
	json_array_foreach(evidence, index, story) {
		if (index == max)
			break;
		each(context, story);
	}
}
