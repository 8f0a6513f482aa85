/* Sources and their watermarks.  There are few: the last one used is tried first, then a scan. */
#include "alerts/watch/state.h"

#include "daemon/base/check.h"

#include <string.h>

uint32_t source_find(struct watch *watch, const char *name)
{
	struct source_mark *source;

	if (watch->last_source < watch->source_count && strcmp(watch->sources[watch->last_source].name, name) == 0)
		return (uint32_t)watch->last_source;
	for (size_t i = 0; i < watch->source_count; i++) {
		if (strcmp(watch->sources[i].name, name) == 0) {
			watch->last_source = i;
			return (uint32_t)i;
		}
	}
	watch->sources = xrealloc(watch->sources, (watch->source_count + 1) * sizeof *watch->sources);
	source = &watch->sources[watch->source_count];
	*source = (struct source_mark){xstrdup(name), INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, false};
	watch->last_source = watch->source_count++;
	return (uint32_t)watch->last_source;
}

struct watch_source_state source_state(const struct source_mark *source)
{
	return (struct watch_source_state){
		.source = source->name,
		.watermark_us = source->watermark_us,
		.advanced_us = source->advanced_us,
		.seen_us = source->seen_us,
		.own_clock = source->own_clock,
	};
}
