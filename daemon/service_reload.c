/*
 * A reload: what can change without a restart, and how the new value travels
 * down the pipe.  Sources whose options stay as they are run on; the others
 * are opened where the database says that their namesakes were.
 */
#include "daemon/service_private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define PASS_WAIT_US (10 * SECOND_US)

struct reload {
	struct service *service;
	struct writer_configuration configuration;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool taken;
};

static void on_taken(void *context)
{
	struct reload *reload = context;
	pthread_mutex_lock(&reload->lock);
	reload->taken = true;
	pthread_cond_signal(&reload->changed);
	pthread_mutex_unlock(&reload->lock);
}

/* Between two batches of the pipeline: what follows was made with the new configuration. */
static void push_configuration(void *context)
{
	struct reload *reload = context;
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_CONFIGURATION;
	entry->configuration = &reload->configuration;
	CHECK(queue_push(reload->service->entries, entry, sizeof *entry, QUEUE_FOREVER) == QUEUE_OK);
}

/* Loading what the database knows of new topics may take as long as a start; a writer that is stuck is still seen. */
enum { RELOAD_PATIENCE_S = 600 };

/* The new value goes down the pipe; returns when nobody holds the old one. */
static void swap_configuration(struct service *s, const struct config *config)
{
	struct reload reload = {
		.service = s,
		.configuration = service_writer_configuration(config),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	reload.configuration.taken = on_taken;
	reload.configuration.context = &reload;
	pipeline_reconfigure(s->pipeline, config, push_configuration, &reload);
	pthread_mutex_lock(&reload.lock);
	for (int seconds = 0; !reload.taken; seconds++) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&reload.changed, &reload.lock, &until);
		if (seconds < RELOAD_PATIENCE_S)
			sd_notify(0, "WATCHDOG=1");
	}
	pthread_mutex_unlock(&reload.lock);
	pthread_cond_destroy(&reload.changed);
	pthread_mutex_destroy(&reload.lock);
}

static bool is_among(struct source *const *sources, size_t count, const struct source *source)
{
	for (size_t i = 0; i < count; i++)
		if (sources[i] == source)
			return true;
	return false;
}

static struct source **open_sources_from_database(struct service *s, const struct config *config,
						  struct source *const *kept, struct err *e)
{
	struct store_position *positions = NULL;
	size_t count = 0;
	struct source **sources = NULL;
	struct store *store = store_open(config->database, STORE_READ, 0, e);
	if (store != NULL && store_load_positions(store, &positions, &count, e) == 0)
		sources = service_open_sources(s, config, kept, positions, count, e);
	store_positions_free(positions, count);
	store_close(store);
	return sources;
}

/* All that may fail; -1 leaves everything as it was. */
static int try_configuration(struct service *s, const struct config *config, struct source *const *kept, struct err *e)
{
	struct writer_status status;
	writer_get_status(s->writer, &status);
	if (status.waiting)
		return err_set(e, "the database cannot be written now (%s): reload again later", status.message);
	char key[128];
	if (config_needs_restart(s->config, config, key, sizeof key))
		return err_set(e, "%s: %s has changed: restart to apply that", config->path, key);
	if (service_check_labels(s, config, e) != 0)
		return -1;
	struct source **trial = service_open_sources(s, config, kept, NULL, 0, e);
	if (trial == NULL)
		return -1;
	service_close_sources(trial, config->source_count, kept);
	return webhook_reconfigure(s->webhook, config->receiver_specs, config->receiver_count, e);
}

/* What a stopped source read is to be in the database before its namesake asks where that was: else it would read the same
 * again, and where that has changed meanwhile (a feed) their positions would fork.  The writer takes a fork for a reason to
 * end, so that a queue which takes longer than this costs a restart at most. */
static void stop_others(struct service *s, struct source *const *kept, size_t kept_count)
{
	bool stopped = false;
	for (size_t i = 0; i < s->source_count; i++) {
		if (is_among(kept, kept_count, s->sources[i]))
			continue;
		source_stop(s->sources[i]);
		stopped = true;
	}
	if (stopped)
		pipeline_pass(s->pipeline, PASS_WAIT_US);
}

/* Nobody but the service holds the old configuration; `sources` is NULL where they could not be opened. */
static void take_over(struct service *s, struct config *config, struct source **sources, struct source *const *kept)
{
	pthread_mutex_lock(&s->lock);
	struct config *old = s->config;
	struct source **old_sources = s->sources;
	size_t old_count = s->source_count;
	s->config = config;
	s->sources = sources;
	s->source_count = sources != NULL ? config->source_count : 0;
	pthread_mutex_unlock(&s->lock);
	service_reset_heartbeats(s);
	for (size_t i = 0; i < old_count; i++)
		if (sources == NULL || !is_among(kept, config->source_count, old_sources[i]))
			source_close(old_sources[i]);
	free(old_sources);
	config_free(old);
}

int service_reload(struct service *s, struct config *config, struct err *e)
{
	struct source **kept = service_keep_sources(s, config);
	if (try_configuration(s, config, kept, e) != 0) {
		free(kept);
		config_free(config);
		return -1;
	}
	stop_others(s, kept, config->source_count);
	swap_configuration(s, config);
	struct source **sources = open_sources_from_database(s, config, kept, e);
	take_over(s, config, sources, kept);
	if (sources == NULL || service_start_sources(s, kept, e) != 0)
		service_fail(s, "reload", e->text); /* half a reload is no state to be in: a restart takes the new one whole */
	free(kept);
	return 0;
}
