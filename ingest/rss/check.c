/*
 * The daemon's own fetching and parsing, once for each feed, so that what
 * `check` finds right works in the daemon too.
 */
#include "ingest/rss/check.h"

#include "daemon/base/clock.h"
#include "ingest/feed.h"
#include "ingest/rss/feeds.h"

#include <stdio.h>

static void report_feed(const struct polled_feed *polled, const struct fetch_result *result, const struct feed *feed,
			source_report *report, void *context)
{
	int64_t newest_us = TIME_NONE;
	char newest[64] = "none with a date", when[32], message[512];
	const char *status = "ok";
	const char *remark = "";

	for (size_t i = 0; i < feed->entry_count; i++)
		if (feed->entries[i].published_us > newest_us)
			newest_us = feed->entries[i].published_us;
	if (newest_us != TIME_NONE)
		snprintf(newest, sizeof(newest), "newest %s", time_format_iso(newest_us, when, sizeof(when)));
	if (feed->limited) {
		status = "warning";
		remark = "; too large, a part is left out";
	} else if (feed->entry_count == 0) {
		status = "warning";
	} else if (feed->repaired) {
		remark = "; not well-formed, read all the same";
	}
	if (*result->moved) {
		status = "warning";
		snprintf(message, sizeof(message), "%zu entries, %s%s; moved for good: change the URL to %s",
			 feed->entry_count, newest, remark, result->moved);
	} else {
		snprintf(message, sizeof(message), "%zu entries, %s%s", feed->entry_count, newest, remark);
	}
	report(context, status, polled->stream, message);
}

static void report_result(const struct fetch_result *result, source_report *report, void *context)
{
	const struct polled_feed *polled = result->tag;
	struct err error = result->error;
	struct feed *feed;

	if (result->end != FETCH_OK) {
		report(context, "error", polled->stream, error.text);
		return;
	}
	feed = feed_parse(result->body, result->size, result->content_type, result->url, &error);
	if (feed)
		report_feed(polled, result, feed, report, context);
	else
		report(context, "error", polled->stream, error.text);
	feed_free(feed);
}

void rss_check(const struct source_options *options, source_report *report, void *context)
{
	struct fetcher *fetcher = NULL;
	struct feeds feeds = {0};
	struct err e;
	size_t left = 0;

	fetcher = fetcher_create(&options->rss, &e);
	if (!fetcher || feeds_open(&feeds, &options->rss, NULL, 0, &e) != 0) {
		report(context, "error", options->name, e.text);
		goto done;
	}
	left = feeds.count;
	while (left) {
		struct polled_feed *feed;
		struct fetch_result *result;
		struct fetch_request request;
		int64_t next_us;

		while ((feed = feeds_take_due(&feeds, monotonic_us(), &next_us))) {
			feeds_fill_request(feed, &request);
			fetcher_start(fetcher, &request, feed);
		}
		fetcher_wait(fetcher, -1, SECOND_US);
		while ((result = fetcher_next(fetcher))) {
			feed = result->tag;
			report_result(result, report, context);
			feeds_give_back(&feeds, feed, monotonic_us(), DAY_US);
			fetch_result_free(result);
			left--;
		}
	}
done:
	fetcher_free(fetcher);
	feeds_close(&feeds);
}
