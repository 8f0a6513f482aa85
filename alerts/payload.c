/*
 * Two orders of the same keys, so each key is written by its name from one
 * table, and a form is a list of names.
 */
#include "alerts/payload.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

const char *alert_state_name(enum alert_state state)
{
	static const char *const names[] = {"ok", "pending", "firing", "resolved"};
	CHECK((size_t)state < sizeof names / sizeof names[0]);
	return names[state];
}

static json_t *json_or_die(json_t *value)
{
	CHECK(value != NULL);
	return value;
}

/* Texts of items are valid UTF-8 by contract; what is not becomes null rather than a broken message. */
static json_t *text(const char *value)
{
	json_t *json = value != NULL ? json_string(value) : NULL;
	return json != NULL ? json : json_null();
}

static json_t *text_or_null(const char *value)
{
	return value == NULL || value[0] == '\0' ? json_null() : text(value);
}

static json_t *instant(int64_t time_us)
{
	char iso[64];
	return time_us == TIME_NONE ? json_null() : text(time_format_iso(time_us, iso, sizeof iso));
}

/* SQLite keeps no sign of zero: without the sum, a score would be another one after a restart. */
static json_t *number(double value)
{
	return isfinite(value) ? json_or_die(json_real(value + 0.0)) : json_null();
}

static json_t *integer(int64_t value)
{
	return json_or_die(json_integer(value));
}

static void set(json_t *object, const char *key, json_t *value)
{
	CHECK(json_object_set_new(object, key, value) == 0);
}

static json_t *evidence_array(const struct watch_evidence *evidence, size_t count)
{
	json_t *array = json_or_die(json_array());
	for (size_t i = 0; i < count; i++) {
		const struct watch_evidence *one = &evidence[i];
		bool judged = one->polarity != POLARITY_NONE;
		json_t *object = json_or_die(json_object());
		set(object, "title", text(one->title));
		set(object, "url", text_or_null(one->url));
		set(object, "publisher", text_or_null(one->publisher));
		set(object, "published", instant(one->published_us));
		set(object, "polarity", judged ? text(polarity_name(one->polarity)) : json_null());
		set(object, "score", judged ? number((double)one->score) : json_null());
		set(object, "copies", integer(one->copies));
		set(object, "story", integer(one->story));
		CHECK(json_array_append_new(array, object) == 0);
	}
	return array;
}

/* ---- the keys of an alert ---- */

struct named_alert {
	const struct watch_alert *alert;
	const char *rule, *topic;
};

#define KEYS(X)                                                                                                        \
	X(id, text(of->alert->id))                                                                                     \
	X(event, integer(of->alert->event))                                                                            \
	X(rule, text(of->rule))                                                                                        \
	X(topic, text(of->topic))                                                                                      \
	X(state, text(alert_state_name(of->alert->state)))                                                             \
	X(at, instant(of->alert->at_us))                                                                               \
	X(started, instant(of->alert->started_us))                                                                     \
	X(fired, instant(of->alert->fired_us))                                                                         \
	X(resolved, instant(of->alert->resolved_us))                                                                   \
	X(window_s, integer(of->alert->window_us / SECOND_US))                                                         \
	X(count, integer(of->alert->count))                                                                            \
	X(peak_count, integer(of->alert->peak_count))                                                                  \
	X(expected, number(of->alert->expected))                                                                       \
	X(ratio, number(of->alert->ratio))                                                                             \
	X(p_value, number(of->alert->p_value))                                                                         \
	X(documents, integer(of->alert->documents))                                                                    \
	X(publishers, integer(of->alert->publishers))                                                                  \
	X(late, json_boolean(of->alert->late))                                                                         \
	X(evidence, evidence_array(of->alert->evidence, of->alert->evidence_count))

#define X(name, value)                                                                                                 \
	static json_t *key_##name(const struct named_alert *of)                                                        \
	{                                                                                                              \
		return value;                                                                                          \
	}
KEYS(X)
#undef X

struct key {
	const char *name;
	json_t *(*value)(const struct named_alert *of);
};
#define KEY(name) {#name, key_##name}

static const struct key event_form[] = {
	KEY(id), KEY(event), KEY(rule), KEY(topic), KEY(state), KEY(at), KEY(started), KEY(fired), KEY(resolved),
	KEY(window_s), KEY(count), KEY(peak_count), KEY(expected), KEY(ratio), KEY(p_value), KEY(documents),
	KEY(publishers), KEY(late), KEY(evidence), {NULL, NULL},
};

static const struct key change_form[] = {
	KEY(at), KEY(rule), KEY(topic), KEY(state), KEY(count), KEY(expected), KEY(ratio), KEY(p_value), KEY(documents),
	KEY(publishers), KEY(evidence), KEY(id), KEY(event), KEY(started), KEY(fired), KEY(resolved), KEY(window_s),
	KEY(peak_count), KEY(late), {NULL, NULL},
};

static char *dump(json_t *json)
{
	char *out = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(json);
	CHECK(out != NULL);
	return out;
}

static char *write_form(const struct key *form, const struct named_alert *of)
{
	json_t *object = json_or_die(json_object());
	for (; form->name != NULL; form++)
		set(object, form->name, form->value(of));
	return dump(object);
}

char *payload_write_event(const struct watch_alert *alert, const char *rule, const char *topic)
{
	return write_form(event_form, &(struct named_alert){alert, rule, topic});
}

char *payload_write_change(const struct watch_alert *alert, const char *rule, const char *topic)
{
	return write_form(change_form, &(struct named_alert){alert, rule, topic});
}

char *payload_write_evidence(const struct watch_evidence *evidence, size_t count)
{
	return dump(evidence_array(evidence, count));
}
