/* One line for each kind of message: what a lock screen, a subject and a pager show. */
#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_CHARACTERS 100

static double number_of(const json_t *alert, const char *key)
{
	return json_number_value(json_object_get(alert, key));
}

/* "negative-spike on zorvex and 2 more topics" */
static char *subject(const json_t *alert)
{
	char *rule = text_line(alert_text(alert, "rule"), NAME_MAX_CHARACTERS);
	char *topic = text_line(alert_text(alert, "topic"), NAME_MAX_CHARACTERS);
	size_t topics = json_array_size(json_object_get(alert, "topics"));
	char *out = topics > 1 ? text_format("%s on %s and %zu more topic%s", rule, topic, topics - 1, topics > 2 ? "s" : "")
			       : text_format("%s on %s", rule, topic);
	free(rule);
	free(topic);
	return out;
}

/* "14 in 60 min, 2.1 expected, 5 publishers".  A mean score is below zero where it fires, which no other ratio is: then the
 * ratio is the mean itself, and what was expected is the usual one (alerts/rule.h). */
static char *measure(const json_t *alert)
{
	char count[TEXT_NUMBER_SIZE], span[TEXT_SPAN_SIZE], expected[TEXT_NUMBER_SIZE], mean[TEXT_NUMBER_SIZE];
	char publishers[TEXT_NUMBER_SIZE];
	text_number(number_of(alert, "count"), count);
	text_span(number_of(alert, "window_s"), span);
	text_number(number_of(alert, "expected"), expected);
	text_number(number_of(alert, "publishers"), publishers);
	if (number_of(alert, "ratio") < 0)
		return text_format("a mean score of %s over %s in %s, %s is usual, %s publishers",
				   text_number(number_of(alert, "ratio"), mean), count, span, expected, publishers);
	return text_format("%s in %s, %s expected, %s publishers", count, span, expected, publishers);
}

static char *of_resolved(const char *about, const json_t *alert)
{
	char peak[TEXT_NUMBER_SIZE], span[TEXT_SPAN_SIZE];
	int64_t fired_us, resolved_us;
	text_number(number_of(alert, "peak_count"), peak);
	if (!time_parse_iso(alert_text(alert, "fired"), &fired_us) ||
	    !time_parse_iso(alert_text(alert, "resolved"), &resolved_us) || resolved_us < fired_us)
		return text_format("%s: resolved, %s at the peak", about, peak);
	return text_format("%s: resolved after %s, %s at the peak", about,
			   text_span((double)(resolved_us - fired_us) / SECOND_US, span), peak);
}

static char *of_alert(enum message_kind kind, const json_t *alert)
{
	char *about = subject(alert), *measured = measure(alert), *out;
	bool grows = strcmp(alert_text(alert, "change"), "escalated") == 0;
	if (kind == MESSAGE_RESOLVED)
		out = of_resolved(about, alert);
	else
		out = text_format("%s%s: %s", about, grows ? " keeps growing" : "", measured);
	free(about);
	free(measured);
	return out;
}

/* The message is a sentence, which may begin with what it is about. */
static char *of_self(enum message_kind kind, const json_t *alert)
{
	const char *topic = alert_text(alert, "topic"), *message = alert_text(alert, "message");
	if (message[0] == '\0')
		return text_format("Bellwether: %s: %s", topic, kind == MESSAGE_RESOLVED ? "well again" : "not well");
	if (strncasecmp(message, topic, strlen(topic)) == 0)
		return text_format("Bellwether: %s", message);
	return text_format("Bellwether: %s: %s", topic, message);
}

static char *of_digest(const json_t *digest)
{
	const json_t *events = json_object_get(digest, "alerts"), *alert;
	json_int_t omitted = json_integer_value(json_object_get(digest, "omitted"));
	size_t index, firing = 0, over = 0;
	json_array_foreach(events, index, alert) {
		if (alert_is_told_later(events, index))
			continue;
		if (alert_kind(alert, false) == MESSAGE_RESOLVED)
			over++;
		else
			firing++;
	}
	return text_format("Bellwether: %zu alert%s came late: %zu still firing, %zu resolved%s", firing + over,
			   firing + over == 1 ? "" : "s", firing, over, omitted > 0 ? ", and more" : "");
}

static char *of_heartbeat(const json_t *alert)
{
	const char *status = alert_text(alert, "status");
	char firing[TEXT_NUMBER_SIZE];
	text_number(number_of(alert, "alerts_firing"), firing);
	return text_format("Bellwether is alive: %s, %s alerts firing", status[0] != '\0' ? status : "ok", firing);
}

char *notice_summary(enum message_kind kind, const json_t *alert)
{
	char *long_one;
	if (kind == MESSAGE_TEST)
		long_one = text_format("Bellwether: a test message, nothing happened");
	else if (kind == MESSAGE_DIGEST)
		long_one = of_digest(alert);
	else if (kind == MESSAGE_HEARTBEAT)
		long_one = of_heartbeat(alert);
	else if (alert_is_self(alert))
		long_one = of_self(kind, alert);
	else
		long_one = of_alert(kind, alert);
	char *out = text_line(long_one, NOTICE_SUMMARY_MAX);
	free(long_one);
	return out;
}
