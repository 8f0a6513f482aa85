/*
 * Nothing here decides anything: documents go into alerts/watch, and what comes
 * out of it is printed or counted.
 */
#include "daemon/replay.h"

#include "alerts/payload.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of one topic, over all rules: what the summary tells. */
struct tale {
	uint32_t fired;
	int64_t longest_us, fired_for_us;
	uint64_t documents;
};

struct replay {
	struct replay_options options;
	struct watch *watch;
	struct watch_effects *effects;
	struct tale *tales;
	int64_t *firing_since;  /* [rule, topic]; TIME_NONE = not firing */
	int64_t applied_us, first_us, last_us;
	uint64_t count;
};

struct replay *replay_create(const struct replay_options *options)
{
	struct replay *replay = xcalloc(1, sizeof *replay);
	size_t pairs = options->config->rule_count * options->config->topic_count;

	replay->options = *options;
	replay->watch = watch_create(&options->config->watch);
	replay->effects = watch_effects_create();
	replay->tales = xcalloc(options->config->topic_count + 1, sizeof *replay->tales);
	replay->firing_since = xcalloc(pairs + 1, sizeof *replay->firing_since);
	for (size_t i = 0; i < pairs; i++)
		replay->firing_since[i] = TIME_NONE;
	replay->applied_us = replay->first_us = replay->last_us = TIME_NONE;
	return replay;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	watch_free(replay->watch);
	watch_effects_free(replay->effects);
	free(replay->tales);
	free(replay->firing_since);
	free(replay);
}

static int print_change(const struct replay *replay, const struct watch_alert *alert, struct err *e)
{
	const struct watch_options *watch = &replay->options.config->watch;
	char *line = payload_write_change(alert, watch->rules[alert->rule].name, watch->topics[alert->topic],
					  watch->topics);
	int result = fprintf(replay->options.out, "%s\n", line);

	free(line);
	return result < 0 ? err_sys(e, errno, "cannot write") : 0;
}

static void note_change(struct replay *replay, const struct watch_alert *alert)
{
	struct tale *tale = &replay->tales[alert->topic];
	int64_t *since = &replay->firing_since[alert->rule * replay->options.config->topic_count + alert->topic];

	if (alert->state == ALERT_FIRING && *since == TIME_NONE) {
		*since = alert->at_us;
		tale->fired++;
	} else if (alert->state == ALERT_RESOLVED && *since != TIME_NONE) {
		int64_t length = alert->at_us - *since;

		tale->fired_for_us += length;
		if (length > tale->longest_us)
			tale->longest_us = length;
		*since = TIME_NONE;
	}
}

/* Show what the last events did. */
static int drain(struct replay *replay, struct err *e)
{
	for (size_t i = 0; i < replay->effects->alert_count; i++) {
		const struct watch_alert *alert = &replay->effects->alerts[i];

		if (alert->at_us < replay->options.since_us)
			continue;
		note_change(replay, alert);
		if (replay->options.changes && print_change(replay, alert, e) < 0)
			return -1;
	}
	watch_effects_clear(replay->effects);
	return 0;
}

static void tick_until(struct replay *replay, int64_t applied_us)
{
	int64_t tick_us = replay->applied_us - replay->applied_us % WATCH_TICK_US + WATCH_TICK_US;

	for (; tick_us <= applied_us; tick_us += WATCH_TICK_US)
		watch_tick(replay->watch, tick_us, replay->effects);
}

int replay_document(struct replay *replay, const struct watch_document *document, struct err *e)
{
	/* A source with a clock of its own is its own tick: every cell that its documents pass is closed by them. */
	if (replay->applied_us != TIME_NONE && !(document->flags & ITEM_OWN_CLOCK))
		tick_until(replay, document->applied_us);
	replay->applied_us = document->applied_us;
	watch_document(replay->watch, document, replay->effects);
	if (document->applied_us >= replay->options.since_us) {
		if (replay->first_us == TIME_NONE)
			replay->first_us = document->applied_us;
		replay->last_us = document->applied_us;
		replay->count++;
		for (size_t i = 0; i < document->topic_count; i++)
			replay->tales[document->topics[i]].documents++;
	}
	return drain(replay, e);
}

/* ---- the summary ---- */

static void format_duration(int64_t duration_us, char out[32])
{
	int64_t minutes = duration_us / MINUTE_US;

	if (minutes < 60)
		snprintf(out, 32, "%dm", (int)minutes);
	else if (minutes < 48 * 60)
		snprintf(out, 32, "%dh%02dm", (int)(minutes / 60), (int)(minutes % 60));
	else
		snprintf(out, 32, "%dd%02dh", (int)(minutes / 1440), (int)(minutes / 60 % 24));
}

/* Alerts that still fire have lasted until the last document. */
static void close_open_alerts(struct replay *replay)
{
	const struct config *config = replay->options.config;

	for (size_t r = 0; r < config->rule_count; r++) {
		for (size_t t = 0; t < config->topic_count; t++) {
			int64_t since = replay->firing_since[r * config->topic_count + t];
			struct tale *tale = &replay->tales[t];

			if (since == TIME_NONE)
				continue;
			tale->fired_for_us += replay->last_us - since;
			if (replay->last_us - since > tale->longest_us)
				tale->longest_us = replay->last_us - since;
		}
	}
}

static void print_topics(const struct replay *replay, double months, uint32_t *fired, size_t *longest, size_t *noisiest)
{
	const struct config *config = replay->options.config;

	for (size_t t = 0; t < config->topic_count; t++) {
		const struct tale *tale = &replay->tales[t];
		char length[32], all[32];

		*fired += tale->fired;
		if (tale->longest_us > replay->tales[*longest].longest_us)
			*longest = t;
		if (tale->fired > replay->tales[*noisiest].fired)
			*noisiest = t;
		if (!tale->fired && !tale->documents)
			continue;
		format_duration(tale->longest_us, length);
		format_duration(tale->fired_for_us, all);
		fprintf(replay->options.out, "%-24s %9llu %6u %9.2f %9s %9s\n", config->watch.topics[t],
			(unsigned long long)tale->documents, tale->fired, tale->fired / months, length, all);
	}
}

void replay_print_summary(struct replay *replay)
{
	const struct config *config = replay->options.config;
	FILE *out = replay->options.out;
	size_t longest = 0, noisiest = 0;
	uint32_t fired = 0;
	char from[32] = "-", until[32] = "-", length[32];
	double months;

	if (replay->count) {
		time_format_iso(replay->first_us, from, sizeof from);
		time_format_iso(replay->last_us, until, sizeof until);
	}
	months = replay->count ? (double)(replay->last_us - replay->first_us) / ((double)DAY_US * 30.4375) : 0;
	close_open_alerts(replay);
	fprintf(out, "%-24s %9s %6s %9s %9s %9s\n", "topic", "documents", "fired", "a month", "longest", "in all");
	print_topics(replay, months > 0.01 ? months : 0.01, &fired, &longest, &noisiest);
	fprintf(out, "\nfired %u times in %llu documents, %s to %s\n", fired, (unsigned long long)replay->count, from, until);
	if (!fired)
		return;
	format_duration(replay->tales[longest].longest_us, length);
	fprintf(out, "longest: %s, %s; noisiest: %s, %u times\n", config->watch.topics[longest], length,
		config->watch.topics[noisiest], replay->tales[noisiest].fired);
}
