/*
 * The alerts of both are spans of time on a topic.  Swept in order of their
 * beginning, spans that overlap what is open are of the same crisis, so both
 * sides may have any number in one: what one rule sees as a single long alert
 * the other may see as three.
 */
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/replay_report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 2 };

struct firing {
	const struct replay_alert *alert;
	const char *topic;
	int side;
	int64_t from_us, until_us; /* until TIME_NONE = open */
};

/* firings[first .. end) are one crisis. */
struct crisis {
	const char *topic;
	size_t first, end;
	int64_t from_us, until_us; /* INT64_MAX = it goes on */
	int64_t fired_us[SIDES];   /* TIME_NONE = this side says nothing */
};

struct comparison {
	const struct replay *replays[SIDES];
	struct firing *firings;    /* by topic, then time */
	size_t firing_count;
	struct crisis *crises;     /* by time, then topic */
	size_t crisis_count;
};

/* ---- making it ---- */

static int by_topic_and_time(const void *x, const void *y)
{
	const struct firing *a = x, *b = y;
	int topics = strcmp(a->topic, b->topic);

	if (topics)
		return topics;
	if (a->from_us != b->from_us)
		return a->from_us < b->from_us ? -1 : 1;
	return a->side != b->side ? a->side - b->side : strcmp(a->alert->id, b->alert->id);
}

static void collect(struct comparison *comparison)
{
	size_t count[SIDES], at = 0;

	for (int side = 0; side < SIDES; side++)
		replay_alerts(comparison->replays[side], &count[side]);
	comparison->firings = xcalloc(count[0] + count[1] + 1, sizeof *comparison->firings);
	for (int side = 0; side < SIDES; side++) {
		const struct replay *replay = comparison->replays[side];
		const struct replay_alert *alerts = replay_alerts(replay, &count[side]);

		for (size_t i = 0; i < count[side]; i++)
			comparison->firings[at++] = (struct firing){
				.alert = &alerts[i],
				.topic = replay_config(replay)->watch.topics[alerts[i].topic],
				.side = side,
				.from_us = alerts[i].fired_us,
				.until_us = alerts[i].resolved_us == TIME_NONE ? INT64_MAX : alerts[i].resolved_us,
			};
	}
	comparison->firing_count = at;
	qsort(comparison->firings, at, sizeof *comparison->firings, by_topic_and_time);
}

static void add_to(struct crisis *crisis, const struct firing *firing)
{
	int64_t *fired_us = &crisis->fired_us[firing->side];

	crisis->end++;
	if (firing->until_us > crisis->until_us)
		crisis->until_us = firing->until_us;
	if (*fired_us == TIME_NONE || firing->from_us < *fired_us)
		*fired_us = firing->from_us;
}

static void group(struct comparison *comparison)
{
	struct crisis *crisis = NULL;

	comparison->crises = xcalloc(comparison->firing_count + 1, sizeof *comparison->crises);
	for (size_t i = 0; i < comparison->firing_count; i++) {
		const struct firing *firing = &comparison->firings[i];

		if (!crisis || strcmp(crisis->topic, firing->topic) != 0 || firing->from_us > crisis->until_us) {
			crisis = &comparison->crises[comparison->crisis_count++];
			*crisis = (struct crisis){firing->topic, i, i, firing->from_us, firing->until_us, {TIME_NONE, TIME_NONE}};
		}
		add_to(crisis, firing);
	}
}

static int by_time(const void *x, const void *y)
{
	const struct crisis *a = x, *b = y;

	if (a->from_us != b->from_us)
		return a->from_us < b->from_us ? -1 : 1;
	return strcmp(a->topic, b->topic);
}

static struct comparison compare(const struct replay *a, const struct replay *b)
{
	struct comparison comparison = {.replays = {a, b}};

	collect(&comparison);
	group(&comparison);
	qsort(comparison.crises, comparison.crisis_count, sizeof *comparison.crises, by_time);
	return comparison;
}

static void comparison_clear(struct comparison *comparison)
{
	free(comparison->firings);
	free(comparison->crises);
}

/* Both raised it, A first: positive. */
static int64_t lead_us(const struct crisis *crisis)
{
	return crisis->fired_us[1] - crisis->fired_us[0];
}

static bool has_both(const struct crisis *crisis)
{
	return crisis->fired_us[0] != TIME_NONE && crisis->fired_us[1] != TIME_NONE;
}

/* ---- lines ---- */

static json_t *sound(json_t *value)
{
	CHECK(value != NULL);
	return value;
}

static void set(json_t *object, const char *key, json_t *value)
{
	CHECK(json_object_set_new(object, key, sound(value)) == 0);
}

static json_t *text(const char *value)
{
	json_t *json = value ? json_string(value) : NULL;

	return json ? json : json_null();
}

static json_t *instant(int64_t time_us)
{
	char iso[64];

	return time_us == TIME_NONE || time_us == INT64_MAX ? json_null() : text(time_format_iso(time_us, iso, sizeof iso));
}

