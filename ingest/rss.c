/*
 * The feeds of a source, all on one thread: start what is due, wait for the
 * network, take in what came.
 *
 * A fetch brings documents, then one progress item with the feed's new position.
 * Documents of feeds move no position: a crash in between makes the next run
 * read the same entries again, and the writer drops those that it has
 * (ITEM_UNIQUE).  While the queue is full nothing new is fetched or parsed, but
 * the transfers under way go on, so that they do not run into their time-outs.
 */
#include "ingest/source_kind.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "ingest/feed.h"
#include "ingest/rss/check.h"
#include "ingest/rss/entries.h"
#include "ingest/rss/feeds.h"
#include "ingest/rss/fetch.h"
#include "ingest/rss/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define INTERVAL_DEFAULT_US (5 * MINUTE_US)
#define ROUND_US SECOND_US           /* the loop goes round at least so often */
#define FULL_WAIT_US (SECOND_US / 10) /* ... and so often while the queue is full */
#define FAILURES_UNTIL_ORIGIN 3

struct rss {
	struct source *source;
	struct fetcher *fetcher;
	struct feeds feeds;
	int64_t interval_us;
	uint64_t random;
};

static void rss_close(void *state)
{
	struct rss *rss = state;

	if (!rss)
		return;
	fetcher_free(rss->fetcher);
	feeds_close(&rss->feeds);
	free(rss);
}

static void *rss_open(struct source *source, const struct source_options *options, const struct saved_position *saved,
		      size_t saved_count, struct err *e)
{
	struct rss *rss = xcalloc(1, sizeof(*rss));

	rss->source = source;
	rss->interval_us = options->rss.interval_us > 0 ? options->rss.interval_us : INTERVAL_DEFAULT_US;
	if (getrandom(&rss->random, sizeof(rss->random), 0) != sizeof(rss->random) || rss->random == 0)
		rss->random = 1;
	rss->fetcher = fetcher_create(&options->rss, e);
	if (!rss->fetcher || feeds_open(&rss->feeds, &options->rss, saved, saved_count, e) != 0) {
		rss_close(rss);
		return NULL;
	}
	return rss;
}

/* xorshift64: spreads polls, nothing more. */
static uint64_t chance(struct rss *rss)
{
	rss->random ^= rss->random << 13;
	rss->random ^= rss->random >> 7;
	rss->random ^= rss->random << 17;
	return rss->random;
}

/* Takes the item; -1 when the source is to stop. */
static int push(struct rss *rss, struct item *item)
{
	enum queue_result result = source_try_push(rss->source, item, 0);

	while (result == QUEUE_TIMED_OUT && !source_stopping(rss->source)) {
		source_beat(rss->source);
		fetcher_pump(rss->fetcher);
		result = source_try_push(rss->source, item, FULL_WAIT_US);
	}
	if (result == QUEUE_OK)
		return 0;
	item_free(item);
	return -1;
}

static int push_documents(struct rss *rss, struct polled_feed *feed, const struct feed *parsed,
			  const struct entries *entries)
{
	bool first = feed->position[0] == '\0';

	for (size_t i = 0; i < entries->fresh_count; i++) {
		struct item item = {
			.flags = ITEM_UNIQUE | (first ? ITEM_BACKFILL : 0),
			.source = source_name(rss->source),
			.position = {.stream = feed->stream},
			.received_us = clock_now_us(&wall_clock),
		};

		entries_fill_item(&item, parsed, entries->fresh[i], feed->host->name);
		if (push(rss, item_create(&item)) != 0)
			return -1;
	}
	return 0;
}

static int push_progress(struct rss *rss, struct polled_feed *feed)
{
	char *next = feed_state_text(feed->state);
	struct item item = {
		.kind = ITEM_PROGRESS,
		.polarity = POLARITY_NONE,
		.published_us = TIME_NONE,
		.received_us = clock_now_us(&wall_clock),
		.source = source_name(rss->source),
		.position = {.stream = feed->stream, .previous = feed->position, .next = next},
		.coordinates = feed->stream,
	};

	if (strcmp(next, feed->position) == 0) {
		free(next);
		return 0;
	}
	if (push(rss, item_create(&item)) != 0) {
		free(next);
		return -1;
	}
	free(feed->position);
	feed->position = next;
	return 0;
}

/* The feed was moved for good, as far as this answer says. */
static void remember_move(struct polled_feed *feed, const struct fetch_result *result)
{
	if (*result->moved)
		feed_state_set(&feed->state->moved, strcmp(result->moved, feed->url) == 0 ? "" : result->moved);
}

/* Where the new place of a feed fails, the configured one is asked again. */
static bool return_to_origin(struct polled_feed *feed)
{
	if (!*feed->state->moved)
		return false;
	feed_state_set(&feed->state->moved, "");
	feed_state_set(&feed->state->etag, "");
	feed_state_set(&feed->state->modified, "");
	return true;
}

