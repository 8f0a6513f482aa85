/* Numbers of a finished replay, and the table of them. */
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/replay_report.h"

#include <stdlib.h>
#include <string.h>

#define MONTH_DAYS 30.4375
#define DEFAULT_PER_DAY (1 / MONTH_DAYS) /* the budget of a rule that states none: 1 a month */

void replay_format_duration(int64_t duration_us, char out[32])
{
	int64_t minutes = duration_us / MINUTE_US;

	if (minutes < 60)
		snprintf(out, 32, "%dm", (int)minutes);
	else if (minutes < 48 * 60)
		snprintf(out, 32, "%dh%02dm", (int)(minutes / 60), (int)(minutes % 60));
	else
		snprintf(out, 32, "%lldd%02dh", (long long)(minutes / 1440), (int)(minutes / 60 % 24));
}

bool replay_rule_watches(const struct config *config, uint32_t rule, uint32_t topic)
{
	const struct rule_spec *spec = &config->watch.rules[rule];

	for (size_t i = 0; i < spec->topic_count; i++)
		if (strcmp(spec->topics[i], config->watch.topics[topic]) == 0)
			return true;
	return spec->topic_count == 0;
}

int64_t replay_alert_end(const struct replay *replay, const struct replay_alert *alert)
{
	int64_t last_us = replay_span(replay).last_us;

	if (alert->resolved_us != TIME_NONE)
		return alert->resolved_us;
	return last_us > alert->fired_us ? last_us : alert->fired_us;
}

static double span_days(const struct replay *replay)
{
	struct replay_span span = replay_span(replay);

	return span.first_us == TIME_NONE ? 0 : (double)(span.last_us - span.first_us) / (double)DAY_US;
}

struct replay_tale *replay_tell(const struct replay *replay)
{
	const struct config *config = replay_config(replay);
	struct replay_tale *tales = xcalloc(config->topic_count + 1, sizeof *tales);
	double days = span_days(replay);
	size_t count;
	const struct replay_alert *alerts = replay_alerts(replay, &count);

	for (size_t i = 0; i < count; i++) {
		struct replay_tale *tale = &tales[alerts[i].topic];
		int64_t length_us = replay_alert_end(replay, &alerts[i]) - alerts[i].fired_us;

		tale->fired++;
		tale->told += alerts[i].told;
		tale->all_us += length_us;
		if (length_us > tale->longest_us)
			tale->longest_us = length_us;
	}
	for (uint32_t t = 0; t < config->topic_count; t++) {
		tales[t].documents = replay_topic_documents(replay, t);
		for (uint32_t r = 0; r < config->rule_count; r++) {
			double per_day = config->watch.rules[r].false_alarms_per_day;

			if (replay_rule_watches(config, r, t))
				tales[t].allowed += days * (per_day > 0 ? per_day : DEFAULT_PER_DAY);
		}
	}
	return tales;
}

/* ---- the table ---- */

static void print_topics(const struct replay *replay, const struct replay_tale *tales, FILE *out)
{
	const struct config *config = replay_config(replay);
	double months = span_days(replay) / MONTH_DAYS;
	size_t quiet = 0;

	fprintf(out, "%-24s %9s %6s %8s %9s %9s %9s\n", "topic", "documents", "fired", "allowed", "a month", "longest", "in all");
	for (size_t t = 0; t < config->topic_count; t++) {
		const struct replay_tale *tale = &tales[t];
		char longest[32], all[32];

		if (!tale->fired && !tale->documents) {
			quiet++;
			continue;
		}
		replay_format_duration(tale->longest_us, longest);
		replay_format_duration(tale->all_us, all);
		fprintf(out, "%-24s %9llu %6u %8.2f %9.2f %9s %9s\n", config->watch.topics[t],
			(unsigned long long)tale->documents, tale->fired, tale->allowed,
			tale->fired / (months > 0.01 ? months : 0.01), longest, all);
	}
	if (quiet)
		fprintf(out, "(%zu topics without documents)\n", quiet);
}

static void print_extremes(const struct replay *replay, const struct replay_tale *tales, FILE *out)
{
	const struct config *config = replay_config(replay);
	size_t longest = 0, noisiest = 0;
	char length[32];

	for (size_t t = 1; t < config->topic_count; t++) {
		if (tales[t].longest_us > tales[longest].longest_us)
			longest = t;
		if (tales[t].fired > tales[noisiest].fired)
			noisiest = t;
	}
	replay_format_duration(tales[longest].longest_us, length);
	fprintf(out, "longest: %s, %s; noisiest: %s, %u times\n", config->watch.topics[longest], length,
		config->watch.topics[noisiest], tales[noisiest].fired);
}

void replay_print_summary(const struct replay *replay, FILE *out)
{
	const struct config *config = replay_config(replay);
	struct replay_span span = replay_span(replay);
	struct replay_tale *tales = replay_tell(replay);
	uint32_t fired = 0, told = 0, over = 0;
	double allowed = 0;
	char from[32] = "-", until[32] = "-";

	if (span.documents) {
		time_format_iso(span.first_us, from, sizeof from);
		time_format_iso(span.last_us, until, sizeof until);
	}
	for (size_t t = 0; t < config->topic_count; t++) {
		fired += tales[t].fired;
		told += tales[t].told;
		allowed += tales[t].allowed;
		over += tales[t].fired > tales[t].allowed + 0.5;
	}
	print_topics(replay, tales, out);
	fprintf(out, "\nfired %u times in %llu documents, %s to %s", fired, (unsigned long long)span.documents, from, until);
	if (told < fired)
		fprintf(out, " (%u kept back by silences)", fired - told);
	fprintf(out, "\nthe budget allows %.1f in that time; %u of %zu topics fired more often than theirs allows\n", allowed, over,
		config->topic_count);
	if (fired)
		print_extremes(replay, tales, out);
	free(tales);
}
