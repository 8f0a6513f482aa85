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

const char *alert_change_name(enum alert_change change)
{
	static const char *const names[ALERT_CHANGES] = {"pending", "fired", "escalated", "joined", "renewed", "resolved"};
	CHECK((size_t)change < ALERT_CHANGES);
	return names[change];
}

const char *rule_cause_name(enum rule_cause cause)
{
	static const char *const names[] = {NULL, "volume", "tone", "both"};
	CHECK((size_t)cause < sizeof names / sizeof names[0]);
	return names[cause];
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

static json_t *word_array(const struct watch_words *words)
{
	json_t *array = json_or_die(json_array());
	for (size_t i = 0; i < words->count; i++) {
		json_t *object = json_or_die(json_object());
		set(object, "text", text(words->each[i].text));
		set(object, "weight", number((double)words->each[i].weight));
		CHECK(json_array_append_new(array, object) == 0);
	}
	return array;
}

/* `words` beside the first `explained` of them. */
static json_t *evidence_array(const struct watch_evidence *evidence, size_t count, const struct watch_words *words,
			      size_t explained)
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
		if (i < explained && words[i].count > 0)
			set(object, "words", word_array(&words[i]));
		CHECK(json_array_append_new(array, object) == 0);
	}
	return array;
}

/* ---- the keys of an alert ---- */

struct named_alert {
	const struct watch_alert *alert;
	const char *rule, *topic;
	const char *const *topics;
};

static json_t *topic_array(const struct named_alert *of)
{
	const struct watch_alert *alert = of->alert;
	json_t *array = json_or_die(json_array());
	for (size_t i = 0; i < alert->member_count; i++)
		CHECK(json_array_append_new(array, text(of->topics[alert->members[i]])) == 0);
	if (alert->member_count == 0)
		CHECK(json_array_append_new(array, text(of->topic)) == 0);
	return array;
}

static json_t *number_array(const float *values, size_t count)
{
	json_t *array = json_or_die(json_array());
	for (size_t i = 0; i < count; i++)
		CHECK(json_array_append_new(array, number((double)values[i])) == 0);
	return array;
}

static json_t *chart_object(const struct watch_chart *chart)
{
	if (chart->count == 0)
		return json_null();
	json_t *object = json_or_die(json_object());
	set(object, "start", instant(chart->start_s * SECOND_US));
	set(object, "step_s", integer(chart->step_s));
	set(object, "counts", number_array(chart->counts, chart->count));
	set(object, "expected", number_array(chart->expected, chart->count));
	set(object, "limit", number_array(chart->limit, chart->count));
	return object;
}

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
	X(evidence, evidence_array(of->alert->evidence, of->alert->evidence_count, of->alert->words, of->alert->explained))  \
	X(change, text(alert_change_name(of->alert->change)))                                                          \
	X(cause, text(rule_cause_name(of->alert->cause)))                                                              \
	X(stories, integer(of->alert->stories))                                                                        \
	X(stories_expected, number(of->alert->stories_expected))                                                       \
	X(share, number(of->alert->share))                                                                             \
	X(share_expected, number(of->alert->share_expected))                                                           \
	X(group, text(of->alert->group != NULL ? of->alert->group : of->alert->id))                                    \
	X(topics, topic_array(of))                                                                                     \
	X(chart, chart_object(&of->alert->chart))

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
	KEY(publishers), KEY(late), KEY(evidence), KEY(change), KEY(cause), KEY(stories), KEY(stories_expected), KEY(share),
	KEY(share_expected), KEY(group), KEY(topics), KEY(chart), {NULL, NULL},
};

static const struct key change_form[] = {
	KEY(at), KEY(rule), KEY(topic), KEY(state), KEY(count), KEY(expected), KEY(ratio), KEY(p_value), KEY(documents),
	KEY(publishers), KEY(evidence), KEY(id), KEY(event), KEY(started), KEY(fired), KEY(resolved), KEY(window_s),
	KEY(peak_count), KEY(late), KEY(change), KEY(cause), KEY(stories), KEY(stories_expected), KEY(share),
	KEY(share_expected), KEY(group), KEY(topics), {NULL, NULL},
};

static char *dump(json_t *json)
{
	char *out = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(json);
	CHECK(out != NULL);
	return out;
}

static json_t *make_form(const struct key *form, const struct named_alert *of)
{
	json_t *object = json_or_die(json_object());
	for (; form->name != NULL; form++)
		set(object, form->name, form->value(of));
	return object;
}

char *payload_write_event(const struct watch_alert *alert, const char *rule, const char *topic, const char *const *topics)
{
	return dump(make_form(event_form, &(struct named_alert){alert, rule, topic, topics}));
}

char *payload_write_change(const struct watch_alert *alert, const char *rule, const char *topic, const char *const *topics)
{
	return dump(make_form(change_form, &(struct named_alert){alert, rule, topic, topics}));
}

char *payload_write_evidence(const struct watch_evidence *evidence, size_t count)
{
	return dump(evidence_array(evidence, count, NULL, 0));
}

/* ---- many in one ---- */

char *payload_write_digest(const char *id, int64_t at_us, const char *const *events, size_t count, size_t omitted)
{
	json_t *digest = json_or_die(json_object()), *alerts = json_or_die(json_array());
	set(digest, "id", text(id));
	set(digest, "event", integer(1));
	set(digest, "state", text("digest"));
	set(digest, "late", json_true());
	set(digest, "at", instant(at_us));
	set(digest, "alerts", alerts);
	set(digest, "omitted", integer((int64_t)omitted));
	for (size_t i = 0; i < count; i++) {
		json_t *event = json_loads(events[i], 0, NULL);
		if (!json_is_object(event)) {
			json_decref(event);
			json_decref(digest);
			return NULL;
		}
		json_object_del(event, "chart");
		CHECK(json_array_append_new(alerts, event) == 0);
	}
	return dump(digest);
}
