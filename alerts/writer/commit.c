/*
 * Persist, or wait.  What a full disk, a read-only file or a locked database
 * refuses is kept and tried again, with a growing pause, while nothing else
 * moves; the queue behind fills and the sources wait.
 */
#include "alerts/writer/private.h"

#include "daemon/base/check.h"
#include "daemon/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MIN_US (100 * INT64_C(1000))
#define PAUSE_MAX_US (5 * SECOND_US)
#define RETAIN_EVERY_US MINUTE_US
#define RETAIN_STEP 512
#define WAL_WARNING (INT64_C(256) << 20)

/* One try of something that the disk may refuse. */
typedef enum store_result attempt(struct writer *writer, void *argument, struct err *e);

int writer_fail(struct writer *writer, const char *message)
{
	if (writer->failed)
		return -1;
	writer->failed = true;
	pthread_mutex_lock(&writer->lock);
	snprintf(writer->status.message, sizeof writer->status.message, "%s", message);
	pthread_mutex_unlock(&writer->lock);
	if (writer->callbacks.fatal != NULL)
		writer->callbacks.fatal(writer->callbacks.context, message);
	return -1;
}

static void set_waiting(struct writer *writer, bool waiting, const char *message)
{
	pthread_mutex_lock(&writer->lock);
	bool was = writer->status.waiting, other = strcmp(writer->status.message, message) != 0;
	writer->status.waiting = waiting;
	snprintf(writer->status.message, sizeof writer->status.message, "%s", message);
	pthread_mutex_unlock(&writer->lock);
	if (waiting && (!was || other))
		log_error("%.240s: waiting, and trying again; no input is taken meanwhile", message);
	else if (was && !waiting)
		log_info("the database can be written again");
}

/* False = asked to stop, and the time for that is over. */
static bool pause_for(struct writer *writer, int64_t pause_us)
{
	int64_t until = monotonic_us() + pause_us;
	bool go_on = true;
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		int64_t now = monotonic_us(), stop = writer->stop_at_us;
		writer->status.heartbeat_us = now;
		go_on = stop == 0 || now < stop;
		if (!go_on || now >= until)
			break;
		int64_t wake = stop != 0 && stop < until ? stop : until;
		struct timespec at = {.tv_sec = wake / SECOND_US, .tv_nsec = wake % SECOND_US * 1000};
		pthread_cond_timedwait(&writer->changed, &writer->lock, &at);
	}
	pthread_mutex_unlock(&writer->lock);
	return go_on;
}

static int persist(struct writer *writer, attempt *try, void *argument)
{
	int64_t pause_us = PAUSE_MIN_US;
	for (;;) {
		struct err e;
		enum store_result result = try(writer, argument, &e);
		if (result == STORE_DONE) {
			if (pause_us != PAUSE_MIN_US)
				set_waiting(writer, false, "");
			return 0;
		}
		if (result != STORE_AGAIN)
			return writer_fail(writer, e.text);
		set_waiting(writer, true, e.text);
		if (!pause_for(writer, pause_us)) {
			log_error("stopped while the database could not be written; what was not stored is read again");
			writer->failed = true;
			return -1;
		}
		pause_us = pause_us * 2 < PAUSE_MAX_US ? pause_us * 2 : PAUSE_MAX_US;
	}
}

/* ---- a batch ---- */

static enum store_result try_write(struct writer *writer, void *argument, struct err *e)
{
	return store_write(writer->store, argument, e);
}

static void announce_positions(struct writer *writer, const struct store_batch *rows)
{
	for (size_t i = 0; writer->callbacks.committed != NULL && i < rows->move_count; i++)
		writer->callbacks.committed(writer->callbacks.context, rows->moves[i].source, rows->moves[i].stream,
					    rows->moves[i].next);
}

