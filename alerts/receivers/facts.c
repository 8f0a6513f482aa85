/* What stands below the line that says it all.  A payload that lacks a key gives no fact about it. */
#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_LENGTH_MAX 400 /* characters */
#define VALUE_LENGTH_MAX 400

/* Takes `value`; NULL and "" are no fact. */
static void add(struct notice *notice, const char *label, char *value)
{
	if (value == NULL || value[0] == '\0') {
		free(value);
		return;
	}
	CHECK(notice->fact_count < NOTICE_FACTS_MAX);
	notice->facts[notice->fact_count++] = (struct notice_fact){label, value};
}

static bool number_at(const json_t *alert, const char *key, double *out)
{
	const json_t *value = json_object_get(alert, key);
	*out = json_number_value(value);
	return json_is_number(value);
}

static char *cause(const json_t *alert)
{
	static const struct {
		const char *cause, *words;
	} causes[] = {{"volume", "more is written"},
		      {"tone", "what is written turned worse"},
		      {"both", "more is written, and it turned worse"}};
	for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
		if (strcmp(alert_text(alert, "cause"), causes[i].cause) == 0)
			return text_format("%s", causes[i].words);
	return NULL;
}

static char *volume(const json_t *alert)
{
	double stories, expected;
	char a[TEXT_NUMBER_SIZE], b[TEXT_NUMBER_SIZE];
	if (!number_at(alert, "stories", &stories) || !number_at(alert, "stories_expected", &expected))
		return NULL;
	return text_format("%s stories in all, %s expected", text_number(stories, a), text_number(expected, b));
}

static char *share(const json_t *alert)
{
	double now, usual;
	char a[TEXT_NUMBER_SIZE], b[TEXT_NUMBER_SIZE];
	if (!number_at(alert, "share", &now) || !number_at(alert, "share_expected", &usual))
		return NULL;
	return text_format("%s %% of what was judged, %s %% is usual", text_number(100 * now, a), text_number(100 * usual, b));
}

static char *breadth(const json_t *alert)
{
	double documents, publishers;
	char a[TEXT_NUMBER_SIZE], b[TEXT_NUMBER_SIZE];
	if (!number_at(alert, "documents", &documents) || !number_at(alert, "publishers", &publishers))
		return NULL;
	return text_format("%s documents by %s publishers", text_number(documents, a), text_number(publishers, b));
}

/* A list of names, as many as fit; NULL for fewer than `least`. */
static char *names(const json_t *alert, const char *key, size_t least)
{
	const json_t *list = json_object_get(alert, key), *name;
	char *text, *out;
	size_t index, length;
	if (json_array_size(list) < least)
		return NULL;
	FILE *joined = open_memstream(&text, &length);
	CHECK(joined != NULL);
	json_array_foreach(list, index, name) {
		if (json_is_string(name))
			fprintf(joined, "%s%s", ftell(joined) > 0 ? ", " : "", json_string_value(name));
	}
	CHECK(fclose(joined) == 0);
	out = text_line(text, NAMES_LENGTH_MAX);
	free(text);
	return out;
}

static char *peak(const json_t *alert)
{
	double count, most;
	char text[TEXT_NUMBER_SIZE];
	if (!number_at(alert, "count", &count) || !number_at(alert, "peak_count", &most) || most <= count)
		return NULL;
	return text_format("%s", text_number(most, text));
}

static void add_alert(struct notice *notice, enum message_kind kind, const json_t *alert)
{
	bool late = json_is_true(json_object_get(alert, "late"));
	if (kind != MESSAGE_RESOLVED && !alert_is_self(alert)) {
		add(notice, "Cause", cause(alert));
		add(notice, "Volume", volume(alert));
		add(notice, "Negative", share(alert));
		add(notice, "Breadth", breadth(alert));
		add(notice, "Peak", peak(alert));
	}
	add(notice, "Topics", names(alert, "topics", 2)); /* of a group */
	add(notice, "Began", notice_time(alert, "started"));
	add(notice, "Fired", notice_time(alert, "fired"));
	add(notice, "Resolved", notice_time(alert, "resolved"));
	add(notice, "Late", late ? text_format("raised long after what it tells of") : NULL);
	add(notice, "Alert", text_line(alert_text(alert, "id"), VALUE_LENGTH_MAX));
}

static void add_heartbeat(struct notice *notice, const json_t *alert)
{
	double documents;
	char text[TEXT_NUMBER_SIZE];
	add(notice, "At", notice_time(alert, "at"));
	if (number_at(alert, "documents", &documents))
		add(notice, "Documents", text_format("%s", text_number(documents, text)));
	add(notice, "Problems", names(alert, "problems", 1));
	add(notice, "Version", text_line(alert_text(alert, "version"), VALUE_LENGTH_MAX));
}

void notice_add_facts(struct notice *notice, enum message_kind kind, const json_t *alert)
{
	switch (kind) {
	case MESSAGE_TEST:
	case MESSAGE_DIGEST:
		add(notice, "At", notice_time(alert, "at"));
		break;
	case MESSAGE_HEARTBEAT:
		add_heartbeat(notice, alert);
		break;
	default:
		add_alert(notice, kind, alert);
	}
}
