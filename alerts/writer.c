/*
 * The thread.  Each turn pops what is there (no lingering: at low load a
 * document is committed at once, at high load batches grow by themselves),
 * feeds the core and commits.  A configuration in the queue ends a batch:
 * what stands before it belongs to the old one, what stands behind to the
 * new.
 */
#include "alerts/writer/private.h"

#include "daemon/base/check.h"

#include <stdlib.h>

void writer_beat(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->status.heartbeat_us = monotonic_us();
	pthread_mutex_unlock(&writer->lock);
}

/* ---- entries ---- */

/* The waiter is told; whoever of the two comes last frees. */
static void end_flush(struct writer *writer, struct writer_flush *flush, bool done)
{
	pthread_mutex_lock(&writer->lock);
	bool abandoned = flush->abandoned;
	flush->done = done;
	flush->lost = !done;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	if (abandoned)
		free(flush);
}

static void end_configuration(struct writer_configuration *configuration)
{
	if (configuration->taken != NULL)
		configuration->taken(configuration->context);
}

/* Entries of `writer->entries` that are done with: stored, or never to be. */
static void release(struct writer *writer, size_t from, size_t to, bool stored)
{
	for (size_t i = from; i < to; i++) {
		struct writer_entry *entry = writer->entries[i];
		if (entry == NULL)
			continue;
		if (entry->kind == ENTRY_ITEM)
			item_free(entry->item);
		else if (entry->kind == ENTRY_FLUSH)
			end_flush(writer, entry->flush, stored);
		else if (entry->kind == ENTRY_CONFIGURATION)
			end_configuration(entry->configuration);
		free(entry);
		writer->entries[i] = NULL;
	}
}

/* ---- one turn ---- */

/* What is in the batch, and what else may have come meanwhile. */
static int write_batch(struct writer *writer)
{
	batch_add_commands(writer);
	health_take(writer);
	notices_take(writer);
	explain_alerts(writer);
	if (!batch_is_empty(writer) && writer_commit(writer) != 0)
		return -1;
	size_t documents = writer->batch.document_count;
	pthread_mutex_lock(&writer->lock);
	writer->status.repeats += writer->batch.repeats; /* there may be nothing else in it */
	pthread_mutex_unlock(&writer->lock);
	batch_clear(&writer->batch);
	writer_hand_over(writer);
	return writer_retain(writer, documents);
}

/* A topic or a rule that was taken out once is put back: what the database knows of it comes as at a start. */
static int load_core_anew(struct writer *writer, const struct watch_options *options)
{
	struct err e = {0};
	struct watch *watch = watch_create(options);
	if (store_load_watch(writer->store, watch, &e) != 0) {
		watch_free(watch);
		return writer_fail(writer, e.text);
	}
	watch_free(writer->watch);
	writer->watch = watch;
	writer_beat(writer); /* it may have taken a while */
	return 0;
}

static int take_configuration(struct writer *writer, const struct writer_configuration *configuration)
{
	/* No event between these: effects speak of the names that the store knows. */
	if (writer_set_names(writer, configuration->watch, configuration->receivers, configuration->receiver_count) != 0 ||
	    writer_describe(writer, configuration->watch) != 0)
		return -1;
	bool grown = watch_reconfigure(writer->watch, configuration->watch, writer->effects);
	if (writer_retire_rules(writer) != 0)
		return -1;
	batch_begin(writer);
	writer->retain_documents_us = configuration->retain_documents_us;
	writer->retain_trends_us = configuration->retain_trends_us;
	writer->forget_health = true;
	if (write_batch(writer) != 0)
		return -1;
	return grown ? load_core_anew(writer, configuration->watch) : 0;
}

/* Entries from `from` up to the next configuration, as one batch.  `*to` is where it ends. */
static int take_run(struct writer *writer, size_t from, size_t *to)
{
	batch_begin(writer);
	for (*to = from; *to < writer->entry_count; (*to)++) {
		const struct writer_entry *entry = writer->entries[*to];
		if (entry->kind == ENTRY_CONFIGURATION)
			break;
		if (batch_add(writer, entry) != 0)
			return -1;
	}
	return write_batch(writer);
}

/* Also without any entry: ticks, commands and health come by themselves. */
static int take_entries(struct writer *writer)
{
	size_t at = 0, end;
	do {
		if (take_run(writer, at, &end) != 0)
			return -1;
		release(writer, at, end, true);
		at = end;
		if (at < writer->entry_count) {
			const struct writer_entry *entry = writer->entries[at];
			if (take_configuration(writer, entry->configuration) != 0)
				return -1;
			release(writer, at, at + 1, true);
			at++;
		}
	} while (at < writer->entry_count);
	return 0;
}

/* How long to sleep on an empty queue. */
static int64_t turn_us(const struct writer *writer)
{
	if (monotonic_us() >= writer->retain_at_us)
		return 0; /* there is more to delete */
	int64_t until_tick = writer->next_tick_us - clock_now_us(writer->clock);
	if (writer->last_applied_us == TIME_NONE || until_tick > WRITER_TURN_US)
		return WRITER_TURN_US;
	return until_tick > 0 ? until_tick : 0;
}

/* Whoever waits on a full queue must not wait for ever. */
static void throw_away_the_rest(struct writer *writer)
{
	enum queue_result result;
	release(writer, 0, writer->entry_count, false);
	batch_clear(&writer->batch);
	do {
		result = queue_pop(writer->input, writer->entries, WRITER_BATCH_MAX, &writer->entry_count, WRITER_TURN_US);
		release(writer, 0, writer->entry_count, false);
		writer_beat(writer);
	} while (result != QUEUE_CLOSED);
}

