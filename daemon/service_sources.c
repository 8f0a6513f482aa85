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

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!same_text(a[i], b[i]))
			return false;
	return true;
}

static bool same_map(const struct message_map *a, const struct message_map *b)
{
	return same_text(a->title, b->title) && same_text(a->body, b->body) && same_text(a->published, b->published) &&
	       same_text(a->url, b->url) && same_text(a->id, b->id) && same_text(a->publisher, b->publisher) &&
	       same_text(a->lang, b->lang);
}

static bool same_kafka(const struct kafka_options *a, const struct kafka_options *b)
{
	bool same = same_text(a->brokers, b->brokers) && same_text(a->group, b->group) && a->plain_text == b->plain_text &&
		    same_texts(a->topics, a->topic_count, b->topics, b->topic_count) &&
		    a->property_count == b->property_count;
	for (size_t i = 0; same && i < a->property_count; i++)
		same = same_text(a->properties[i].name, b->properties[i].name) &&
		       same_text(a->properties[i].value, b->properties[i].value);
	return same;
}

static bool same_rss(const struct rss_options *a, const struct rss_options *b)
{
	return same_texts(a->urls, a->url_count, b->urls, b->url_count) && a->interval_us == b->interval_us &&
	       a->timeout_us == b->timeout_us && a->max_bytes == b->max_bytes && a->allow_private == b->allow_private &&
	       same_text(a->user_agent, b->user_agent) && same_text(a->ca_file, b->ca_file);
}

static bool same_options(const struct source_options *a, const struct source_options *b)
{
	return same_text(a->name, b->name) && a->kind == b->kind && same_map(&a->map, &b->map) &&
	       same_kafka(&a->kafka, &b->kafka) && same_rss(&a->rss, &b->rss) && same_text(a->file.path, b->file.path) &&
	       a->file.speed == b->file.speed;
}

/* One that has ended is opened again: its file may have grown. */
static struct source *find_running(const struct service *s, const struct source_options *options)
{
	for (size_t i = 0; i < s->source_count; i++) {
		if (!same_options(&s->config->sources[i].options, options))
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
		kept[i] = find_running(s, &config->sources[i].options);
	return kept;
}