static json_t *side_array(const struct comparison *comparison, const struct crisis *crisis, int side)
{
	const struct config *config = replay_config(comparison->replays[side]);
	json_t *array = sound(json_array());

	for (size_t i = crisis->first; i < crisis->end; i++) {
		const struct firing *firing = &comparison->firings[i];
		const struct replay_alert *alert = firing->alert;
		json_t *object;

		if (firing->side != side)
			continue;
		object = sound(json_object());
		set(object, "id", text(alert->id));
		set(object, "rule", text(config->watch.rules[alert->rule].name));
		set(object, "fired", instant(alert->fired_us));
		set(object, "resolved", instant(alert->resolved_us));
		set(object, "peak_count", json_integer(alert->peak));
		set(object, "expected", isfinite(alert->expected) ? json_real(alert->expected + 0.0) : json_null());
		set(object, "told", json_boolean(alert->told));
		CHECK(json_array_append_new(array, object) == 0);
	}
	return array;
}

/* Of the alert that fired first. */
static const char *headline_of(const struct comparison *comparison, const struct crisis *crisis)
{
	for (size_t i = crisis->first; i < crisis->end; i++)
		if (comparison->firings[i].alert->headline)
			return comparison->firings[i].alert->headline;
	return NULL;
}

static const char *earlier_of(const struct crisis *crisis)
{
	return lead_us(crisis) > 0 ? "a" : lead_us(crisis) < 0 ? "b" : "same";
}

static json_t *crisis_object(const struct comparison *comparison, const struct crisis *crisis)
{
	bool both = has_both(crisis);
	json_t *object = sound(json_object());

	set(object, "raised_by", text(both ? "both" : crisis->fired_us[0] != TIME_NONE ? "a" : "b"));
	set(object, "topic", text(crisis->topic));
	set(object, "from", instant(crisis->from_us));
	set(object, "until", instant(crisis->until_us));
	set(object, "earlier", both ? text(earlier_of(crisis)) : json_null());
	set(object, "lead_s", both ? json_integer(llabs(lead_us(crisis)) / SECOND_US) : json_null());
	set(object, "a", side_array(comparison, crisis, 0));
	set(object, "b", side_array(comparison, crisis, 1));
	set(object, "headline", text(headline_of(comparison, crisis)));
	return object;
}

void replay_print_comparison(const struct replay *a, const struct replay *b, FILE *out)
{
	struct comparison comparison = compare(a, b);

	for (size_t i = 0; i < comparison.crisis_count; i++) {
		json_t *object = crisis_object(&comparison, &comparison.crises[i]);
		char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));

		CHECK(line != NULL);
		fprintf(out, "%s\n", line);
		json_decref(object);
		free(line);
	}
	comparison_clear(&comparison);
}

/* ---- the table ---- */

struct score_line {
	uint32_t only[SIDES], both, earlier[SIDES];
};

static void count_crisis(struct score_line *line, const struct crisis *crisis)
{
	if (!has_both(crisis)) {
		line->only[crisis->fired_us[0] == TIME_NONE]++;
		return;
	}
	line->both++;
	if (lead_us(crisis))
		line->earlier[lead_us(crisis) < 0]++;
}

static void print_line(const char *name, const struct score_line *line, FILE *out)
{
	fprintf(out, "%-24s %7u %7u %7u %11u %11u\n", name, line->only[0], line->only[1], line->both, line->earlier[0],
		line->earlier[1]);
}

static int by_first(const void *x, const void *y)
{
	const struct crisis *a = x, *b = y;

	return (a->first > b->first) - (a->first < b->first);
}

static void print_side(const struct replay *replay, char name, FILE *out)
{
	const struct config *config = replay_config(replay);
	struct replay_tale *tales = replay_tell(replay);
	int64_t all_us = 0;
	double allowed = 0;
	uint32_t fired = 0;
	char length[32];

	for (size_t t = 0; t < config->topic_count; t++) {
		fired += tales[t].fired;
		allowed += tales[t].allowed;
		all_us += tales[t].all_us;
	}
	replay_format_duration(all_us, length);
	fprintf(out, "%c fired %u times, %s in all, where its budget allows %.1f: %s\n", name, fired, length, allowed, config->path);
	free(tales);
}

void replay_print_comparison_summary(const struct replay *a, const struct replay *b, FILE *out)
{
	struct comparison comparison = compare(a, b);
	struct score_line all = {0}, line = {0};

	qsort(comparison.crises, comparison.crisis_count, sizeof *comparison.crises, by_first); /* by topic */
	fprintf(out, "%-24s %7s %7s %7s %11s %11s\n", "topic", "only A", "only B", "both", "A earlier", "B earlier");
	for (size_t i = 0; i < comparison.crisis_count; i++) {
		const struct crisis *crisis = &comparison.crises[i];

		count_crisis(&line, crisis);
		count_crisis(&all, crisis);
		if (i + 1 < comparison.crisis_count && strcmp(crisis->topic, crisis[1].topic) == 0)
			continue;
		print_line(crisis->topic, &line, out);
		line = (struct score_line){0};
	}
	print_line("all topics", &all, out);
	fputc('\n', out);
	print_side(a, 'A', out);
	print_side(b, 'B', out);
	comparison_clear(&comparison);
}