static void *run(void *context)
{
	struct writer *writer = context;
	while (queue_pop(writer->input, writer->entries, WRITER_BATCH_MAX, &writer->entry_count, turn_us(writer)) !=
	       QUEUE_CLOSED) {
		writer_beat(writer);
		if (take_entries(writer) != 0) {
			throw_away_the_rest(writer);
			break;
		}
	}
	return NULL;
}

/* ---- start and stop ---- */

static void free_writer(struct writer *writer)
{
	batch_free(&writer->batch);
	health_rows_free(&writer->health);
	notices_free(&writer->notices);
	streams_free(writer->streams);
	explain_free(writer->effects);
	watch_effects_free(writer->effects);
	watch_free(writer->watch);
	store_close(writer->store);
	free(writer->entries);
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

static struct writer *create_writer(const struct writer_options *options)
{
	struct writer *writer = xcalloc(1, sizeof *writer);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	CHECK(pthread_mutex_init(&writer->lock, NULL) == 0 && pthread_cond_init(&writer->changed, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	writer->store = options->store;
	writer->input = options->input;
	writer->webhook = options->webhook;
	writer->clock = options->clock;
	writer->callbacks = options->callbacks;
	writer->labels = options->labels;
	writer->model_version = options->model_version;
	writer->retain_documents_us = options->configuration.retain_documents_us;
	writer->retain_trends_us = options->configuration.retain_trends_us;
	writer->status.heartbeat_us = monotonic_us();
	writer->status.outbox_oldest_us = TIME_NONE;
	writer->entries = xcalloc(WRITER_BATCH_MAX, sizeof *writer->entries);
	writer->watch = watch_create(options->configuration.watch);
	writer->effects = watch_effects_create();
	writer->streams = streams_create();
	writer->forget_health = true;
	writer->commands_due = true;
	writer->outbox_due = true;
	batch_init(&writer->batch);
	return writer;
}

static int set_names(struct writer *writer, const struct writer_configuration *configuration, struct err *e)
{
	const struct watch_options *watch = configuration->watch;
	const char **rules = writer_rule_names(watch);
	struct store_names names = {watch->topics, watch->topic_count, rules, watch->rule_count,
				    configuration->receivers, configuration->receiver_count};
	enum store_result result = store_set_names(writer->store, &names, e);
	free(rules);
	if (result == STORE_DONE)
		result = store_describe(writer->store, watch, clock_now_us(writer->clock), e);
	return result == STORE_DONE ? 0 : -1;
}

static int load_streams(struct writer *writer, struct err *e)
{
	struct store_position *positions;
	size_t count;
	if (store_load_positions(writer->store, &positions, &count, e) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		streams_load(writer->streams, positions[i].source, positions[i].stream, positions[i].next);
	store_positions_free(positions, count);
	return 0;
}

static int load(struct writer *writer, const struct writer_options *options, struct err *e)
{
	if (set_names(writer, &options->configuration, e) != 0 || load_streams(writer, e) != 0 ||
	    store_load_marks(writer->store, &writer->last_document, &writer->last_applied_us, e) != 0 ||
	    store_load_watch(writer->store, writer->watch, e) != 0)
		return -1;
	writer->status.applied_us = writer->last_applied_us;
	if (writer->last_applied_us == TIME_NONE)
		return 0;
	writer->next_tick_us = (writer->last_applied_us / WATCH_TICK_US + 1) * WATCH_TICK_US;
	size_t closed;
	return store_retire_rules(writer->store, writer->watch, writer->last_applied_us, &closed, e) == STORE_DONE ? 0 : -1;
}

struct writer *writer_start(const struct writer_options *options, struct err *e)
{
	struct writer *writer = create_writer(options);
	if (load(writer, options, e) != 0)
		goto fail;
	writer_hand_over(writer);
	writer_count_firing(writer);
	int error = pthread_create(&writer->thread, NULL, run, writer);
	if (error != 0) {
		err_sys(e, error, "cannot start the writer");
		goto fail;
	}
	return writer;
fail:
	free_writer(writer);
	return NULL;
}

void writer_stop(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->stop_at_us = monotonic_us() + WRITER_STOP_US;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	free_writer(writer);
}

/* ---- from other threads ---- */

static bool wait_for_flush(struct writer *writer, struct writer_flush *flush, int64_t until_us)
{
	struct timespec at = {.tv_sec = until_us / SECOND_US, .tv_nsec = until_us % SECOND_US * 1000};
	int rc = 0;
	pthread_mutex_lock(&writer->lock);
	while (!flush->done && !flush->lost && rc == 0)
		rc = pthread_cond_timedwait(&writer->changed, &writer->lock, &at);
	bool done = flush->done, over = done || flush->lost;
	flush->abandoned = !over;
	pthread_mutex_unlock(&writer->lock);
	if (over)
		free(flush);
	return done;
}

bool writer_flush(struct writer *writer, int64_t wait_us)
{
	int64_t until_us = monotonic_us() + wait_us;
	struct writer_flush *flush = xcalloc(1, sizeof *flush);
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_FLUSH;
	entry->flush = flush;
	if (queue_push(writer->input, entry, sizeof *entry, wait_us) != QUEUE_OK) {
		free(entry);
		free(flush);
		return false;
	}
	return wait_for_flush(writer, flush, until_us);
}

void writer_get_status(struct writer *writer, struct writer_status *status)
{
	pthread_mutex_lock(&writer->lock);
	*status = writer->status;
	pthread_mutex_unlock(&writer->lock);
}
