/*
 * Silences of the configuration: spans of the writer's own time in which
 * nothing is sent.  The calendar behind a weekly one (time zones, summer time)
 * was worked out when the configuration was read.
 */
#include "alerts/watch/state.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

static bool means(const struct watch_quiet *quiet, const char *topic)
{
	for (size_t i = 0; i < quiet->topic_count; i++)
		if (strcmp(quiet->topics[i], topic) == 0)
			return true;
	return quiet->topic_count == 0;
}

static void connect_topic(struct topic *topic, const struct watch_options *options)
{
	topic->quiets = xcalloc(options->quiet_count + 1, sizeof *topic->quiets);
	topic->quiet_count = 0;
	for (size_t q = 0; q < options->quiet_count; q++)
		if (means(&options->quiets[q], topic->name))
			topic->quiets[topic->quiet_count++] = (uint32_t)q;
}

void quiets_copy(struct watch *watch, const struct watch_options *options)
{
	watch->quiet_count = options->quiet_count;
	watch->quiets = xcalloc(options->quiet_count + 1, sizeof *watch->quiets);
	for (size_t q = 0; q < options->quiet_count; q++) {
		const struct watch_quiet *from = &options->quiets[q];
		struct watch_span *spans = xcalloc(from->span_count + 1, sizeof *spans);

		if (from->span_count)
			memcpy(spans, from->spans, from->span_count * sizeof *spans);
		watch->quiets[q] = (struct watch_quiet){
			.spans = spans, .span_count = from->span_count, .topic_count = from->topic_count};
	}
	for (size_t t = 0; options->quiet_count && t < watch->topic_count; t++)
		connect_topic(&watch->topics[t], options);
}

void quiets_free(struct watch *watch)
{
	for (size_t q = 0; q < watch->quiet_count; q++)
		free((struct watch_span *)watch->quiets[q].spans);
	free(watch->quiets);
}

static bool covers(const struct watch_quiet *quiet, int64_t applied_us)
{
	size_t low = 0, high = quiet->span_count;

	while (low < high) { /* the first span that begins later */
		size_t middle = low + (high - low) / 2;

		if (quiet->spans[middle].from_us <= applied_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && applied_us < quiet->spans[low - 1].until_us;
}

bool is_silent(const struct watch *watch, const struct topic *topic, int64_t applied_us)
{
	if (applied_us < watch->silent_until_us || applied_us < topic->silent_until_us)
		return true;
	for (size_t i = 0; i < topic->quiet_count; i++)
		if (covers(&watch->quiets[topic->quiets[i]], applied_us))
			return true;
	return false;
}

bool is_all_silent(const struct watch *watch, int64_t applied_us)
{
	if (applied_us < watch->silent_until_us)
		return true;
	for (size_t q = 0; q < watch->quiet_count; q++)
		if (watch->quiets[q].topic_count == 0 && covers(&watch->quiets[q], applied_us))
			return true;
	return false;
}
