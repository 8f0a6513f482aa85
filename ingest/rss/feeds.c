/*
 * Due feeds are found by a scan: there are hundreds, not millions, and every
 * round of the loop waits for the network anyway.
 */
#include "ingest/rss/feeds.h"

#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IN_FLIGHT_MAX 16
#define IN_FLIGHT_PER_HOST_MAX 2

static struct feed_host *find_host(struct feeds *feeds, const char *name)
{
	struct feed_host *host;

	for (size_t i = 0; i < feeds->host_count; i++)
		if (strcasecmp(feeds->hosts[i]->name, name) == 0)
			return feeds->hosts[i];
	host = xcalloc(1, sizeof(*host));
	host->name = xstrdup(name);
	feeds->hosts = xrealloc(feeds->hosts, (feeds->host_count + 1) * sizeof(struct feed_host *));
	feeds->hosts[feeds->host_count++] = host;
	return host;
}

static void load_state(struct polled_feed *feed, const struct saved_position *saved, size_t saved_count)
{
	const char *text = "";

	for (size_t i = 0; i < saved_count; i++)
		if (strcmp(saved[i].stream, feed->stream) == 0)
			text = saved[i].next;
	feed->position = xstrdup(text);
	feed->state = feed_state_parse(text, NULL);
	if (!feed->state)
		feed->state = feed_state_parse("", NULL);
}

static int open_feed(struct feeds *feeds, const char *url, const struct saved_position *saved, size_t saved_count,
		     struct err *e)
{
	struct polled_feed *feed = &feeds->feeds[feeds->count];
	char *host;

	if (fetch_split_url(url, &feed->url, &feed->userinfo, &host, e) != 0)
		return -1;
	feed->stream = xstrdup(*feed->userinfo ? feed->url : url);
	feed->host = find_host(feeds, host);
	free(host);
	load_state(feed, saved, saved_count);
	feeds->count++;
	if (strlen(feed->stream) >= sizeof((struct source_part){0}.stream))
		return err_set(e, "the URL \"%.60s...\" is too long", url);
	for (size_t i = 0; i + 1 < feeds->count; i++)
		if (strcmp(feeds->feeds[i].stream, feed->stream) == 0)
			return err_set(e, "the URL \"%s\" stands there twice", feed->stream);
	return 0;
}

int feeds_open(struct feeds *feeds, const struct rss_options *options, const struct saved_position *saved,
	       size_t saved_count, struct err *e)
{
	if (options->url_count == 0)
		return err_set(e, "no feed URLs are given");
	feeds->feeds = xcalloc(options->url_count, sizeof(*feeds->feeds));
	for (size_t i = 0; i < options->url_count; i++)
		if (open_feed(feeds, options->urls[i], saved, saved_count, e) != 0)
			return -1;
	return 0;
}

void feeds_close(struct feeds *feeds)
{
	for (size_t i = 0; i < feeds->count; i++) {
		struct polled_feed *feed = &feeds->feeds[i];

		free(feed->stream);
		free(feed->url);
		free(feed->userinfo);
		free(feed->position);
		feed_state_free(feed->state);
	}
	for (size_t i = 0; i < feeds->host_count; i++) {
		free(feeds->hosts[i]->name);
		free(feeds->hosts[i]);
	}
	free(feeds->feeds);
	free(feeds->hosts);
}

struct polled_feed *feeds_take_due(struct feeds *feeds, int64_t now_us, int64_t *next_us)
{
	struct polled_feed *first = NULL;

	*next_us = INT64_MAX;
	if (feeds->in_flight >= IN_FLIGHT_MAX)
		return NULL;
	for (size_t i = 0; i < feeds->count; i++) {
		struct polled_feed *feed = &feeds->feeds[i];
		int64_t due_us = feed->due_us;

		if (feed->busy || feed->gone || feed->host->in_flight >= IN_FLIGHT_PER_HOST_MAX)
			continue;
		if (due_us < feed->host->not_before_us)
			due_us = feed->host->not_before_us;
		if (due_us < *next_us) {
			*next_us = due_us;
			first = feed;
		}
	}
	/* The longest due, so that no feed starves behind those before it in the list. */
	if (!first || *next_us > now_us)
		return NULL;
	first->busy = true;
	first->host->in_flight++;
	feeds->in_flight++;
	return first;
}

void feeds_give_back(struct feeds *feeds, struct polled_feed *feed, int64_t now_us, int64_t delay_us)
{
	feed->busy = false;
	feed->host->in_flight--;
	feeds->in_flight--;
	feed->due_us = now_us + delay_us;
}

void feeds_fill_request(const struct polled_feed *feed, struct fetch_request *request)
{
	*request = (struct fetch_request){
		.url = *feed->state->moved ? feed->state->moved : feed->url,
		.userinfo = *feed->state->moved ? NULL : feed->userinfo,
		.etag = feed->state->etag,
		.modified = feed->state->modified,
		.plain = feed->plain,
	};
}

void feeds_get_part(const struct polled_feed *feed, struct source_part *part)
{
	memset(part, 0, sizeof(*part));
	snprintf(part->stream, sizeof(part->stream), "%s", feed->stream);
	snprintf(part->message, sizeof(part->message), "%s", feed->problem);
	part->last_progress_us = feed->last_progress_us;
	part->lag = -1;
	part->state = feed->gone        ? SOURCE_DONE
		      : feed->problem[0] ? SOURCE_DOWN
		      : feed->read_once  ? SOURCE_OK
					 : SOURCE_STARTING;
}

enum source_state feeds_get_state(const struct feeds *feeds, char *message, size_t size)
{
	const struct polled_feed *worst = NULL;
	size_t good = 0, bad = 0;

	for (size_t i = 0; i < feeds->count; i++) {
		const struct polled_feed *feed = &feeds->feeds[i];

		if (feed->problem[0]) {
			bad++;
			/* The one that fails longest is what to look at first. */
			if (!worst || feed->failures > worst->failures)
				worst = feed;
		} else if (feed->read_once) {
			good++;
		}
	}
	if (worst)
		snprintf(message, size, "%zu of %zu feeds cannot be read; %s: %s", bad, feeds->count, worst->stream,
			 worst->problem);
	else
		snprintf(message, size, "%zu of %zu feeds read", good, feeds->count);
	if (bad == feeds->count)
		return SOURCE_DOWN;
	if (good == 0)
		return SOURCE_STARTING;
	return bad ? SOURCE_WARNING : SOURCE_OK;
}