static void announce_gaps(struct writer *writer, const struct store_batch *rows)
{
	for (size_t i = 0; writer->callbacks.gap != NULL && i < rows->reject_count; i++)
		if (rows->rejects[i].kind == REJECT_GAP)
			writer->callbacks.gap(writer->callbacks.context, rows->rejects[i].item->source,
					      rows->rejects[i].item->reason, rows->applied_us);
}

/* Nothing can be done about a reader that stays, but to name it; its end brings the file back. */
static void warn_of_wal(struct writer *writer, int64_t wal_bytes)
{
	if (wal_bytes > WAL_WARNING && !writer->wal_warned)
		log_warning("the database's WAL has grown to %lld MB: a reader keeps an old snapshot open",
			    (long long)(wal_bytes >> 20));
	writer->wal_warned = wal_bytes > (writer->wal_warned ? WAL_WARNING / 2 : WAL_WARNING);
}

static void count_batch(struct writer *writer, int64_t took_us)
{
	const struct batch *batch = &writer->batch;
	int64_t wal_bytes = store_wal_bytes(writer->store);
	warn_of_wal(writer, wal_bytes);
	pthread_mutex_lock(&writer->lock);
	struct writer_status *status = &writer->status;
	status->documents += batch->document_count;
	status->rejects += batch->reject_count;
	status->alerts += writer->effects->alert_count;
	status->batches++;
	status->applied_us = writer->last_applied_us;
	status->last_commit_us = took_us;
	status->wal_bytes = wal_bytes;
	pthread_mutex_unlock(&writer->lock);
}

void writer_count_firing(struct writer *writer)
{
	size_t firing;
	if (store_count_firing(writer->store, &firing, NULL) != 0)
		return; /* it is only told */
	pthread_mutex_lock(&writer->lock);
	writer->status.alerts_firing = firing;
	pthread_mutex_unlock(&writer->lock);
}

static bool makes_deliveries(const struct writer *writer)
{
	for (size_t i = 0; i < writer->effects->alert_count; i++)
		if (writer->effects->alerts[i].notify)
			return true;
	return writer->batch.redeliver_count + writer->batch.notices.count + writer->effects->late_count > 0;
}

int writer_commit(struct writer *writer)
{
	struct batch *batch = &writer->batch;
	struct store_batch rows = {
		.applied_us = batch->applied_us,
		.documents = batch->documents,
		.document_count = batch->document_count,
		.rejects = batch->rejects,
		.reject_count = batch->reject_count,
		.effects = writer->effects,
		.deliveries = batch->deliveries,
		.delivery_count = batch->delivery_count,
		.redeliver = batch->redeliver,
		.redeliver_count = batch->redeliver_count,
		.labels = batch->labels,
		.label_count = batch->label_count,
		.commands = batch->results,
		.command_count = batch->command_count,
		.notices = batch->notices.each,
		.notice_count = batch->notices.count,
		.health = batch->health.rows,
		.health_count = batch->health.count,
		.forget_health = batch->forget_health,
	};
	rows.moves = streams_moves(writer->streams, &rows.move_count);
	int64_t start = monotonic_us();
	if (persist(writer, try_write, &rows) != 0)
		return -1;
	count_batch(writer, monotonic_us() - start);
	if (writer->effects->alert_count > 0)
		writer_count_firing(writer);
	announce_positions(writer, &rows);
	announce_gaps(writer, &rows);
	streams_settle(writer->streams);
	if (makes_deliveries(writer) || batch->delivery_count > 0)
		writer->outbox_due = true;
	explain_free(writer->effects);
	watch_effects_clear(writer->effects);
	return 0;
}

/* ---- the rest that touches the disk ---- */

static enum store_result try_names(struct writer *writer, void *argument, struct err *e)
{
	return store_set_names(writer->store, argument, e);
}

const char **writer_rule_names(const struct watch_options *watch)
{
	const char **names = xcalloc(watch->rule_count, sizeof *names);
	for (size_t i = 0; i < watch->rule_count; i++)
		names[i] = watch->rules[i].name;
	return names;
}

