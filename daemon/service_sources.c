/*
 * The array of running sources, and which of them a reload leaves alone: a new
 * topic disturbs neither a partition nor a poll, and a pipe, which cannot be
 * read twice, goes on in the middle of its line.
 */
#include "daemon/service_private.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

static struct source *open_source(struct service *s, const struct config_source *configured,
				  const struct store_position *positions, size_t count, struct err *e)
{
	struct source_options options = configured->options;
	options.kafka.instance_id = s->instance_id;
	struct saved_position *saved = xcalloc(count, sizeof *saved);
	size_t mine = 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(positions[i].source, options.name) == 0)
			saved[mine++] = (struct saved_position){positions[i].stream, positions[i].next};
	struct source *source = source_open(&options, saved, mine, s->items, e);
	free(saved);
	return source;
}

static bool is_kept(struct source *const *kept, size_t i)
{
	return kept != NULL && kept[i] != NULL;
}

struct source **service_open_sources(struct service *s, const struct config *config, struct source *const *kept,
				     const struct store_position *positions, size_t position_count, struct err *e)
{
	struct source **sources = xcalloc(config->source_count, sizeof *sources);
	for (size_t i = 0; i < config->source_count; i++) {
		sources[i] = is_kept(kept, i) ? kept[i]
					      : open_source(s, &config->sources[i], positions, position_count, e);
		if (sources[i] == NULL) {
			struct config_mark mark = config->sources[i].mark;
			err_prefix(e, "%s:%zu:%zu: source \"%s\"", config->path, mark.line, mark.column,
				   config->sources[i].options.name);
			service_close_sources(sources, i, kept);
			return NULL;
		}
	}
	return sources;
}

int service_start_sources(struct service *s, struct source *const *kept, struct err *e)
{
	for (size_t i = 0; i < s->source_count; i++)
		if (!is_kept(kept, i) && source_start(s->sources[i], e) != 0) {
			err_prefix(e, "source \"%s\"", s->config->sources[i].options.name);
			while (i-- > 0)
				source_stop(s->sources[i]);
			return -1;
		}
	return 0;
}

void service_close_sources(struct source **sources, size_t count, struct source *const *kept)
{
	for (size_t i = 0; i < count; i++)
		if (!is_kept(kept, i))
			source_close(sources[i]);
	free(sources);
}

/* ---- what a reload leaves alone ---- */

/* One that has ended is opened again: its file may have grown. */
static struct source *find_running(const struct service *s, const struct config_source *wanted)
{
	for (size_t i = 0; i < s->source_count; i++) {
		if (!config_same_source(&s->config->sources[i], wanted))
			continue;
		struct source_health health;
		source_get_health(s->sources[i], &health);
		return health.state != SOURCE_DONE ? s->sources[i] : NULL;
	}
	return NULL;
}

struct source **service_keep_sources(const struct service *s, const struct config *config)
{
	struct source **kept = xcalloc(config->source_count, sizeof *kept);
	for (size_t i = 0; i < config->source_count; i++)
		kept[i] = find_running(s, &config->sources[i]);
	return kept;
}