static int64_t note_success(struct rss *rss, struct polled_feed *feed, const struct fetch_result *result)
{
	int64_t hint_us = feed->hint_us > result->max_age_us ? feed->hint_us : result->max_age_us;

	if (feed->problem[0])
		log_info("source %s: %s can be read again", source_name(rss->source), feed->stream);
	feed->problem[0] = '\0';
	feed->failures = 0;
	feed->read_once = true;
	feed->last_progress_us = clock_now_us(&wall_clock);
	source_progress(rss->source);
	source_show_life(rss->source);
	return schedule_next(rss->interval_us, hint_us, chance(rss));
}

static int64_t note_failure(struct rss *rss, struct polled_feed *feed, const struct fetch_result *result,
			    const struct err *error)
{
	int64_t delay_us;

	if (!feed->problem[0])
		log_warning("source %s: %s: %s", source_name(rss->source), feed->stream, error->text);
	snprintf(feed->problem, sizeof(feed->problem), "%.255s", error->text);
	feed->failures++;
	if (result->bad_compression)
		feed->plain = true;
	if (result->status == 404 || result->status == 410 || feed->failures >= FAILURES_UNTIL_ORIGIN)
		return_to_origin(feed);
	delay_us = schedule_retry(rss->interval_us, feed->failures, result->retry_after_us, chance(rss));
	/* It is the host that counts requests, not the feed. */
	if (result->status == 429)
		feed->host->not_before_us = monotonic_us() + delay_us;
	return delay_us;
}

/* A document came: -1 when the source is to stop. */
static int take_document(struct rss *rss, struct polled_feed *feed, const struct fetch_result *result,
			 int64_t *delay_us)
{
	struct err error;
	struct feed *parsed = feed_parse(result->body, result->size, result->content_type, result->url, &error);
	struct entries entries;
	int pushed;

	if (!parsed) {
		*delay_us = note_failure(rss, feed, result, &error);
		return 0;
	}
	feed->hint_us = parsed->interval_us;
	entries_select(&entries, parsed, result->body, result->size, feed->state);
	pushed = push_documents(rss, feed, parsed, &entries);
	if (pushed == 0) {
		feed_state_list(feed->state, entries.ids, entries.id_count);
		/* The validators of a document that broke off would hide the rest of it. */
		feed_state_set(&feed->state->etag, entries.cut ? "" : result->etag);
		feed_state_set(&feed->state->modified, entries.cut ? "" : result->modified);
		remember_move(feed, result);
		pushed = push_progress(rss, feed);
	}
	entries_clear(&entries);
	feed_free(parsed);
	*delay_us = note_success(rss, feed, result);
	return pushed;
}

static int take_result(struct rss *rss, const struct fetch_result *result)
{
	struct polled_feed *feed = result->tag;
	int64_t delay_us = 0;
	int pushed = 0;
	struct source_part part;
	char message[512];
	enum source_state state;

	switch (result->end) {
	case FETCH_OK:
		pushed = take_document(rss, feed, result, &delay_us);
		break;
	case FETCH_NOT_MODIFIED:
		remember_move(feed, result);
		pushed = push_progress(rss, feed);
		delay_us = note_success(rss, feed, result);
		break;
	case FETCH_GONE:
		feed->gone = !*feed->state->moved;
		delay_us = note_failure(rss, feed, result, &result->error);
		break;
	case FETCH_FAILED:
		delay_us = note_failure(rss, feed, result, &result->error);
		break;
	}
	feeds_give_back(&rss->feeds, feed, monotonic_us(), delay_us);
	feeds_get_part(feed, &part);
	source_set_part(rss->source, &part);
	state = feeds_get_state(&rss->feeds, message, sizeof(message));
	source_set_state(rss->source, state, "%s", message);
	return pushed;
}

/* Start what is due; returns when the next one is (monotonic). */
static int64_t start_due(struct rss *rss)
{
	struct polled_feed *feed;
	int64_t next_us;

	while ((feed = feeds_take_due(&rss->feeds, monotonic_us(), &next_us))) {
		struct fetch_request request;

		feeds_fill_request(feed, &request);
		fetcher_start(rss->fetcher, &request, feed);
	}
	return next_us;
}

static void rss_run(void *state)
{
	struct rss *rss = state;

	for (size_t i = 0; i < rss->feeds.count; i++) {
		struct source_part part;

		feeds_get_part(&rss->feeds.feeds[i], &part);
		source_set_part(rss->source, &part);
	}
	while (!source_stopping(rss->source)) {
		int64_t next_us = start_due(rss), now_us = monotonic_us();
		struct fetch_result *result;

		source_beat(rss->source);
		fetcher_wait(rss->fetcher, source_stop_fd(rss->source),
			     next_us - now_us < ROUND_US ? next_us - now_us : ROUND_US);
		while ((result = fetcher_next(rss->fetcher))) {
			int pushed = take_result(rss, result);

			fetch_result_free(result);
			if (pushed != 0)
				return;
		}
	}
}

const struct source_kind_ops source_rss_ops = {
	.name = "rss",
	.open = rss_open,
	.run = rss_run,
	.close = rss_close,
	.check = rss_check,
};