int writer_set_names(struct writer *writer, const struct watch_options *watch, const char *const *receivers, size_t count)
{
	const char **rules = writer_rule_names(watch);
	struct store_names names = {watch->topics, watch->topic_count, rules, watch->rule_count, receivers, count};
	int rc = persist(writer, try_names, &names);
	free(rules);
	return rc;
}

static enum store_result try_describe(struct writer *writer, void *argument, struct err *e)
{
	return store_describe(writer->store, argument, clock_now_us(writer->clock), e);
}

int writer_describe(struct writer *writer, const struct watch_options *watch)
{
	struct watch_options options = *watch;
	return persist(writer, try_describe, &options);
}

static enum store_result try_retire(struct writer *writer, void *argument, struct err *e)
{
	return store_retire_rules(writer->store, writer->watch, writer->last_applied_us, argument, e);
}

int writer_retire_rules(struct writer *writer)
{
	size_t closed;
	if (writer->last_applied_us == TIME_NONE)
		return 0;
	if (persist(writer, try_retire, &closed) != 0)
		return -1;
	if (closed == 0)
		return 0;
	log_info("%zu alerts have ended: their rule or topic is configured no more", closed);
	writer->outbox_due = true;
	pthread_mutex_lock(&writer->lock);
	writer->status.alerts += closed;
	pthread_mutex_unlock(&writer->lock);
	writer_count_firing(writer);
	return 0;
}

struct question {
	const struct item *item;
	int64_t id;
};

static enum store_result try_find(struct writer *writer, void *argument, struct err *e)
{
	struct question *question = argument;
	return store_find_document(writer->store, question->item, &question->id, e);
}

int writer_find_document(struct writer *writer, const struct item *item, int64_t *id)
{
	struct question question = {item, 0};
	int rc = persist(writer, try_find, &question);
	*id = question.id;
	return rc;
}

void writer_hand_over(struct writer *writer)
{
	struct delivery *deliveries = NULL;
	size_t count = 0, pending;
	int64_t oldest_us;
	struct err e;
	if (!writer->outbox_due)
		return;
	if (store_load_outbox(writer->store, writer->last_delivery, &deliveries, &count, &e) != 0 ||
	    store_outbox_age(writer->store, &pending, &oldest_us, &e) != 0) {
		log_warning("deliveries wait: %s", e.text); /* they are looked for again at the next turn */
		deliveries_free(deliveries, count);
		return;
	}
	writer->outbox_due = false;
	if (count > 0)
		writer->last_delivery = deliveries[count - 1].id;
	if (writer->webhook != NULL && count > 0)
		webhook_add(writer->webhook, deliveries, count);
	else
		deliveries_free(deliveries, count);
	pthread_mutex_lock(&writer->lock);
	writer->status.outbox_pending = pending;
	writer->status.outbox_oldest_us = oldest_us;
	pthread_mutex_unlock(&writer->lock);
}

int writer_retain(struct writer *writer, size_t documents)
{
	if (monotonic_us() < writer->retain_at_us || writer->last_applied_us == TIME_NONE)
		return 0;
	/* Faster than documents come, or the file would grow for as long as they come. */
	size_t rows = documents * 2 > RETAIN_STEP ? documents * 2 : RETAIN_STEP;
	bool more;
	/* A clock that ran ahead once, and was set right, has made no document old. */
	int64_t now = clock_now_us(writer->clock);
	if (now > writer->last_applied_us)
		now = writer->last_applied_us;
	struct err e;
	enum store_result result = store_retain(writer->store, now, writer->retain_documents_us,
						writer->retain_trends_us, rows, &more, &e);
	if (result == STORE_BROKEN)
		return writer_fail(writer, e.text);
	if (!more)
		writer->retain_at_us = monotonic_us() + RETAIN_EVERY_US;
	return 0;
}
