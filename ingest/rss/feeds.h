#ifndef INGEST_RSS_FEEDS_H
#define INGEST_RSS_FEEDS_H

#include "daemon/base/err.h"
#include "ingest/rss/fetch.h"
#include "ingest/rss/state.h"
#include "ingest/source.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The feeds of a source and when each is due.  No network, no clock, no lock:
 * the source's thread owns all of it.
 */

/* Feeds of one host share its patience. */
struct feed_host {
	char *name;
	unsigned in_flight;
	int64_t not_before_us; /* monotonic: it asked to be left alone until then */
};

struct polled_feed {
	char *stream;   /* the configured URL, without user and password */
	char *url;      /* the same as libcurl writes it */
	char *userinfo;
	struct feed_host *host;
	struct feed_state *state;
	char *position; /* the state's text as it was pushed last; "" = nothing yet */
	int64_t due_us; /* monotonic */
	int64_t hint_us;
	int64_t last_progress_us; /* wall clock */
	unsigned failures;        /* in a row */
	bool busy, gone, read_once, plain;
	char problem[256]; /* "" = none */
};

struct feeds {
	struct polled_feed *feeds;
	size_t count;
	struct feed_host **hosts;
	size_t host_count;
	unsigned in_flight;
};

/* Wrong, repeated or too long URLs are errors.  A saved position that cannot be read counts as none, but for the first
 * poll it is one that was there. */
int feeds_open(struct feeds *feeds, const struct rss_options *options, const struct saved_position *saved,
	       size_t saved_count, struct err *e);
void feeds_close(struct feeds *feeds);

/* A feed that may be fetched at `now_us`, marked busy, or NULL; then *next_us is when to ask again (INT64_MAX = after
 * something finished). */
struct polled_feed *feeds_take_due(struct feeds *feeds, int64_t now_us, int64_t *next_us);

/* The feed's fetch is over: it is due again in `delay_us`. */
void feeds_give_back(struct feeds *feeds, struct polled_feed *feed, int64_t now_us, int64_t delay_us);

/* What to ask for; points into the feed. */
void feeds_fill_request(const struct polled_feed *feed, struct fetch_request *request);

/* The state and message of one feed, and of all together. */
void feeds_get_part(const struct polled_feed *feed, struct source_part *part);
enum source_state feeds_get_state(const struct feeds *feeds, char *message, size_t size);

#endif
